"""Translation of a PyTensor graph to CasADi: the same log-density, ready in a second instead of a compile.

The graph's own `perform` methods run on NumPy object arrays of CasADi scalars, so that shapes, broadcasting,
indexing and reductions are PyTensor's own; only scalar functions are mapped, one by one. Whatever part of the
graph depends on no unknown is computed as numbers. CasADi differentiates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class NotTranslatable(Exception):
    """The graph contains an operation for which there is no translation; the general engine takes it."""


def translate(outputs: list[Any], inputs: list[Any], symbols: list[np.ndarray]) -> list[np.ndarray]:
    """Values of the graph `outputs` where `inputs` are object arrays of CasADi symbols.

    Raises NotTranslatable for an operation that is not covered.
    """
    known: dict[Any, Any] = dict(zip(inputs, symbols, strict=True))
    waiting = list(outputs)
    while waiting:
        variable = waiting[-1]
        if variable in known:
            waiting.pop()
            continue
        if variable.owner is None:
            known[variable] = _constant(variable)
            continue
        missing = [needed for needed in _needed(variable.owner) if needed not in known]
        if missing:
            waiting.extend(missing)
            continue
        arguments = [known.get(needed) for needed in variable.owner.inputs]
        known |= dict(zip(variable.owner.outputs, _apply(variable.owner, arguments), strict=True))
    return [np.asarray(known[output]) for output in outputs]


def _constant(variable: Any) -> Any:
    if hasattr(variable, "data"):
        return variable.data
    if hasattr(variable, "get_value"):
        return variable.get_value()
    raise NotTranslatable(f"{variable} is not given")


def _needed(node: Any) -> list[Any]:
    """The inputs whose values count: not the conditions of checks.

    An impossible value raises in PyMC; here it gives NaN, which the sampler takes as zero density.
    """
    from pytensor.raise_op import CheckAndRaise

    return list(node.inputs[:1] if isinstance(node.op, CheckAndRaise) else node.inputs)


def _apply(node: Any, arguments: list[Any]) -> list[Any]:
    from pytensor.compile.builders import OpFromGraph
    from pytensor.compile.ops import ViewOp
    from pytensor.raise_op import CheckAndRaise
    from pytensor.tensor.elemwise import CAReduce, Elemwise

    if isinstance(node.op, (CheckAndRaise, ViewOp)):
        return [arguments[0]]
    if isinstance(node.op, OpFromGraph):
        inside = [np.asarray(argument) for argument in arguments]
        return translate(list(node.op.inner_outputs), list(node.op.inner_inputs), inside)
    if not any(_is_symbolic(argument) for argument in arguments):
        return _perform(node, arguments)
    if isinstance(node.op, Elemwise):
        return [_elementwise(node.op.scalar_op, arguments)]
    if isinstance(node.op, CAReduce):
        return [_reduce(node.op, arguments[0])]
    if type(node.op).__name__ == "CumOp" and node.op.mode == "add":
        return [np.cumsum(arguments[0], axis=node.op.axis)]
    kind = type(node.op).__name__
    if kind == "Join":
        return [np.concatenate([np.asarray(a, dtype=object) for a in arguments], axis=node.op.axis)]
    if kind == "MakeVector":
        return [np.array([_item(a) for a in arguments] + [None], dtype=object)[:-1]]
    if kind == "Alloc":
        return [np.broadcast_to(arguments[0], [int(_item(n)) for n in arguments[1:]])]
    if kind in ("TensorFromScalar", "ScalarFromTensor"):
        return [np.asarray(_item(arguments[0]), dtype=object)]
    if kind in _STRUCTURAL:
        return [np.asarray(value, dtype=object) for value in _perform(node, arguments)]
    raise NotTranslatable(f"{node.op} has no translation to CasADi")


_STRUCTURAL = {
    "AdvancedSubtensor",
    "AdvancedSubtensor1",
    "DimShuffle",
    "ExpandDims",
    "Reshape",
    "Shape",
    "Shape_i",
    "SpecifyShape",
    "Split",
    "Squeeze",
    "Subtensor",
    "Unbroadcast",
    "Transpose",
}


def _is_symbolic(value: Any) -> bool:
    return (isinstance(value, np.ndarray) and value.dtype == object) or type(value).__name__ == "SX"


def _item(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) else value


def _perform(node: Any, arguments: list[Any]) -> list[Any]:
    storage: list[list[Any]] = [[None] for _ in node.outputs]
    try:
        node.op.perform(node, arguments, storage)
    except Exception as error:
        raise NotTranslatable(f"{node.op}: {type(error).__name__}: {error}") from error
    return [cell[0] for cell in storage]


def _reduce(op: Any, value: np.ndarray) -> Any:
    reducers: dict[str, Callable[..., Any]] = {"add": np.sum, "mul": np.prod}
    name = _scalar_name(op.scalar_op)
    if name not in reducers:
        raise NotTranslatable(f"the reduction {op} has no translation to CasADi")
    return np.asarray(reducers[name](value, axis=op.axis), dtype=object)


def _scalar_name(scalar_op: Any) -> str:
    return str(type(scalar_op).__name__).lower()


def _elementwise(scalar_op: Any, arguments: list[Any]) -> np.ndarray:
    name = _scalar_name(scalar_op)
    rules = _rules()
    if name not in rules:
        raise NotTranslatable(f"the function {scalar_op} has no translation to CasADi")
    result = np.frompyfunc(rules[name], len(arguments), 1)(*(np.asarray(a, dtype=object) for a in arguments))
    return np.asarray(result, dtype=object)


def _rules() -> dict[str, Callable[..., Any]]:
    """CasADi's own functions by the lower-case name of PyTensor's scalar operation."""
    import casadi as ca

    def variadic(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        def apply(first: Any, *rest: Any) -> Any:
            for other in rest:
                first = function(first, other)
            return first

        return apply

    def where(condition: Any, yes: Any, no: Any) -> Any:
        if not isinstance(condition, ca.SX):
            return yes if condition else no
        return ca.if_else(condition, yes, no)

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
        "switch": where,
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
        "scalarmaximum": ca.fmax,
        "scalarminimum": ca.fmin,
    }
