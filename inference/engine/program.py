"""A log-density as a few loops: the form between PyTensor's graph and machine code.

A value is an array of which every entry is computed by the same scalar expression (CasADi's SX) from entries of
other arrays. What is elementwise becomes one expression; gathers, joins, cumulative sums and sums are the borders
between loops. So the size of a program does not depend on the number of data, and CasADi differentiates scalar
expressions only: the adjoint of a program is the adjoint of each loop, in reverse order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(eq=False)
class Buffer:
    """An array in memory while a program runs.

    level : 0 for inputs and data; else all that it is computed from has a smaller one
    active : whether it depends on an input
    accumulated : whether entries are added to it, which must then begin at zero
    """

    name: str
    size: int
    level: int = 0
    active: bool = True
    accumulated: bool = False


@dataclass(frozen=True)
class Access:
    """Which entry of a buffer belongs to lane i of a loop: start + step·i, or index[i] where `index` is given."""

    buffer: Buffer
    start: int = 0
    step: int = 1
    index: np.ndarray | None = None

    def __str__(self) -> str:
        """As in `listing`: buffer[start + step·i]."""
        table, step = self.index is not None, self.step
        place = "table[i]" if table else str(self.start) if step == 0 else f"i + {self.start}" if self.start else "i"
        return f"{self.buffer.name}[{place}]"

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for equal accesses."""
        return (id(self.buffer), self.start, self.step, None if self.index is None else self.index.tobytes())

    def positions(self, size: int) -> np.ndarray:
        """The entries of all lanes."""
        return self.start + self.step * np.arange(size) if self.index is None else self.index


def access(buffer: Buffer, positions: np.ndarray) -> Access:
    """The access to these positions (one per lane), in its simplest form."""
    steps = np.diff(positions)
    if not len(steps) or ((steps == steps[0]).all() and steps[0] in (0, 1)):
        return Access(buffer, int(positions[0]), int(steps[0]) if len(steps) else 0)
    return Access(buffer, index=positions.astype(np.int64))


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


@dataclass
class Data:
    """An array that depends on data and on no unknown; `compute` does it again from what it depends on."""

    value: np.ndarray
    compute: Callable[[], np.ndarray] | None = None


@dataclass(frozen=True)
class Output:
    """Where a loop puts the value of an expression; `add` to what is there instead of replacing it.

    exponent : where the expression is an exponential, its argument: the derivative then needs no new exponential
    """

    expression: Any
    target: Access
    add: bool = False
    exponent: Any = None


@dataclass
class Loop:
    """The same expressions for each of `size` lanes. `symbols` stand for loaded entries."""

    size: int
    level: int
    outputs: list[Output] = field(default_factory=list)
    symbols: list[Any] = field(default_factory=list)
    loads: list[Access] = field(default_factory=list)


@dataclass(frozen=True)
class CumulativeSum:
    """target[i] = source[0] + … + source[i]; `reverse`: target[i] += source[i] + … + source[n−1]."""

    size: int
    level: int
    source: Access
    target: Access
    reverse: bool = False


Step = Loop | CumulativeSum


class Program:
    """Loops in the making, and what they read: `inputs` (the unknowns) and constants, some of which are data."""

    def __init__(self, dimension: int) -> None:
        self.inputs = Buffer("input", dimension)
        self.constants: list[tuple[Buffer, np.ndarray | Data]] = []
        self.data: dict[str, Data] = {}
        self.derived_data: list[Data] = []
        self.fixed: list[tuple[Data, np.ndarray]] = []
        self._loops: dict[tuple[int, int], Loop] = {}
        self._sums: list[CumulativeSum] = []
        self._symbols: dict[tuple[Any, ...], Any] = {}
        self._accesses: dict[str, Access] = {}
        self._constant_of: dict[Any, Buffer] = {}
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
        self._sums.append(CumulativeSum(lanes.size, buffer.level, source, Access(buffer)))
        return buffer

    def reduce(self, lanes: Lanes, groups: np.ndarray, count: int) -> Buffer:
        """The sums of the entries of each group: `groups` says for each entry to which of `count` it belongs."""
        buffer = self._buffer(count, accumulated=True)
        self.put(lanes, access(buffer, groups), add=True)
        return buffer

    def steps(self) -> list[Step]:
        """What to do, in order."""
        for loop in self._loops.values():
            loop.symbols, loop.loads = self._read([output.expression for output in loop.outputs])
        return sorted([*self._loops.values(), *self._sums], key=lambda step: step.level)

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
            targets = [step.target] if isinstance(step, CumulativeSum) else [o.target for o in step.outputs]
            for buffer in (target.buffer for target in targets):
                if buffer.active and buffer not in buffers:
                    buffers[buffer] = Buffer(f"d_{buffer.name}", buffer.size, accumulated=True)
        back: list[Step] = []
        for step in reversed(steps):
            if isinstance(step, Loop):
                back += self._adjoint_loop(step, buffers)
            elif step.target.buffer.active:
                source, target = (_moved(where, buffers) for where in (step.target, step.source))
                back.append(CumulativeSum(step.size, step.level, source, target, reverse=True))
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


def listing(steps: list[Step]) -> str:
    """Steps for people to read: each loop with what it loads and what it writes."""
    lines = []
    for step in steps:
        if isinstance(step, CumulativeSum):
            way, sign = ("backward ", "+=") if step.reverse else ("", "=")
            lines.append(f"for i < {step.size}: {step.target} {sign} {way}cumulative sum of {step.source}")
            continue
        lines.append(f"for i < {step.size}:")
        lines += [f"  {symbol} = {where}" for symbol, where in zip(step.symbols, step.loads, strict=True)]
        lines += [f"  {out.target} {'+=' if out.add else '='} {out.expression}" for out in step.outputs]
    return "\n".join(lines)


def _moved(where: Access, buffers: dict[Buffer, Buffer]) -> Access:
    """The same entries of the buffer of derivatives."""
    return Access(buffers[where.buffer], where.start, where.step, where.index)
