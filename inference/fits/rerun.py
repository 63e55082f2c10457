"""A fit repeated from its file: the same draws, or what differs and by how much."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .fit import fit_problem, versions
from .result import Fit

if TYPE_CHECKING:
    from xarray import DataTree

    from ..results import FitTree


@dataclass(frozen=True)
class Rerun:
    """What came out.

    fit : the new one;  identical : whether every draw is the same, bit for bit
    versions : name → (then, now) of what has another version;  engines : (then, now) where they differ, else ()
    shift : largest difference of two posterior means, in standard deviations, and `shifted`, of which parameter
    """

    fit: FitTree
    identical: bool
    versions: dict[str, tuple[str, str]]
    engines: tuple[str, ...]
    shift: float
    shifted: str

    @property
    def text(self) -> str:
        """In words."""
        changed = [f"{name} {then} → {now}" for name, (then, now) in self.versions.items()]
        changed += [f"engine {self.engines[0]} → {self.engines[1]}"] if self.engines else []
        since = f" Changed since: {', '.join(changed)}." if changed else ""
        if self.identical:
            return f"The same draws, bit for bit.{since}"
        why = since or " The versions are the same: another machine, or a file that was changed."
        return f"Other draws: posterior means differ by up to {self.shift:.2g} sd ({self.shifted}).{why}"


def rerun(fit: DataTree | Fit, *, progress: Callable[[Any], None] | None = None) -> Rerun:
    """Repeat a fit from its data, settings and seed.

    Returns
    -------
    Rerun: the new fit, whether the draws are the same, changed versions, shifts of the means (sd)

    Raises
    ------
    ExperimentError : for an experiment in the file that cannot be fitted
    """
    from ..results import FitTree

    given = Fit.of(fit)
    made = FitTree.of(fit_problem(given.problem, given.sampler, progress))
    again = Fit(made)
    now, then = versions(), json.loads(given.tree.attrs["versions"])
    names = sorted(set(now) | set(then))
    changed = {n: (then.get(n, "none"), now.get(n, "none")) for n in names if then.get(n) != now.get(n)}
    engines = given.tree.attrs["engine"], again.tree.attrs["engine"]
    before, after = given.by_label(), again.by_label()
    identical = before.keys() == after.keys() and all(np.array_equal(before[k], after[k]) for k in before)
    shifts = {k: abs(after[k].mean() - before[k].mean()) / before[k].std() for k in before if k in after}
    worst = max(shifts, key=lambda label: shifts[label])
    other = engines if engines[0] != engines[1] else ()
    return Rerun(made, identical, changed, other, float(shifts[worst]), worst)
