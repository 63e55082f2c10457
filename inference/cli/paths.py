"""Paths that a command writes to, checked before the work begins."""

from __future__ import annotations

import os
from pathlib import Path

from ...datasets import ExperimentError
from ..fit_text import printable

FIGURES = (".png", ".pdf", ".svg")
LONGEST_NAME = 200


def figure_target(path: str | None) -> Path | None:
    """Where the figure goes, checked, its folder made; None where none is wanted."""
    if path is None:
        return None
    if Path(path).suffix.lower() not in FIGURES:
        raise ExperimentError(f"{path}: found no known kind of figure, expected a name ending in {', '.join(FIGURES)}")
    target = writable(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def writable(path: str) -> Path:
    """The path, checked: its folder exists or can be made, and can be written to."""
    target = Path(path)
    if "\x00" in path or len(target.name.encode()) > LONGEST_NAME:
        raise ExperimentError(f"{printable(path[:60])}…: found a name no file can have, expected a shorter one")
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "something that is no regular file"
        raise ExperimentError(f"{path}: found {kind}, expected the name of a file to write")
    folder = _absolute(target).parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ExperimentError(f"{path}: found a folder that cannot be written to ({folder}), expected a writable one")
    return target


def _absolute(target: Path) -> Path:
    try:
        return target.absolute()
    except FileNotFoundError as error:
        raise ExperimentError(f"{target}: found no current folder, which was removed, expected one") from error


def writable_folder(path: str) -> Path:
    """The folder, checked: it is one or can be made, and can be written to."""
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise ExperimentError(f"{path}: found a file, expected a folder to write to")
    writable(str(folder / "index.html"))
    return folder
