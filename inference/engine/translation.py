"""Translation of a PyTensor graph to a program of loops: the same log-density, ready at once instead of a compile.

Elementwise functions are mapped one by one to CasADi's. Indexing, reshaping and joining are done by the graph's own
`perform` methods, on arrays that hold positions instead of values, so that their meaning stays PyTensor's own.
Whatever part of the graph depends on no unknown is computed as numbers; what depends on data (`pm.Data`) is
remembered, to be computed again when the data change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .matrix_products import product
from .numbers import Data
from .program import Lanes, Program
from .scalar_functions import rules
from .steps import Access, Part, access


class NotTranslatable(Exception):
    """The graph contains an operation that is not covered, which the text names; nutpie's own compiler takes it."""


class Translation:
    """Values of a graph's variables: numbers, data, or lanes of a program."""

    def __init__(self, program: Program, repeated: frozenset[Any] = frozenset()) -> None:
        """`repeated`: operations with a graph of their own of which each becomes one function."""
        self.program = program
        self._repeated = repeated
        self._done: dict[Any, tuple[list[Any], list[Any]]] = {}

    def values(self, outputs: Sequence[Any], given: dict[Any, Any]) -> list[Any]:
        """Values of the variables `outputs` where those of `given` are known.

        Raises NotTranslatable for an operation that is not covered.
        """
        known = dict(given)
        kept = _kept(outputs, given)
        waiting = list(outputs)
        while waiting:
            variable = waiting[-1]
            if variable in known:
                waiting.pop()
            elif variable.owner is None:
                known[variable] = self._leaf(variable)
            elif missing := [needed for needed in _needed(variable.owner) if needed not in known]:
                waiting.extend(missing)
            else:
                arguments = [known.get(needed) for needed in variable.owner.inputs]
                for output, value in zip(variable.owner.outputs, self._apply(variable.owner, arguments), strict=True):
                    if output in kept and isinstance(value, Lanes) and value.size > 1:
                        self.program.store(value)
                    known[output] = value
        return [known[output] for output in outputs]

    def _leaf(self, variable: Any) -> Any:
        if hasattr(variable, "data"):
            return np.asarray(variable.data)
        if hasattr(variable, "get_value"):
            data = self.program.data
            return data.setdefault(variable.name, Data(np.asarray(variable.get_value())))
        raise NotTranslatable(f"{variable} is not given")

    def _apply(self, node: Any, arguments: list[Any]) -> list[Any]:
        """Values of a node's outputs; the same node applied to the same values is computed once."""
        key = (node.op, *(_identity(argument) for argument in arguments))
        if key not in self._done:
            self._done[key] = (arguments, self._computed(node, arguments))  # arguments are kept: ids stay theirs
        return self._done[key][1]

    def _computed(self, node: Any, arguments: list[Any]) -> list[Any]:
        from pytensor.compile.builders import OpFromGraph
        from pytensor.compile.ops import ViewOp
        from pytensor.raise_op import CheckAndRaise

        if isinstance(node.op, (CheckAndRaise, ViewOp)):
            return [arguments[0]]
        if isinstance(node.op, OpFromGraph):
            if node.op in self._repeated and (part := self._part(node.op)):
                return self.program.call(part, [self.lanes(argument) for argument in arguments])
            return self.values(node.op.inner_outputs, dict(zip(node.op.inner_inputs, arguments, strict=True)))
        if not any(isinstance(argument, Lanes) for argument in arguments):
            return self._numbers(node, arguments)
        return [self._symbolic(node, arguments)]

    def _part(self, op: Any) -> Part | None:
        """One function for all applications of an operation with a graph of its own, where it takes scalars."""
        if any(variable.type.ndim for variable in op.inner_inputs):
            return None

        def results(inner: Program, inputs: list[Lanes]) -> list[Lanes]:
            translation = Translation(inner)
            found = translation.values(op.inner_outputs, dict(zip(op.inner_inputs, inputs, strict=True)))
            return [translation.lanes(value) for value in found]

        return self.program.part(op, len(op.inner_inputs), results)

    def _numbers(self, node: Any, arguments: list[Any]) -> list[Any]:
        """Values of a node that depends on no unknown."""
        results = [np.asarray(a) for a in _perform(node, [a.value if isinstance(a, Data) else a for a in arguments])]
        of_data = [argument for argument in arguments if isinstance(argument, Data)]
        asks_for_form = type(node.op).__name__ in ("Shape", "Shape_i")
        if not of_data or (asks_for_form and all(data.form_is_fixed for data in of_data)):
            return results
        return [_made_of(node, k, result, arguments) for k, result in enumerate(results)]

    def _symbolic(self, node: Any, arguments: list[Any]) -> Lanes:
        from pytensor.tensor.elemwise import CAReduce, Elemwise

        kind = type(node.op).__name__
        if isinstance(node.op, Elemwise):
            return self._elementwise(node.op.scalar_op, arguments)
        if isinstance(node.op, CAReduce):
            return self._reduce(node.op, arguments[0])
        if kind == "CumOp" and node.op.mode == "add" and len(arguments[0].shape) == 1:
            return self._loaded(arguments[0].shape, Access(self.program.cumulative_sum(arguments[0])))
        if type(getattr(node.op, "core_op", node.op)).__name__ == "Dot" and node.outputs[0].ndim == 2:
            return product(self, *arguments)
        if kind in ("Join", "MakeVector"):
            return self._join(arguments, node.op.axis if kind == "Join" else None)
        if kind == "Alloc":
            shape = tuple(int(self._plain(n)) for n in arguments[1:])
            return self._rearranged(arguments[0], lambda positions: np.broadcast_to(positions, shape))
        if kind in ("TensorFromScalar", "ScalarFromTensor"):
            return arguments[0] if isinstance(arguments[0], Lanes) else self.lanes(arguments[0])
        if kind in _STRUCTURAL and isinstance(arguments[0], Lanes):
            rest = [self._plain(argument) for argument in arguments[1:]]
            return self._rearranged(arguments[0], lambda positions: _perform(node, [positions, *rest])[0])
        raise NotTranslatable(f"{node.op} has no translation to CasADi")

    def lanes(self, value: Any) -> Lanes:
        """Numbers as lanes."""
        import casadi

        if isinstance(value, Lanes):
            return value
        array = value.value if isinstance(value, Data) else np.asarray(value, float)
        if not isinstance(value, Data) and array.size and (array == array.flat[0]).all():
            return Lanes(array.shape, casadi.SX(float(array.flat[0])))
        if not isinstance(value, Data) and np.isnan(array).any():
            raise NotTranslatable("constants that are not numbers have no translation")
        step = 1 if array.size > 1 else 0
        return self._loaded(array.shape, Access(self.program.constant(value), 0, step))

    def _plain(self, value: Any) -> Any:
        """Numbers, where only numbers can stand: shapes and indices; data there cannot be exchanged afterwards."""
        if isinstance(value, Lanes):
            raise NotTranslatable("an index or shape that depends on an unknown has no translation")
        if not isinstance(value, Data):
            return value
        self.program.fixed.append(value)
        return value.value

    def _loaded(self, shape: tuple[int, ...], where: Access) -> Lanes:
        return Lanes(shape, self.program.load(where), where)

    def _elementwise(self, scalar_op: Any, arguments: list[Any]) -> Lanes:
        name = _scalar_name(scalar_op)
        known = rules()
        if name not in known or (name == "cast" and scalar_op.o_type.dtype[:5] != "float"):
            raise NotTranslatable(f"the function {scalar_op} has no translation to CasADi")
        lanes = [self.lanes(argument) for argument in arguments]
        shape = np.broadcast_shapes(*(each.shape for each in lanes))
        entries = [self._spread(each, shape) for each in lanes]
        result = Lanes(shape, known[name](*entries))
        if name == "exp" and result.size > 1:
            self.program.store(result, exponent=entries[0])
        return result

    def _spread(self, lanes: Lanes, shape: tuple[int, ...]) -> Any:
        """The expression of one entry of `lanes` broadcast to `shape`."""
        if lanes.size == int(np.prod(shape)) or lanes.entry.is_constant():
            return lanes.entry
        where = self.program.store(lanes)
        positions = np.broadcast_to(where.positions(lanes.size).reshape(lanes.shape), shape)
        return self.program.load(access(where.buffer, positions.ravel()))

    def _rearranged(self, value: Any, rearrange: Callable[[np.ndarray], np.ndarray]) -> Lanes:
        """Lanes in another order or shape, as `rearrange` makes it of an array of positions."""
        lanes = self.lanes(value)
        order = np.asarray(rearrange(np.arange(lanes.size).reshape(lanes.shape)))
        if not order.size:
            raise NotTranslatable("an empty array has no translation")
        same = order.size == lanes.size and (order.ravel() == np.arange(lanes.size)).all()
        if same or lanes.entry.is_constant() or (lanes.size == 1 and order.size == 1):
            return Lanes(order.shape, lanes.entry, lanes.stored if same else None)
        where = self.program.store(lanes)
        return self._loaded(order.shape, access(where.buffer, where.positions(lanes.size)[order.ravel()]))

    def stacked(self, entries: list[Lanes], shape: tuple[int, ...]) -> Lanes:
        """Scalars as one array of this shape."""
        if len(entries) == 1:
            return Lanes(shape, entries[0].entry)
        return self._loaded(shape, Access(self.program.join(entries)))

    def _join(self, arguments: list[Any], axis: int | None) -> Lanes:
        parts = [self.lanes(argument) for argument in arguments]
        buffer = self.program.join(parts)
        starts = np.cumsum([0, *(part.size for part in parts)])
        positions = [start + np.arange(p.size).reshape(p.shape) for start, p in zip(starts, parts, strict=False)]
        order = np.stack([p.reshape(()) for p in positions]) if axis is None else np.concatenate(positions, axis=axis)
        return self._loaded(order.shape, access(buffer, order.ravel()))

    def _reduce(self, op: Any, lanes: Lanes) -> Lanes:
        axes = range(len(lanes.shape)) if op.axis is None else [axis % len(lanes.shape) for axis in op.axis]
        kept = tuple(1 if k in axes else n for k, n in enumerate(lanes.shape))
        shape = tuple(n for k, n in enumerate(lanes.shape) if k not in axes)
        name = _scalar_name(op.scalar_op)
        if name in _FOLDS and lanes.size == int(np.prod(kept)):
            return Lanes(shape, lanes.entry, lanes.stored)
        count = int(np.prod(kept))
        groups = np.broadcast_to(np.arange(count).reshape(kept), lanes.shape).ravel()
        if name in _FOLDS and lanes.size <= _FOLDED * count:
            return self._folded(name, lanes, shape, np.argsort(groups, kind="stable").reshape(count, -1))
        if name != "add":
            raise NotTranslatable(f"the reduction {op} has no translation to CasADi")
        buffer = self.program.reduce(lanes, groups, count)
        return self._loaded(shape, Access(buffer, 0, 1 if count > 1 else 0))

    def _folded(self, name: str, lanes: Lanes, shape: tuple[int, ...], members: np.ndarray) -> Lanes:
        """A few entries put together by one expression; `members` (groups, entries of each)."""
        where = self.program.store(lanes)
        positions = where.positions(lanes.size)
        entries = [self.program.load(access(where.buffer, positions[column])) for column in members.T]
        return Lanes(shape, rules()[name](*entries))


_FOLDS = ("add", "mul", "maximum", "minimum")
_FOLDED = 8
"""The most entries that one expression puts together; more of them are summed by a loop."""


def _identity(value: Any) -> Any:
    """Equal for equal values: for numbers what they are, for everything else which object it is."""
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, value.tobytes())
    return id(value)


def _kept(outputs: Sequence[Any], given: dict[Any, Any]) -> set[Any]:
    """Variables that must lie in memory for one use and have another use, so that they are computed only once."""
    uses: dict[Any, int] = {}
    in_memory, seen, waiting = set(), set(), list(outputs)
    while waiting:
        variable = waiting.pop()
        uses[variable] = uses.get(variable, 0) + 1
        if variable in given or variable.owner is None or variable in seen:
            continue
        seen.add(variable)
        needed = _needed(variable.owner)
        waiting.extend(needed)
        if type(variable.owner.op).__name__ in (*_STRUCTURAL, "CumOp", "Join", "MakeVector"):
            in_memory |= set(needed)
    return {variable for variable in in_memory if uses[variable] > 1}


def _needed(node: Any) -> list[Any]:
    """The inputs whose values count: not the conditions of checks.

    An impossible value raises in PyMC; here it gives NaN, which the sampler takes as zero density.
    """
    from pytensor.raise_op import CheckAndRaise

    return list(node.inputs[:1] if isinstance(node.op, CheckAndRaise) else node.inputs)


_STRUCTURAL = {"AdvancedSubtensor", "AdvancedSubtensor1", "DimShuffle", "ExpandDims", "Reshape", "SpecifyShape",
               "Squeeze", "Subtensor", "Transpose", "Unbroadcast"}  # fmt: skip


def _perform(node: Any, arguments: list[Any]) -> list[Any]:
    """What the node's operation makes of numbers.

    `prepare_node` sets the precision: PyTensor keeps a constant 2 in 8 bits, and NumPy's logarithm of it has 16.
    """
    node.op.prepare_node(node, None, None, "py")
    storage: list[list[Any]] = [[None] for _ in node.outputs]
    try:
        node.op.perform(node, arguments, storage)
    except Exception as error:
        raise NotTranslatable(f"{node.op}: {type(error).__name__}: {error}") from error
    return [cell[0] for cell in storage]


def _made_of(node: Any, k: int, value: np.ndarray, arguments: list[Any]) -> Data:
    """The k-th result of a node for data; by a function of NumPy where that gives the same to the last bit."""
    named = _named(node, value, arguments)
    if named is not None:
        again = named.computed(one.value if isinstance(one, Data) else one for one in named.arguments)
        if (again.dtype, again.tobytes()) == (value.dtype, value.tobytes()):
            return named
    return Data(value, lambda *values: _perform(node, list(values))[k], tuple(arguments))


def _named(node: Any, value: np.ndarray, arguments: list[Any]) -> Data | None:
    """By NumPy's function of as many arguments (one more would be where it writes to), or by the places of entries."""
    from pytensor.tensor.elemwise import Elemwise

    first, *rest = arguments
    if isinstance(node.op, Elemwise):
        name, count, _ = getattr(node.op.scalar_op, "nfunc_spec", None) or ("", 0, 0)
        return Data(value, name, tuple(arguments)) if count == len(arguments) else None
    if type(node.op).__name__ not in _STRUCTURAL or any(isinstance(one, Data) for one in rest):
        return None
    if not first.form_is_fixed:
        return None
    places = _perform(node, [np.arange(first.value.size).reshape(first.value.shape), *rest])[0]
    return Data(value, "take", (first, places))


def _scalar_name(scalar_op: Any) -> str:
    return str(type(scalar_op).__name__).lower()
