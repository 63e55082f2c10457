"""Shot by shot data, reduced on reading: mean and variance of each quadrature at each time, and what stands out.

Gaussian shots say nothing about their distribution beyond these numbers, so a fit needs no more. The file is read
in pieces; no piece is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..errors import ExperimentError, violation
from ..files import FORMATS, LARGEST, open_source
from ..kinds import ABSCISSAS
from ..tables import Form, Table
from ..units import unit_in

EXCLUDE = "exclude"
_Flagged = tuple[np.ndarray, np.ndarray, np.ndarray | None]
"""Keys (n,), shots (n, 2), and which of them are excluded (n,), or None for none."""
PIECE = 1 << 16
"""Shots that are read together."""
MOST_TIMES = 100_000
MOST_SHOTS = 1 << 27
"""With a key each."""
LARGEST_SHOT = 1e30
_KEYS = {"time": "times", "faraday_angle": "angles", "number": "numbers"}
_MOST_STRETCHES = 64
_SUSPECT = 4.0
_MEDIAN_DEVIATION = 1.4826  # standard deviation over median deviation, of a Gaussian
FEWEST = 20
"""Shots at a time below which what stands out is not looked for."""
_UNLIKELY = 0.01
"""Shots are reported that are so far out that a Gaussian would have fewer than this many among all."""


@dataclass
class _Group:
    """The shots of one time: sums of deviations from the first shot, and those far out.

    centre, width (2,): median and scaled median deviation of the first shots, which outliers do not move
    """

    origin: np.ndarray
    centre: np.ndarray
    width: np.ndarray
    count: int = 0
    total: np.ndarray = field(default_factory=lambda: np.zeros(2))
    squares: np.ndarray = field(default_factory=lambda: np.zeros(2))
    far: list[list[np.ndarray]] = field(default_factory=lambda: [[], []])

    @classmethod
    def of(cls, shots: np.ndarray) -> _Group:
        """An empty group for shots like these (n, 2)."""
        centre = np.median(shots, axis=0)
        width = _MEDIAN_DEVIATION * np.median(abs(shots - centre), axis=0)
        return cls(shots[0].copy(), centre, width if len(shots) >= FEWEST else np.full(2, np.inf))

    def add(self, shots: np.ndarray) -> None:
        """Shots (n, 2)."""
        moved = shots - self.origin
        self.count += len(shots)
        self.total += moved.sum(axis=0)
        self.squares += np.einsum("ij,ij->j", moved, moved)
        distance = abs(shots - self.centre)
        for k in range(2):
            out = distance[:, k] > _SUSPECT * self.width[k]
            if self.width[k] and out.any():
                with np.errstate(over="ignore"):  # of damaged files the width may be 1e-320
                    self.far[k].append(distance[out, k] / self.width[k])

    def variance(self) -> np.ndarray:
        """Of what was added so far, (2,)."""
        mean = self.total / self.count
        return np.asarray(np.maximum(self.squares - self.count * mean**2, 0.0) / max(self.count - 1, 1))


@dataclass(frozen=True)
class Reduced:
    """Sufficient statistics of shots.

    key (T,): time or number; variance (T, 2): of the two quadratures; repetitions (T,); note: shots far out
    """

    key: np.ndarray
    variance: np.ndarray
    repetitions: np.ndarray
    note: str


def reduce_shots(
    pieces: Iterator[tuple[np.ndarray, np.ndarray]], names: Sequence[str], where: str, unit: str = ""
) -> Reduced:
    """Statistics of pieces (key (n,), shots (n, 2)) by key, in ascending order; `unit` of the keys, for the note."""
    groups: dict[float, _Group] = {}
    for key, shots in pieces:
        if not len(key):
            continue
        if np.count_nonzero(key[1:] != key[:-1]) > _MOST_STRETCHES:  # in no order
            order = np.argsort(key, kind="stable")
            key, shots = key[order], shots[order]  # noqa: PLW2901
        for start, end in _stretches(key):
            at = float(key[start])
            if at not in groups:
                if len(groups) == MOST_TIMES:
                    raise violation(where, f"more than {MOST_TIMES} times", "many shots at each of a few times")
                groups[at] = _Group.of(shots[start:end])
            groups[at].add(shots[start:end])
    if not groups:
        raise violation(where, "no shots", "at least two at each time")
    ordered = sorted(groups.items())
    for at, group in ordered:
        if group.count < 2:
            raise violation(f"{where}: {at:g}", "one shot", "at least two at each time")
    return Reduced(
        np.array([at for at, _ in ordered]),
        np.array([group.variance() for _, group in ordered]),
        np.array([group.count for _, group in ordered], float),
        _note(ordered, names, unit),
    )


def _stretches(key: np.ndarray) -> Iterator[tuple[int, int]]:
    """Where equal keys follow each other."""
    borders = np.flatnonzero(key[1:] != key[:-1]) + 1
    edges = [0, *borders.tolist(), len(key)]
    yield from pairwise(edges)


def _note(groups: Sequence[tuple[float, _Group]], names: Sequence[str], unit: str) -> str:
    """What stands out: shots that Gaussian noise would hardly give."""
    from scipy.special import ndtri

    total = sum(group.count for _, group in groups)
    limit = -float(ndtri(_UNLIKELY / (4 * total)))
    found = []
    for key, group in groups:
        for k, name in enumerate(names):
            distance = np.concatenate(group.far[k]) if group.far[k] else np.zeros(0)
            if (distance > limit).any():
                found.append(
                    (float(distance.max()), f"{int((distance > limit).sum())} of {name} at {key:g} {unit}".rstrip())
                )
    if not found:
        return ""
    found.sort(reverse=True)
    shown = ", ".join(text for _, text in found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    return f"shots farther out than {limit:.1f} standard deviations (up to {found[0][0]:.1f}), kept: {shown}"


def read_shots(
    path: Path, columns: Mapping[str, str], key: str = "time", form: Form | None = None, unit: str = ""
) -> Reduced:
    """Statistics of the shots in a file.

    columns : `key`, cos and sin → their names; all shots belong together where `key` is not among them; EXCLUDE, too,
        where it has another name
    form : what is said of how a text or a sheet is written;  unit : of the key, for the note

    Either one row a shot, all three columns of one length; or (binary files) a key for each row of two matrices.
    """
    names, left_out = [name for name in columns if name not in (key, EXCLUDE)], [0]
    if path.suffix.lower() not in FORMATS:
        table = Table(path, columns, columns, form, (EXCLUDE,), largest=LARGEST)
        reduced = reduce_shots(_kept(_of_table(table), left_out, path), names, str(path), unit)
        return _said(reduced, left_out, table.note)
    with open_source(path) as source:
        pair = [source.array(columns[name]) for name in names]
        if key in columns:
            keys = source.column(columns[key], MOST_SHOTS)
        else:
            keys = np.broadcast_to(0.0, int(np.prod(pair[0].shape)))
        shapes = [tuple(array.shape) for array in pair]
        if shapes[0] != shapes[1] or not shapes[0]:
            raise violation(str(path), f"arrays of shapes {shapes[0]} and {shapes[1]}", "two of one shape")
        if len(shapes[0]) == 2 and 1 in shapes[0] and max(shapes[0]) == len(keys):  # MATLAB's vectors
            pair, shapes = [np.asarray(array[...]).ravel() for array in pair], [(len(keys),)] * 2
        if len(shapes[0]) == 2 and shapes[0] == (len(keys), len(keys)) and len(keys) > 1:
            raise _square(path, columns, key, len(keys))
        if len(shapes[0]) == 2 and shapes[0][1] == len(keys) != shapes[0][0]:  # a key for each column
            pair, shapes = [np.asarray(array[...]).T for array in pair], [shapes[0][::-1]] * 2
        if shapes[0][0] != len(keys) or len(shapes[0]) > 2:
            raise violation(str(path), f"{len(keys)} times, arrays of shape {shapes[0]}", "one entry per row")
        flags = None
        if EXCLUDE in columns or EXCLUDE in source:
            flags = source.column(columns.get(EXCLUDE, EXCLUDE), MOST_SHOTS)
            if len(flags) != len(keys):
                raise violation(f"{path}: {EXCLUDE}", f"{len(flags)} entries", f"{len(keys)}, as of {key}")
        pieces = _of_arrays(path, keys, pair, len(shapes[0]), flags)
        return _said(reduce_shots(_kept(pieces, left_out, path), names, str(path), unit), left_out)


def _square(path: Path, columns: Mapping[str, str], key: str, count: int) -> ExperimentError:
    """Of as many shots as times it cannot be told which of them the rows are: the line that says it."""
    at, *pair = (columns[ours].lstrip("/") for ours in (key, "cos", "sin"))
    at, *pair = [at, *pair] if all(name.isidentifier() for name in (at, *pair)) else [key, "cos", "sin"]
    lines = [
        f'np.savez("{path.stem}_shots.npz", {at}=np.repeat({at}, {count}), '
        + ", ".join(f"{name}={name}{turned}.ravel()" for name in pair)
        + f")    # each {axis} is one of the {_KEYS[key]}"
        for axis, turned in (("row", ""), ("column", ".T"))
    ]
    found, expected = (
        f"{count} {_KEYS[key]}, matrices of shape {(count, count)}",
        "one row per shot, written in Python by",
    )
    return violation(str(path), found, expected, lines)


def _kept(pieces: Iterator[_Flagged], left_out: list[int], path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pieces without the shots that are flagged, whose number is added to that in `left_out`."""
    for key, shots, flags in pieces:
        if flags is None:
            yield key, shots
            continue
        if not np.isin(flags, (0, 1)).all():
            raise violation(f"{path}: {EXCLUDE}", f"{flags[~np.isin(flags, (0, 1))][0]:g}", "0 or 1")
        left_out[0] += int(flags.sum())
        yield key[flags == 0], shots[flags == 0]


def _said(reduced: Reduced, left_out: list[int], form: str = "") -> Reduced:
    """With the number of excluded shots in its note, and what was found of the form of the file."""
    words = f"{left_out[0]} shots are excluded" if left_out[0] else ""
    return replace(reduced, note="; ".join(filter(None, [form, words, reduced.note])))


def what_was_read(path: Path, reduced: Reduced, key: str) -> str:
    """'shots.npz: 800 shots at each of 15 times, cos and sin'."""
    least, most = int(reduced.repetitions.min()), int(reduced.repetitions.max())
    shots, count = f"{least}" if least == most else f"{least} to {most}", len(reduced.key)
    place = f" at each of {count} {_KEYS[key]}" if count > 1 else ""
    return f"{path.name}: {shots} shots{place}, cos and sin"


def unit_of_shots(
    path: Path,
    columns: Mapping[str, str],
    key: str,
    form: Form | None = None,
    lines: Callable[[Sequence[str]], Sequence[str]] = lambda names: (),
) -> tuple[str, str]:
    """The unit that a file says of its keys, "" where none; and what to tell of one in the name of a column.

    lines : the lines to write, from the names of its columns; for the error about one that is not there
    """
    if path.suffix.lower() not in FORMATS:
        table = Table(path, columns, columns, form, largest=LARGEST, lines=lines)
        return table.unit(key, ABSCISSAS[key]) if key in columns else ("", "")
    with open_source(path) as source:
        source.require(list(columns.values()), lines, matrices=True)
        if key not in columns:
            return "", ""
        said = source.unit(columns[key])
        unit = unit_in(f"/{columns[key]}", ABSCISSAS[key]) if said is None else said
        return unit, f"{key} in {unit}, as the name of its array says" if unit and said is None else ""


def _of_arrays(
    path: Path, key: np.ndarray, pair: Sequence[np.ndarray], dimensions: int, flags: np.ndarray | None
) -> Iterator[_Flagged]:
    each = 1 if dimensions == 1 else max(1, pair[0].shape[1])
    step = max(1, PIECE // each)
    for start in range(0, len(key), step):
        rows = slice(start, start + step)
        shots = np.stack([np.asarray(array[rows], float).ravel() for array in pair], axis=-1)
        _check_size(path, shots, start * each)
        yield np.repeat(key[rows], each), shots, None if flags is None else np.repeat(flags[rows], each)


def _of_table(table: Table) -> Iterator[_Flagged]:
    row = 0
    for piece in table.pieces():
        flags = piece.pop(EXCLUDE, None)
        *key, cos, sin = piece.values()
        shots = np.stack([cos, sin], axis=-1)
        _check_size(table.path, shots, row)
        row += len(shots)
        yield (key[0] if key else np.zeros(len(shots))), shots, flags


def _check_size(path: Path, shots: np.ndarray, before: int) -> None:
    ok = (abs(shots) < LARGEST_SHOT).all(axis=1)
    if not ok.all():
        row = int(np.argmin(ok))
        raise violation(
            f"{path}: row {before + row + 1}",
            f"{shots[row][~(abs(shots[row]) < LARGEST_SHOT)][0]:g}",
            f"numbers below {LARGEST_SHOT:g}: instruments write 9.9e37 for overflow, 9.91e37 for no number",
        )
