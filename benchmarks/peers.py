"""Peers on the same posterior (fig2b-d55, 8 unknowns): time to 1000 effective draws, sampling alone and whole process.

python benchmarks/peers.py [--quick] [CONTENDER …]       (peers need the extra `bench`)

One rule for all: the least bulk ESS of the 8 unknowns is 1000 and the largest R-hat of four chains below 1.01 (both
ArviZ's). A first run, twice as long until the rule holds, finds after how many draws per chain it does; another one
with just so many (a fifth more where it does not hold then) is timed. Of ours a default fit is timed, however many
effective draws it has. Medians of three seeds (--quick: one for each peer).

Each run has a process of its own. *Sampling* contains the warm-up, not the compilation; *whole process* also imports
and compilation, with PyTensor's and Python's caches as they are (run it twice). Peers are told where the mode is and
about how wide; ours finds it. Settings: `contenders.py`; the posterior by integration: `ode_posterior.py`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from contenders import CHAINS, CONTENDERS, CORES, clock, starts
from ode_posterior import (
    DATA_SET,
    LOGARITHMIC,
    NAMES,
    diffrax_log_posterior,
    natural,
    pymc_ode_model,
    scipy_log_posterior,
)

SAME = 4.0
"""Monte Carlo standard errors between means and sds of one posterior: 8 unknowns."""
AGREEMENT = 0.01
"""Difference of log-posteriors (less their constant) that no sampler could see."""
ENOUGH, RHAT, STEPS = 1000.0, 1.01, 40
"""The rule, and at how many lengths of a first run it is looked at."""
SEEDS = (1, 2, 3)
HEADER = (
    "contender", "chains × draws", "sampling: s", "CPU s", "÷ ours", "whole process: s", "CPU s", "÷ ours", "min ESS",
    "R-hat", "divergent", "means and sds differ, MC errors",
)  # fmt: skip


def agreement() -> dict[str, float]:
    """Largest difference of each peer's log-posterior and PyMC's about the mode, less its constant."""
    from dissentangle.inference import build_model

    u = starts(8)
    points = np.where(LOGARITHMIC, np.log(np.where(LOGARITHMIC, natural(u), 1.0)), natural(u))
    found = {"scipy": scipy_log_posterior(u)}
    if find_spec("diffrax"):
        import jax

        found["diffrax"] = np.asarray(jax.jit(jax.vmap(diffrax_log_posterior()))(u))
    for name, model in (("PyMC", build_model(DATA_SET, closure="microscopic")), ("pm.ode", pymc_ode_model())):
        logp = model.compile_logp(mode="FAST_COMPILE")
        start = model.initial_point()
        by_name = {value.name.removesuffix("_log__"): value.name for value in model.value_vars}
        keys = [by_name[label.split("[")[0]] for label in NAMES]
        found[name] = np.array(
            [
                float(logp({key: np.full(np.shape(start[key]), x) for key, x in zip(keys, row, strict=True)}))
                for row in points
            ]
        )
    reference = found.pop("PyMC")
    return {name: float(np.ptp(values - reference)) for name, values in found.items()}


def check_agreement() -> None:
    """Print it; AssertionError where a peer has another posterior."""
    for name, difference in agreement().items():
        print(f"log-posterior of {name}: PyMC's up to a constant, within {difference:.1e}", flush=True)
        assert difference < AGREEMENT, f"{name}: log-posterior differs by {difference:.3g}"


def diagnostics(draws: np.ndarray) -> tuple[float, float]:
    """The least bulk ESS and the largest R-hat of the 8 unknowns.

    Walkers of one ensemble are chains for the ESS; for R-hat an ensemble is one chain, step by step.
    """
    from arviz_stats.base import array_stats

    axes = {"chain_axis": 0, "draw_axis": 1}
    by_ensemble = draws.reshape(CHAINS, -1, *draws.shape[1:]).swapaxes(1, 2).reshape(CHAINS, -1, draws.shape[2])
    every = range(len(NAMES))
    ess = min(float(array_stats.ess(draws[..., k], method="bulk", **axes)) for k in every)
    return ess, max(float(array_stats.rhat(by_ensemble[..., k], method="rank", **axes)) for k in every)


def holds(draws: np.ndarray) -> bool:
    """The rule."""
    ess, rhat = diagnostics(draws)
    return ess >= ENOUGH and rhat < RHAT


def moments(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and sds of the 8 unknowns, and their Monte Carlo errors."""
    from arviz_stats.base import array_stats

    errors = [
        float(array_stats.mcse(draws[..., k], method=of, chain_axis=0, draw_axis=1))
        for of in ("mean", "sd")
        for k in range(len(NAMES))
    ]
    return np.concatenate([draws.mean(axis=(0, 1)), draws.std(axis=(0, 1))]), np.array(errors)


def timed(command: list[str]) -> np.ndarray:
    """Wall and CPU seconds of one process; where it fails, RuntimeError with what it said."""
    start = clock()
    process = subprocess.run(command, check=False, capture_output=True, text=True)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{process.stderr}")
    return clock() - start


def once(name: str, draws: int, seed: int, folder: Path) -> dict[str, Any]:
    """One run in a process of its own; of ours, `dissentangle fit` is the whole process."""
    out = folder / f"{name}.npz"
    whole = timed([sys.executable, __file__, "--one", name, str(draws), str(seed), str(out)])
    with np.load(out) as file:
        row: dict[str, Any] = {key: file[key] for key in ("draws", "seconds", "divergent", "extra")}
    if name == "ours":
        fit = ["-m", "dissentangle.inference", "fit", DATA_SET, "--closure", "microscopic", "--seed", str(seed)]
        whole = timed([sys.executable, *fit, "-o", str(folder / "fit.nc")])
    return row | {"whole": whole - row["extra"]}


def least(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """The run with as few draws as the rule needs; where they would be too many, one that says so, `enough`."""
    draws = CONTENDERS[name].first
    row = once(name, draws, seed, folder)
    while not (enough := holds(row["draws"])) and 2 * draws <= CONTENDERS[name].most:
        draws *= 2
        row = once(name, draws, seed, folder)
    if name == "ours" or not enough:
        return row | {"enough": enough}
    lengths = np.linspace(0, row["draws"].shape[1], STEPS + 1).astype(int)
    draws = next(int(n) for n in lengths if n > STEPS and holds(row["draws"][:, :n]))
    while True:
        row = once(name, draws, seed, folder)
        if holds(row["draws"]):
            return row | {"enough": True}
        draws += draws // 5


def measure(name: str, seeds: Sequence[int], folder: Path) -> dict[str, Any]:
    """Medians over the seeds, the least ESS and the largest R-hat, all divergences, moments of all draws."""
    rows = [least(name, seed, folder) for seed in seeds]
    result = {key: np.median([row[key] for row in rows], axis=0) for key in ("seconds", "whole")}
    found = [diagnostics(row["draws"]) for row in rows]
    middle, errors = zip(*(moments(row["draws"]) for row in rows), strict=True)
    return result | {
        "draws": [row["draws"].shape[1] for row in rows],
        "chains": len(rows[0]["draws"]),
        "ess": min(ess for ess, _ in found),
        "rhat": max(rhat for _, rhat in found),
        "divergent": sum(int(row["divergent"]) for row in rows),
        "moments": np.mean(middle, axis=0),
        "errors": np.sqrt(np.sum(np.square(errors), axis=0)) / len(rows),
        "enough": all(row["enough"] for row in rows),
    }


def line(name: str, row: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    """One row of the table; ratios are those of CPU seconds, which hardly depend on what else runs.

    Where the rule did not hold, times are what it would take in proportion to the ESS.
    """
    longer, sign = (1.0, "") if row["enough"] else (ENOUGH / row["ess"], "≈ ")
    distance = np.abs(row["moments"] - reference["moments"]) / np.hypot(row["errors"], reference["errors"])
    times = (
        f"{sign}{longer * wall:.3g} | {sign}{longer * cpu:.3g} | {sign}{longer * cpu / reference[of][1]:.3g}"
        for of in ("seconds", "whole")
        for wall, cpu in (row[of],)
    )
    return (
        f"| {name} | {row['chains']} × {', '.join(map(str, row['draws']))} | {' | '.join(times)} |"
        f" {row['ess']:.0f} | {row['rhat']:.3f} | {row['divergent'] if row['divergent'] >= 0 else '–'} |"
        f" {distance.max():.1f}{'' if distance.max() < SAME else ' (!)'} |"
    )


def compare(names: list[str], quick: bool) -> None:
    """Check, run, print. Ours makes its machine code each time."""
    os.environ["DISSENTANGLE_CACHE"] = ""
    missing = {n: [p for p in CONTENDERS[n].packages if not find_spec(p)] for n in names}
    for name in [n for n in names if missing[n]]:
        print(f"left out: {name} (needs {', '.join(missing[name])})")
    subprocess.run([sys.executable, __file__, "--agreement"], check=True)
    print(f"\n{CORES} core(s)\n\n| {' | '.join(HEADER)} |\n{'|---' * len(HEADER)}|", flush=True)
    seeds = SEEDS[:1] if quick else SEEDS
    with tempfile.TemporaryDirectory() as folder:
        reference = measure("ours", SEEDS, Path(folder))
        print(line("ours", reference, reference), flush=True)
        for name in [n for n in names if not missing[n] and n != "ours"]:
            print(line(name, measure(name, seeds, Path(folder)), reference), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="CONTENDER", help=f"of {', '.join(CONTENDERS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="one seed for each peer")
    parser.add_argument("--one", nargs=4, metavar=("NAME", "DRAWS", "SEED", "OUT"), help="sample here, write the draws")
    parser.add_argument("--agreement", action="store_true", help="only compare the log-posteriors")
    options = parser.parse_args()
    if unknown := set(options.names) - set(CONTENDERS):
        parser.error(f"unknown contender {', '.join(sorted(unknown))}; expected {', '.join(CONTENDERS)}")
    if options.one:
        name, draws, seed, out = options.one
        np.savez(out, **vars(CONTENDERS[name].run(int(draws), int(seed))))
    elif options.agreement:
        check_agreement()
    else:
        compare(options.names or list(CONTENDERS), options.quick)


if __name__ == "__main__":
    main()
