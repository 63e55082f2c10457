"""A program as machine code, by LLVM (llvmlite, which Numba brings), in a fraction of a second.

The code can be called from many threads: the memory that a call writes to is its own. Data are read through a pointer,
so that they can be exchanged.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

import numpy as np

from . import assembly
from .assembly import WIDTH, Memory
from .elementary_functions import definitions
from .instructions import LIBRARY, declarations
from .numbers import Numbers
from .program import Lanes, Program
from .translation import NotTranslatable

# nutpie calls logp(dim, x, gradient, value, data) and expand(dim, expanded, x, out, data); 0 means success,
# a positive code a point that cannot be used. Not finite: x − x is not 0.
_LOGP = """
define i64 @logp(i64 %dim, ptr %x, ptr %out, ptr %value, ptr %data) {{
  %work = call ptr @malloc(i64 {bytes})
  call void @llvm.memset.p0.i64(ptr %work, i8 0, i64 {cleared_bytes}, i1 false)
  call void @llvm.memset.p0.i64(ptr %out, i8 0, i64 {out_bytes}, i1 false)
{forward}
  %result = getelementptr double, ptr %work, i64 {result}
  %logp = load double, ptr %result
  store double %logp, ptr %value
  %seed = getelementptr double, ptr %work, i64 {seed}
  store double 1.0, ptr %seed
{backward}
  call void @free(ptr %work)
  br label %check
check:
  %k = phi i64 [0, %0], [%k.next, %check]
  %total = phi double [%logp, %0], [%total.next, %check]
  %k.at = getelementptr double, ptr %out, i64 %k
  %slope = load double, ptr %k.at
  %total.next = fadd double %total, %slope
  %k.next = add i64 %k, 1
  %more = icmp ult i64 %k.next, {dimension}
  br i1 %more, label %check, label %end
end:
  %spread = fsub double %total.next, %total.next
  %finite = fcmp oeq double %spread, 0.0
  %code = select i1 %finite, i64 0, i64 3
  ret i64 %code
}}
"""
_EXPAND = """
define i64 @expand(i64 %dim, i64 %expanded, ptr %x, ptr %out, ptr %data) {{
  %work = call ptr @malloc(i64 {bytes})
  call void @llvm.memset.p0.i64(ptr %work, i8 0, i64 {cleared_bytes}, i1 false)
{forward}
  call void @free(ptr %work)
  ret i64 0
}}
"""
_SYSTEM = """
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare noalias ptr @malloc(i64)
declare void @free(ptr)
"""


class NativeDensity:
    """Machine code of a log-density, its gradient and the natural parameters; keeps the code alive.

    dimension, expanded : lengths of a point and of its natural parameters
    logp_address, expand_address : C functions as nutpie calls them
    numbers : what both read, and how it follows from data;  data : with those that the model was made with
    """

    def __init__(self, dimension: int, expanded: int, code: Callable[[], MachineCode], numbers: Numbers) -> None:
        """`code` takes a moment."""
        self.dimension, self.expanded, self.numbers = dimension, expanded, numbers
        compiling = ThreadPoolExecutor(1)  # LLVM works outside Python's lock, while the caller imports a sampler
        self._compiled = compiling.submit(code)
        compiling.shutdown(wait=False)
        self.data = numbers.read({})

    @classmethod
    def compiled(cls, density: Program, logp: Lanes, expansion: Program, natural: Sequence[Lanes]) -> NativeDensity:
        """`logp`: a scalar of `density`; `natural`: values of `expansion`, what a draw reports, one after the other."""
        code = partial(machine_code, assembled(density, logp, expansion, natural))
        expanded = sum(lanes.size for lanes in natural)
        programs = density, expansion
        constants = [value for program in programs for _, value in program.constants]
        fixed = [data for program in programs for data in program.fixed]
        numbers = Numbers(tuple(program.data for program in programs), constants, fixed)
        return cls(density.inputs.size, expanded, code, numbers)

    @property
    def object_file(self) -> bytes:
        """Of the code, for `loaded`."""
        return self._compiled.result().object_file

    @cached_property
    def logp_address(self) -> int:
        """Of the C function `logp`."""
        return self._compiled.result().address("logp")

    @cached_property
    def expand_address(self) -> int:
        """Of the C function `expand`."""
        return self._compiled.result().address("expand")

    @cached_property
    def _logp(self) -> Callable[..., int]:
        return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)(self.logp_address)

    def __call__(self, x: Any, data: np.ndarray | None = None) -> tuple[Any, Any]:
        """Log-density (…) and gradient (…, dimension) at points (…, dimension)."""
        points = np.ascontiguousarray(x, dtype=float)
        values, gradients = np.empty(points.shape[:-1]), np.empty_like(points)
        numbers = self.data if data is None else data
        point, gradient, value, read = (array.ctypes.data for array in (points, gradients, values, numbers))
        row = points.itemsize * self.dimension
        for k in range(values.size):
            self._logp(self.dimension, point + k * row, gradient + k * row, value + k * values.itemsize, read)
        return values[()], gradients


@dataclass(frozen=True)
class MachineCode:
    """Functions in the memory of this process, and their object file, of which `loaded` makes them again."""

    engine: Any
    object_file: bytes

    def address(self, name: str) -> int:
        """Of a C function."""
        return int(self.engine.get_function_address(name))


def machine_code(text: str) -> MachineCode:
    """The functions of an assembly text.

    Code generation at level 1 and none of LLVM's passes: CasADi has eliminated common subexpressions already, and
    unrolling and vectorising, measured, cost more time than they save.
    """
    import llvmlite.binding as llvm

    engine, made = _engine(llvm, text), list[bytes]()
    engine.set_object_cache(lambda module, object_file: made.append(object_file))
    engine.finalize_object()
    return MachineCode(engine, made[0])


def loaded(object_file: bytes) -> MachineCode:
    """The functions of an object file for this kind of processor, see `processor`."""
    import llvmlite.binding as llvm

    engine = _engine(llvm, "")
    engine.add_object_file(llvm.ObjectFileRef.from_data(object_file))
    engine.finalize_object()
    return MachineCode(engine, object_file)


def processor() -> str:
    """What machine code is made for: the processor's name and features."""
    import llvmlite.binding as llvm

    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"


def _engine(llvm: Any, text: str) -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        opt=1, cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten()
    )
    _provide_library_functions(llvm)
    return llvm.create_mcjit_compiler(llvm.parse_assembly(text), machine)


@cache  # to look for a library starts a process
def _provide_library_functions(llvm: Any) -> None:
    """Tell LLVM where the C library's functions are, also where the loader would not find them by itself."""
    import ctypes.util
    import sys

    windows = sys.platform == "win32"
    for names, library in (((*LIBRARY, "fma"), "m"), (("malloc", "free"), "c")):
        found = ctypes.CDLL("ucrtbase" if windows else ctypes.util.find_library(library) or None)
        for name in names:
            llvm.add_symbol(name, ctypes.cast(getattr(found, name), ctypes.c_void_p).value)


def elementary() -> str:
    """LLVM assembly of the functions that assembly texts call: `exp.f64` and others."""
    return declarations(WIDTH) + "\n" + definitions(WIDTH)


def assembled(density: Program, logp: Lanes, expansion: Program, natural: Sequence[Lanes]) -> str:
    """LLVM assembly of the functions `logp` and `expand`; arguments as for `NativeDensity`.

    Both read the constants of both programs, the density's first.
    """
    memory = Memory()
    for buffer, _ in (*density.constants, *expansion.constants):
        memory.add(buffer, "%data")
    parts = [_density(density, logp, memory), _expansion(expansion, natural, memory)]
    return "\n".join([elementary(), _SYSTEM, *parts])


def _density(program: Program, logp: Lanes, memory: Memory) -> str:
    result = program.store(logp)
    forward = program.steps()
    backward, slopes = program.adjoint(forward)
    if result.buffer not in slopes:
        raise NotTranslatable("a log-density without unknowns")
    parts = _parts("density", program, memory)
    memory.add(program.inputs, "%x")
    memory.add(slopes[program.inputs], "%out")
    cleared = assembly.place([*forward, *backward], memory)
    texts, calls = assembly.functions("forward", forward, memory)
    more, back = assembly.functions("backward", backward, memory)
    main = _LOGP.format(
        bytes=8 * memory.used["%work"],
        cleared_bytes=8 * cleared,
        out_bytes=8 * program.inputs.size,
        forward=calls,
        result=memory.place[result.buffer][1] + result.start,
        seed=memory.place[slopes[result.buffer]][1] + result.start,
        backward=back,
        dimension=program.inputs.size,
    )
    return parts + texts + more + main


def _expansion(program: Program, natural: Sequence[Lanes], memory: Memory) -> str:
    out = program.join(list(natural))
    steps = program.steps()
    parts = _parts("natural", program, memory)
    memory.used |= {"%x": 0, "%out": 0, "%work": 0}
    memory.add(program.inputs, "%x")
    memory.add(out, "%out")
    cleared = assembly.place(steps, memory)
    texts, calls = assembly.functions("natural", steps, memory)
    main = _EXPAND.format(bytes=8 * (memory.used["%work"] + 1), cleared_bytes=8 * cleared, forward=calls)
    return parts + texts + main


def _parts(prefix: str, program: Program, memory: Memory) -> str:
    """What comes several times, once each."""
    used = [part for part in program.parts.values() if part]
    return "\n".join(assembly.part_functions(f"{prefix}.part{k}", part, memory) for k, part in enumerate(used))
