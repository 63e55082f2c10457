"""A part of a graph that comes several times with other numbers: the forward model of each member of a joint fit.

It becomes one function, which is called for each, so that translation and compilation take as long as for one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .program import Lanes, Program
from .steps import Part, access


def repeated(outputs: Sequence[Any]) -> frozenset[Any]:
    """Operations with a graph of their own that come several times.

    outputs : as a model was written; a log-density has copies of one and the same node
    """
    from pytensor.compile.builders import OpFromGraph
    from pytensor.graph.traversal import ancestors

    nodes = {variable.owner for variable in ancestors(outputs) if variable.owner is not None}
    count = Counter(node.op for node in nodes if isinstance(node.op, OpFromGraph))
    return frozenset(op for op, times in count.items() if times > 1)


def part_for(program: Program, op: Any, translate: Callable[[Program], Any]) -> Part | None:
    """The part of a program for an operation with a graph of its own; None where that cannot be one.

    translate : the translation of a graph to the steps of a program
    """
    if op not in program.parts:
        program.parts[op] = None
        if all(variable.type.ndim == 0 for variable in op.inner_inputs):
            inner = Program(len(op.inner_inputs), program)
            translation = translate(inner)
            given = {variable: Lanes((), inner.input(k)) for k, variable in enumerate(op.inner_inputs)}
            results = [translation.lanes(value) for value in translation.values(op.inner_outputs, given)]
            program.parts[op] = inner.as_part(results)
    return program.parts[op]


def called(program: Program, part: Part, arguments: list[Lanes]) -> list[Lanes]:
    """The results of a part for these scalars."""
    buffer, found, start = program.call(part, arguments), [], 0
    for shape in part.shapes:
        size = int(np.prod(shape))
        where = access(buffer, start + np.arange(size))
        found.append(Lanes(shape, program.load(where), where))
        start += size
    return found
