"""Faults that laboratories have: what the rates suffer, and what the fit says.

    python benchmarks/silent_biases.py [SETS [FIRST_SEED [CLOSURE [FAULT …]]]]
    python benchmarks/silent_biases.py named [SETS [FIRST_SEED]]    shifts without and with the model that has the fault

Each fault is put into simulated data of a bundled protocol, and each data set is fitted as it comes. Printed for each
fault: the verdicts, how often an alarm was raised and what was suspected, how often a fit was called healthy without a
word that names the fault or its like, and the largest mean shift of a rate in standard deviations of its posterior.
`none` gives the false alarms.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets import Experiment, read
from dissentangle.datasets.experiment import LightPower
from dissentangle.inference.checks import Assessment, alarms, assess
from dissentangle.inference.fits import Fit

RNG = np.random.default_rng


def simulated(name: str, seed: int, closure: str = "microscopic", **parameters: float) -> Experiment:
    """An experiment like the bundled one."""
    return read(datasets.simulate_like(read(name), parameters or None, closure=closure, seed=seed))


def changed(experiment: Experiment, kind: str, change: Callable[[datasets.Series], np.ndarray]) -> Experiment:
    """With other values of one kind of series."""
    series = tuple(replace(s, value=change(s)) if s.kind == kind else s for s in experiment.series)
    return replace(experiment, series=series)


def shifted(name: str, seed: int, kind: str, by: float) -> Experiment:
    """Values taken `by` ms later than the file says: simulated at shifted times, then labelled with the others."""
    plain = read(name)
    late = replace(
        plain,
        series=tuple(replace(s, x=np.maximum(s.x + by, 0.0)) if s.kind == kind else s for s in plain.series),
        stages=tuple(replace(stage, duration=stage.duration + max(by, 0.0)) for stage in plain.stages),
    )
    made = read(datasets.simulate_like(late, None, seed=seed))
    series = tuple(replace(m, x=s.x) for m, s in zip(made.series, plain.series, strict=True))
    return replace(made, series=series, stages=plain.stages)


def another_day(name: str, seed: int, kind: str, **relative: float) -> Experiment:
    """One kind of series from another experiment, with other rates."""
    plain, truth = simulated(name, seed), read(name).truth
    values = {label: truth.parameters[label] * factor for label, factor in relative.items()}
    other = simulated(name, seed, **values)
    series = tuple(o if o.kind == kind else s for s, o in zip(plain.series, other.series, strict=True))
    return replace(plain, series=series)


def correlated(name: str, seed: int, rho: float) -> Experiment:
    """Noise of all Gaussian series with a correlation of `rho` from point to point."""
    from dissentangle.datasets.prediction import expected
    from dissentangle.forward_models import Dynamics

    made = simulated(name, seed)
    means = expected(made, made.truth.parameters, Dynamics("microscopic")).series
    rng, series = RNG(seed), []
    for s in made.series:
        steps = rng.standard_normal(len(s.x))
        noise = steps.copy()
        for k in range(1, len(noise)):
            noise[k] = rho * noise[k - 1] + np.sqrt(1 - rho**2) * steps[k]
        mean = np.ravel(means[s.name])
        sigma = np.std(s.value - mean)
        series.append(replace(s, value=mean + sigma * noise))
    return replace(made, series=tuple(series))


def half(s: datasets.Series) -> np.ndarray:
    """Whether a point is in the later half of the series."""
    return s.x > np.median(s.x)


def drift(s: datasets.Series, by: float) -> np.ndarray:
    """Values with a gain that changes by so much along the series."""
    return s.value * (1 + by * (s.x - s.x.min()) / np.ptp(s.x))


def falling_drive(seed: int, end: float) -> Experiment:
    """The drive ends the stage with this share of its power, which the file does not say."""
    plain = read("fig2b-d55")
    lit = tuple(replace(s, power=(LightPower("drive", (0.0, s.duration), (1.0, end)),)) for s in plain.stages)
    made = read(datasets.simulate_like(replace(plain, stages=lit), None, seed=seed))
    return replace(made, stages=plain.stages)


B, P = "fig2b-d55", "fig2c-pump"
FAULTS: dict[str, Callable[[int], Experiment]] = {
    "none": lambda k: simulated(B, k),
    "none, fixed-number": lambda k: simulated(B, k, "fixed-number"),
    "none, pump": lambda k: simulated(P, k, **{"dephasing_rate[drive+pump]": 0.26}),  # the paper's is below the floor
    "none, dark": lambda k: simulated("fig2c-dark", k),
    "mismatch 10 Hz": lambda k: simulated(B, k, larmor_mismatch=0.010),
    "mismatch 20 Hz": lambda k: simulated(B, k, larmor_mismatch=0.020),
    "late shot noise 1 %": lambda k: changed(simulated(B, k), "xi", lambda s: s.value + 0.029 * half(s)),
    "late shot noise 2 %": lambda k: changed(simulated(B, k), "xi", lambda s: s.value + 0.058 * half(s)),
    "d of xi −15 %": lambda k: another_day(B, k, "xi", collective_rate=0.85),
    "d of xi −30 %": lambda k: another_day(B, k, "xi", collective_rate=0.70),
    "T of P off 0.3 ms": lambda k: shifted(B, k, "polarization", 0.3),
    "T of P off 0.6 ms": lambda k: shifted(B, k, "polarization", 0.6),
    "T of Jy off 0.3 ms": lambda k: shifted(B, k, "transverse_spin", 0.3),
    "T of Jy off 0.6 ms": lambda k: shifted(B, k, "transverse_spin", 0.6),
    "T of xi off 0.3 ms": lambda k: shifted(B, k, "xi", 0.3),
    "gain of P drifts 5 %": lambda k: changed(simulated(B, k), "polarization", lambda s: drift(s, 0.05)),
    "gain of P drifts 10 %": lambda k: changed(simulated(B, k), "polarization", lambda s: drift(s, 0.10)),
    "correlated 0.5": lambda k: correlated(B, k, 0.5),
    "correlated 0.8": lambda k: correlated(B, k, 0.8),
    "background of P 1 %": lambda k: changed(simulated(B, k), "polarization", lambda s: s.value + 0.01),
    "pump leak 0.03": lambda k: simulated("fig2c-dark", k, pump_leak_rate=0.03),
    "pump leak 0.06": lambda k: simulated("fig2c-dark", k, pump_leak_rate=0.06),
    "background of P 2 %": lambda k: changed(simulated(B, k), "polarization", lambda s: s.value + 0.02),
    "drive loses 10 %": lambda k: falling_drive(k, 0.9),
    "drive loses 20 %": lambda k: falling_drive(k, 0.8),
    "loss of P +20 %": lambda k: another_day(B, k, "polarization", light_loss_rate=1.2),
    "clock 3 % fast in P": lambda k: replace(
        simulated(B, k),
        series=tuple(replace(s, x=s.x * 0.97) if s.kind == "polarization" else s for s in simulated(B, k).series),
    ),
}


NAMES = {
    "mismatch": "Larmor", "late shot": "shot noise of xi|gain of [^;]*xi", "d of xi": "(depth|scale) [^;]*xi",
    "T of P": "times of [^;]*polarization", "T of Jy": "times of [^;]*transverse_spin", "T of xi": "times of [^;]*xi",
    "gain of P": "gain of [^;]*polarization", "correlated": "neighbour|of one sign|scatter",
    "background": "background in [^;]*polarization", "loss of P": "loss by the light [^;]*polarization",
    "clock": "(times|gain) of [^;]*polarization", "pump leak": "pump light leaks", "drive loses": "power of the drive",
}  # fmt: skip
"""Beginning of a fault's name → what says so, or the like of it, in the verdict."""


def named(fault: str, judged: Assessment) -> bool:
    """Whether the verdict names a fault or its like."""
    words = next((words for start, words in NAMES.items() if fault.startswith(start)), "")
    said = " ".join([judged.headline, judged.condition, judged.model, *judged.surprises])
    return bool(words and re.search(words, said))


def study(name: str, sets: int, first: int, closure: str) -> str:
    """One row of the table."""
    status, suspects, raised, silent, z = Counter(), Counter(), 0, 0, []
    for k in range(first, first + sets):
        data = FAULTS[name](k)
        truth = (data.truth or read(B).truth).parameters
        fit = inference.fit(replace(data, truth=None), seed=k, closure=closure, cores=1)
        judged, found = assess(fit), alarms(Fit(fit))
        status[judged.status] += 1
        raised += found.raised
        silent += judged.status == "healthy" and not found.raised and not named(name, judged)
        if found.raised and found.explanations:
            suspects[found.explanations[0].disturbance.words] += 1
        rows = fit["summary"].dataset
        z.append(
            {
                str(label): (float(m) - truth[str(label)]) / float(sd)
                for label, m, sd in zip(rows["parameter"].values, rows["mean"].values, rows["sd"].values, strict=True)
                if str(label) in truth and float(sd) > 0
            }
        )
    means = {label: np.mean([one[label] for one in z]) for label in z[0]}
    far = sorted(means, key=lambda label: -abs(means[label]))[:3]
    return (
        f"{name:24s} {dict(status)!s:45s} alarms {raised:2d} silent {silent:2d}  "
        + ", ".join(f"{label} {means[label]:+.1f}" for label in far)
        + "   "
        + "; ".join(f"{words} ×{n}" for words, n in suspects.most_common(3))
    )


MODELS = {
    "mismatch": "larmor-mismatch", "late shot": "shot-noise-drift", "d of xi": "days", "T of": "time-offset",
    "gain of P": "gain-drift", "background": "background", "loss of P": "days", "pump leak": "pump-leak-rate",
    "correlated": "correlated-noise",
}  # fmt: skip
"""Beginning of a fault's name → the model that has it."""


def with_its_name(fault: str, sets: int, first: int) -> str:
    """The largest mean shift of a rate in sd and how many 94 % intervals hold it, as given and by the model."""
    cells = []
    for model in (None, next(model for start, model in MODELS.items() if fault.startswith(start))):
        z, inside = [], []
        for k in range(first, first + sets):
            data = FAULTS[fault](k)
            truth = (data.truth or read(B).truth).parameters
            fit = inference.fit(replace(data, truth=None), seed=k, model=model, cores=1)
            rows = fit["summary"].dataset
            rates = [x for x in rows["parameter"].values if x in truth and "rate" in x and x != "pump_leak_rate"]
            at = rows.sel(parameter=rates)
            true = np.array([truth[x] for x in rates])
            z.append((at["mean"].values - true) / at["sd"].values)
            inside.append((at["low"].values <= true) & (true <= at["high"].values))
        mean = np.mean(z, axis=0)
        worst = int(np.argmax(abs(mean)))
        held = int(np.sum(inside, axis=0)[worst])
        cells.append(f"{model or 'as given'}: {rates[worst]} {mean[worst]:+.1f}, {held} of {sets}")
    return f"{fault:24s} " + "   ".join(cells)


def main() -> None:
    """All faults."""
    if sys.argv[1:2] == ["named"]:
        for name in sys.argv[4:] or [fault for fault in FAULTS if fault.startswith(tuple(MODELS))]:
            print(with_its_name(name, int((sys.argv[2:3] or [20])[0]), int((sys.argv[3:4] or [300])[0])), flush=True)
        return
    sets = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    closure = sys.argv[3] if len(sys.argv) > 3 else "open"
    for name in sys.argv[4:] or FAULTS:
        print(study(name, sets, first, closure), flush=True)


if __name__ == "__main__":
    main()
