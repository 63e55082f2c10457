"""CasADi's functions for PyTensor's scalar operations."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache, reduce
from math import inf, log, pi
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


def _equal(a: Any, b: Any) -> Any:
    """a = b; of a logarithm and −∞, as in PyMC's powers, without the logarithm, which the derivative needs not."""
    import casadi as ca

    if b.is_constant() and float(b) == -inf and not a.is_leaf() and a.op() == ca.OP_LOG:
        return a.dep(0) == 0
    return a == b


def _softplus(a: Any) -> Any:
    import casadi as ca

    return ca.fmax(a, 0) + ca.log1p(ca.exp(-ca.fabs(a)))


def _log1p(a: Any) -> Any:
    """ln(1 + a); for a = −1/(1 + e^{−u}), which is rounded to −1 where u is large, −ln(1 + e^u), as PyTensor does."""
    import casadi as ca

    inner = a
    for op in (ca.OP_NEG, ca.OP_INV, ca.OP_ADD, ca.OP_EXP):
        if inner.is_leaf() or inner.op() != op or (op == ca.OP_ADD and not inner.dep(0).is_one()):
            return ca.log1p(a)
        inner = inner.dep(inner.n_dep() - 1)
    return -_softplus(-inner)


@cache
def rules() -> dict[str, Callable[..., Any]]:
    """CasADi's own functions by the lower-case name of PyTensor's scalar operation."""
    import casadi as ca

    def folded(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        return lambda *arguments: reduce(function, arguments)

    ours: dict[str, Callable[..., Any]] = {
        "add": folded(operator.add),
        "mul": folded(operator.mul),
        "maximum": folded(ca.fmax),
        "minimum": folded(ca.fmin),
        "pow": ca.power,
        "sqr": lambda a: a * a,
        "gammaln": _log_gamma,
        "abs": ca.fabs,
        "sigmoid": lambda a: 1 / (1 + ca.exp(-a)),
        "softplus": _softplus,
        "log1p": _log1p,
        "log1mexp": lambda a: ca.log(-ca.expm1(a)),
        "erfc": lambda a: 1 - ca.erf(a),
        "arctan": ca.atan,
        "reciprocal": lambda a: 1 / a,
        "switch": ca.if_else,
        "eq": _equal,
        "neq": operator.ne,
        "and": ca.logic_and,
        "or": ca.logic_or,
        "invert": ca.logic_not,
        "cast": lambda a: a,
        "identity": lambda a: a,
        "second": lambda a, b: b,
    }
    ours |= {name: getattr(operator, name) for name in ("sub", "truediv", "neg", "lt", "gt", "le", "ge")}
    same = ("sqrt", "exp", "log", "expm1", "erf", "sin", "cos", "tanh", "sign")
    return ours | {name: getattr(ca, name) for name in same}
