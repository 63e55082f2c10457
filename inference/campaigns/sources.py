"""Which data sets a campaign fits: those in a folder, of a list, of a pattern, or that a template describes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from glob import has_magic
from pathlib import Path
from typing import Any

from ...datasets import Experiment, ExperimentError
from ...datasets.errors import Faults
from ...datasets.formats import FILE, data_sets
from ...forward_models import InvalidValue
from ..fits import file_name
from ..model import read_checked

SUMMARY = "summary.nc"
"""Of a campaign, in its folder."""
_OF_PROGRAMS = (".", "~")
"""Beginnings of names that editors, file systems and notebooks give: `.ipynb_checkpoints`, `._monday.nc`, `~$a.nc`."""


def sources(experiments: Any, template: str | Path | None = None) -> dict[str, Any]:
    """What to fit, by the name that its files will have: what `read` takes, or a function that reads it."""
    if isinstance(experiments, Mapping):
        found = {file_name(str(name)): source for name, source in experiments.items()}
    elif isinstance(experiments, (str, Path)) and template is None and not has_magic(str(experiments)):
        found = _in_folder(Path(experiments))
    else:
        found = _named(_places(experiments, template))
    if template is None:
        return found
    readers = {name: partial(read_checked, one, template=template) for name, one in found.items()}
    _require_one(readers, template)
    return readers


def _require_one(readers: Mapping[str, Callable[[], Experiment]], template: str | Path) -> None:
    """Raise where a template describes no data set: the error of one data set would be that of all."""
    first: Exception | None = None
    for reader in readers.values():
        try:
            reader()
        except (ExperimentError, InvalidValue, OSError) as error:
            first = first or error
        else:
            return
    faults = Faults()
    faults.found = [
        ExperimentError(f"{template}: describes none of {len(readers)} data sets; what is wrong in the first:")
    ]
    faults.found.append(first if isinstance(first, ExperimentError) else ExperimentError(str(first)))
    faults.settle()


def _places(experiments: Any, template: str | Path | None) -> list[Any]:
    """Data sets one by one: patterns as the paths that they match, folders of a template as the data sets in them."""
    places: list[Any] = []
    for one in [experiments] if isinstance(experiments, (str, Path)) else experiments:
        if not isinstance(one, (str, Path)) or not has_magic(str(one)) or Path(one).exists():
            places.append(one)
            continue
        anchor = Path(one).anchor
        matching = sorted(Path(anchor).glob(str(Path(one).relative_to(anchor))))
        if not matching:
            raise ExperimentError(f"{one}: found nothing of this pattern, expected data sets")
        places += matching
    return places if template is None else [path for place in places for path in data_sets(template, place)]


def _named(experiments: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for k, source in enumerate(experiments, 1):
        path = Path(source) if isinstance(source, (str, Path)) else Path(f"{k:04d}")
        name = file_name(path.name if path.is_dir() else path.stem)
        found[f"{name}-{k}" if name in found else name] = source
    return found


def _in_folder(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise ExperimentError(f"{folder}: found no such folder, expected one that holds experiments")
    if (folder / FILE).is_file():
        raise ExperimentError(f"{folder}: found one experiment, expected a folder of them (or: dissentangle fit)")
    own = folder / SUMMARY if (folder / "summary.csv").is_file() and (folder / "fits").is_dir() else None
    there = [path for path in sorted(folder.iterdir()) if not path.name.startswith(_OF_PROGRAMS)]
    inside = [path for path in there if (path / FILE).is_file() or (path.suffix == ".nc" and path.is_file())]
    inside = [path for path in inside if path != own]  # of a campaign that was written to the folder of its data
    if not inside:
        expected = f"folders with {FILE} or .nc files; or one {FILE} that describes the data of all of them"
        raise ExperimentError(
            f"{folder}: found no experiment, expected {expected}: --template {FILE}, in Python template="
            f" (`dissentangle init FOLDER` writes one)"
        )
    names = [path.name if path.is_dir() or path.with_suffix("").is_dir() else path.stem for path in inside]
    return {file_name(name): path for name, path in zip(names, inside, strict=True)}
