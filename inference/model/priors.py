"""Priors: written as text, always on natural units; those that a calibration made correlated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets.errors import ExperimentError, Faults, nearest, shortened, visible
from ...datasets.experiment import Label, meant
from ...forward_models import PARAMETERS
from .defaults import DEFAULTS


class PriorError(ExperimentError):
    """A prior that cannot be read or does not fit its parameter; the text, of files too, is made fit to be printed."""

    def __init__(self, text: str) -> None:
        super().__init__(visible("\n".join(shortened(line, 1000) for line in text.split("\n"))))


FORMS = {
    "lognormal": "lognormal(median, sd of the logarithm)",
    "normal": "normal(mean, sd), cut off where the parameter ends",
    "halfnormal": "halfnormal(sd)",
    "uniform": "uniform(low, high)",
    "beta": "beta(a, b), of a share between 0 and 1",
    "fixed": "fixed(value)",
}
"""How each is written."""
_PATTERN = re.compile(r"\s*([a-z_]+)\s*\(([^()]*)\)\s*")
_PLUS_MINUS, _NUMBER = re.compile(r"±|\+/?-"), re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
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

    @property
    def _normal(self) -> tuple[float, float, float, float]:
        """Centre and standard deviation of a normal or half-normal prior, and where its probability is cut off."""
        from scipy.special import ndtr

        if self.form == "halfnormal":
            return 0.0, self.numbers[0], 0.5, 1.0
        centre, sd = self.numbers
        return centre, sd, ndtr((self.low - centre) / sd), ndtr((self.high - centre) / sd)

    def quantile(self, probability: Any) -> Any:
        """The value below which the prior has this probability."""
        from scipy.special import betaincinv, ndtri

        a = self.numbers
        if self.form == "beta":
            return betaincinv(a[0], a[1], probability)
        if self.form == "fixed":
            return a[0] + 0.0 * np.asarray(probability)
        if self.form == "lognormal":
            return a[0] * np.exp(a[1] * ndtri(probability))
        if self.form == "uniform":
            return a[0] + (a[1] - a[0]) * np.asarray(probability)
        centre, sd, below, above = self._normal
        return centre + sd * ndtri(below + (above - below) * np.asarray(probability))

    def from_z_score(self, z: Any) -> Any:
        """The value that has this z-score: inverse of `z_score`."""
        from scipy.special import log_ndtr, ndtr, ndtri_exp

        if self.plain:
            centre, sd = self.numbers
            return centre * np.exp(sd * np.asarray(z)) if self.form == "lognormal" else centre + sd * np.asarray(z)
        values = self.quantile(ndtr(z))
        if self._log_share is None:
            return values
        centre, sd, *_ = self._normal
        tail = log_ndtr(-np.asarray(z)) + self._log_share  # of the probability beyond, which 1 − Φ would lose
        far = centre - sd * ndtri_exp(np.minimum(tail, -np.log(2)))
        return np.where(tail < -np.log(2), far, values)

    @property
    def _log_share(self) -> float | None:
        """Log of the share of the normal distribution that is left of one without upper end; None for other priors."""
        if self.form not in ("normal", "halfnormal") or (self.form == "normal" and np.isfinite(self.high)):
            return None
        from scipy.special import log_ndtr

        centre, sd, *_ = self._normal
        return float(log_ndtr((centre - (0.0 if self.form == "halfnormal" else self.low)) / sd))

    def possible(self, value: Any) -> Any:
        """Whether values lie where the parameter is defined; a bound of the table of priors is none of physics."""
        array = np.asarray(value)
        return np.isfinite(array) & (array > 0 if self.low >= 0 else array >= self.low) & (array <= self.high)

    def z_score(self, value: Any, xp: Any = np) -> Any:
        """The value on the scale on which the prior is a standard normal distribution.

        xp : `numpy`; of a `plain` prior the value may be symbolic, with `pymc.math`
        """
        from scipy.special import betainc, log_ndtr, ndtr, ndtri, ndtri_exp

        if self.form == "beta":
            return ndtri(betainc(self.numbers[0], self.numbers[1], value))
        if self.form == "lognormal":
            return xp.log(value / self.numbers[0]) / self.numbers[1]
        if self.form == "uniform":
            low, high = self.numbers
            return ndtri((value - low) / (high - low))
        if self.plain:
            return (value - self.numbers[0]) / self.numbers[1]
        centre, sd, below, above = self._normal
        standard = (value - centre) / sd
        near = ndtri((ndtr(standard) - below) / (above - below))
        if self._log_share is None:
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


def vector_variable(name: str, priors: list[Prior], dims: str | None) -> Any:
    """One PyMC variable for priors of one form (one each entry of `dims`, or a scalar)."""
    import pymc as pm

    rows = [prior.numbers for prior in priors]
    columns: list[Any] = [np.array(column) for column in zip(*rows, strict=True)]
    if dims is None:
        columns = [column[0] for column in columns]
    if any(prior.truncated for prior in priors):
        low, high = (end if np.isfinite(end) else None for end in (priors[0].low, priors[0].high))
        return pm.TruncatedNormal(name, mu=columns[0], sigma=columns[1], lower=low, upper=high, dims=dims)
    form = priors[0].form
    if form == "lognormal":
        return pm.LogNormal(name, mu=np.log(columns[0]), sigma=columns[1], dims=dims)
    if form == "beta":
        return pm.Beta(name, *columns, dims=dims)
    if form == "uniform":
        return pm.Uniform(name, lower=columns[0], upper=columns[1], dims=dims)
    return pm.Normal(name, *columns, dims=dims) if form == "normal" else pm.HalfNormal(name, *columns, dims=dims)


def _meant(text: str) -> str:
    """The prior that '0.1 ± 0.02' or '0.1' stands for; '' for other texts."""
    parts = [part.strip() for part in _PLUS_MINUS.split(text)]
    if not all(_NUMBER.fullmatch(part) for part in parts) or len(parts) > 2:
        return ""
    return f"normal({parts[0]}, {parts[1]})" if len(parts) == 2 else f"fixed({parts[0]}), or a prior with a width"


def parse_prior(name: str, text: str, where: str = "prior") -> Prior:
    """The prior that `text` means for the parameter `name`; PriorError says what is wrong.

    Forms: lognormal(median, sd of the logarithm), normal(mean, sd), halfnormal(sd), uniform(low, high),
    beta(a, b), fixed(value); numbers in the unit of the parameter table.
    """
    place = f"{where} {name} = {text!r}"
    if not isinstance(text, str):
        raise PriorError(f"{place}: expected a text such as 'normal(0.1, 0.02)' or 'fixed({text})'")
    match = _PATTERN.fullmatch(text)
    if match is None or match[1] not in FORMS:
        form = text.partition("(")[0].strip()
        hint = "" if form in FORMS else nearest(form.lower(), FORMS)
        example = f", such as {DEFAULTS[name]!r}" if name in DEFAULTS else ""
        meant = _meant(text)
        raise PriorError(f"{place}{hint}: expected {meant or ' | '.join(FORMS.values()) + example}")
    form, usage = match[1], FORMS[match[1]]
    wanted = 1 if form in ("halfnormal", "fixed") else 2
    try:
        numbers = tuple(float(cell) for cell in match[2].split(","))
    except ValueError as error:
        unit = f", in {PARAMETERS[name].unit}, without the unit" if PARAMETERS[name].unit != "1" else ""
        raise PriorError(f"{place}: expected numbers, as in {usage}{unit}") from error
    if len(numbers) != wanted or not np.isfinite(numbers).all():
        raise PriorError(f"{place}: expected {wanted} finite number(s), as in {usage}")
    if form in ("lognormal", "normal", "halfnormal") and numbers[-1] <= 0:
        raise PriorError(f"{place}: expected a standard deviation > 0")
    if form == "lognormal" and numbers[0] <= 0:
        raise PriorError(f"{place}: expected a median > 0")
    if form == "uniform" and numbers[0] >= numbers[1]:
        raise PriorError(f"{place}: expected low < high")
    if form == "beta" and (min(numbers) <= 0 or _domain(name) != (0.0, 1.0)):
        raise PriorError(f"{place}: expected two numbers > 0, for a parameter between 0 and 1")
    prior = Prior(form, numbers, *_domain(name))
    low, high = prior.low, prior.high
    centre = numbers if form in ("fixed", "uniform") else numbers[:1]
    if form not in ("halfnormal", "beta") and not all(low <= number <= high for number in centre):
        raise PriorError(f"{place}: expected values in [{low:g}, {high:g}], where {name} is defined")
    if form in ("lognormal", "halfnormal") and (prior.quantile(1e-6) < low or prior.quantile(1 - 1e-6) > high):
        raise PriorError(f"{place}: expected a prior inside [{low:g}, {high:g}], where {name} is defined")
    return prior


def read_priors(texts: Mapping[str, str], where: str = "prior", faults: Faults | None = None) -> dict[str, Prior]:
    """Priors by parameter or label; PriorError for a text that cannot be read and for an unknown parameter.

    faults : keeps these errors, if it is given
    """
    given, found = {}, Faults() if faults is None else faults
    for key, text in texts.items():
        name = Label.parse(key).name
        with found:
            if name not in PARAMETERS:
                hint = meant(name)
                expected = "a name that `dissentangle check` lists" if hint else f"one of {', '.join(PARAMETERS)}"
                raise PriorError(f"{where} {key}: unknown parameter{hint}; expected {expected}")
            given[key] = parse_prior(name, text, where)
    if faults is None:
        found.settle()
    return given


def _domain(name: str) -> tuple[float, float]:
    if name == "squeezing_limit":
        return SMALLEST_LIMIT, 1.0
    domains = {"positive": (0.0, np.inf), "unit interval": (0.0, 1.0), "real": (-np.inf, np.inf)}
    return domains[PARAMETERS[name].domain]


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
        scores = [prior.z_score(values[label], xp) for label, prior in zip(self.labels, self.priors, strict=True)]
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
