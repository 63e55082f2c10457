"""A million shots, read and reduced: wall time and memory, for each format.

python benchmarks/shots.py [SHOTS]

Each format has a process of its own; memory is the largest resident set above that before reading, libraries loaded.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

TIMES = 10
NAMES = {"time": "time", "cos": "cos", "sin": "sin"}


def write(folder: Path, shots: int) -> None:
    import h5py
    import nptdms
    import scipy.io

    rng = np.random.default_rng(0)
    time_of = np.repeat(np.linspace(1, 15, TIMES), shots // TIMES)
    cos, sin = rng.normal(size=(2, len(time_of)))
    np.savetxt(
        folder / "in order.csv", np.stack([time_of, cos, sin], -1), "%.8f", ",", header="time,cos,sin", comments=""
    )
    mixed = rng.permutation(len(time_of))
    table = np.stack([time_of, cos, sin], -1)[mixed]
    np.savetxt(folder / "in no order.csv", table, "%.8f", ",", header="time,cos,sin", comments="")
    with h5py.File(folder / "rows.h5", "w") as file:
        file["time"], file["cos"], file["sin"] = time_of, cos, sin
    with h5py.File(folder / "matrices, float32.h5", "w") as file:
        file["time"] = np.linspace(1, 15, TIMES)
        for name, values in (("cos", cos), ("sin", sin)):
            file[name] = values.reshape(TIMES, -1).astype("f4")
    scipy.io.savemat(folder / "v5.mat", {"time": time_of, "cos": cos, "sin": sin})
    with nptdms.TdmsWriter(folder / "channels.tdms") as file:
        channels = [nptdms.ChannelObject("g", n, v) for n, v in (("time", time_of), ("cos", cos), ("sin", sin))]
        file.write_segment(channels)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def measure(path: Path) -> None:
    """In a process of its own."""
    import h5py  # noqa: F401
    import nptdms  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.csv  # noqa: F401
    import scipy.io
    import scipy.special  # noqa: F401

    from dissentangle.datasets.formats.shots import read_shots

    names = {k: f"/g/{v}" for k, v in NAMES.items()} if path.suffix == ".tdms" else NAMES
    peak, done, before = 0, threading.Event(), resident()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.001):
            peak = max(peak, resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    found = read_shots(path, names)
    elapsed = time.perf_counter() - start
    done.set()
    watcher.join()
    size, used = path.stat().st_size, max(peak - before, 0)
    print(
        f"| {path.name} | {size / 1e6:.0f} | {elapsed:.2f} | {used / 1e6:.0f} | {used / size:.2f} | {len(found.key)} |"
    )


def main() -> None:
    if len(sys.argv) == 3:
        measure(Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, int(sys.argv[1]) if len(sys.argv) > 1 else 10**6)
        print("| file | MB | s | memory, MB | memory ÷ file | times |\n|---|---|---|---|---|---|", flush=True)
        for path in sorted(folder.iterdir()):
            subprocess.run([sys.executable, __file__, "--one", str(path)], check=True)


if __name__ == "__main__":
    main()
