"""What can be fitted: one experiment, or several put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...datasets import Experiment, ExperimentError, joint, read, read_sharing


def experiment_of(source: Any, sharing: Mapping[str, str] | str | Path | None = None) -> Experiment:
    """The checked experiment behind `source`.

    source : a bundled name, a folder, a file, a DataTree, an Experiment; or several of them for a joint fit: a list,
        where files give the names, or a dict name → experiment
    sharing : for a joint fit, see `datasets.joint`: parameter → way, or a TOML file with them

    Raises ExperimentError for what cannot be read, and for `sharing` where there is nothing to share.
    """
    if isinstance(source, (list, tuple)) and len(source) == 1:
        source = source[0]
    several = _by_name(source)
    if several is None:
        if sharing:
            raise ExperimentError("sharing: found one experiment, expected several that share parameters")
        return source if isinstance(source, Experiment) else read(source)
    ways = read_sharing(sharing) if isinstance(sharing, (str, Path)) else sharing
    return joint({name: one if isinstance(one, Experiment) else read(one) for name, one in several.items()}, ways)


def _by_name(source: Any) -> dict[str, Any] | None:
    """Several experiments by name; None where there is one."""
    if isinstance(source, Mapping) and not hasattr(source, "attrs"):  # a DataTree is a mapping too
        return dict(source)
    if not isinstance(source, Sequence) or isinstance(source, str):
        return None
    names = [name_of(one) or f"experiment {k}" for k, one in enumerate(source, 1)]
    for name in names:
        if names.count(name) > 1:
            raise ExperimentError(
                f"joint fit: found {name!r} twice, expected different names (a dict name → experiment)"
            )
    return dict(zip(names, source, strict=True))


def name_of(source: Any) -> str:
    """The name of a bundled experiment, a folder or a file; '' for what has none."""
    if not isinstance(source, (str, Path)):
        return ""
    path = Path(source)
    if path.name == "experiment.toml":
        path = path.absolute().parent
    return path.stem if path.suffix == ".nc" else path.absolute().name
