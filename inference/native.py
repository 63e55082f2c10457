"""A CasADi function as machine code: its instructions, one by one, as LLVM assembly, compiled in half a second.

CasADi gives the scalar instructions of a log-density and of its gradient through its public interface; LLVM's own
assembler and code generator (llvmlite, which Numba brings) do the rest. No physics is written here: the result is
CasADi's function, about five times faster than its virtual machine, and callable from many threads.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from .symbolic import NotTranslatable

_BINARY = {"ADD": "fadd", "SUB": "fsub", "MUL": "fmul", "DIV": "fdiv"}
_COMPARE = {"LT": "olt", "LE": "ole", "EQ": "oeq", "NE": "une"}
_LIBRARY = ("EXP", "LOG", "LOG1P", "EXPM1", "SIN", "COS", "TANH", "ERF")
_INTRINSIC = {"FABS": "llvm.fabs.f64", "SQRT": "llvm.sqrt.f64", "FMAX": "llvm.maxnum.f64", "FMIN": "llvm.minnum.f64"}
_UNARY = {
    "NEG": "fneg double {0}",
    "SQ": "fmul double {0}, {0}",
    "TWICE": "fadd double {0}, {0}",
    "INV": "fdiv double 1.0, {0}",
}

_HEADER = """
declare double @llvm.fabs.f64(double)
declare double @llvm.sqrt.f64(double)
declare double @llvm.maxnum.f64(double, double)
declare double @llvm.minnum.f64(double, double)
declare double @llvm.copysign.f64(double, double)
declare double @pow(double, double)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""

# nutpie calls logp(dim, x, gradient, logp, data) and expand(dim, expanded, x, out, data); 0 means success,
# a positive code a point that cannot be used. Not finite: x − x is not 0.
_LOGP = """
define i64 @logp(i64 %dim, ptr %x, ptr %gradient, ptr %value, ptr %data) {{
{body}
  %spread = fsub double {total}, {total}
  %finite = fcmp oeq double %spread, 0.0
  %code = select i1 %finite, i64 0, i64 3
  ret i64 %code
}}
define i64 @expand(i64 %dim, i64 %expanded, ptr %x, ptr %out, ptr %data) {{
  call void @llvm.memcpy.p0.p0.i64(ptr %out, ptr %x, i64 {size}, i1 false)
  ret i64 0
}}
"""


class NativeDensity:
    """Machine code of a log-density and its gradient; keeps the code alive.

    logp_address, expand_address : C functions as nutpie calls them
    """

    def __init__(self, function: Any, dimension: int, *, optimise: int = 0) -> None:
        """`function`: a casadi.Function x ↦ (log-density, gradient), x of length `dimension`.

        optimise : LLVM's level: 0 compiles in half a second; 2 takes a second longer and runs a fifth faster
        """
        import llvmlite.binding as llvm

        assembly = _assemble(function, dimension)
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        module = llvm.parse_assembly(assembly)
        machine = llvm.Target.from_default_triple().create_target_machine(
            opt=optimise, cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten()
        )
        _provide_library_functions(llvm)
        self._engine = llvm.create_mcjit_compiler(module, machine)
        self._engine.finalize_object()
        self.dimension = dimension
        self.logp_address = self._engine.get_function_address("logp")
        self.expand_address = self._engine.get_function_address("expand")
        self._function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)(self.logp_address)

    def __call__(self, x: Any) -> tuple[float, Any]:
        """Log-density and gradient at `x` (dimension,)."""
        point = np.ascontiguousarray(x, dtype=float)
        gradient, value = np.empty(self.dimension), np.empty(1)
        pointers = (array.ctypes.data for array in (point, gradient, value))
        self._function(self.dimension, *pointers, None)
        return float(value[0]), gradient


def _provide_library_functions(llvm: Any) -> None:
    """Tell LLVM where the C library's functions are, also where the loader would not find them by itself."""
    import ctypes.util
    import sys

    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else ctypes.util.find_library("m") or None)
    for name in (*(name.lower() for name in _LIBRARY), "pow"):
        address = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        llvm.add_symbol(name, address)


def _assemble(function: Any, dimension: int) -> str:
    declared = "".join(f"declare double @{name.lower()}(double)\n" for name in _LIBRARY)
    body, total = _Assembler(function).body()
    return declared + _HEADER + _LOGP.format(body="\n".join(body), total=total, size=8 * dimension)


class _Assembler:
    """One pass over the instructions of a CasADi function; `where` maps its work slots to LLVM values."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self._lines: list[str] = []
        self._where: dict[int, tuple[bool, str]] = {}
        self._count = 0
        self._outputs: list[str] = []

    def body(self) -> tuple[list[str], str]:
        """The lines, and the name of the sum of all outputs (finite if and only if each of them is)."""
        for name, inputs, output, constant in _instructions(self._function):
            self._emit(name, inputs, output, constant)
        total = "0.0"
        for value in self._outputs:
            total = self._new(f"fadd double {total}, {value}")
        return self._lines, total

    def _new(self, expression: str) -> str:
        self._count += 1
        name = f"%v{self._count}"
        self._lines.append(f"  {name} = {expression}")
        return name

    def _number(self, slot: int) -> str:
        logical, value = self._where[slot]
        return self._new(f"uitofp i1 {value} to double") if logical else value

    def _truth(self, slot: int) -> str:
        logical, value = self._where[slot]
        return value if logical else self._new(f"fcmp une double {value}, 0.0")

    def _emit(self, name: str, inputs: list[int], output: list[int], constant: Callable[[], float]) -> None:
        if name == "OUTPUT":
            self._store(self._number(inputs[0]), *output)
        elif name in ("NOT", "AND", "OR", *_COMPARE):
            self._where[output[0]] = (True, self._logical(name, inputs))
        elif name == "CONST":
            self._where[output[0]] = (False, _literal(constant()))
        else:
            self._where[output[0]] = (False, self._arithmetic(name, inputs))

    def _logical(self, name: str, inputs: list[int]) -> str:
        if name in _COMPARE:
            return self._new(f"fcmp {_COMPARE[name]} double {self._number(inputs[0])}, {self._number(inputs[1])}")
        if name == "NOT":
            return self._new(f"xor i1 {self._truth(inputs[0])}, true")
        return self._new(f"{name.lower()} i1 {self._truth(inputs[0])}, {self._truth(inputs[1])}")

    def _arithmetic(self, name: str, inputs: list[int]) -> str:
        if name == "INPUT":
            return self._new(f"load double, ptr {self._new(f'getelementptr double, ptr %x, i64 {inputs[1]}')}")
        if name == "IF_ELSE_ZERO":
            return self._new(f"select i1 {self._truth(inputs[0])}, double {self._number(inputs[1])}, double 0.0")
        values = [self._number(slot) for slot in inputs]
        if name in _BINARY:
            return self._new(f"{_BINARY[name]} double {values[0]}, {values[1]}")
        if name in _UNARY:
            return self._new(_UNARY[name].format(values[0]))
        arguments = ", ".join(f"double {value}" for value in values)
        if name in _INTRINSIC:
            return self._new(f"call double @{_INTRINSIC[name]}({arguments})")
        if name in _LIBRARY:
            return self._new(f"call double @{name.lower()}({arguments})")
        if name in ("POW", "CONSTPOW"):
            return self._new(f"call double @pow({arguments})")
        if name == "SIGN":
            one = self._new(f"call double @llvm.copysign.f64(double 1.0, {arguments})")
            zero = self._new(f"fcmp oeq {arguments}, 0.0")
            return self._new(f"select i1 {zero}, double 0.0, double {one}")
        if name == "ASSIGN":
            return values[0]
        raise NotTranslatable(f"CasADi's instruction {name} has no translation to LLVM")

    def _store(self, value: str, which: int, position: int) -> None:
        self._outputs.append(value)
        target = "%value" if which == 0 else self._new(f"getelementptr double, ptr %gradient, i64 {position}")
        self._lines.append(f"  store double {value}, ptr {target}")


def _literal(value: float) -> str:
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def _instructions(function: Any) -> Iterator[tuple[str, list[int], list[int], Callable[[], float]]]:
    """Name, input slots, output slots and constant of each instruction (CasADi's public interface)."""
    import casadi

    names = {getattr(casadi, name): name[3:] for name in dir(casadi) if name.startswith("OP_")}
    for k in range(function.n_instructions()):
        yield (
            names[function.instruction_id(k)],
            function.instruction_input(k),
            function.instruction_output(k),
            partial(function.instruction_constant, k),
        )
