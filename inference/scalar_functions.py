"""CasADi's functions for PyTensor's scalar operations."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any


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
