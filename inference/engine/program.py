"""A log-density as a few loops: the form between PyTensor's graph and machine code.

A value is an array of which every entry is computed by the same scalar expression (CasADi's SX) from entries of
other arrays. What is elementwise becomes one expression; gathers, joins, cumulative sums and sums are the borders
between loops. So the size of a program does not depend on the number of data, and CasADi differentiates scalar
expressions only: the adjoint of a program is the adjoint of each loop, in reverse order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .numbers import Data
from .steps import Access, Buffer, Call, CumulativeSum, Loop, MatrixProduct, Output, Part, Step, access


@dataclass
class Lanes:
    """A symbolic array: `entry` is the expression of one entry, `size` their number."""

    shape: tuple[int, ...]
    entry: Any
    stored: Access | None = None

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(np.prod(self.shape))


class Program:
    """Loops in the making, and what they read: `inputs` (the unknowns) and constants, some of which are data."""

    def __init__(self, dimension: int, whole: Program | None = None) -> None:
        """`whole`: the program of which this is a part, which has its constants."""
        self.inputs = Buffer("input", dimension)
        self.constants: list[tuple[Buffer, np.ndarray | Data]] = whole.constants if whole else []
        self.data: dict[str, Data] = {}
        self.fixed: list[Data] = []
        self._loops: dict[tuple[int, int], Loop] = {}
        self.parts: dict[Any, Part | None] = {}
        self._others: list[CumulativeSum | MatrixProduct | Call] = []
        self._symbols: dict[tuple[Any, ...], Any] = {}
        self._accesses: dict[str, Access] = {}
        self._constant_of: dict[Any, Buffer] = whole._constant_of if whole else {}
        self._count = 0

    def input(self, k: int) -> Any:
        """The symbol of the k-th unknown."""
        return self.load(Access(self.inputs, k, 0))

    def load(self, where: Access) -> Any:
        """The symbol that stands for an entry of a buffer."""
        import casadi

        if where.key not in self._symbols:
            name = f"load{len(self._symbols)}"
            self._symbols[where.key] = casadi.SX.sym(name)
            self._accesses[name] = where
        return self._symbols[where.key]

    def constant(self, value: np.ndarray | Data) -> Buffer:
        """The buffer of constant numbers."""
        array = value.value if isinstance(value, Data) else np.ascontiguousarray(value, float)
        key = id(value) if isinstance(value, Data) else (array.shape, array.tobytes())
        if key not in self._constant_of:
            buffer = Buffer(f"constant{len(self.constants)}", array.size, active=False)
            self._constant_of[key] = buffer
            self.constants.append((buffer, value))
        return self._constant_of[key]

    def store(self, lanes: Lanes, exponent: Any = None) -> Access:
        """Where the entries of `lanes` lie in memory; a loop is made for them where they are not there yet."""
        if lanes.stored is None:
            loaded = self._accesses.get(lanes.entry.name()) if lanes.entry.is_symbolic() else None
            if loaded is not None:
                lanes.stored = loaded
            else:
                buffer = self._buffer(lanes.size)
                self.put(lanes, Access(buffer), exponent=exponent)
                lanes.stored = Access(buffer, 0, 1 if lanes.size > 1 else 0)
            if lanes.size > 1:  # a scalar costs nothing to compute again
                lanes.entry = self.load(lanes.stored)
        return lanes.stored

    def put(self, lanes: Lanes, target: Access, *, add: bool = False, exponent: Any = None) -> None:
        """Have a loop write the entries to `target`."""
        import casadi

        loads = [self._accesses[symbol.name()] for symbol in casadi.symvar(lanes.entry)]
        level = 1 + max((where.buffer.level for where in loads), default=0)
        loop = self._loops.setdefault((level, lanes.size), Loop(lanes.size, level))
        loop.outputs.append(Output(lanes.entry, target, add, exponent))
        buffer = target.buffer
        buffer.level = max(buffer.level, level)
        buffer.active = buffer.active or any(where.buffer.active for where in loads)

    def _buffer(self, size: int, *, accumulated: bool = False) -> Buffer:
        self._count += 1
        return Buffer(f"work{self._count}", size, active=False, accumulated=accumulated)

    def join(self, parts: list[Lanes]) -> Buffer:
        """One buffer with the entries of all parts, one after the other."""
        buffer = self._buffer(sum(part.size for part in parts))
        start = 0
        for part in parts:
            self.put(part, Access(buffer, start))
            start += part.size
        return buffer

    def cumulative_sum(self, lanes: Lanes) -> Buffer:
        """The buffer of the cumulative sum."""
        source = self.store(lanes)
        buffer = self._buffer(lanes.size)
        buffer.level, buffer.active = source.buffer.level + 1, source.buffer.active
        self._others.append(CumulativeSum(lanes.size, buffer.level, source, Access(buffer)))
        return buffer

    def matrix_product(
        self, matrix: np.ndarray | Data, transposed: np.ndarray | Data, source: Buffer, rows: np.ndarray
    ) -> Buffer:
        """The buffer of the products of each of `rows` (rows, inner), places in `source`, and `matrix`.

        matrix, transposed : numbers, (inner, columns) and (columns, inner)
        """
        of, turned = self.constant(matrix), self.constant(transposed)
        inner = rows.shape[1]
        columns = of.size // inner
        buffer = self._buffer(len(rows) * columns)
        buffer.level, buffer.active = source.level + 1, source.active
        for k, row in enumerate(rows):
            read, written = access(source, row), Access(buffer, k * columns)
            self._others.append(MatrixProduct(columns, inner, buffer.level, of, turned, read, written))
        return buffer

    def as_part(self, results: list[Lanes]) -> Part | None:
        """A part of another program, with all that is here; None where the results do not depend on the inputs."""
        out = self.join(results)
        forward = self.steps()
        backward, slopes = self.adjoint(forward)
        if out not in slopes:
            return None
        shapes = [lanes.shape for lanes in results]
        return Part(forward, backward, self.inputs, out, slopes[self.inputs], slopes[out], shapes)

    def part(self, op: Any, inputs: int, translate: Callable[[Program, list[Lanes]], list[Lanes]]) -> Part | None:
        """The part for an operation that comes several times with other scalars; None where that cannot be one.

        It becomes one function, called for each, so that translation and compilation take as long as for one.
        translate : the results of the operation for these inputs, as values of the program
        """
        if op not in self.parts:
            inner = Program(inputs, self)
            self.parts[op] = inner.as_part(translate(inner, [Lanes((), inner.input(k)) for k in range(inputs)]))
        return self.parts[op]

    def call(self, part: Part, arguments: list[Lanes]) -> list[Lanes]:
        """The results of a part for these scalars."""
        source, target = self.join(arguments), self._buffer(part.results.size)
        target.level, target.active = source.level + 1, source.active
        memory = self._buffer(0)
        self._others.append(Call(part, target.level, Access(source), Access(target), memory))
        found, start = [], 0
        for shape in part.shapes:
            size = int(np.prod(shape))
            where = access(target, start + np.arange(size))
            found.append(Lanes(shape, self.load(where), where))
            start += size
        return found

    def reduce(self, lanes: Lanes, groups: np.ndarray, count: int) -> Buffer:
        """The sums of the entries of each group: `groups` says for each entry to which of `count` it belongs."""
        buffer = self._buffer(count, accumulated=True)
        self.put(lanes, access(buffer, groups), add=True)
        return buffer

    def steps(self) -> list[Step]:
        """What to do, in order."""
        for loop in self._loops.values():
            loop.symbols, loop.loads = self._read([output.expression for output in loop.outputs])
        return sorted([*self._loops.values(), *self._others], key=lambda step: step.level)

    def _read(self, expressions: list[Any]) -> tuple[list[Any], list[Access]]:
        import casadi

        symbols = casadi.symvar(casadi.vertcat(*expressions))
        return symbols, [self._accesses[symbol.name()] for symbol in symbols]

    def adjoint(self, steps: list[Step]) -> tuple[list[Step], dict[Buffer, Buffer]]:
        """The steps that carry derivatives back, and the buffer of the derivative by each buffer.

        The derivative by the result must be put there beforehand; all others begin at zero.
        """
        buffers = {self.inputs: Buffer("gradient", self.inputs.size, accumulated=True)}
        for step in steps:
            targets = [o.target for o in step.outputs] if isinstance(step, Loop) else [step.target]
            for buffer in (target.buffer for target in targets):
                if buffer.active and buffer not in buffers:
                    buffers[buffer] = Buffer(f"d_{buffer.name}", buffer.size, accumulated=True)
        back: list[Step] = []
        for step in reversed(steps):
            if isinstance(step, Loop):
                back += self._adjoint_loop(step, buffers)
            elif step.source.buffer.active:
                back.append(_turned(step, *(_moved(where, buffers) for where in (step.target, step.source))))
        return back, buffers

    def _adjoint_loop(self, loop: Loop, buffers: dict[Buffer, Buffer]) -> list[Step]:
        import casadi

        active = [k for k, where in enumerate(loop.loads) if where.buffer.active]
        outputs = [output for output in loop.outputs if output.target.buffer.active]
        if not active or not outputs:
            return []
        total = casadi.SX(0)
        for output in outputs:
            seed = self.load(_moved(output.target, buffers))
            if output.exponent is None:
                total += seed * output.expression
            else:
                total += seed * self.load(output.target) * output.exponent
        slopes = casadi.gradient(total, casadi.vertcat(*(loop.symbols[k] for k in active)))
        made = Loop(loop.size, loop.level)
        for k, slope in zip(active, casadi.vertsplit(slopes), strict=True):
            made.outputs.append(Output(slope, _moved(loop.loads[k], buffers), add=True))
        made.symbols, made.loads = self._read([output.expression for output in made.outputs])
        return [made]


def _moved(where: Access, buffers: dict[Buffer, Buffer]) -> Access:
    """The same entries of the buffer of derivatives."""
    return Access(buffers[where.buffer], where.start, where.step, where.index)


def _turned(step: CumulativeSum | MatrixProduct | Call, source: Access, target: Access) -> Step:
    """The adjoint: it adds to `target`, the derivatives by what `step` reads."""
    if isinstance(step, Call):
        return replace(step, source=source, target=target, values=step.source)
    if isinstance(step, CumulativeSum):
        return CumulativeSum(step.size, step.level, source, target, reverse=True)
    return MatrixProduct(step.inner, step.size, step.level, step.transposed, step.matrix, source, target, add=True)
