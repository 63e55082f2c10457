"""Priors: written as text, always on natural units, one default for each parameter of the table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets.errors import shortened, visible
from ...forward_models import PARAMETERS

DEFAULTS: dict[str, str] = {
    "collective_rate": "lognormal(0.1, 1)",
    "optical_depth": "lognormal(50, 0.5)",
    "radiative_rate": "lognormal(0.002, 1)",
    "squeezing_limit": "normal(0.16, 0.005)",
    "collision_rate": "lognormal(0.003, 1)",
    "light_loss_rate": "lognormal(0.02, 1)",
    "pump_rate": "lognormal(0.15, 1)",
    "repump_rate": "lognormal(0.1, 1)",
    "dephasing_rate": "lognormal(0.2, 1)",
    "pure_dephasing_rate": "lognormal(0.2, 1)",
    "collisional_loss": "uniform(0, 1)",
    "larmor_mismatch": "lognormal(0.01, 1)",
    "swap_rate": "lognormal(0.1, 1)",
    "extra_decay_rate": "lognormal(0.15, 1)",
    "bath_noise": "lognormal(1.3, 0.5)",
    "initial_xi": "lognormal(1, 0.7)",
    "initial_n3": "lognormal(0.01, 0.5)",
    "initial_nh": "fixed(0)",
    "initial_excess_variance": "fixed(0)",
    "detection_efficiency": "normal(0.84, 0.03)",
    "shot_noise_level": "lognormal(1, 0.3)",
    "projection_noise_slope": "lognormal(0.1, 3)",
    "classical_noise": "normal(0, 0.01)",
    "depth_per_degree": "normal(4, 0.2)",
    "quadratic_zeeman": "normal(0.0226, 0.002)",
    "population_ratio": "lognormal(0.3, 0.7)",
    "beat_in_phase": "normal(0, 3)",
    "beat_quadrature": "normal(0, 3)",
    "beat_detuning": "normal(0, 0.005)",
    "coherence_time": "lognormal(30, 0.7)",
    "population_spread": "halfnormal(0.3)",
    "population_score": "normal(0, 1)",
}


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

    def of_score(self, score: Any) -> Any:
        """The value that has this score: inverse of `score`."""
        from scipy.special import log_ndtr, ndtr, ndtri_exp

        if self.form == "lognormal":
            return self.numbers[0] * np.exp(self.numbers[1] * np.asarray(score))
        if self.form == "normal" and not self.truncated:
            return self.numbers[0] + self.numbers[1] * np.asarray(score)
        values = self.quantile(ndtr(score))
        if self.form == "halfnormal" or (self.form == "normal" and np.isinf(self.high)):
            tail = log_ndtr(-np.asarray(score)) + self._log_share  # of the probability beyond, which 1 − Φ would lose
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

    def score(self, value: Any) -> Any:
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
