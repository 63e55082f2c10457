"""What the posterior owes to each prior and to each series: how it moves when they are made a little stronger.

Power scaling, by ArviZ: Kallioinen et al., Stat. Comput. 34, 57 (2024). Priors are scaled where they are normal: a
stronger one is narrower about the same median.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets.experiment import Label
from ..fits import Fit, arrays_of
from .calibration_sensitivity import CalibrationSensitivity, calibration_sensitivity

if TYPE_CHECKING:
    from xarray import DataTree

THRESHOLD = 0.05
ALPHAS = (0.99, 1.01)


@dataclass(frozen=True)
class Sensitivity:
    """Of one scalar: change of its posterior (cumulative Jensen–Shannon) per doubling of the power."""

    label: str
    prior: float
    likelihood: float

    @property
    def words(self) -> str:
        """What that means."""
        if self.prior < THRESHOLD:
            return "priors of little weight"
        return "priors and data both count" if self.likelihood >= THRESHOLD else "priors decide"


@dataclass(frozen=True)
class PowerScaling:
    """Change of each posterior (cumulative Jensen–Shannon) per doubling of the power of one part of the model.

    by_prior : label of the posterior → label of the prior → change
    by_series : label of the posterior → name in the likelihood → change
    """

    by_prior: dict[str, dict[str, float]]
    by_series: dict[str, dict[str, float]]


def beyond(changes: dict[str, float]) -> list[tuple[str, float]]:
    """The priors, or the series, that move a posterior beyond the threshold, and how far, the strongest first."""
    return sorted(((part, x) for part, x in changes.items() if x >= THRESHOLD), key=lambda pair: -pair[1])


@dataclass(frozen=True)
class Sensitivities:
    """How a posterior depends on calibration constants, priors and series.

    calibration : shifts of the rates when a constant is off by one standard deviation
    together : power scaling of all priors, and of the likelihood, for every posterior
    apart : of each prior, and of each series, for the rates
    """

    calibration: CalibrationSensitivity
    together: tuple[Sensitivity, ...]
    apart: PowerScaling

    def facts(self) -> dict[str, Any]:
        """The same as plain values, for --json."""
        return {
            "calibration": self.calibration.facts(),
            "power_scaling": [asdict(row) | {"words": row.words} for row in self.together],
            "by_prior": self.apart.by_prior,
            "by_series": self.apart.by_series,
            "threshold": THRESHOLD,
        }


def sensitivity(fit: DataTree | Fit, *, refit: bool = True, cores: int | None = None) -> Sensitivities:
    """Sensitivity of a fit to its priors, its series and its calibration constants.

    Power scaling: Kallioinen et al., Stat. Comput. 34, 57 (2024). Reweighting: arXiv:1507.02646.

    Parameters
    ----------
    fit : what `fit` returned
    refit : whether to fit again with a shifted prior where reweighting the draws fails (k̂ > 0.7)
    cores : for those fits; None: all

    Returns
    -------
    Sensitivities: shifts of posterior means, in posterior standard deviations, and power-scaling sensitivities
    """
    fitted = Fit.of(fit)
    rates = [label for label in fitted.by_label(derived=True) if Label.parse(label).is_rate]
    return Sensitivities(
        calibration_sensitivity(fitted, refit=refit, cores=cores),
        tuple(prior_sensitivity(fitted)),
        power_scaling(fitted, rates),
    )


def prior_sensitivity(fitted: Fit) -> list[Sensitivity]:
    """Of every free parameter and every rate that follows, in the order of the posterior table."""
    tree, names = _tree(fitted)
    found = [_changes(tree, group) for group in ("prior", "likelihood")]
    return [Sensitivity(label, *(each[v] for each in found)) for v, label in names.items()]


def power_scaling(fitted: Fit, labels: Sequence[str] | None = None) -> PowerScaling:
    """Every prior by itself, and the likelihood of every series by itself.

    labels : of the posteriors that are looked at; None: all
    """
    tree, names = _tree(fitted)
    wanted = {v: label for v, label in names.items() if labels is None or label in labels}
    found = []
    for group in ("prior", "likelihood"):
        parts = tree[f"log_{group}"].dataset.data_vars
        columns = {part.attrs["part"]: _changes(tree, group, str(v), list(wanted)) for v, part in parts.items()}
        found.append({label: {part: column[v] for part, column in columns.items()} for v, label in wanted.items()})
    return PowerScaling(*found)


def _tree(fitted: Fit) -> tuple[DataTree, dict[str, str]]:
    """Posterior, log-prior by parameter, log-likelihood by series, for the draws that have a likelihood; and labels.

    Labels may hold what names of variables may not: variables are numbered, and say in `part` what they are.
    """
    import xarray as xr

    likelihood = fitted.tree["log_likelihood"].dataset
    kept = np.asarray(likelihood["draw"].values)
    where = np.searchsorted(np.asarray(fitted.tree["posterior"].dataset["draw"].values), kept)
    dims = ("chain", "draw")
    coords: dict[str, Any] = {"chain": likelihood["chain"].values, "draw": kept}
    draws = {label: array[:, where] for label, array in fitted.by_label(derived=True).items()}
    names = {f"v{k}": label for k, label in enumerate(label for label, array in draws.items() if np.ptp(array) > 0)}
    priors = {u.label: -0.5 * u.prior.z_score(draws[u.label]) ** 2 for u in fitted.problem.free}
    series = {name: array.sum(axis=-1) for name, array in arrays_of(likelihood).items()}

    def numbered(arrays: dict[str, np.ndarray], letter: str) -> xr.Dataset:
        parts = {f"{letter}{k}": (dims, a, {"part": part}) for k, (part, a) in enumerate(arrays.items())}
        return xr.Dataset(parts, coords=coords)

    groups = {
        "posterior": xr.Dataset({v: (dims, draws[label]) for v, label in names.items()}, coords=coords),
        "log_prior": numbered(priors, "p"),
        "log_likelihood": numbered(series, "l"),
    }
    return xr.DataTree.from_dict(groups), names


def _changes(
    tree: DataTree, group: str, part: str | None = None, variables: list[str] | None = None
) -> dict[str, float]:
    """Change of each posterior variable when a group, or one part of it, is made stronger."""
    import arviz_stats as azs

    log = logging.getLogger("arviz_stats")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        found = azs.psense(tree, var_names=variables, group=group, alphas=ALPHAS, group_var_names=part)
    finally:
        log.setLevel(level)
    return {str(v): float(value) for v, value in found.data_vars.items()}
