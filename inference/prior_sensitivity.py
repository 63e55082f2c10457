"""How the posterior moves when the priors, or the likelihood, are made a little stronger (power scaling).

Priors are scaled where they are normal: a stronger one is narrower about the same median. Source: Kallioinen et al.,
Stat. Comput. 34, 57 (2024), by ArviZ.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from .fitted import Fitted
from .unknowns import free

THRESHOLD = 0.05


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


def prior_sensitivity(fitted: Fitted) -> list[Sensitivity]:
    """Of every unknown and every rate that follows, in the order of the posterior table."""
    import arviz_stats as azs
    import xarray as xr

    likelihood = fitted.tree["log_likelihood"].dataset
    kept = np.asarray(likelihood["draw"].values)
    where = np.searchsorted(np.asarray(fitted.tree["posterior"].dataset["draw"].values), kept)
    dims = ("chain", "draw")
    coords: dict[str, Any] = {"chain": likelihood["chain"].values, "draw": kept}
    draws = {label: array[:, where] for label, array in fitted.by_label(derived=True).items()}
    labels = [label for label, array in draws.items() if np.ptp(array) > 0]
    names = {f"v{k}": label for k, label in enumerate(labels)}  # labels may hold what names of variables may not
    priors = {u.label: (dims, -0.5 * u.prior.score(draws[u.label]) ** 2) for u in free(fitted.parameters)}
    total = sum(array for _, array in priors.values())
    together = sum(np.asarray(variable.values).sum(axis=-1) for variable in likelihood.data_vars.values())
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({v: (dims, draws[label]) for v, label in names.items()}, coords=coords),
            "log_prior": xr.Dataset({"all": (dims, total)}, coords=coords),
            "log_likelihood": xr.Dataset({"all": (dims, together)}, coords=coords),
        }
    )
    level = logging.getLogger("arviz_stats").level
    logging.getLogger("arviz_stats").setLevel(logging.ERROR)
    try:
        found = [azs.psense(tree, group=group, alphas=(0.99, 1.01)) for group in ("prior", "likelihood")]
    finally:
        logging.getLogger("arviz_stats").setLevel(level)
    return [Sensitivity(label, *(float(each[v]) for each in found)) for v, label in names.items()]
