"""Peers on the same posterior (fig2b-d55, 8 unknowns): effective draws per second, sampling alone and whole process.

python benchmarks/peers.py [--quick] [CONTENDER …]       (peers need the extra `bench`)

Each contender has a process of its own. *Sampling* contains the warm-up, not the compilation; *whole process* also
imports and compilation, with PyTensor's and Python's caches as they are (run it twice). ESS is ArviZ's bulk ESS, of the
worst of the 8 unknowns, over all chains (walkers). Peers are told where the mode is and about how wide; ours finds it.
Settings: `contenders.py`; the posterior by integration: `ode_posterior.py`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from contenders import CONTENDERS, CORES, columns, starts
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
HEADER = (
    "contender", "chains × draws", "sampling s", "min ESS", "R-hat", "divergent", "ESS/s sampling", "ours ÷ it",
    "whole process s", "ESS/s whole", "ours ÷ it", "means and sds differ, MC errors",
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


def summary(draws: np.ndarray) -> dict[str, np.ndarray]:
    """Bulk ESS, R-hat, and mean and sd with their Monte Carlo errors: one entry an unknown."""
    from arviz_stats.base import array_stats

    axes = {"chain_axis": 0, "draw_axis": 1}
    each = [draws[..., k] for k in range(len(NAMES))]
    errors = [float(array_stats.mcse(x, method=of, **axes)) for of in ("mean", "sd") for x in each]
    return {
        "size": np.array(draws.shape[:2]),
        "ess": np.array([float(array_stats.ess(x, method="bulk", **axes)) for x in each]),
        "rhat": np.array([float(array_stats.rhat(x, method="rank", **axes)) for x in each]),
        "moments": np.concatenate([draws.mean(axis=(0, 1)), draws.std(axis=(0, 1))]),
        "errors": np.array(errors),
    }


def timed(command: list[str]) -> float:
    """Wall seconds of one process; where it fails, RuntimeError with what it said."""
    start = time.perf_counter()
    process = subprocess.run(command, check=False, capture_output=True, text=True)
    elapsed = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{process.stderr}")
    return elapsed


def measure(name: str, quick: bool, folder: Path) -> dict[str, Any]:
    """One contender from outside; of ours, `dissentangle fit` is the whole process (median of three)."""
    out = folder / f"{name}.npz"
    whole = timed([sys.executable, __file__, "--one", name, str(out), *(["--quick"] if quick else [])])
    with np.load(out) as file:
        row: dict[str, Any] = {name: file[name].item() for name in ("seconds", "divergent")}
        row |= summary(file["draws"])
    row |= {"whole": whole, "whole_ess": row["ess"].min()}
    if name == "ours":
        import xarray

        fit = folder / "fit.nc"
        command = [sys.executable, "-m", "dissentangle.inference", "fit", DATA_SET, "-o", str(fit)]
        row["whole"] = float(np.median([timed(command) for _ in range(3)]))
        with xarray.open_datatree(fit) as tree:
            row["whole_ess"] = summary(columns(tree["posterior"].dataset))["ess"].min()
    return row


def line(name: str, row: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    """One row of the table."""
    mine, theirs = (r["ess"].min() / r["seconds"] for r in (row, reference))
    whole = row["whole_ess"] / row["whole"], reference["whole_ess"] / reference["whole"]
    distance = np.abs(row["moments"] - reference["moments"]) / np.hypot(row["errors"], reference["errors"])
    chains, draws = row["size"]
    return (
        f"| {name} | {chains} × {draws} | {row['seconds']:.3g} | {row['ess'].min():.0f} | {row['rhat'].max():.3f} |"
        f" {row['divergent'] if row['divergent'] >= 0 else '–'} |"
        f" {mine:.3g} | {theirs / mine:.3g} | {row['whole']:.1f} | {whole[0]:.3g} | {whole[1] / whole[0]:.3g} |"
        f" {distance.max():.1f}{'' if distance.max() < SAME else ' (!)'} |"
    )


def compare(names: list[str], quick: bool) -> None:
    """Check, run, print."""
    missing = {n: [p for p in CONTENDERS[n].packages if not find_spec(p)] for n in names}
    for name in [n for n in names if missing[n]]:
        print(f"left out: {name} (needs {', '.join(missing[name])})")
    subprocess.run([sys.executable, __file__, "--agreement"], check=True)
    print(f"\n{CORES} core(s)\n\n| {' | '.join(HEADER)} |\n{'|---' * len(HEADER)}|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        reference = measure("ours", quick, Path(folder))
        print(line("ours", reference, reference), flush=True)
        for name in [n for n in names if not missing[n] and n != "ours"]:
            print(line(name, measure(name, quick, Path(folder)), reference), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="CONTENDER", help=f"of {', '.join(CONTENDERS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer draws")
    parser.add_argument("--one", nargs=2, metavar=("NAME", "OUT"), help="sample here, write the draws")
    parser.add_argument("--agreement", action="store_true", help="only compare the log-posteriors")
    options = parser.parse_args()
    if unknown := set(options.names) - set(CONTENDERS):
        parser.error(f"unknown contender {', '.join(sorted(unknown))}; expected {', '.join(CONTENDERS)}")
    if options.one:
        sampled = CONTENDERS[options.one[0]].run(options.quick)
        np.savez(options.one[1], **vars(sampled))
    elif options.agreement:
        check_agreement()
    else:
        compare(options.names or list(CONTENDERS), options.quick)


if __name__ == "__main__":
    main()
