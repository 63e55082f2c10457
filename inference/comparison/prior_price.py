"""What a model pays for a prior, in nats of its evidence, and what another width of that prior would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from ..model import Prior


@dataclass(frozen=True)
class PriorPrice:
    """Of one prior in one model.

    prior : as text;  price : KL divergence of the parameter's posterior from it, nats: ln evidence is the mean of the
        log-likelihood over the posterior less the divergence of all parameters together
    half, twice : changes of ln evidence, nats, with half and with twice the width of the prior about its median
    """

    prior: str
    price: float
    half: float
    twice: float


def prior_prices(priors: Mapping[str, Prior], draws: Mapping[str, Any]) -> dict[str, PriorPrice]:
    """The price of each normal or log-normal prior, by label, from draws of the posterior.

    On the scale on which the prior is standard normal let z have the posterior mean μ and standard deviation σ. The
    price is (μ² + σ² − 1)/2 − ln σ, as of a normal posterior. Another prior changes the evidence by the posterior mean
    of the ratio of the two, which of a width w is exp(z²(1 − 1/w²)/2)/w; no fit is needed.
    """
    found = {}
    for label, prior in priors.items():
        z = np.ravel(prior.z_score(draws[label]))
        if not prior.plain or not np.isfinite(z).all() or not z.std():
            continue
        price = 0.5 * (z.mean() ** 2 + z.var() - 1) - log(z.std())
        half, twice = (_log_mean(0.5 * z**2 * (1 - 1 / width**2)) - log(width) for width in (0.5, 2.0))
        found[label] = PriorPrice(str(prior), float(price), half, twice)
    return found


def _log_mean(logs: np.ndarray) -> float:
    top = logs.max()
    return float(top + np.log(np.mean(np.exp(logs - top))))
