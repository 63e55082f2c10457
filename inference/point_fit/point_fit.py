"""What a fit without a posterior says: one value and error bar per parameter, and what is not in the error bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...datasets import Experiment, ExperimentError
from ...datasets.prediction import evolved
from ...forward_models import OBSERVABLES, Dynamics
from ..shown import Shown

if TYPE_CHECKING:
    from pandas import DataFrame

_MANY = 4.0
"""Standard deviations by which a χ² may exceed its degrees of freedom before a warning says so."""


@dataclass(frozen=True)
class Step:
    """One least-squares problem: what was fitted, which parameters it determined, χ² and degrees of freedom."""

    name: str
    labels: tuple[str, ...]
    chi2: float
    dof: int

    @property
    def reduced_chi2(self) -> float:
        """χ²/dof; NaN without degrees of freedom."""
        return self.chi2 / self.dof if self.dof > 0 else float("nan")


@dataclass(frozen=True, repr=False)
class PointFit(Shown):
    """Values with error bars, by label, in the units of the table of parameters (rates in ms⁻¹).

    method : "paper" or "least-squares";  meaning : what an error bar is
    experiment, dynamics : what was fitted, by which equations of motion
    values, errors : of what was fitted and of rates that follow; an error bar is NaN if the method gives none
    intervals : (low, high) from the profile of χ² (Δχ² = 1), where an error bar would be meaningless
    fixed : what was taken as exactly known
    steps : the least-squares problems that were solved, in order
    matrix : covariance (n, n) of the parameters `labels`, where all were fitted at once; else None
    warnings : in words;  converged : whether the minimiser says so
    """

    kind = "point_fit"
    method: str
    experiment: Experiment
    dynamics: Dynamics
    meaning: str
    values: dict[str, float]
    errors: dict[str, float]
    fixed: dict[str, float]
    steps: tuple[Step, ...]
    labels: tuple[str, ...] = ()
    matrix: np.ndarray | None = None
    warnings: tuple[str, ...] = ()
    converged: bool = True
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Of the experiment."""
        return self.experiment.title

    @property
    def simulated(self) -> bool:
        """Whether a model made the data."""
        return self.experiment.simulated

    @property
    def chi2(self) -> float:
        """Of all steps."""
        return float(sum(step.chi2 for step in self.steps))

    @property
    def dof(self) -> int:
        """Of all steps."""
        return sum(step.dof for step in self.steps)

    def covariance(self) -> DataFrame | None:
        """Of the fitted parameters by label, in their units; None where there is none."""
        import pandas as pd

        return None if self.matrix is None else pd.DataFrame(self.matrix, self.labels, self.labels)

    @property
    def correlation(self) -> np.ndarray | None:
        """Of the parameters `labels`, (n, n); None where there is no covariance."""
        if self.matrix is None:
            return None
        sd = np.sqrt(np.diag(self.matrix))
        return np.asarray(self.matrix / np.outer(sd, sd))

    def curve(self, times: Sequence[float] | np.ndarray, quantity: str = "xi", *, run: str | None = None) -> DataFrame:
        """The best fit of a quantity of the atoms at these times (ms, rising), a row per time.

        Raises ExperimentError for a quantity or a run that there is not.
        """
        import pandas as pd

        runs, at = self.experiment.runs, np.asarray(times, float)
        for what, found, known in (("quantity", quantity, OBSERVABLES), ("run", run or runs[0], runs)):
            if found not in known:
                raise ExperimentError(f"curve: found the {what} {found!r}, expected one of {', '.join(known)}")
        path = evolved(self.experiment, run or runs[0], self.values | self.fixed, self.dynamics, at)
        return pd.DataFrame({quantity: getattr(path, quantity)}, pd.Index(at, name="time (ms)"))

    def step_of(self, label: str) -> str:
        """The step that determined a parameter; "follows from others" for a derived rate."""
        return next((step.name for step in self.steps if label in step.labels), "follows from others")


def misfits(steps: tuple[Step, ...]) -> list[str]:
    """A warning for each step whose χ² is too large for its degrees of freedom."""
    return [
        f"{step.name}: χ²/dof = {step.reduced_chi2:.2g} with {step.dof} degrees of freedom: the model does not describe"
        " these data, and no error bar means anything"
        for step in steps
        if step.chi2 > step.dof + _MANY * np.sqrt(2 * step.dof) and step.dof > 0
    ]


def edge_warnings(values: Mapping[str, float], errors: Mapping[str, float], low: Mapping[str, float]) -> list[str]:
    """A warning of the parameters that are nearer to the lower end of their domain than their error bars."""
    near = [
        f"{label} = {values[label]:.2g} ± {errors[label]:.2g}"
        for label in low
        if np.isfinite(errors[label]) and values[label] - low[label] < errors[label]
    ]
    text = "less than one error bar from a bound, so the interval includes values without meaning"
    return [f"{text}: {', '.join(near)}"] if near else []
