"""What a program does: loops, cumulative sums and products with matrices, and the arrays that they read and write."""

from __future__ import annotations

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


@dataclass(frozen=True)
class MatrixProduct:
    """target[i] = Σⱼ matrix[j, i] source[j], or with `add` added to what is there; i < size, j < inner.

    matrix, transposed : numbers, row by row, (inner, size) and (size, inner); the adjoint needs the other one
    """

    size: int
    inner: int
    level: int
    matrix: Buffer
    transposed: Buffer
    source: Access
    target: Access
    add: bool = False


@dataclass(eq=False)
class Part:
    """What a program does several times with other numbers: a function of its own, with memory of its own.

    forward, backward : its steps, and those that carry derivatives back
    inputs, results : of it;  gradient, seeds : the derivatives by inputs and by results
    shapes : of the arrays that lie in `results` one after the other
    name, size, seeds_at : of its functions; of its memory, and where in it the seeds begin (`assembly.part_functions`)
    """

    forward: list[Step]
    backward: list[Step]
    inputs: Buffer
    results: Buffer
    gradient: Buffer
    seeds: Buffer
    shapes: list[tuple[int, ...]]
    name: str = ""
    size: int = 0
    seeds_at: int = 0


@dataclass(frozen=True)
class Call:
    """target = part(source), in `memory`; with `values`, its source: target += derivatives by it, from those `source`.

    The derivatives by its target then lie in `memory`.
    """

    part: Part
    level: int
    source: Access
    target: Access
    memory: Buffer
    values: Access | None = None


Step = Loop | CumulativeSum | MatrixProduct | Call


def listing(steps: list[Step]) -> str:
    """Steps for people to read: each loop with what it loads and what it writes."""
    lines = []
    for step in steps:
        if isinstance(step, CumulativeSum):
            way, sign = ("backward ", "+=") if step.reverse else ("", "=")
            lines.append(f"for i < {step.size}: {step.target} {sign} {way}cumulative sum of {step.source}")
            continue
        if isinstance(step, MatrixProduct):
            sign, factor = "+=" if step.add else "=", str(step.source).replace("[i", "[j")
            total = f"sum over j < {step.inner} of {step.matrix.name}[j, i] {factor}"
            lines.append(f"for i < {step.size}: {step.target} {sign} {total}")
            continue
        if isinstance(step, Call):
            way, sign = ("", "=") if step.values is None else ("derivatives of ", "+=")
            lines.append(f"{step.target} {sign} {way}part of {step.source}")
            continue
        lines.append(f"for i < {step.size}:")
        lines += [f"  {symbol} = {where}" for symbol, where in zip(step.symbols, step.loads, strict=True)]
        lines += [f"  {out.target} {'+=' if out.add else '='} {out.expression}" for out in step.outputs]
    return "\n".join(lines)
