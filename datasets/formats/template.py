"""A folder to fill in: an experiment.toml with its keys explained, and empty tables."""

from __future__ import annotations

from pathlib import Path

from ..errors import ExperimentError
from ..files import write_bytes
from .folder import FILE

TABLES = {
    "xi.csv": b"time,value,repetitions\n",
    "polarization.csv": b"time,value,sigma\n",
    "transverse_spin.csv": b"time,value,sigma\n",
}


def write_template(folder: str | Path) -> list[Path]:
    """Write a folder with an `experiment.toml` to fill in and empty tables; the paths of the files.

    Raises ExperimentError where files of these names exist.
    """
    target = Path(folder)
    paths = [target / name for name in (FILE, *TABLES)]
    for path in paths:
        if path.exists():
            raise ExperimentError(f"{path}: exists already; expected a folder without it")
    target.mkdir(parents=True, exist_ok=True)
    toml = Path(__file__).with_name("template.toml").read_bytes()
    for path, content in zip(paths, (toml, *TABLES.values()), strict=True):
        write_bytes(content, path)
    return paths
