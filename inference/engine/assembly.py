"""The steps of a program as LLVM assembly: loops, loads and stores around CasADi's scalar instructions.

A loop does four lanes at a time and then the rest one by one. LLVM's own vectoriser would do the same, but takes
twice the time to compile. The order of every sum is fixed by the program, so results do not depend on the machine's
vector length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from .instructions import Code
from .steps import Access, Buffer, Call, CumulativeSum, Loop, MatrixProduct, Part, Step

WIDTH = 4
_TOGETHER = 4
"""Vectors of a matrix product that are summed up side by side."""
POINTERS = ("%x", "%out", "%work", "%data")
"""Inputs, results (the gradient), memory of one call, constants and data."""
_ARGUMENTS = ", ".join(f"ptr noalias {pointer}" for pointer in POINTERS)
_PASSED = ", ".join(f"ptr {pointer}" for pointer in POINTERS)


class Memory:
    """Where each buffer begins: the pointer and the number of entries before it."""

    def __init__(self) -> None:
        self.place: dict[Buffer, tuple[str, int]] = {}
        self.used = dict.fromkeys(POINTERS, 0)

    def add(self, buffer: Buffer, pointer: str) -> None:
        """Give a buffer its place, after those that `pointer` has already."""
        self.place[buffer] = (pointer, self.used[pointer])
        self.used[pointer] += buffer.size


def functions(prefix: str, steps: Sequence[Step], memory: Memory) -> tuple[str, str]:
    """LLVM functions (of the four pointers) that do the steps, and the calls of them, in order."""
    texts: list[str] = []
    names: list[str] = []
    for k, step in enumerate(steps):
        name = f"{prefix}{k}"
        texts += [*_indices(name, step), f"define internal void @{name}({_ARGUMENTS}) {{"]
        texts += [*_lines(name, step, memory), "  ret void", "}"]
        names.append(name)
    return "\n".join([*texts, ""]), "\n".join(f"  call void @{name}({_PASSED})" for name in names)


_PART = """
define internal void @{name}.forward(ptr %x, ptr %out, ptr %work, ptr %data) {{
  call void @llvm.memset.p0.i64(ptr %work, i8 0, i64 {cleared_bytes}, i1 false)
{forward}
  ret void
}}
define internal void @{name}.backward(ptr %x, ptr %out, ptr %work, ptr %data) {{
{backward}
  ret void
}}
"""


def part_functions(name: str, part: Part, memory: Memory) -> str:
    """LLVM functions of a part: from inputs (%x) to results (%out), and back to the gradient (%out).

    memory : that of the whole, with the constants
    """
    local = Memory()
    local.place |= memory.place
    local.add(part.inputs, "%x")
    local.add(part.results, "%out")
    local.place[part.gradient] = ("%out", 0)
    cleared = place([*part.forward, *part.backward], local)
    part.name, part.size, part.seeds_at = name, local.used["%work"], local.place[part.seeds][1]
    texts, forward = functions(f"{name}.forward", part.forward, local)
    more, backward = functions(f"{name}.backward", part.backward, local)
    return texts + more + _PART.format(name=name, cleared_bytes=8 * cleared, forward=forward, backward=backward)


def _lines(name: str, step: Step, memory: Memory) -> list[str]:
    if isinstance(step, Call):
        return _call(step, memory)
    if isinstance(step, CumulativeSum):
        return _cumulative_sum(_Code(name, step, memory, 1), step)
    code = _Code(name, step, memory, WIDTH if step.size >= WIDTH else 1)
    return _matrix_product(code, step) if isinstance(step, MatrixProduct) else _loop(code, step)


def _accesses(step: Step) -> list[Access]:
    if isinstance(step, Loop):
        return [*step.loads, *(output.target for output in step.outputs)]
    if isinstance(step, Call):
        return [step.source, step.target, Access(step.memory)]
    return [step.source, step.target]


def _call(step: Call, memory: Memory) -> list[str]:
    """The derivatives by its results lie in its memory already, see `place`."""
    way, first = ("forward", step.source) if step.values is None else ("backward", step.values)
    places = (memory.place[buffer] for buffer in (first.buffer, step.target.buffer, step.memory))
    lines = [f"  %p{k} = getelementptr double, ptr {at}, i64 {start}" for k, (at, start) in enumerate(places)]
    return [*lines, f"  call void @{step.part.name}.{way}(ptr %p0, ptr %p1, ptr %p2, ptr %data)"]


def _indices(name: str, step: Step) -> Iterator[str]:
    """Constant arrays with the positions that irregular accesses read or write."""
    for k, where in enumerate(_accesses(step)):
        if where.index is not None:
            numbers = ", ".join(f"i64 {position}" for position in where.index)
            yield f"@{name}.{k} = private unnamed_addr constant [{len(where.index)} x i64] [{numbers}]"


class _Code(Code):
    """Instructions with loads and stores of buffers."""

    def __init__(self, name: str, step: Step, memory: Memory, width: int) -> None:
        super().__init__(width)
        self._name, self._place = name, memory.place
        self._which = {where.key: k for k, where in reversed(list(enumerate(_accesses(step))))}

    def load(self, where: Access, lane: str) -> str:
        """The entries of `width` lanes from `lane` on."""
        if _same_for_all(where):
            return self.one(where, lane)
        if where.index is None:
            return self.new(f"load {self.number}, ptr {self._address(where, lane)}, align 8")
        return self.gathered([self.new(f"load double, ptr {self._address(where, each)}") for each in self.lanes(lane)])

    def one(self, where: Access, lane: str) -> str:
        """The entry of one lane, in all of them."""
        return self.splat(self.new(f"load double, ptr {self._address(where, lane)}"))

    def store(self, value: str, where: Access, lane: str, *, add: bool) -> None:
        """Put the values of `width` lanes to their places, or add them to what is there."""
        if where.index is None:
            self._put(value, self.number, self._address(where, lane), add)
            return
        for each, single in zip(self.lanes(lane), self.scattered(value), strict=True):
            self._put(single, "double", self._address(where, each), add)

    def add_total(self, value: str, where: Access) -> None:
        """Add the sum over the `width` lanes to one entry."""
        total, *others = self.scattered(value)
        for other in others:
            total = self.new(f"fadd double {total}, {other}")
        self._put(total, "double", self._address(where, "0"), add=True)

    def _put(self, value: str, kind: str, address: str, add: bool) -> None:
        if add:
            value = self.new(f"fadd {kind} {self.new(f'load {kind}, ptr {address}, align 8')}, {value}")
        self.written.append(f"  store {kind} {value}, ptr {address}, align 8")

    def _address(self, where: Access, lane: str) -> str:
        pointer, start = self._place[where.buffer]
        if where.index is not None:
            table = f"@{self._name}.{self._which[where.key]}"
            position = self.new(f"load i64, ptr {self.new(f'getelementptr i64, ptr {table}, i64 {lane}')}")
        else:
            position, start = ("0" if where.step == 0 else lane), start + where.start
        base = self.new(f"getelementptr double, ptr {pointer}, i64 {start}")
        return base if position == "0" else self.new(f"getelementptr double, ptr {base}, i64 {position}")


def _same_for_all(where: Access) -> bool:
    return where.step == 0 and where.index is None


def _cumulative_sum(code: _Code, step: CumulativeSum) -> list[str]:
    """From the first entry to the last, or from the last to the first."""
    last = step.size - 1
    lane = code.new(f"sub i64 {last}, %i") if step.reverse else "%i"
    code.written.append(f"  %total = fadd double %sum, {code.load(step.source, lane)}")
    code.store("%total", step.target, lane, add=step.reverse)
    return ["  br label %loop", "loop:", "  %i = phi i64 [0, %0], [%next, %loop]",
            "  %sum = phi double [0.0, %0], [%total, %loop]", *code.written,
            "  %next = add i64 %i, 1", f"  %more = icmp ule i64 %next, {last}",
            "  br i1 %more, label %loop, label %end", "end:"]  # fmt: skip


def _matrix_product(code: _Code, step: MatrixProduct) -> list[str]:
    """Entries of the result, each summed up from the first term to the last; several vectors of `width` at a time.

    A processor takes several cycles for one addition, in which it can begin others that do not wait for it.
    """
    starts = range(0, min(_TOGETHER, step.size // code.width) * code.width, code.width)
    together = len(starts) * code.width
    places = ["%lane"] + [code.new(f"add i64 %lane, {start}") for start in starts[1:]]
    masks = [_masked(code, step.size, together, start) for start in starts]
    before = code.taken()
    row, factor = code.new(f"mul i64 %j, {step.size}"), code.one(step.source, "%j")
    for k, place_ in enumerate(places):
        entries = code.load(Access(step.matrix), code.new(f"add i64 {row}, {place_}"))
        code.written.append(f"  %total{k} = {code.fused(entries, factor, f'%sum{k}')}")
    term = code.taken()
    for k, (place_, masked) in enumerate(zip(places, masks, strict=True)):
        code.store(masked(f"%total{k}") if step.add else f"%total{k}", step.target, place_, add=step.add)
    sums = [f"  %sum{k} = phi {code.number} [{code.zero}, %loop], [%total{k}, %term]" for k in range(len(starts))]
    return ["  br label %loop", "loop:", "  %i = phi i64 [0, %0], [%next, %end.sum]", *_lane(step.size - together),
            *before, "  br label %term", "term:", "  %j = phi i64 [0, %loop], [%j.next, %term]", *sums, *term,
            "  %j.next = add nuw nsw i64 %j, 1", f"  %j.more = icmp ult i64 %j.next, {step.inner}",
            "  br i1 %j.more, label %term, label %end.sum", "end.sum:", *code.taken(),
            f"  %next = add nuw nsw i64 %i, {together}", f"  %more = icmp ult i64 %next, {step.size}",
            "  br i1 %more, label %loop, label %end", "end:"]  # fmt: skip


def _lane(last: int) -> list[str]:
    """The first lane of a block that begins at %i or, so that it does not end beyond the last one, before it."""
    return [f"  %beyond = icmp ugt i64 %i, {last}", f"  %lane = select i1 %beyond, i64 {last}, i64 %i"]


def _loop(code: _Code, loop: Loop) -> list[str]:
    """All lanes, `width` at a time; what is added to one entry by all lanes is summed up before.

    The last lanes of a number that is no multiple of `width` are done together with some before them once more, which
    then add zero.
    """
    last = loop.size - code.width
    begin = "0" if last == 0 else "%lane"
    loaded = [code.load(where, begin) if _same_for_all(where) else "" for where in loop.loads]
    same = [value for value in loaded if value and last]
    before = code.taken()
    masked = _masked(code, loop.size)
    loaded = [value or code.load(where, begin) for value, where in zip(loaded, loop.loads, strict=True)]
    results = code.evaluate(loop.symbols, [output.expression for output in loop.outputs], loaded, same)
    sums = {}
    for k, (output, value) in enumerate(zip(loop.outputs, results, strict=True)):
        if output.add and _same_for_all(output.target):
            sums[k] = masked(value)
        else:
            code.store(masked(value) if output.add else value, output.target, begin, add=output.add)
    body = code.taken()
    for k, value in sums.items():
        code.add_total(f"%sum{k}" if last else value, loop.outputs[k].target)
    after = code.taken()
    if not last:
        return [*before, *code.ahead, *body, *after]
    carried = [f"  %carried{k} = phi {code.number} [{code.zero}, %0], [%sum{k}, %loop]" for k in sums]
    added = [f"  %sum{k} = fadd {code.number} %carried{k}, {value}" for k, value in sums.items()]
    return [*before, *code.ahead, "  br label %loop", "loop:", "  %i = phi i64 [0, %0], [%next, %loop]", *carried,
            *_lane(last), *body, *added,
            f"  %next = add nuw nsw i64 %i, {code.width}", f"  %more = icmp ult i64 %next, {loop.size}",
            "  br i1 %more, label %loop, label %end", "end:", *after]  # fmt: skip


def _masked(code: _Code, size: int, together: int = 0, start: int = 0) -> Callable[[str], str]:
    """What makes values zero in lanes that have been done already, of `together` done at a time those from `start`."""
    if size % (together or code.width) == 0:
        return lambda value: value
    repeated = code.splat(code.new("sub i64 %i, %lane"), code.whole, "i64")
    lanes = f"<{', '.join(f'i64 {start + k}' for k in range(code.width))}>"
    fresh = code.new(f"icmp uge {code.whole} {lanes}, {repeated}")
    return lambda value: code.select(fresh, value, code.zero)


def place(steps: Sequence[Step], memory: Memory) -> int:
    """Give every buffer of the steps its place in the memory of a call; how many entries must begin at zero."""
    calls = [step for step in steps if isinstance(step, Call)]
    for call in calls:
        call.memory.size = call.part.size
    seeds = {call.source.buffer: call for call in calls if call.values is not None}
    buffers = dict.fromkeys(where.buffer for step in steps for where in _accesses(step))
    buffers = {buffer: None for buffer in buffers if buffer not in memory.place and buffer not in seeds}
    for buffer in [b for b in buffers if b.accumulated]:
        memory.add(buffer, "%work")
    cleared = memory.used["%work"]
    for buffer in [b for b in buffers if not b.accumulated]:
        memory.add(buffer, "%work")
    for buffer, call in seeds.items():
        pointer, start = memory.place[call.memory]
        memory.place[buffer] = (pointer, start + call.part.seeds_at)
    return cleared
