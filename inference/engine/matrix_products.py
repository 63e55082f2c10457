"""Products of matrices: with one of numbers a step of its own; of two that depend on unknowns, products and sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .numbers import Data
from .program import Lanes, Program
from .steps import access

if TYPE_CHECKING:
    from .translation import Translation


def product(translation: Translation, left: Any, right: Any) -> Lanes:
    """The product (m, k) of `left` (m, n) and `right` (n, k), of which at least one depends on unknowns."""
    program, lanes = translation.program, translation.lanes
    if isinstance(left, Lanes) and not isinstance(right, Lanes) and _shape(right)[1] > 1:
        return _by_numbers(program, left, np.arange(left.size).reshape(left.shape), right, _transposed(right))
    if isinstance(right, Lanes) and not isinstance(left, Lanes) and _shape(left)[0] > 1:
        columns = np.arange(right.size).reshape(right.shape).T
        turned = _by_numbers(program, right, columns, _transposed(left), left)
        assert turned.stored is not None
        places = turned.stored.positions(turned.size).reshape(turned.shape).T
        return _read(program, turned, places, places.shape)
    return _by_entries(program, lanes(left), lanes(right))


def _by_numbers(program: Program, lanes: Lanes, rows: np.ndarray, matrix: Any, transposed: Any) -> Lanes:
    """Each of the `rows` (rows, inner), places in `lanes`, times the numbers `matrix` (inner, columns)."""
    where = program.store(lanes)
    buffer = program.matrix_product(matrix, transposed, where.buffer, where.positions(lanes.size)[rows])
    made = access(buffer, np.arange(buffer.size))
    return Lanes((len(rows), _shape(matrix)[1]), program.load(made), made)


def _by_entries(program: Program, left: Lanes, right: Lanes) -> Lanes:
    (m, n), k = left.shape, right.shape[1]
    shape = (m, n, k)
    one = _read(program, left, np.arange(left.size).reshape(m, n, 1), shape)
    other = _read(program, right, np.arange(right.size).reshape(1, n, k), shape)
    groups = np.broadcast_to(np.arange(m * k).reshape(m, 1, k), shape).ravel()
    buffer = program.reduce(Lanes(shape, one.entry * other.entry), groups, m * k)
    made = access(buffer, np.arange(m * k))
    return Lanes((m, k), program.load(made), made)


def _read(program: Program, lanes: Lanes, order: np.ndarray, shape: tuple[int, ...]) -> Lanes:
    """The entries of `lanes` at the places `order`, broadcast to `shape`."""
    if lanes.entry.is_constant():
        return Lanes(shape, lanes.entry)
    where = program.store(lanes)
    made = access(where.buffer, where.positions(lanes.size)[np.broadcast_to(order, shape).ravel()])
    return Lanes(shape, program.load(made), made)


def _shape(numbers: Any) -> tuple[int, ...]:
    return np.shape(numbers.value if isinstance(numbers, Data) else numbers)


def _transposed(matrix: Any) -> Any:
    if isinstance(matrix, Data):
        return Data(matrix.value.T, "transpose", (matrix,))
    return np.ascontiguousarray(matrix.T)
