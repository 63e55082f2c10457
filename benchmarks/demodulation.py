"""Ten seconds of photocurrent at 1 MHz, demodulated: seconds, and peak memory, on one core.

python benchmarks/demodulation.py [SECONDS ...]

Each file is simulated first: records of 12 ms each 15 ms, int16; and cut into records of 5 s without gaps, too.
Each has a process of its own.
Memory is the largest resident set (getrusage) after the work, and before it with the libraries loaded.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WAYS = {"records of 12 ms": {"length": "12 ms"}, "records of 5 s": {"length": "5 s", "period": "5 s"}}


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(path: str, way: str, seconds: float) -> None:
    """In a process of its own."""
    import h5py  # noqa: F401
    import scipy.optimize
    import scipy.signal  # noqa: F401

    from dissentangle import datasets
    from dissentangle.datasets.units import factor

    factor("MHz", "Hz", "")  # pint reads its table of units
    before, start, used = peak(), time.perf_counter(), time.process_time()
    records = datasets.demodulate(path, output=f"{path}.out.h5", shot_noise=2e-10, **WAYS[way])
    elapsed, used = time.perf_counter() - start, time.process_time() - used
    after, start = peak(), time.perf_counter()
    line = records.cos.shape[0] >= 8 and datasets.larmor_frequency(records)
    larmor = time.perf_counter() - start
    found = f"{larmor:.2f} s: {line.offset:+.1f} ± {line.offset_error:.1f} Hz" if line else "–"
    size = Path(path).stat().st_size / 1e6
    cells = [f"{seconds:g} s, {size:.0f} MB", way, f"{elapsed:.2f}", f"{used:.2f}", f"{elapsed / seconds:.4f}"]
    print("| " + " | ".join([*cells, f"{before:.0f}", f"{after:.0f}", found, f"{peak():.0f}"]) + " |", flush=True)


def main() -> None:
    if len(sys.argv) == 5 and sys.argv[1] == "--one":
        measure(sys.argv[2], sys.argv[3], float(sys.argv[4]))
        return
    from dissentangle.datasets import PhotocurrentPlan, write_photocurrent

    one_core = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    print("| recording | cut into | s | CPU s | s ÷ recording | MB before | MB after | Larmor frequency | MB then |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for seconds in [float(text) for text in sys.argv[1:]] or [10.0]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "raw.h5"
            write_photocurrent(path, PhotocurrentPlan(round(seconds / 0.015)), seed=1)
            for way in WAYS:
                subprocess.run(
                    [sys.executable, __file__, "--one", str(path), way, str(seconds)], env=one_core, check=True
                )


if __name__ == "__main__":
    main()
