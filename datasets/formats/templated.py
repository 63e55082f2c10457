"""One experiment.toml for many data sets: folders with the files that it names, or tables in the place of its one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import violation
from ..experiment import Experiment
from ..files import read_toml
from .dates import date_of
from .folder import FILE, read_folder


def read_with(template: str | Path, source: str | Path) -> Experiment:
    """The data of a folder, or of one file, as the experiment.toml `template` describes them.

    Title and date are completed by the name of the source. A calibration that the template names lies beside it.

    Raises
    ------
    ExperimentError : as `read` does; for a single file where the template names several
    """
    path, place = _template(template), Path(source)
    table = read_toml(path)
    if place.is_file():
        names = _files(table)
        if len(names) != 1:
            expected = f"one, in whose place {place.name} stands, or folders that hold all of them"
            raise violation(f"{path}: series", f"the files {', '.join(names)}", expected)
        table["series"] = [row | {"file": place.name} for row in table["series"]]
    elif not place.is_dir():
        raise violation(str(place), "no such folder or file", "a folder or a table of data")
    experiment = read_folder(place if place.is_dir() else place.parent, path, table)
    name = place.name if place.is_dir() else place.stem
    return replace(experiment, title=f"{experiment.title}: {name}", date=date_of(name) or experiment.date)


def data_sets(template: str | Path, place: str | Path) -> list[Path]:
    """The data sets in a place: itself; the folders in it that hold files of the template; or else the files in it that
    end as the one of the template. Hidden ones are none.

    Raises ExperimentError where there are none.
    """
    path, names = Path(place), _files(read_toml(_template(template)))
    if path.is_file() or any((path / name).is_file() for name in names):
        return [path]
    if not path.is_dir():
        raise violation(str(path), "no such folder or file", "folders or tables of data")
    inside = [one for one in sorted(path.iterdir()) if not one.name.startswith(".")]
    folders = [one for one in inside if any((one / name).is_file() for name in names)]
    endings = {Path(name).suffix.lower() for name in names}
    found = folders or [one for one in inside if one.is_file() and one.suffix.lower() in endings]
    if not found:
        raise violation(str(path), "no data set", f"folders with {', '.join(names)}, or files ending so")
    return found


def _template(template: str | Path) -> Path:
    path = Path(template)
    return path / FILE if path.is_dir() else path


def _files(table: dict[str, Any]) -> list[str]:
    """Names of the data files of a template, each once."""
    rows = [row for row in table.get("series") or [] if isinstance(row, dict)]
    return list(dict.fromkeys(str(row["file"]) for row in rows if "file" in row))
