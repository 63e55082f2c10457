"""How often is a right model called "not calibrated"? The decision of `sbc` on ranks that are uniform, without any fit.

python benchmarks/sbc_false_alarms.py [CALIBRATIONS]       a row for each number of simulations, quantities, dependence

independent : quantities have nothing in common;  factors : they follow, up to own noise, from three, some turned round
(correlations up to 0.98);  tails : in common are also their extremes (a t copula of 3 degrees of freedom), which the
Gaussian copula of the band does not know.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.special import ndtr
from scipy.stats import t

from dissentangle.inference.campaigns.uniformity import FIRST, SECOND, common_band

CASES = [
    (20, 17, "independent"), (20, 17, "factors"), (100, 17, "independent"), (100, 17, "factors"), (100, 39, "factors"),
    (100, 39, "tails"),
]  # fmt: skip
TRIALS = 1000


def ranks(kind: str, count: int, quantities: int, rng: np.random.Generator) -> np.ndarray:
    """Fractional ranks among 100 draws, uniform: (simulations, quantities)."""
    common = rng.standard_normal((count, 3))[:, np.arange(quantities) % 3]
    own = rng.standard_normal((count, quantities))
    if kind == "independent":
        uniform = ndtr(own)
    elif kind == "factors":
        load, sign = np.linspace(0.5, 0.99, quantities), np.where(np.arange(quantities) % 2, 1, -1)
        uniform = ndtr(sign * (load * common + np.sqrt(1 - load**2) * own))
    else:
        width = np.sqrt(3 / rng.chisquare(3, (count, 1)))
        uniform = t.cdf(width * (0.7 * common + np.sqrt(1 - 0.7**2) * own), 3)
    return np.asarray((np.floor(101 * uniform) + rng.uniform(size=uniform.shape)) / 101)


def decisions(kind: str, count: int, quantities: int, repeats: int) -> tuple[int, int]:
    """How often the first seed makes some quantity suspect, and how often the second one says so again."""
    rng, first, both = np.random.default_rng(7), 0, 0
    for _ in range(repeats):
        found = ranks(kind, count, quantities, rng)
        outside = ~common_band(found, FIRST, rng, TRIALS).holds(found)
        if outside.any():
            again = ranks(kind, 2 * count, quantities, rng)[:, outside]
            first += 1
            both += not common_band(again, SECOND, rng, TRIALS).holds(again).all()
    return first, both


if __name__ == "__main__":
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print("| simulations | quantities | dependence | suspect at first | not calibrated |\n|---|---|---|---|---|")
    for count, quantities, kind in CASES:
        first, both = (100 * n / repeats for n in decisions(kind, count, quantities, repeats))
        print(f"| {count} | {quantities} | {kind} | {first:.1f} % | {both:.1f} % |", flush=True)
