"""CasADi's functions for PyTensor's scalar operations."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import log, pi
from typing import Any

_SHIFT = 8


def _log_gamma(a: Any) -> Any:
    """ln Γ(a) for a > 0: Stirling's series at a + 8, where its error is below 1e-13, minus ln a(a+1)…(a+7)."""
    import casadi as ca

    x, product = a + _SHIFT, a
    for k in range(1, _SHIFT):
        product = product * (a + k)
    series = 1 / (12 * x) - 1 / (360 * x**3) + 1 / (1260 * x**5) - 1 / (1680 * x**7) + 1 / (1188 * x**9)
    return (x - 0.5) * ca.log(x) - x + 0.5 * log(2 * pi) + series - ca.log(product)


@cache
def rules() -> dict[str, Callable[..., Any]]:
    """CasADi's own functions by the lower-case name of PyTensor's scalar operation."""
    import casadi as ca

    def variadic(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        def apply(first: Any, *rest: Any) -> Any:
            for other in rest:
                first = function(first, other)
            return first

        return apply

    return {
        "add": variadic(lambda a, b: a + b),
        "mul": variadic(lambda a, b: a * b),
        "sub": lambda a, b: a - b,
        "truediv": lambda a, b: a / b,
        "neg": lambda a: -a,
        "pow": ca.power,
        "sqr": lambda a: a * a,
        "sqrt": ca.sqrt,
        "exp": ca.exp,
        "log": ca.log,
        "log1p": ca.log1p,
        "gammaln": _log_gamma,
        "expm1": ca.expm1,
        "abs": ca.fabs,
        "sigmoid": lambda a: 1 / (1 + ca.exp(-a)),
        "softplus": lambda a: ca.fmax(a, 0) + ca.log1p(ca.exp(-ca.fabs(a))),
        "log1mexp": lambda a: ca.log(-ca.expm1(a)),
        "erf": ca.erf,
        "erfc": lambda a: 1 - ca.erf(a),
        "sin": ca.sin,
        "cos": ca.cos,
        "tanh": ca.tanh,
        "arctan": ca.atan,
        "sign": ca.sign,
        "reciprocal": lambda a: 1 / a,
        "switch": ca.if_else,
        "lt": lambda a, b: a < b,
        "gt": lambda a, b: a > b,
        "le": lambda a, b: a <= b,
        "ge": lambda a, b: a >= b,
        "eq": lambda a, b: a == b,
        "neq": lambda a, b: a != b,
        "and": ca.logic_and,
        "or": ca.logic_or,
        "invert": ca.logic_not,
        "cast": lambda a: a,
        "identity": lambda a: a,
        "second": lambda a, b: b,
        "maximum": variadic(ca.fmax),
        "minimum": variadic(ca.fmin),
    }
