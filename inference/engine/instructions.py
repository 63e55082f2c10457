"""CasADi's scalar instructions as LLVM assembly, for one lane or several at a time."""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any

from .translation import NotTranslatable

OWN = ("exp", "log", "log1p", "expm1", "tanh")
"""Functions of `elementary_functions`."""
LIBRARY = ("sin", "cos", "atan", "erf", "pow")
"""Functions of the C library, called for each lane."""
_BINARY = {"ADD": "fadd", "SUB": "fsub", "MUL": "fmul"}
_COMPARE = {"LT": "olt", "LE": "ole", "EQ": "oeq", "NE": "une"}
_INTRINSIC = {"FABS": "fabs", "SQRT": "sqrt", "FMAX": "maxnum", "FMIN": "minnum", "COPYSIGN": "copysign",
              "FMA": "fma"}  # fmt: skip
_ARGUMENTS = {"pow": 2, "maxnum": 2, "minnum": 2, "copysign": 2, "fma": 3}


def declarations(width: int) -> str:
    """What assembly with `Code` of these widths, 1 and `width`, refers to."""
    lines = []
    for name in LIBRARY:
        arguments = ", ".join(["double"] * _ARGUMENTS.get(name, 1))
        lines.append(f"declare double @{name}({arguments}) nounwind willreturn memory(none)")
    for name in _INTRINSIC.values():
        for kind, suffix in (("double", "f64"), (f"<{width} x double>", f"v{width}f64")):
            arguments = ", ".join([kind] * _ARGUMENTS.get(name, 1))
            lines.append(f"declare {kind} @llvm.{name}.{suffix}({arguments})")
    return "\n".join(lines)


class Code:
    """Lines of assembly in the making; every value stands for `width` lanes."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.number = "double" if width == 1 else f"<{width} x double>"
        self.whole = "i64" if width == 1 else f"<{width} x i64>"
        self.zero = self.literal(0.0)
        self.written: list[str] = []
        self.ahead: list[str] = []
        self._same: set[str] = set()
        self._inverses: dict[str, str] = {}
        self._truth_kind = "i1" if width == 1 else f"<{width} x i1>"
        self._suffix = "f64" if width == 1 else f"v{width}f64"
        self._count = 0
        self._where: dict[int, tuple[bool, str]] = {}

    def new(self, expression: str) -> str:
        """The name of a new value; what follows from values that are the same for all lanes goes ahead of a loop."""
        self._count += 1
        name = f"%v{self._count}"
        ahead = self._same and self._same.issuperset(re.findall(r"%[\w.]+", expression))
        if ahead:
            self._same.add(name)
        (self.ahead if ahead else self.written).append(f"  {name} = {expression}")
        return name

    def taken(self) -> list[str]:
        """The lines so far, which are then no longer here."""
        lines, self.written = self.written, []
        return lines

    def lanes(self, first: str) -> list[str]:
        """The numbers of all lanes."""
        return [first, *(self.new(f"add i64 {first}, {k}") for k in range(1, self.width))]

    def splat(self, value: str, kind: str = "", single: str = "double") -> str:
        """The same number in all lanes."""
        if self.width == 1:
            return value
        kind = kind or self.number
        one = self.new(f"insertelement {kind} poison, {single} {value}, i64 0")
        return self.new(f"shufflevector {kind} {one}, {kind} poison, <{self.width} x i32> zeroinitializer")

    def gathered(self, values: Sequence[str]) -> str:
        """One value from those of single lanes."""
        if self.width == 1:
            return values[0]
        together = "poison"
        for k, value in enumerate(values):
            together = self.new(f"insertelement {self.number} {together}, double {value}, i64 {k}")
        return together

    def scattered(self, value: str) -> list[str]:
        """The values of single lanes."""
        if self.width == 1:
            return [value]
        return [self.new(f"extractelement {self.number} {value}, i64 {k}") for k in range(self.width)]

    def literal(self, value: float) -> str:
        """The same number in all lanes, as text."""
        text = f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
        return text if self.width == 1 else f"<{', '.join([f'double {text}'] * self.width)}>"

    def whole_literal(self, value: int) -> str:
        """The same 64 bits in all lanes, as text."""
        return f"{value}" if self.width == 1 else f"<{', '.join([f'i64 {value}'] * self.width)}>"

    def own(self, name: str) -> str:
        """The name of one of `elementary_functions` for so many lanes."""
        return f"{name}.{self._suffix}"

    def select(self, truth: str, yes: str, no: str) -> str:
        """Lane by lane `yes` or `no`."""
        return self.new(f"select {self._truth_kind} {truth}, {self.number} {yes}, {self.number} {no}")

    def intrinsic(self, name: str, values: Sequence[str]) -> str:
        """One of LLVM's functions, by CasADi's name: an instruction of the processor."""
        return self.new(self._call(name, values))

    def _call(self, name: str, values: Sequence[str]) -> str:
        arguments = ", ".join(f"{self.number} {value}" for value in values)
        return f"call {self.number} @llvm.{_INTRINSIC[name]}.{self._suffix}({arguments})"

    def fused(self, a: str, b: str, c: str) -> str:
        """The instruction a·b + c, rounded once."""
        return self._call("FMA", [a, b, c])

    def evaluate(
        self, symbols: Sequence[Any], expressions: Sequence[Any], values: Sequence[str], same: Sequence[str] = ()
    ) -> list[str]:
        """The values of CasADi expressions where `symbols` have these values, of which `same` are so for all lanes."""
        import casadi

        self._same = set(same)
        inputs = casadi.vertcat(*symbols) if symbols else casadi.SX(0, 1)
        outputs = casadi.vertcat(*(casadi.densify(expression) for expression in expressions))
        results = [""] * len(expressions)
        instructions = list(_instructions(casadi.Function("f", [inputs], [outputs], {"cse": True})))
        divisions = _divisions(instructions)
        for k, (name, sources, target, constant) in enumerate(instructions):
            if name == "OUTPUT":
                results[target[1]] = self._as_number(sources[0])
            elif name == "INPUT":
                self._where[target[0]] = (False, values[sources[1]])
            elif name == "CONST":
                self._where[target[0]] = (False, self.literal(constant()))
            elif name in ("NOT", "AND", "OR", *_COMPARE):
                self._where[target[0]] = (True, self._logical(name, sources))
            elif name in ("DIV", "INV"):
                self._where[target[0]] = (False, self._ratio(sources, divisions[k]))
            else:
                self._where[target[0]] = (False, self._arithmetic(name, sources))
        self._same = set()
        return results

    def _ratio(self, sources: list[int], times: int) -> str:
        """A quotient; by what divides `times` times, or is the same for all lanes, a product with its inverse."""
        one, below = self.literal(1.0), self._as_number(sources[-1])
        above = self._as_number(sources[0]) if len(sources) > 1 else one
        if times == 1 and not self._same.issuperset(re.findall(r"%[\w.]+", below)):
            return self.new(f"fdiv {self.number} {above}, {below}")
        if below not in self._inverses:
            self._inverses[below] = self.new(f"fdiv {self.number} {one}, {below}")
        inverse = self._inverses[below]
        return inverse if above == one else self.new(f"fmul {self.number} {above}, {inverse}")

    def _as_number(self, slot: int) -> str:
        logical, value = self._where[slot]
        return self.new(f"uitofp {self._truth_kind} {value} to {self.number}") if logical else value

    def _as_truth(self, slot: int) -> str:
        logical, value = self._where[slot]
        return value if logical else self.new(f"fcmp une {self.number} {value}, {self.zero}")

    def _logical(self, name: str, sources: list[int]) -> str:
        if name in _COMPARE:
            left, right = (self._as_number(slot) for slot in sources)
            return self.new(f"fcmp {_COMPARE[name]} {self.number} {left}, {right}")
        truths = [self._as_truth(slot) for slot in sources]
        if name == "NOT":
            truths.append("true" if self.width == 1 else f"<{', '.join(['i1 true'] * self.width)}>")
        return self.new(f"{'xor' if name == 'NOT' else name.lower()} {self._truth_kind} {', '.join(truths)}")

    def _arithmetic(self, name: str, sources: list[int]) -> str:
        if name == "IF_ELSE_ZERO":
            return self.select(self._as_truth(sources[0]), self._as_number(sources[1]), self.zero)
        values = [self._as_number(slot) for slot in sources]
        kind = self.number
        if name in _BINARY:
            return self.new(f"{_BINARY[name]} {kind} {values[0]}, {values[1]}")
        if name in _INTRINSIC:
            return self.intrinsic(name, values)
        if name.lower() in OWN:
            return self.new(f"call {kind} @{self.own(name.lower())}({kind} {values[0]})")
        if name.lower() in LIBRARY or name == "CONSTPOW":
            return self._library("pow" if name == "CONSTPOW" else name.lower(), values)
        if name == "SIGN":
            one = self.intrinsic("COPYSIGN", [self.literal(1.0), values[0]])
            return self.select(self.new(f"fcmp oeq {kind} {values[0]}, {self.zero}"), self.zero, one)
        simple = {
            "NEG": f"fneg {kind} {values[0]}",
            "SQ": f"fmul {kind} {values[0]}, {values[0]}",
            "TWICE": f"fadd {kind} {values[0]}, {values[0]}",
        }
        if name in simple:
            return self.new(simple[name])
        raise NotTranslatable(f"CasADi's instruction {name} has no translation to LLVM")

    def _library(self, name: str, values: Sequence[str]) -> str:
        """A call for each lane."""
        lanes = zip(*(self.scattered(value) for value in values), strict=True)
        calls = [f"call double @{name}({', '.join(f'double {v}' for v in arguments)})" for arguments in lanes]
        return self.gathered([self.new(call) for call in calls])


_Instruction = tuple[str, list[int], list[int], Callable[[], float]]


def _divisions(instructions: Sequence[_Instruction]) -> dict[int, int]:
    """For each division how many there are by the same value."""
    made: dict[int, int] = {}
    divisor: dict[int, int] = {}
    for k, (name, sources, target, _) in enumerate(instructions):
        if name in ("DIV", "INV"):
            divisor[k] = made[sources[-1]]
        if name != "OUTPUT":
            made[target[0]] = k
    times = Counter(divisor.values())
    return {k: times[by] for k, by in divisor.items()}


def _instructions(function: Any) -> Iterator[_Instruction]:
    """Name, input slots, output slots and constant of each instruction (CasADi's public interface)."""
    names = _names()
    for k in range(function.n_instructions()):
        yield (
            names[function.instruction_id(k)],
            function.instruction_input(k),
            function.instruction_output(k),
            partial(function.instruction_constant, k),
        )


@cache
def _names() -> dict[int, str]:
    import casadi

    return {getattr(casadi, name): name[3:] for name in dir(casadi) if name.startswith("OP_")}
