"""Is the comparison right, and how long does it take?

python benchmarks/comparison.py loo       PSIS-LOO of fig2b-d55 against a fit without each of its 90 points
python benchmarks/comparison.py evidence  bridge sampling against sequential Monte Carlo, on bundled data, two closures;
                                          and on a linear-Gaussian model whose evidence is known
python benchmarks/comparison.py time      six models of fig2b-d55, from keypress to the table (a new process)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pymc as pm
from scipy import stats

from dissentangle import inference
from dissentangle.inference.comparison import bridge_evidence, leave_one_out, smc_evidence
from dissentangle.inference.comparison.data_points import data_points
from dissentangle.inference.comparison.evidence import bridge, smc
from dissentangle.inference.comparison.refit import log_predictive_density
from dissentangle.inference.fits import Fit
from dissentangle.inference.model import SamplerSettings

MODELS = "microscopic,fixed-number,quasi-static,no-collisions,student-t,larmor-mismatch"
SETS = ("fig2b-d55", "fig2b-d35", "fig2c-dark", "fig2c-pump", "krauter2011-published")


def loo() -> None:
    for closure in ("microscopic", "fixed-number"):
        fit = inference.fit("fig2b-d55", closure=closure, seed=1)
        fitted, found = Fit(fit), leave_one_out(fit)
        points, sampler = data_points(fitted.experiment), SamplerSettings(1)
        start = time.perf_counter()
        exact = np.array([log_predictive_density(fitted.problem, sampler, [point])[0] for point in points])
        took = time.perf_counter() - start
        off = found.pointwise - exact
        print(f"{closure}: elpd {found.elpd:.3f} by PSIS, {exact.sum():.3f} by {len(points)} fits ({took:.0f} s);"
              f" single points differ by at most {abs(off).max():.4f}, on average by {off.mean():+.5f};"
              f" largest k̂ {found.pareto_k.max():.2f}", flush=True)  # fmt: skip


def evidence() -> None:
    _linear_gaussian()
    print("\n| data | closure | bridge | s | SMC | s | difference in standard errors |")
    print("|---" * 7 + "|")
    for name in SETS:
        for closure in ("microscopic", "fixed-number"):
            fit = inference.fit(name, closure=closure, seed=1)
            start = time.perf_counter()
            one = bridge_evidence(fit)
            middle = time.perf_counter()
            other = smc_evidence(fit)
            end = time.perf_counter()
            off = (one.log_evidence - other.log_evidence) / np.hypot(one.error, other.error)
            cells = [f"{each.log_evidence:.3f} ± {each.error:.3f}" for each in (one, other)]
            print(f"| {name} | {closure} | {cells[0]} | {middle - start:.2f} | {cells[1]} | {end - middle:.0f}"
                  f" | {off:+.1f} |", flush=True)  # fmt: skip


def _linear_gaussian(dimensions: int = 8, data: int = 60, noise: float = 0.1) -> None:
    """y = A z + noise with z ~ N(0, 1): ln ∫ = ln N(y; 0, noise² + A Aᵀ)."""
    rng = np.random.default_rng(1)
    design = rng.standard_normal((data, dimensions)) / np.sqrt(dimensions)
    y = design @ rng.standard_normal(dimensions) + noise * rng.standard_normal(data)
    covariance = np.linalg.inv(np.eye(dimensions) + design.T @ design / noise**2)
    draws = rng.multivariate_normal(covariance @ design.T @ y / noise**2, covariance, size=(4, 1000))
    exact = stats.multivariate_normal(np.zeros(data), noise**2 * np.eye(data) + design @ design.T).logpdf(y)

    def density(z: np.ndarray) -> np.ndarray:
        return stats.norm(z @ design.T, noise).logpdf(y).sum(axis=1) + stats.norm.logpdf(z).sum(axis=1)

    with pm.Model() as model:
        z = pm.Normal("z", shape=dimensions)
        pm.Normal("y", mu=pm.math.dot(design, z), sigma=noise, observed=y)
    bridged = np.array([bridge(density, draws, seed).log_evidence for seed in range(20)]) - exact
    tempered = np.array([smc(model, seed).log_evidence for seed in range(5)]) - exact
    print(
        f"linear-Gaussian, {dimensions} unknowns, {data} data: ln evidence {exact:.3f} exactly; bridge off by at"
        f" most {abs(bridged).max():.4f} (20 seeds), SMC by at most {abs(tempered).max():.4f} (5 seeds)",
        flush=True,
    )


def timed() -> None:
    program = Path(sys.executable).parent / "dissentangle"
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            for what in ("fits and comparison", "comparison of the fits that are there"):
                start = time.perf_counter()
                command = [program, "compare", "fig2b-d55", "--models", MODELS, "-o", folder, "-q"]
                subprocess.run(command, check=False)
                print(f"{what}: {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    {"loo": loo, "evidence": evidence, "time": timed}[sys.argv[1]]()
