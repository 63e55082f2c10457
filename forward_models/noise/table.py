"""The kinds of noise by name: a family is possible because it is listed here."""

from __future__ import annotations

from ..validation import InvalidValue
from .gamma import Gamma
from .gaussian import Gaussian
from .noise import Noise
from .student_t import StudentT
from .wishart import Wishart

NOISES: dict[str, Noise] = {
    noise.name: noise
    for noise in (
        Gaussian("gaussian", "sigma"),
        StudentT("student-t", "sigma"),
        Gamma("gamma", "repetitions", 2),
        Gamma("gamma-single", "repetitions", 1),
        Wishart("wishart", "repetitions", 2),
        Gamma("gamma-sigma", "sigma"),
        Gaussian("gaussian-repetitions", "repetitions", 2),
        Gaussian("gaussian-repetitions-single", "repetitions", 1),
        StudentT("student-t-repetitions", "repetitions", 2),
        StudentT("student-t-repetitions-single", "repetitions", 1),
    )
}
"""The first of a family and a spread is its usual one. `repetitions`: of two quadratures pooled, `single`: of one."""


def sibling(name: str, family: str) -> str:
    """The kind of noise of another family for the same spreads."""
    own = noise_kind(name)
    alike = (n for n in NOISES.values() if (n.spread, n.quadratures) == (own.spread, own.quadratures))
    return next(noise.name for noise in alike if noise.family == family)


def noise_kind(name: str) -> Noise:
    """The kind of noise called `name`; InvalidValue for an unknown one."""
    if name not in NOISES:
        raise InvalidValue(f"noise = {name!r}: expected one of {', '.join(NOISES)}")
    return NOISES[name]
