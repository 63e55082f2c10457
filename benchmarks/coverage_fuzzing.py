"""Not to be broken: readers in Python are tried with what reaches new lines of them (atheris, libFuzzer).

python benchmarks/coverage_fuzzing.py KIND SECONDS     KIND: one of KINDS below

It starts from valid files, in memory above which nothing may go, and ends at the first file that is neither read nor
refused by the error that the reader promises; libFuzzer says how many files were tried, and keeps the one that was not.
"""

from __future__ import annotations

import os
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["dissentangle.datasets", "tomllib", "numpy.lib._format_impl"]):
    import valid_files

    from dissentangle import datasets
    from dissentangle.datasets.files.hdf5 import check_heaps
    from dissentangle.datasets.files.matlab import read_version_5, version
    from dissentangle.datasets.formats import read_calibration
    from dissentangle.datasets.formats.load import BUNDLED
    from dissentangle.datasets.formats.shots import read_shots
    from dissentangle.datasets.tables import read_table

MEMORY_MB, SECONDS_EACH, LONGEST = 1500, 10, 1 << 16
Read = Callable[[Path], object]


def matlab(path: Path) -> None:
    if version(path) == 5:
        read_version_5(path)


def one_heap(place: Path) -> Path:
    content, path = valid_files.make_nc(place).read_bytes(), place / "heap"
    path.write_bytes(content[content.index(b"GCOL") :][:4096])
    return path


def every_bundled(place: Path) -> Path:
    """A folder in which each bundled experiment.toml can be read: seeds beside the first one."""
    folder = valid_files.folder_of("laboratory-d55")(place)
    for file in BUNDLED.glob("*/*"):
        (folder / (f"{file.parent.name}.seed" if file.suffix == ".toml" else file.name)).write_bytes(file.read_bytes())
    return folder / "experiment.toml"


def named(make: Callable[[Path], Path], name: str) -> Callable[[Path], Path]:
    return lambda place: make(place) / name


COLUMNS = {"time": "time", "cos": "cos", "sin": "sin"}
KINDS: dict[str, tuple[Callable[[Path], Path], Read, tuple[type[Exception], ...]]] = {
    "mat": (named(valid_files.make_series("xi-v5.mat"), "xi-v5.mat"), matlab, (ValueError, zlib.error)),
    "raw.mat": (valid_files.make_raw("mat"), matlab, (ValueError, zlib.error)),
    "csv": (
        named(valid_files.folder_of("fig2b-d35"), "xi.csv"),
        lambda path: read_table(path, ("time", "value", "sigma")),
        valid_files.OURS,
    ),
    "shots.csv": (
        named(valid_files.make_shots("shots.csv"), "shots.csv"),
        lambda path: read_shots(path, COLUMNS),
        valid_files.OURS,
    ),
    "toml": (every_bundled, lambda path: valid_files.consume(datasets.read(path)), valid_files.OURS),
    "sharing": (valid_files.make_sharing, datasets.read_sharing, valid_files.OURS),
    "calibration": (named(valid_files.make_calibration, "calibration.toml"), read_calibration, valid_files.OURS),
    "heaps": (one_heap, check_heaps, valid_files.OURS),
    "npy": (valid_files.make_raw("npy"), valid_files.read_raw, valid_files.OURS),
}


def tries(read: Read, path: Path, refusals: tuple[type[Exception], ...]) -> Callable[[bytes], Any]:
    def once(content: bytes) -> None:
        path.write_bytes(content)
        try:
            read(path)
        except refusals as error:
            if isinstance(error, valid_files.OURS) and not str(error).replace("\n", "").isprintable():
                raise AssertionError(f"a strange message: {error!s:.200}") from error

    return once


if __name__ == "__main__":
    kind, seconds = sys.argv[1:]
    make, read, refusals = KINDS[kind]
    place = Path(tempfile.mkdtemp(prefix=f"coverage-{kind}-"))
    (place / "corpus").mkdir()
    path = make(place)
    for number, seed in enumerate([path, *path.parent.glob("*.seed")]):
        (place / "corpus" / f"{number}").write_bytes(seed.read_bytes()[:LONGEST])
    os.chdir(place)
    print(f"What was neither read nor refused is left in {place}", flush=True)
    options = (f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_MB}", f"-timeout={SECONDS_EACH}")
    atheris.Setup([sys.argv[0], *options, f"-max_len={LONGEST}", "corpus"], tries(read, path, refusals))
    atheris.Fuzz()
