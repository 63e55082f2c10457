"""The steps of a program as LLVM assembly: CasADi's scalar instructions, with loops, loads and stores around them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from .program import Access, Buffer, CumulativeSum, Loop, Output, Step
from .symbolic import NotTranslatable

_BINARY = {"ADD": "fadd", "SUB": "fsub", "MUL": "fmul", "DIV": "fdiv"}
_COMPARE = {"LT": "olt", "LE": "ole", "EQ": "oeq", "NE": "une"}
LIBRARY = ("exp", "log", "log1p", "expm1", "sin", "cos", "tanh", "erf")
_INTRINSIC = {"FABS": "llvm.fabs.f64", "SQRT": "llvm.sqrt.f64", "FMAX": "llvm.maxnum.f64", "FMIN": "llvm.minnum.f64"}
_UNARY = {
    "NEG": "fneg double {0}",
    "SQ": "fmul double {0}, {0}",
    "TWICE": "fadd double {0}, {0}",
    "INV": "fdiv double 1.0, {0}",
}
POINTERS = ("%x", "%out", "%work", "%data")
"""Inputs, results (the gradient), memory of one call, constants and data."""

DECLARATIONS = "\n".join(
    [
        "declare double @llvm.fabs.f64(double)",
        "declare double @llvm.sqrt.f64(double)",
        "declare double @llvm.maxnum.f64(double, double)",
        "declare double @llvm.minnum.f64(double, double)",
        "declare double @llvm.copysign.f64(double, double)",
        *(f"declare double @{name}(double) nounwind willreturn memory(none)" for name in LIBRARY),
        "declare double @pow(double, double) nounwind willreturn memory(none)",
    ]
)


class Memory:
    """Where each buffer begins: the pointer and the number of entries before it."""

    def __init__(self) -> None:
        self.place: dict[Buffer, tuple[str, int]] = {}
        self.used = dict.fromkeys(POINTERS, 0)

    def add(self, buffer: Buffer, pointer: str) -> None:
        """Give a buffer its place, after those that `pointer` has already."""
        self.place[buffer] = (pointer, self.used[pointer])
        self.used[pointer] += buffer.size


def function(name: str, step: Step, memory: Memory) -> str:
    """The LLVM function `name` (of the four pointers) that does one step."""
    arguments = ", ".join(f"ptr noalias {pointer}" for pointer in POINTERS)
    if isinstance(step, CumulativeSum):
        lines = _cumulative_sum(name, step, memory)
    else:
        lines = _Loop(name, step, memory).lines()
    return "\n".join([*_indices(name, step), f"define internal void @{name}({arguments}) {{", *lines, "}"])


def _accesses(step: Step) -> list[Access]:
    if isinstance(step, CumulativeSum):
        return [step.source, step.target]
    return [*step.loads, *(output.target for output in step.outputs)]


def _indices(name: str, step: Step) -> Iterator[str]:
    """Constant arrays with the positions that irregular accesses read or write."""
    for k, where in enumerate(_accesses(step)):
        if where.index is not None:
            numbers = ", ".join(f"i64 {position}" for position in where.index)
            yield f"@{name}.{k} = private unnamed_addr constant [{len(where.index)} x i64] [{numbers}]"


class _Writer:
    """Lines of a function, and addresses of entries."""

    def __init__(self, name: str, step: Step, memory: Memory) -> None:
        self.name, self.step, self.memory = name, step, memory
        self.written: list[str] = []
        self._count = 0
        self._which = {where.key: k for k, where in reversed(list(enumerate(_accesses(step))))}

    def new(self, expression: str) -> str:
        """The name of a new value."""
        self._count += 1
        name = f"%v{self._count}"
        self.written.append(f"  {name} = {expression}")
        return name

    def address(self, where: Access, lane: str) -> str:
        """The address of the entry that belongs to a lane."""
        pointer, start = self.memory.place[where.buffer]
        if where.index is not None:
            table = f"@{self.name}.{self._which[where.key]}"
            position = self.new(f"load i64, ptr {self.new(f'getelementptr i64, ptr {table}, i64 {lane}')}")
        elif where.step == 0 or lane == "0":
            return self.new(f"getelementptr double, ptr {pointer}, i64 {start + where.start}")
        else:
            position, start = lane, start + where.start
        base = self.new(f"getelementptr double, ptr {pointer}, i64 {start}")
        return self.new(f"getelementptr double, ptr {base}, i64 {position}")

    def load(self, where: Access, lane: str) -> str:
        """The entry that belongs to a lane."""
        return self.new(f"load double, ptr {self.address(where, lane)}")

    def store(self, value: str, where: Access, lane: str, *, add: bool) -> None:
        """Put the value of a lane to its place, or add it to what is there."""
        address = self.address(where, lane)
        if add:
            value = self.new(f"fadd double {self.new(f'load double, ptr {address}')}, {value}")
        self.written.append(f"  store double {value}, ptr {address}")


def _cumulative_sum(name: str, step: CumulativeSum, memory: Memory) -> list[str]:
    """From the first entry to the last, or from the last to the first."""
    w = _Writer(name, step, memory)
    last = step.size - 1
    w.written += ["  br label %loop", "loop:", "  %i = phi i64 [0, %0], [%next, %loop]",
                  "  %sum = phi double [0.0, %0], [%total, %loop]"]  # fmt: skip
    lane = w.new(f"sub i64 {last}, %i") if step.reverse else "%i"
    w.written.append(f"  %total = fadd double %sum, {w.load(step.source, lane)}")
    w.store("%total", step.target, lane, add=step.reverse)
    return [*w.written, "  %next = add i64 %i, 1", f"  %more = icmp slt i64 %i, {last}",
            "  br i1 %more, label %loop, label %end", "end:", "  ret void"]  # fmt: skip


class _Loop:
    """One pass over CasADi's instructions; `where` maps its work slots to LLVM values."""

    def __init__(self, name: str, loop: Loop, memory: Memory) -> None:
        self._loop = loop
        self._writer = _Writer(name, loop, memory)
        self._where: dict[int, tuple[bool, str]] = {}
        self._loaded: list[str] = []
        self._sums: dict[int, str] = {}

    def lines(self) -> list[str]:
        """All lines of the function."""
        loop, w = self._loop, self._writer
        lane = "%i" if loop.size > 1 else "0"
        fixed = [self._same_for_all(where) for where in loop.loads]
        self._loaded = [w.load(where, "0") if same else "" for where, same in zip(loop.loads, fixed, strict=True)]
        before, w.written = w.written, []
        for k, (where, same) in enumerate(zip(loop.loads, fixed, strict=True)):
            if not same:
                self._loaded[k] = w.load(where, lane)
        for name, inputs, output, constant in _instructions(self._function()):
            self._emit(name, inputs, output, constant, lane)
        body, w.written = w.written, []
        for k in self._sums:
            w.store(f"%sum{k}", loop.outputs[k].target, "0", add=True)
        if loop.size == 1:
            return [*before, *body, "  ret void"]
        carried = [f"  %carried{k} = phi double [0.0, %0], [%sum{k}, %loop]" for k in self._sums]
        added = [f"  %sum{k} = fadd double %carried{k}, {value}" for k, value in self._sums.items()]
        return [*before, "  br label %loop", "loop:", "  %i = phi i64 [0, %0], [%next, %loop]", *carried, *body, *added,
                "  %next = add nuw nsw i64 %i, 1", f"  %more = icmp ult i64 %next, {loop.size}",
                "  br i1 %more, label %loop, label %end", "end:", *w.written, "  ret void"]  # fmt: skip

    def _same_for_all(self, where: Access) -> bool:
        return where.step == 0 and where.index is None

    def _function(self) -> Any:
        import casadi

        symbols = casadi.vertcat(*self._loop.symbols) if self._loop.symbols else casadi.SX(0, 1)
        results = [casadi.densify(output.expression) for output in self._loop.outputs]
        return casadi.Function("loop", [symbols], [casadi.vertcat(*results)], {"cse": True})

    def _store(self, value: str, which: int, lane: str) -> None:
        output: Output = self._loop.outputs[which]
        if output.add and self._loop.size > 1 and self._same_for_all(output.target):
            self._sums[which] = value
        else:
            self._writer.store(value, output.target, lane, add=output.add)

    def _number(self, slot: int) -> str:
        logical, value = self._where[slot]
        return self._writer.new(f"uitofp i1 {value} to double") if logical else value

    def _truth(self, slot: int) -> str:
        logical, value = self._where[slot]
        return value if logical else self._writer.new(f"fcmp une double {value}, 0.0")

    def _emit(self, name: str, inputs: list[int], output: list[int], constant: Callable[[], float], lane: str) -> None:
        if name == "OUTPUT":
            self._store(self._number(inputs[0]), output[1], lane)
        elif name in ("NOT", "AND", "OR", *_COMPARE):
            self._where[output[0]] = (True, self._logical(name, inputs))
        elif name == "CONST":
            self._where[output[0]] = (False, _literal(constant()))
        else:
            self._where[output[0]] = (False, self._arithmetic(name, inputs))

    def _logical(self, name: str, inputs: list[int]) -> str:
        new = self._writer.new
        if name in _COMPARE:
            return new(f"fcmp {_COMPARE[name]} double {self._number(inputs[0])}, {self._number(inputs[1])}")
        if name == "NOT":
            return new(f"xor i1 {self._truth(inputs[0])}, true")
        return new(f"{name.lower()} i1 {self._truth(inputs[0])}, {self._truth(inputs[1])}")

    def _arithmetic(self, name: str, inputs: list[int]) -> str:
        new = self._writer.new
        if name == "INPUT":
            return self._loaded[inputs[1]]
        if name == "IF_ELSE_ZERO":
            return new(f"select i1 {self._truth(inputs[0])}, double {self._number(inputs[1])}, double 0.0")
        values = [self._number(slot) for slot in inputs]
        if name in _BINARY:
            return new(f"{_BINARY[name]} double {values[0]}, {values[1]}")
        if name in _UNARY:
            return new(_UNARY[name].format(values[0]))
        arguments = ", ".join(f"double {value}" for value in values)
        if name in _INTRINSIC:
            return new(f"call double @{_INTRINSIC[name]}({arguments})")
        if name.lower() in LIBRARY:
            return new(f"call double @{name.lower()}({arguments})")
        if name in ("POW", "CONSTPOW"):
            return new(f"call double @pow({arguments})")
        if name == "SIGN":
            one = new(f"call double @llvm.copysign.f64(double 1.0, {arguments})")
            zero = new(f"fcmp oeq {arguments}, 0.0")
            return new(f"select i1 {zero}, double 0.0, double {one}")
        if name == "ASSIGN":
            return values[0]
        raise NotTranslatable(f"CasADi's instruction {name} has no translation to LLVM")


def _literal(value: float) -> str:
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def _instructions(function: Any) -> Iterator[tuple[str, list[int], list[int], Callable[[], float]]]:
    """Name, input slots, output slots and constant of each instruction (CasADi's public interface)."""
    names = _instruction_names()
    for k in range(function.n_instructions()):
        yield (
            names[function.instruction_id(k)],
            function.instruction_input(k),
            function.instruction_output(k),
            partial(function.instruction_constant, k),
        )


def _instruction_names() -> dict[int, str]:
    import casadi

    return {getattr(casadi, name): name[3:] for name in dir(casadi) if name.startswith("OP_")}


def place(steps: Sequence[Step], memory: Memory) -> int:
    """Give every buffer of the steps its place in the memory of a call; how many entries must begin at zero."""
    buffers = dict.fromkeys(where.buffer for step in steps for where in _accesses(step))
    buffers = {buffer: None for buffer in buffers if buffer not in memory.place}
    for buffer in [b for b in buffers if b.accumulated]:
        memory.add(buffer, "%work")
    cleared = memory.used["%work"]
    for buffer in [b for b in buffers if not b.accumulated]:
        memory.add(buffer, "%work")
    return cleared
