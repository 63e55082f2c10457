"""How often does the comparison pick the closure that made the data?

python benchmarks/which_closure.py [DATA SETS A CLOSURE]

Data sets like fig2b-d55 (the paper's parameters, times and noise), simulated from each closure, with common scale
errors of ξ and constants as uncertain as the experiment says; and the same with a tenth of the noise (with R: a
hundred times as many repetitions). Each is fitted by both closures; "picks": the greater elpd (PSIS-LOO, points), the
greater evidence (bridge sampling). "clear": |Δ elpd| > 4 and > 2 standard errors; |ln B| > 3. "wrongly": clear, and
for the other closure. At a tenth of the noise the common ± 4 % stays; the last rows have ± 0.4 %.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets import Experiment, read
from dissentangle.datasets.simulation import PAPER
from dissentangle.forward_models import NOISES as NOISE_KINDS
from dissentangle.inference.comparison import SMALL_DIFFERENCE
from dissentangle.inference.parallel import Task, run_tasks

CLOSURES = ("microscopic", "fixed-number")
NOISES = {"the paper's": (1.0, 1.0), "a tenth": (0.1, 1.0), "a tenth, scale too": (0.1, 0.1)}
"""Factors on the noise of single points and on that of the common scale."""
CLEAR_EVIDENCE = 3.0
LIKE = "fig2b-d55"


def quieter(experiment: Experiment, noise: float, scale: float) -> Experiment:
    """The same plan with less noise: smaller σ, more repetitions."""
    series = []
    for s in experiment.series:
        repeated = NOISE_KINDS[s.noise].spread == "repetitions"
        spread = s.spread / noise**2 if repeated else s.spread * noise
        series.append(replace(s, spread=spread, scale_uncertainty=s.scale_uncertainty * scale))
    return replace(experiment, series=tuple(series))


def simulated(closure: str, seed: int, noise: float, scale: float) -> Experiment:
    """One data set; Z, d and n3(0) are drawn from what the experiment knows of them."""
    like = quieter(read(LIKE), noise, scale)
    rng = np.random.default_rng([seed, 3])
    limit, depth = (like.apparatus[name] for name in ("squeezing_limit", "optical_depth"))
    truth = {
        "squeezing_limit": float(rng.normal(limit.value, limit.sigma)),
        "radiative_rate": PAPER["collective_rate"] / float(rng.normal(depth.value, depth.sigma)),
    }
    made = read(datasets.simulate_like(like, truth, closure=closure, seed=seed))
    return replace(made, apparatus=like.apparatus)


def compared(truth: str, seed: int, noise: float, scale: float) -> tuple[float, float, float, bool]:
    """Elpd and ln evidence of the true closure less those of the other, standard error of the former, health."""
    experiment = simulated(truth, seed, noise, scale)
    fits = {c: inference.fit(experiment, closure=c, seed=seed + 1, draws=1500, cores=1) for c in CLOSURES}
    found = {model.name: model for model in inference.compare(fits).models}
    other = next(c for c in CLOSURES if c != truth)
    difference = found[truth].left_out.pointwise - found[other].left_out.pointwise
    error = float(np.sqrt(len(difference)) * difference.std())
    evidence = found[truth].evidence.log_evidence - found[other].evidence.log_evidence
    return float(difference.sum()), error, evidence, all(m.healthy for m in found.values())


def row(name: str, truth: str, answers: np.ndarray) -> str:
    """A line of the table."""
    elpd, error, evidence, healthy = answers.T
    clear = (abs(elpd) > SMALL_DIFFERENCE) & (abs(elpd) > 2 * error)
    told = abs(evidence) > CLEAR_EVIDENCE
    cells = []
    for values, clearly in ((elpd, clear), (evidence, told)):
        shares = [values > 0, clearly & (values > 0), clearly & (values < 0)]
        cells += [f"{100 * share.mean():.0f} %" for share in shares] + [f"{np.median(values):+.1f}"]
    return f"| {name} | {truth} | {' | '.join(cells)} | {100 * healthy.mean():.0f} % |"


def answers_for(truth: str, factors: tuple[float, float], count: int) -> np.ndarray:
    """What `compared` says of each data set."""
    answers: list[tuple[float, float, float, bool]] = []

    def finished(task: Task, answer: tuple[float, float, float, bool] | None, error: Exception | None) -> None:
        if answer is None:
            raise RuntimeError(f"{task.name}: {error}")
        answers.append(answer)

    run_tasks([Task(f"{truth} {seed}", compared, (truth, seed, *factors)) for seed in range(count)], finished)
    return np.array(answers, float)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print("| noise | made by | LOO picks it | clearly | wrongly | median Δ elpd | evidence picks it | clearly | wrongly"
          " | median ln B | both fits healthy |")  # fmt: skip
    print("|---" * 11 + "|", flush=True)
    for name, factors in NOISES.items():
        for truth in CLOSURES:
            print(row(name, truth, answers_for(truth, factors, count)), flush=True)


if __name__ == "__main__":
    main()
