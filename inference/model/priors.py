"""Priors: written as text, always on natural units; those that a calibration made correlated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets.errors import shortened, visible
from ...forward_models import PARAMETERS


class PriorError(ValueError):
    """A prior that cannot be read or does not fit its parameter; the text, of files too, is made fit to be printed."""

    def __init__(self, text: str) -> None:
        super().__init__(visible(shortened(text, 1000)))


@dataclass(frozen=True)
class _Form:
    """One form of prior: how many numbers, and of what sort."""

    usage: str
    numbers: int
    scale_is_last: bool


FORMS = {
    "lognormal": _Form("lognormal(median, sd of the logarithm)", 2, True),
    "normal": _Form("normal(mean, sd), cut off where the parameter ends", 2, True),
    "halfnormal": _Form("halfnormal(sd)", 1, True),
    "uniform": _Form("uniform(low, high)", 2, False),
    "fixed": _Form("fixed(value)", 1, False),
}
_PATTERN = re.compile(r"\s*([a-z_]+)\s*\(([^()]*)\)\s*")
SMALLEST_LIMIT = 0.005
"""Z below this is no experiment, and rates grow as 1/Z."""
_FAR = 8.0  # standard deviations: a bound farther away than this is not worth a truncation, whatever the data want


@dataclass(frozen=True)
class Prior:
    """A prior on natural units. `low` and `high` are the ends of the parameter's domain."""

    form: str
    numbers: tuple[float, ...]
    low: float = -np.inf
    high: float = np.inf

    def __str__(self) -> str:
        return f"{self.form}({', '.join(f'{number:g}' for number in self.numbers)})"

    @property
    def fixed(self) -> bool:
        """Whether the parameter is no unknown."""
        return self.form == "fixed"

    def quantile(self, probability: Any) -> Any:
        """The value below which the prior has this probability."""
        from scipy.special import ndtr, ndtri

        a = self.numbers
        if self.form == "fixed":
            return a[0] + 0.0 * np.asarray(probability)
        if self.form == "lognormal":
            return a[0] * np.exp(a[1] * ndtri(probability))
        if self.form == "halfnormal":
            return a[0] * ndtri(0.5 + 0.5 * np.asarray(probability))
        if self.form == "uniform":
            return a[0] + (a[1] - a[0]) * np.asarray(probability)
        below, above = ndtr((self.low - a[0]) / a[1]), ndtr((self.high - a[0]) / a[1])
        return a[0] + a[1] * ndtri(below + (above - below) * np.asarray(probability))

    def from_z_score(self, z: Any) -> Any:
        """The value that has this z-score: inverse of `z_score`."""
        from scipy.special import log_ndtr, ndtr, ndtri_exp

        if self.form == "lognormal":
            return self.numbers[0] * np.exp(self.numbers[1] * np.asarray(z))
        if self.form == "normal" and not self.truncated:
            return self.numbers[0] + self.numbers[1] * np.asarray(z)
        values = self.quantile(ndtr(z))
        if self.form == "halfnormal" or (self.form == "normal" and np.isinf(self.high)):
            tail = log_ndtr(-np.asarray(z)) + self._log_share  # of the probability beyond, which 1 − Φ would lose
            far = self._centre - self.numbers[-1] * ndtri_exp(np.minimum(tail, -np.log(2)))
            values = np.where(tail < -np.log(2), far, values)
        return values

    @property
    def _centre(self) -> float:
        return 0.0 if self.form == "halfnormal" else self.numbers[0]

    @property
    def _log_share(self) -> float:
        """Log of the share of the normal distribution that is left of a half-normal or truncated one."""
        from scipy.special import log_ndtr

        return float(
            log_ndtr((self._centre - max(self.low, 0.0 if self.form == "halfnormal" else self.low)) / self.numbers[-1])
        )

    def possible(self, value: Any) -> Any:
        """Whether values lie where the parameter is defined; a bound of the table of priors is none of physics."""
        array = np.asarray(value)
        return np.isfinite(array) & (array > 0 if self.low >= 0 else array >= self.low) & (array <= self.high)

    def z_score(self, value: Any) -> Any:
        """The value on the scale on which the prior is a standard normal distribution."""
        from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

        a = self.numbers
        if self.form == "lognormal":
            return np.log(value / a[0]) / a[1]
        if self.form == "halfnormal":
            near = ndtri(np.clip(2 * ndtr(np.asarray(value) / a[0]) - 1, 0, 1))
            tail = log_ndtr(-np.asarray(value) / a[0]) - self._log_share
            return np.where(tail < -np.log(2), -ndtri_exp(np.minimum(tail, -np.log(2))), near)
        if self.form == "uniform":
            return ndtri((value - a[0]) / (a[1] - a[0]))
        standard = (value - a[0]) / a[1]
        if not self.truncated:
            return standard
        below, above = ndtr((self.low - a[0]) / a[1]), ndtr((self.high - a[0]) / a[1])
        near = ndtri((ndtr(standard) - below) / (above - below))
        if np.isfinite(self.high):
            return near
        tail = log_ndtr(-np.asarray(standard)) - self._log_share
        return np.where(tail < -np.log(2), -ndtri_exp(np.minimum(tail, -np.log(2))), near)

    @property
    def plain(self) -> bool:
        """Whether it is log-normal, or normal far from the ends of the domain."""
        return self.form == "lognormal" or (self.form == "normal" and not self.truncated)

    @property
    def truncated(self) -> bool:
        """Whether a normal prior feels the ends of the domain."""
        mean, sd = self.numbers[0], self.numbers[-1]
        return self.form == "normal" and (mean - self.low < _FAR * sd or self.high - mean < _FAR * sd)

    def variable(self, name: str, dims: str | None = None) -> Any:
        """The PyMC variable, in the current model."""
        return vector_variable(name, [self], dims)


def vector_variable(name: str, priors: list[Prior], dims: str | None) -> Any:
    """One PyMC variable for priors of one form (one each entry of `dims`, or a scalar)."""
    import pymc as pm

    rows = [prior.numbers for prior in priors]
    columns: list[Any] = [np.array(column) for column in zip(*rows, strict=True)]
    if dims is None:
        columns = [column[0] for column in columns]
    makers: dict[str, Callable[..., Any]] = {
        "lognormal": lambda median, sd: pm.LogNormal(name, mu=np.log(median), sigma=sd, dims=dims),
        "halfnormal": lambda sd: pm.HalfNormal(name, sigma=sd, dims=dims),
        "uniform": lambda low, high: pm.Uniform(name, lower=low, upper=high, dims=dims),
        "normal": lambda mean, sd: pm.Normal(name, mu=mean, sigma=sd, dims=dims),
    }
    if any(prior.truncated for prior in priors):
        low, high = priors[0].low, priors[0].high
        return pm.TruncatedNormal(
            name,
            mu=columns[0],
            sigma=columns[1],
            lower=low if np.isfinite(low) else None,
            upper=high if np.isfinite(high) else None,
            dims=dims,
        )
    return makers[priors[0].form](*columns)


def parse_prior(name: str, text: str, where: str = "prior") -> Prior:
    """The prior that `text` means for the parameter `name`; PriorError says what is wrong.

    Forms: lognormal(median, sd of the logarithm), normal(mean, sd), halfnormal(sd), uniform(low, high),
    fixed(value); numbers in the unit of the parameter table.
    """
    place = f"{where} {name} = {text!r}"
    match = _PATTERN.fullmatch(text)
    if match is None or match[1] not in FORMS:
        raise PriorError(f"{place}: expected {' | '.join(form.usage for form in FORMS.values())}")
    form = FORMS[match[1]]
    try:
        numbers = tuple(float(cell) for cell in match[2].split(","))
    except ValueError as error:
        raise PriorError(f"{place}: expected numbers, as in {form.usage}") from error
    if len(numbers) != form.numbers or not np.isfinite(numbers).all():
        raise PriorError(f"{place}: expected {form.numbers} finite number(s), as in {form.usage}")
    _check_numbers(place, match[1], numbers)
    low, high = _domain(name)
    centre = numbers if match[1] in ("fixed", "uniform") else numbers[:1]
    if match[1] != "halfnormal" and not all(low <= number <= high for number in centre):
        raise PriorError(f"{place}: expected values in [{low:g}, {high:g}], where {name} is defined")
    prior = Prior(match[1], numbers, low, high)
    if match[1] in ("lognormal", "halfnormal") and (prior.quantile(1e-6) < low or prior.quantile(1 - 1e-6) > high):
        raise PriorError(f"{place}: expected a prior inside [{low:g}, {high:g}], where {name} is defined")
    return prior


def _check_numbers(place: str, form: str, numbers: tuple[float, ...]) -> None:
    if FORMS[form].scale_is_last and numbers[-1] <= 0:
        raise PriorError(f"{place}: expected a standard deviation > 0")
    if form == "lognormal" and numbers[0] <= 0:
        raise PriorError(f"{place}: expected a median > 0")
    if form == "uniform" and numbers[0] >= numbers[1]:
        raise PriorError(f"{place}: expected low < high")


def _domain(name: str) -> tuple[float, float]:
    parameter = PARAMETERS[name]
    if name == "squeezing_limit":
        return SMALLEST_LIMIT, 1.0
    return {"positive": (0.0, np.inf), "unit interval": (0.0, 1.0), "real": (-np.inf, np.inf)}[parameter.domain]


def known_prior(name: str, value: float, sigma: float) -> Prior:
    """The prior from what the lab knows: normal, or fixed where sigma is 0."""
    low, high = _domain(name)
    return Prior("normal", (value, sigma), low, high) if sigma > 0 else Prior("fixed", (value,), low, high)


@dataclass(frozen=True)
class Correlated:
    """Priors that a calibration made correlated: a Gaussian copula over the priors of single parameters.

    Each prior keeps its form; the z-scores (on the scale on which a prior is standard normal) have the correlation R.

    priors : (n,), of the parameters `labels` (n,);  matrix : R, (n, n)
    """

    labels: tuple[str, ...]
    priors: tuple[Prior, ...]
    matrix: np.ndarray

    def log_density(self, values: Mapping[str, Any], xp: Any) -> Any:
        """Log of the joint prior over the product of the single ones; `values` by label, numbers or symbols."""
        scores = [_z_score(prior, values[label], xp) for label, prior in zip(self.labels, self.priors, strict=True)]
        excess = np.linalg.inv(self.matrix) - np.eye(len(scores))
        total: Any = -0.5 * float(np.linalg.slogdet(self.matrix)[1])
        for k, row in enumerate(excess):
            for j in range(k + 1):
                total = total - (0.5 if j == k else 1.0) * float(row[j]) * scores[k] * scores[j]
        return total

    def z_scores(self, number: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draws of the correlated z-scores, label → (number,)."""
        drawn = rng.standard_normal((number, len(self.labels))) @ np.linalg.cholesky(self.matrix).T
        return dict(zip(self.labels, drawn.T, strict=True))


def _z_score(prior: Prior, value: Any, xp: Any) -> Any:
    centre, width = prior.numbers
    return xp.log(value / centre) / width if prior.form == "lognormal" else (value - centre) / width
