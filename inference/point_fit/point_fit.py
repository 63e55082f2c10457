"""What a fit without a posterior says: one value and one ± a parameter, and what is not in that ±."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

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


@dataclass(frozen=True)
class PointFit:
    """Values with a ±, by label, in the units of the table of parameters (rates in ms⁻¹).

    method : "paper" or "least-squares";  title, simulated : of the experiment;  meaning : what a ± is
    values, errors : of what was fitted and of rates that follow; a ± is NaN where the method gives none
    intervals : (low, high) in place of a ±, from the profile of χ² (Δχ² = 1), where a ± would say nothing
    fixed : what was taken as exactly known
    steps : the least-squares problems that were solved, in order
    covariance : (n, n) of the parameters `labels`, where all were fitted at once; else None
    warnings : in words;  converged : whether the minimiser says so
    """

    method: str
    title: str
    simulated: bool
    meaning: str
    values: dict[str, float]
    errors: dict[str, float]
    fixed: dict[str, float]
    steps: tuple[Step, ...]
    labels: tuple[str, ...] = ()
    covariance: np.ndarray | None = None
    warnings: tuple[str, ...] = ()
    converged: bool = True
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def chi2(self) -> float:
        """Of all steps."""
        return float(sum(step.chi2 for step in self.steps))

    @property
    def dof(self) -> int:
        """Of all steps."""
        return sum(step.dof for step in self.steps)

    @property
    def correlation(self) -> np.ndarray | None:
        """Of the parameters `labels`, (n, n); None where there is no covariance."""
        if self.covariance is None:
            return None
        sd = np.sqrt(np.diag(self.covariance))
        return np.asarray(self.covariance / np.outer(sd, sd))

    def step_of(self, label: str) -> str:
        """The step that determined a parameter; "follows from others" for a derived rate."""
        return next((step.name for step in self.steps if label in step.labels), "follows from others")


def misfits(steps: tuple[Step, ...]) -> list[str]:
    """A warning for each step whose χ² is too large for its degrees of freedom."""
    return [
        f"{step.name}: χ²/dof = {step.reduced_chi2:.2g} with {step.dof} degrees of freedom: the model does not describe"
        " these data, and no ± means anything"
        for step in steps
        if step.chi2 > step.dof + _MANY * np.sqrt(2 * step.dof) and step.dof > 0
    ]


def edge_warnings(values: Mapping[str, float], errors: Mapping[str, float], low: Mapping[str, float]) -> list[str]:
    """A warning of the parameters that are nearer to the lower end of their domain than their ±."""
    near = [
        f"{label} = {values[label]:.2g} ± {errors[label]:.2g}"
        for label in low
        if np.isfinite(errors[label]) and values[label] - low[label] < errors[label]
    ]
    text = "less than one ± from a bound, so that the interval reaches where the parameter has no meaning"
    return [f"{text}: {', '.join(near)}"] if near else []
