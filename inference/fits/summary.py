"""Can the sampling be trusted, and what did the data say? Numbers, and a verdict in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets.experiment import Label
from ..model import ModelParameter, Problem
from ..sampling import ESS_PER_CHAIN, RHAT_LIMIT, highest_density, leaning_on, moved_by
from ..sampling import bfmi as bfmi_of
from ..sampling import diagnostics as diagnostics_of

if TYPE_CHECKING:
    from xarray import DataTree

ENERGY_LIMIT = 0.3
QUADRATURE_LIMIT = 1e-3
PRIOR_DOMINATED = 0.1
"""Contraction of the variance (prior to posterior, on the prior's normal scale) below which the prior speaks."""
WELL_INFORMED = 0.5


SUMMARY = ("mean", "sd", "low", "high", "ess_bulk", "ess_tail", "rhat", "contraction")
"""The numbers of a `ParameterSummary` in files of all versions."""
NOT_OF_EACH = ("moved", "bound")
"""Those that few parameters have."""


@dataclass(frozen=True)
class ParameterSummary:
    """One row of the posterior table, in the unit of the parameter.

    low, high : ends of the interval of highest density, 94 % where nothing else is said
    contraction : 1 − variance(posterior)/variance(prior), on the scale on which the prior is normal; None for what has
        no prior of its own
    moved_by, moved : label of the other default prior that moves the posterior most when it is changed by a factor of
        two, and by how many standard deviations, beyond `MOVED`; else "" and None
    bound : the end of its prior on which the posterior leans, else None
    """

    label: str
    mean: float
    sd: float
    low: float
    high: float
    ess_bulk: float
    ess_tail: float
    rhat: float
    contraction: float | None = None
    moved_by: str = ""
    moved: float | None = None
    bound: float | None = None

    @property
    def narrowed_by(self) -> str:
        """What made it as narrow as it is: 'data', 'prior and data', 'prior', or '' for derived rates."""
        if self.contraction is None:
            return ""
        if self.contraction < PRIOR_DOMINATED:
            return "prior"
        return "data" if self.contraction >= WELL_INFORMED else "prior and data"

    @property
    def informed(self) -> str:
        """Who determined it: as `narrowed_by`; 'data, prior of Γdeph [drive]' where that prior moves it; where its own
        ends: 'data; leans on its bound 0.118'.
        """
        return self.informed_by(attrgetter("symbol"))

    def informed_by(self, symbol: Callable[[Label], str]) -> str:
        """The same with another way to write a parameter."""
        by = self.narrowed_by
        if by == "data" and self.moved_by:
            by = f"data, prior of {symbol(Label.parse(self.moved_by))}"
        return by if self.bound is None else f"{by}; leans on its bound {self.bound:g}"


@dataclass(frozen=True)
class Verdict:
    """Whether the sampling is healthy, and in words what is not and what to do."""

    healthy: bool
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """All sentences in one line."""
        return " ".join(self.sentences)


def summarise(
    draws: Mapping[str, np.ndarray],
    unknown: list[ModelParameter],
    probability: float = 0.94,
    *,
    diagnostics: Mapping[str, np.ndarray] | None = None,
) -> list[ParameterSummary]:
    """The posterior table of draws, label → (chain, draw), in their order.

    unknown : the free parameters, whose priors give contractions;  probability : of the highest-density intervals
    diagnostics : label → bulk ESS, tail ESS and R-hat, (3,), where they are known
    """
    priors = {u.label: u.prior for u in unknown}
    contraction = {label: float(1 - np.var(prior.z_score(draws[label]))) for label, prior in priors.items()}
    moved = moved_by(draws, unknown) if unknown else {}
    informed = {label for label, share in contraction.items() if share >= PRIOR_DOMINATED}
    stacked = np.stack(list(draws.values()))
    low, high = highest_density(stacked, probability)
    known = [diagnostics[label] for label in draws] if diagnostics else diagnostics_of(stacked).T
    bulk, tails, rhat = np.transpose(known)
    return [
        ParameterSummary(
            label,
            float(values.mean()),
            float(values.std(ddof=1)),
            float(low[k]),
            float(high[k]),
            float(bulk[k]),
            float(tails[k]),
            float(rhat[k]),
            contraction.get(label),
            by,
            shift,
            leaning_on(values, priors[label]) if label in informed else None,
        )
        for k, (label, values) in enumerate(draws.items())
        for by, shift in [moved.get(label, ("", None))]
    ]


def verdict(
    rows: list[ParameterSummary],
    statistics: Mapping[str, np.ndarray],
    quadrature_error: float = 0.0,
    *,
    bfmi: np.ndarray | None = None,
    needed: int | None = None,
) -> Verdict:
    """Healthy: no divergence, R-hat < 1.01, bulk and tail ESS > 100 per chain, energy and quadrature in order.

    bfmi : E-BFMI of each chain, of draws that were thinned; None: that of the statistics
    needed : effective draws, where that is another number than 100 per chain
    """
    needed = needed or ESS_PER_CHAIN * next(iter(statistics.values())).shape[0]
    problems = _divergent(int(np.sum(statistics["diverging"])))
    rows = [row for row in rows if row.sd > 0]  # what all its parameters fix is no matter of sampling
    worst = max(rows, key=lambda row: row.rhat if np.isfinite(row.rhat) else np.inf)
    if not worst.rhat < RHAT_LIMIT:
        problems.append(
            f"The chains disagree: R-hat of {worst.label} is {worst.rhat:.3f} (limit {RHAT_LIMIT});"
            " run longer (--draws, --tune), and check for two modes."
        )
    least = min(rows, key=lambda row: min(row.ess_bulk, row.ess_tail))
    ess = min(least.ess_bulk, least.ess_tail)
    if not ess > needed:
        problems.append(f"Too few effective draws: {ess:.0f} for {least.label} (needed {needed}); use more --draws.")
    if bfmi is None and "energy" in statistics:
        bfmi = bfmi_of(statistics["energy"])
    if bfmi is not None and np.min(bfmi) < ENERGY_LIMIT:
        problems.append(
            f"The energy mixes slowly (E-BFMI {np.min(bfmi):.2f}, limit {ENERGY_LIMIT}): heavy tails; check priors."
        )
    if quadrature_error > QUADRATURE_LIMIT:
        problems.append(
            f"The integration grid is too coarse for these rates (error {quadrature_error:.1g} standard deviations)."
        )
    if problems:
        return Verdict(False, ("Do not use this fit.", *problems))
    return Verdict(
        True,
        (f"The sampling is healthy: no divergences, R-hat ≤ {worst.rhat:.4f}, at least {ess:.0f} effective draws.",),
    )


def _divergent(count: int) -> list[str]:
    if not count:
        return []
    return [
        f"{count} divergent transition{'s' * (count > 1)}, even with smaller steps: the sampler could not follow the"
        " posterior everywhere. Check whether the model describes the data, and the prior of the least-informed"
        " parameter."
    ]


def summary_rows(fit: DataTree) -> list[ParameterSummary]:
    """The posterior table of a fit, as it was computed then."""
    data = fit["summary"].dataset
    rows = []
    for k, label in enumerate(data["parameter"].values):
        row: dict[str, Any] = {name: float(data[name].values[k]) for name in (*SUMMARY, *NOT_OF_EACH) if name in data}
        row |= {name: None for name in ("contraction", *NOT_OF_EACH) if np.isnan(row.get(name, np.nan))}
        moved_by = str(data["moved_by"].values[k]) if "moved_by" in data else ""
        rows.append(ParameterSummary(str(label), **row, moved_by=moved_by))
    return rows


def with_influences(fit: DataTree, problem: Problem) -> DataTree:
    """The fit of an older version with what other priors and bounds do to its posterior, worked out from its draws."""
    summary, posterior = fit["summary"].dataset, fit["posterior"].dataset
    if "moved_by" in summary:
        return fit
    draws = problem.by_label({str(name): array.values for name, array in posterior.data_vars.items()})
    rows = {row.label: row for row in summarise(draws, problem.free)}
    found = [rows[str(label)] for label in summary["parameter"].values]
    fit["summary"] = type(fit)(summary.assign(influences(found)))
    return fit


def influences(rows: list[ParameterSummary]) -> dict[str, Any]:
    """The columns of a table that say what other priors and bounds do: moved_by, moved, bound."""
    numbers = {name: np.array([getattr(row, name) for row in rows], float) for name in NOT_OF_EACH}  # NaN for None
    columns = {"moved_by": np.array([row.moved_by for row in rows]), **numbers}
    return {name: ("parameter", column) for name, column in columns.items()}
