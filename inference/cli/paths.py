"""Paths that a command writes to, checked before the work begins."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ...datasets.errors import ExperimentError, printable

FIGURES = (".png", ".pdf", ".svg")
LONGEST_NAME = 200


def figure_target(path: str | None) -> Path | None:
    """Where the figure goes, checked, its folder made; None where none is wanted."""
    if path is None:
        return None
    if Path(path).suffix.lower() not in FIGURES:
        raise ExperimentError(
            f"{path}: found an unknown kind of figure, expected a name ending in {', '.join(FIGURES)}"
        )
    target = writable(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def writable(path: str, *sources: str) -> Path:
    """The path, checked: it is none of the files that are read, its folder exists or can be made, and can be written
    to.
    """
    target = Path(path)
    if "\x00" in path or len(os.fsencode(target.name)) > LONGEST_NAME:
        raise ExperimentError(f"{printable(path[:60])}…: found a name that no file can have, expected a shorter one")
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "something that is not a regular file"
        raise ExperimentError(f"{path}: found {kind}, expected the name of a file to write")
    if target.exists() and any(Path(source).exists() and target.samefile(source) for source in sources):
        raise ExperimentError(f"{path}: found the input file, expected another one for the output")
    folder = _absolute(target).parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ExperimentError(f"{path}: found a folder that cannot be written to ({folder}), expected a writable one")
    return target


def fit_target(path: str) -> Path:
    """Where a fit goes, checked: a name ending in .nc, of a new file or of an older fit."""
    target = writable(path)
    if target.suffix.lower() != ".nc":
        raise ExperimentError(f"{path}: output must end in .nc")
    if target.exists():
        from ...datasets.files import read_attributes
        from ..fits import is_fit

        with suppress(ExperimentError):
            if is_fit(read_attributes(target)):
                return target
        raise ExperimentError(f"{path}: found a file that is not a fit, expected a new name, or a fit to replace")
    return target


def calibration_target(path: str) -> Path:
    """Where a calibration file goes, checked: a name ending in .toml, of a new file or of an older one of its kind."""
    target = writable(path)
    if target.suffix.lower() != ".toml":
        raise ExperimentError(f"{path}: output must end in .toml")
    if target.exists():
        from ...datasets.formats import read_calibration

        read_calibration(target)
    return target


def _absolute(target: Path) -> Path:
    try:
        return target.absolute()
    except FileNotFoundError as error:
        raise ExperimentError(f"{target}: found no current folder: it was removed") from error


def writable_folder(path: str) -> Path:
    """The folder, checked: it is one or can be made, and can be written to."""
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise ExperimentError(f"{path}: found a file, expected a folder to write to")
    if not folder.exists():
        return writable(path)
    if not os.access(folder, os.W_OK):
        raise ExperimentError(f"{path}: found a folder that cannot be written to, expected a writable one")
    return folder
