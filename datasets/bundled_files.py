"""Where experiments are: the bundled ones, and what a folder has; imports nothing slow."""

import contextlib
from pathlib import Path

from .errors import nearest, nearest_file, violation

BUNDLED = Path(__file__).with_name("bundled")
FILE = "experiment.toml"
"""That a folder with an experiment has."""


def names() -> list[str]:
    """Names of the bundled experiments.

    >>> from dissentangle import datasets
    >>> datasets.names()[:3]
    ['fig2b-d35', 'fig2b-d55', 'fig2c-dark']
    """
    return sorted(folder.name for folder in BUNDLED.iterdir() if (folder / FILE).is_file())


def listed(folder: Path) -> list[str]:
    """Names in a folder, in order; none where it cannot be read."""
    with contextlib.suppress(OSError):
        return sorted(path.name for path in folder.iterdir())
    return []


def require_source(source: str | Path) -> None:
    """Raise ExperimentError where `source` is no folder, no file and no bundled experiment."""
    path = Path(source)
    if path.is_dir() or path.is_file() or str(source) in names():
        return
    beside = [str(path.with_name(name)) for name in listed(path.parent)]
    meant = nearest(str(source), names()) or nearest_file(str(source), beside)
    raise violation(
        f"{source}",
        f"no such folder, file or bundled experiment{meant}",
        f"a folder with {FILE}, a .nc file, or one of {', '.join(names())}",
    )
