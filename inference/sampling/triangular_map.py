"""Coordinates in which a posterior is nearly a standard normal distribution: a triangular map of them.

Coordinates of the model, v, are put in an order, from loosely to tightly known ones. Each is a smooth function of those
before it and a part of its own, whose width depends on those before it, too:

    v_i = σ_i e^{Σ_s q_s φ_s} T(w_i) + Σ_t c_t φ_a φ_b φ_d,   T(w) = (e^{g_i w} − 1)/g_i
    φ_j = (1/(1 + e^{−x √(1 + growth_j x²)}) − shift_j) stretch_j,   x = slope_j (v_j − bend_j)
    φ_n = 1,   φ_{n+1+j} = v_j

It can be inverted whatever the coefficients; its Jacobian is Π σ_i e^{Σ_s q_s φ_s + g_i w_i}. T gives a coordinate a
long tail on one side, as that of a share has; where |g w| is large it goes on as a straight line. φ follows the
parameter itself, of which the coordinate is the logarithm or a log ratio: data constrain sums of rates, not of their
logarithms. It is bounded, and v_j stands alone in its terms: what was fitted to some hundred points cannot run away
in the tails.
(Triangular maps: Marzouk et al., arXiv:1602.05023, Sect. 4.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BENT = 1.25
"""|g w| up to which T is an exponential function; also in mapped_density.ll."""
_LARGEST = 40.0
"""Argument of the logistic function beyond which it does not change."""


@dataclass(frozen=True)
class Naturals:
    """How the parameter itself follows each coordinate of a model.

    It is 1/(1 + e^{−x √(1 + growth x²)}) with x = slope (v − bend), times a factor and plus a number.

    slope, growth : (dimension,)
    bend : (dimension,); infinite for a logarithm, whose exponential has none; NaN for a parameter that is its own
        coordinate. Draws then say where it is put, and for the latter the slope too.
    """

    slope: np.ndarray
    bend: np.ndarray
    growth: np.ndarray


@dataclass(frozen=True)
class TriangularMap:
    """The map; n is the dimension.

    order : coordinates, the loosest first, (n,);  scale : σ, (n,);  skew : g, (n,)
    first : where in the terms those of each coordinate of the order begin, and their number, (n + 1,)
    factors : a, b and d of each term, (terms, 3);  coefficients : c, (terms,)
    first_width, width_of, widenings : where those of each coordinate of the order begin, (n + 1,), s and q_s, (widths,)
    slope, bend, growth, shift, stretch : of φ, (n,)
    """

    order: np.ndarray
    scale: np.ndarray
    skew: np.ndarray
    first: np.ndarray
    factors: np.ndarray
    coefficients: np.ndarray
    first_width: np.ndarray
    width_of: np.ndarray
    widenings: np.ndarray
    slope: np.ndarray
    bend: np.ndarray
    growth: np.ndarray
    shift: np.ndarray
    stretch: np.ndarray

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.order)

    def forward(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """v of points w, both (points, n), and the logarithm of the Jacobian but for a constant, (points,)."""
        v, volume = np.zeros_like(w), np.zeros(len(w))
        functions = np.ones((len(w), 2 * self.dimension + 1))
        for position, i in enumerate(self.order):
            own = slice(*self.first[position : position + 2])
            wide = slice(*self.first_width[position : position + 2])
            products = functions[:, self.factors[own]].prod(axis=2)
            log_width = functions[:, self.width_of[wide]] @ self.widenings[wide]
            own_part, log_slope = skewed(w[:, i], self.skew[i])
            v[:, i] = self.scale[i] * np.exp(log_width) * own_part + products @ self.coefficients[own]
            functions[:, i] = self.functions(v[:, i : i + 1], slice(i, i + 1))[0][:, 0]
            functions[:, self.dimension + 1 + i] = v[:, i]
            volume += log_width + log_slope
        return v, volume

    def functions(self, v: np.ndarray, of: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """φ of some coordinates and their derivatives where these are v, each of its shape, (points, …)."""
        value, steepness = between(self.slope[of] * (v - self.bend[of]), self.growth[of])
        return (value - self.shift[of]) * self.stretch[of], steepness * self.slope[of] * self.stretch[of]


def skewed(w: np.ndarray, skew: float) -> tuple[np.ndarray, np.ndarray]:
    """T(w) and the logarithm of its derivative."""
    log_slope = log_steepness(w, skew)
    if skew == 0:
        return w, log_slope
    return np.expm1(log_slope) / skew + np.exp(log_slope) * (w - log_slope / skew), log_slope


def log_steepness(w: np.ndarray, skew: float) -> np.ndarray:
    """The logarithm of the derivative of T(w)."""
    return np.clip(skew * w, -BENT, BENT) if skew else np.zeros_like(w)


def straight(own: np.ndarray, skew: float) -> np.ndarray:
    """w of T(w)."""
    if skew == 0:
        return own
    log_slope = np.log1p(np.clip(skew * own, np.expm1(-BENT), np.expm1(BENT)))
    beyond = own - np.expm1(log_slope) / skew
    return np.asarray(log_slope / skew + beyond * np.exp(-log_slope))


def between(x: np.ndarray, growth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1/(1 + e^{−x √(1 + growth x²)}) and its derivative by x."""
    square = growth * x**2
    root = np.sqrt(1 + square)
    value = 1 / (1 + np.exp(-np.clip(x * root, -_LARGEST, _LARGEST)))
    return value, value * (1 - value) * ((1 + 2 * square) / root)
