"""Designs verified: predicted and refitted sd of plans for three goals and four budgets, and which data settle closure.

python benchmarks/designs.py sd [REFITS]                twelve designs after fig2b-d55, microscopic closure
python benchmarks/designs.py closure [REFITS [ROW …]]   at the paper's parameters, 10 ms per shot whatever the delay:
                                                        ξ, or all kinds of series, in each run, and all together
"""

from __future__ import annotations

import sys

import numpy as np

from dissentangle import inference
from dissentangle.datasets import Experiment, read
from dissentangle.inference.designs import Candidate, Choices, candidate

GOALS = ("collective_rate", "dephasing_rate[drive]", "xi_minimum")
BUDGETS = ("1 min", "10 min", "1 h", "8 h")
SHOT = {"xi": None, "polarization": 0.3, "transverse_spin": 0.55}
"""σ of one shot, that of the bundled data; None: a variance, of which it follows."""
ODDS = 5.0
"""Log Bayes factor that settles: odds of 150 to 1, Kass and Raftery's very strong."""


def deviations(refits: int) -> None:
    """A row per design: sd before, predicted, refitted, and their ratio; the time that even spacing needs."""
    fit = inference.fit("fig2b-d55", closure="microscopic", seed=1)
    print("| goal | budget | sd now | predicted | refits | refits/predicted | even spacing takes |")
    print("|---|---|---|---|---|---|---|")
    for goal in GOALS:
        for budget in BUDGETS:
            found = inference.design(after=fit, goal=goal, budget=budget, refits=refits)
            one = found.of(found.label)
            obtained = float(np.sqrt(np.mean(one.refits**2)))
            predicted = float(np.sqrt(np.mean(one.predicted**2)))
            cells = (
                f"{one.before:.2g}",
                f"{predicted:.3g}",
                f"{obtained:.3g}",
                f"{one.ratio:.3f}",
                f"{found.even:.2g}",
            )
            print(f"| {found.label} | {budget} | {' | '.join(cells)} × |", flush=True)


def closure(refits: int, *only: str) -> None:
    """A row per measurement: the time for a log Bayes factor of 5, the share of outcomes that reach it, refits of some.

    refits : of each closure;  only : rows, by default all
    """
    experiment = read("krauter2011-published")
    runs = ("main", "pump", "switch-off")
    rows = {f"ξ, P and Jy, {run}": [(kind, run) for kind in SHOT] for run in runs}
    rows |= {f"ξ, {run}": [("xi", run)] for run in runs}
    rows["all of these"] = [(kind, run) for run in runs for kind in SHOT]
    print("| measured | hours | true | expected, nats | outcomes with 5 nats | refits less predicted | plan |")
    print("|---" * 7 + "|", flush=True)
    for name, measured in rows.items():
        if only and name not in only:
            continue
        choices = Choices(experiment, tuple(_candidate(experiment, kind, run) for kind, run in measured))
        found = inference.design(experiment, candidates=choices, goal="closure", target=ODDS, refits=2 * refits)
        plan = ", ".join(f"{p.kind} ({p.run}) {p.x:g} ms × {p.shots}" for p in found.points)
        hours = f"{found.budget / 3600:.2g}" if found.possible else "never"
        for one in (one for one in found.expectations if one.nats):
            missed = one.refits - one.predicted[: len(one.refits)]
            cells = (
                hours,
                one.label.removeprefix("log Bayes factor if "),
                f"{one.after:.1f} ± {one.predicted.std() / len(one.predicted) ** 0.5:.1f}",
                f"{100 * one.share_above(ODDS):.0f} %",
                f"{missed.mean():+.2f} ± {missed.std() / max(1, len(missed)) ** 0.5:.2f}" if len(missed) else "",
                plan,
            )
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _candidate(experiment: Experiment, kind: str, run: str) -> Candidate:
    """A kind in a run, 10 ms a shot whatever the delay; ξ with an error of scale of its own."""
    x = np.linspace(0.0, experiment.duration(run), 41)
    said = {"scale_uncertainty": 0.04} if kind == "xi" else {}
    return candidate(experiment, kind, run, x, said, SHOT[kind], run, shot=0.01, delay=False)


def main() -> None:
    """One of the studies."""
    what, refits, *rest = [*sys.argv[1:], *("sd", "50")[len(sys.argv) - 1 :]]
    {"sd": deviations, "closure": closure}[what](int(refits), *rest)


if __name__ == "__main__":
    main()
