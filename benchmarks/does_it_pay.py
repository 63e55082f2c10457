"""Does it pay to fit shots instead of ξ ± σ? Coverage and width of the 94 % intervals over simulated laboratories.

python benchmarks/does_it_pay.py [LABORATORIES]
python benchmarks/does_it_pay.py --why             (how far off the habit's ξ is, and by what)

Each laboratory is simulated at the paper's rates, with constants (Z, η, shot noise, c₂, Θ) that differ from what it
believes of them by as much as it says. Its data are fitted three times, with the same P(t), Jy(t) and priors:

shots     light variances with their number of shots (Gamma), and all calibration runs, in one model
habit     ξ(t), inverted point by point with the best values of the constants, each point ± its scatter and ± 4 %
common    the same ξ(t) ± scatter alone, and a ± 4 % that is common to all points
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets import Experiment, Series, read
from dissentangle.datasets.prediction.run_state import run_state
from dissentangle.datasets.simulation import PAPER
from dissentangle.forward_models import Dynamics
from dissentangle.forward_models.light import Readout, xi_of_light_variance
from dissentangle.inference.text import truth_of

COMMON = 0.04
LATE = 10.0
RATES = (
    "collective_rate", "dephasing_rate[drive]", "pure_dephasing_rate[drive]", "light_loss_rate", "collision_rate",
    "radiative_rate",
)  # fmt: skip
WAYS = ("shots", "habit", "common")


def laboratory(seed: int) -> Experiment:
    """Simulated; what it believes of its constants is the bundled example's apparatus."""
    like = read("laboratory-d55")
    rng = np.random.default_rng([seed, 7])
    truth = {
        name: float(rng.normal(known.value, known.sigma))
        for name, known in like.apparatus.items()
        if name not in ("optical_depth", "quadratic_zeeman")
    }
    truth |= {"classical_noise": float(rng.normal(0.004, 0.003)), "shot_noise_level": float(rng.normal(1.0, 0.02))}
    depth = float(rng.normal(55.0, 2.75))
    made = datasets.simulate_like(like, truth | {"radiative_rate": PAPER["collective_rate"] / depth}, seed=seed)
    return replace(read(made), apparatus=like.apparatus)


def series_of(experiment: Experiment, kind: str) -> Series:
    return next(s for s in experiment.series if s.kind == kind)


def reduced(experiment: Experiment, common: bool) -> Experiment:
    """ξ(t) as a laboratory would work it out by hand (S.1 and S.2), in place of light variances and calibrations."""
    light, coupling, shot = (series_of(experiment, kind) for kind in ("light_variance", "coupling", "shot_noise"))
    polarization, decay = (series_of(experiment, kind) for kind in ("polarization", "transverse_spin"))
    known = experiment.apparatus
    variance = light.value.reshape(-1, 2).mean(axis=1) / shot.value.mean()
    slope = (coupling.x * coupling.value).sum() / (coupling.x**2).sum()  # κ² ∝ Θ
    kappa = slope * known["faraday_angle"].value * polarization.value  # Θ falls with ⟨Jx⟩
    rate = -(np.log(decay.value[:4]) * decay.x[:4]).sum() / (decay.x[:4] ** 2).sum()  # 1/T2
    limit, duration = known["squeezing_limit"].value, light.probe_duration
    swap = rate * kappa * limit / (1 - np.exp(-2 * rate * duration))  # (S.2)
    readout = Readout(swap, rate - swap, limit, 1.0, known["detection_efficiency"].value, duration=duration)
    xi = xi_of_light_variance(variance, readout)
    scatter = variance / np.sqrt(light.spread[::2] - 1) / (known["detection_efficiency"].value * kappa)
    sigma = scatter if common else np.hypot(scatter, COMMON * xi)
    series = Series("xi", "xi", light.x[::2], xi, sigma, scale_uncertainty=COMMON if common else 0.0)
    return replace(experiment, series=(series, polarization, decay))


def intervals(experiments: dict[str, Experiment]) -> tuple[np.ndarray, np.ndarray, int]:
    """Ends of the 94 % intervals of the rates (laboratories, rates), and how many fits are healthy."""
    with tempfile.TemporaryDirectory() as folder:
        summary = inference.campaign(experiments, folder, draws=500)
    rows = summary.sel(parameter=list(RATES))
    return rows["low"].values, rows["high"].values, int((summary["status"] == "healthy").sum())


def why(count: int) -> None:
    """Mean error of the habit's ξ(t), and what is left of it where its readout knows the truth, piece by piece."""
    errors: dict[str, list[np.ndarray]] = {}
    for k in range(count):
        lab = laboratory(k)
        habit, truth = reduced(lab, common=True).series[0], lab.truth.parameters
        state = run_state(lab, "main", truth, Dynamics(), [habit.x])
        true = state.readout_at(habit.x, series_of(lab, "light_variance").probe_duration)
        variance = series_of(lab, "light_variance").value.reshape(-1, 2).mean(axis=1)
        measured = variance / series_of(lab, "shot_noise").value.mean()
        believed = {n: lab.apparatus[n].value for n in ("squeezing_limit", "detection_efficiency")}
        readouts = {
            "its own": habit.value,
            "true γs, γextra": xi_of_light_variance(measured, replace(true, bath_noise=1.0, **believed)),
            "and true n_b": xi_of_light_variance(measured, replace(true, **believed)),
            "and true Z, η, shot noise": xi_of_light_variance(variance / truth["shot_noise_level"], true),
        }
        for name, xi in readouts.items():
            errors.setdefault(name, []).append(xi - state.at("xi", habit.x))
    late = habit.x > LATE
    for name, rows in errors.items():
        print(f"{name}: mean error of ξ after {LATE:g} ms {np.mean(np.array(rows)[:, late]):.3f}")


def main() -> None:
    if sys.argv[1:2] == ["--why"]:
        why(100)
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    laboratories = {f"{k:03d}": laboratory(k) for k in range(count)}
    sets = {
        "shots": laboratories,
        "habit": {name: reduced(lab, common=False) for name, lab in laboratories.items()},
        "common": {name: reduced(lab, common=True) for name, lab in laboratories.items()},
    }
    true = np.array([[truth_of(lab)[rate] for rate in RATES] for lab in laboratories.values()])
    found = {}
    for way in WAYS:
        low, high, healthy = intervals(sets[way])
        found[way] = ((low <= true) & (true <= high)).mean(axis=0), np.median(high - low, axis=0)
        print(f"{way}: {healthy} of {count} fits healthy", flush=True)
    print(f"\n| rate | {' | '.join(f'{way}: coverage | width' for way in WAYS)} | width, habit ÷ shots |")
    print("|---" * (2 + 2 * len(WAYS)) + "|")
    for k, rate in enumerate(RATES):
        cells = [f"{100 * found[way][0][k]:.0f} % | {found[way][1][k]:.4f}" for way in WAYS]
        print(f"| {rate} | {' | '.join(cells)} | {found['habit'][1][k] / found['shots'][1][k]:.2f} |")


if __name__ == "__main__":
    main()
