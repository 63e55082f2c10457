"""MATLAB's .mat files: their arrays of numbers, those in structs as `struct.field`.

Version 7.3 is HDF5, and SciPy reads version 4. Of versions 5 to 7, SciPy's reader ends the whole process with a
segmentation fault for some damaged files (SciPy 1.17); the one here raises ValueError for them. The format: MathWorks,
"MAT-File Format", chapter 1.
"""

from __future__ import annotations

import contextlib
import warnings
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .hdf5 import open_hdf5
from .sliced import Sliced

_HEADER = 128
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8", 16: "u1"}
_TEXTS, _WHOLE, _MATRIX, _COMPRESSED = (1, 2, 16), (5, 6), 14, 15
_CELL, _STRUCT, _CHAR, _NUMERIC, _OPAQUE = 1, 2, 4, range(6, 16), 17  # opaque: strings, tables, dates
_COMPLEX = 0x0800
_MOST_DIMENSIONS, _DEEPEST, _BLOCK = 32, 20, 1 << 20
_LARGEST = 1 << 30
"""Bytes of a file and of what is compressed in it, together."""
_OTHER_SIZE = "an element of another size than it says"
_TOO_LARGE = f"more than {_LARGEST >> 30} GB: save with -v7.3"


def open_matlab(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    """The arrays by name; those of version 7.3 are read when sliced, with their dimensions in MATLAB's order."""
    import h5py

    if h5py.is_hdf5(path):
        return {
            name.replace("/", ".").lstrip("."): _transposed(array)
            for name, array in open_hdf5(path, stack).items()
            if array.shape is not None
            and not name.startswith("/#refs#")
            and array.attrs.get("MATLAB_class") != b"char"
            and not array.attrs.get("MATLAB_empty")
        }
    if version(path) == 5:
        return read_version_5(path)
    if version(path) != 4:  # SciPy would take some of these for version 5
        raise ValueError("neither a header of MATLAB nor that of HDF5")
    from scipy.io import loadmat

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it warns of numbers that it cannot read
        return {name: value for name, value in loadmat(path).items() if isinstance(value, np.ndarray)}


def _transposed(array: Any) -> Sliced:
    """With its dimensions in reverse order."""

    def read(rows: Any) -> np.ndarray:
        return np.asarray(array[...].T if rows is Ellipsis else array[..., rows].T)

    return Sliced(tuple(array.shape[::-1]), array.dtype, read, stored=array)


def version(path: Path) -> int:
    """4; 5 for versions 5 to 7; 0 for what is no .mat file. Those of version 4 have a zero among their first bytes."""
    with path.open("rb") as file:
        header = file.read(_HEADER)
    if 0 in header[:4]:
        return 4
    return 5 if header[126:128] in (b"IM", b"MI") else 0


def read_version_5(path: Path) -> dict[str, np.ndarray]:
    """All arrays of numbers by name, with texts as arrays of characters, struct arrays and cells as arrays of objects.

    ValueError or zlib.error for a file that is damaged, or larger than 1 GB.
    """
    total = path.stat().st_size
    if total > _LARGEST:
        raise ValueError(_TOO_LARGE)
    content = memoryview(path.read_bytes())
    order = "<" if bytes(content[126:128]) == b"IM" else ">"
    found: dict[str, np.ndarray] = {}
    for kind, data in _elements(content[_HEADER:], order, padded=False):
        inner = data
        if kind == _COMPRESSED:
            size = _uncompressed_size(data, order)
            total += size
            if total > _LARGEST:
                raise ValueError(_TOO_LARGE)
            kind, inner = next(_elements(_uncompressed(data, size), order))  # noqa: PLW2901
        if kind == _MATRIX:
            found |= {name: values for name, values in _Matrix.of(inner, order).arrays().items() if name}
    return found


def _uncompressed_size(data: memoryview, order: str) -> int:
    tag = zlib.decompressobj().decompress(data, 8)
    return 8 + int(np.frombuffer(tag, order + "u4", 2)[1])


def _uncompressed(data: memoryview, size: int) -> memoryview:
    """No more than the element says of itself, and all that it says; in blocks, as zlib takes twice what it returns."""
    stream, content, place = zlib.decompressobj(), memoryview(np.zeros(size, np.uint8)), 0
    for start in range(0, len(data), _BLOCK):
        piece: bytes | memoryview = data[start : start + _BLOCK]
        while block := stream.decompress(piece, _BLOCK):
            if place + len(block) > size:
                raise ValueError(_OTHER_SIZE)
            content[place : place + len(block)] = block
            piece, place = stream.unconsumed_tail, place + len(block)
    if place < size:
        raise ValueError(_OTHER_SIZE)
    return content


def _elements(data: memoryview, order: str, padded: bool = True) -> Iterator[tuple[int, memoryview]]:
    """Type and content of the elements that follow each other; padded: each takes a multiple of 8 bytes."""
    place = 0
    while place < len(data):
        if len(data) - place < 8:
            raise ValueError("an element that is cut off")
        first, size = (int(word) for word in np.frombuffer(data, order + "u4", 2, place))
        if first >> 16:  # a small one, all in the tag
            kind, size, start = first & 0xFFFF, first >> 16, place + 4
            end = place + 8
            if size > 4:
                raise ValueError("a small element of more than 4 bytes")
        else:
            kind, start = first, place + 8
            end = start + size + (-size % 8 if padded or first != _COMPRESSED else 0)
        if start + size > len(data):
            raise ValueError("an element that is cut off")
        yield kind, data[start : start + size]
        place = end


@dataclass(frozen=True)
class _Matrix:
    """name, class number, whether complex, dimensions;  rest : elements with what is in it"""

    name: str
    kind: int
    complex: bool
    shape: tuple[int, ...]
    rest: Iterator[tuple[int, memoryview]]
    order: str

    @classmethod
    def of(cls, data: memoryview, order: str) -> _Matrix:
        rest = _elements(data, order)
        flags = _numbers(next(rest, None), order, _WHOLE)
        if len(flags) == 2 and int(flags[0]) & 0xFF == _OPAQUE:
            return cls("", _OPAQUE, False, (1, 1), rest, order)
        shape = tuple(_numbers(next(rest, None), order, _WHOLE).tolist())
        name = _numbers(next(rest, None), order, _TEXTS).tobytes().decode(errors="replace")
        if len(flags) != 2 or not 2 <= len(shape) <= _MOST_DIMENSIONS or min(shape) < 0:
            raise ValueError(f"the array {name!r} with flags {flags.tolist()} and dimensions {shape}")
        return cls(name, int(flags[0]) & 0xFF, bool(int(flags[0]) & _COMPLEX), shape, rest, order)

    def arrays(self, depth: int = 0) -> dict[str, np.ndarray]:
        """By name, those of fields with the names of the structs before them."""
        if depth > _DEEPEST:
            raise ValueError("structs that are nested too deep")
        if self.kind in _NUMERIC:
            parts = [self._part() for _ in range(1 + self.complex)]
            return {self.name: parts[0] + 1j * parts[1] if self.complex else parts[0]}
        if self.kind == _CHAR:
            return {self.name: np.full(self.shape or (1,), "x")} if np.prod(self.shape, dtype=float) < 1e6 else {}
        if self.kind == _CELL or (self.kind == _STRUCT and np.prod(self.shape, dtype=float) != 1):
            return {self.name: np.broadcast_to(np.array(None, object), self.shape)}  # there, but no numbers
        if self.kind != _STRUCT:
            return {}
        length = _numbers(next(self.rest, None), self.order, _WHOLE)
        names = _numbers(next(self.rest, None), self.order, _TEXTS).tobytes()
        if not names:
            return {}
        if len(length) != 1 or not 0 < length[0] <= len(names):
            raise ValueError(f"the struct {self.name!r} with names of {length.tolist()} bytes")
        step = int(length[0])
        found: dict[str, np.ndarray] = {}
        for start in range(0, len(names), step):
            field = names[start : start + step].split(b"\0")[0].decode(errors="replace")
            kind, data = next(self.rest, (0, memoryview(b"")))
            if kind != _MATRIX:
                raise ValueError(f"the struct {self.name!r} without its field {field!r}")
            if len(data):
                inner = _Matrix.of(data, self.order).arrays(depth + 1)
                found |= {f"{self.name}.{field}{name}": values for name, values in inner.items()}
        return found

    def _part(self) -> np.ndarray:
        values = _numbers(next(self.rest, None), self.order)
        if len(values) != int(np.prod(self.shape, dtype=object)):
            raise ValueError(f"the array {self.name!r} of {self.shape} with {len(values)} numbers")
        return values.reshape(self.shape, order="F")


def _numbers(element: tuple[int, memoryview] | None, order: str, expected: Collection[int] = _NUMBERS) -> np.ndarray:
    """The numbers in an element."""
    kind, data = element or (0, memoryview(b""))
    if kind not in _NUMBERS or kind not in expected:
        raise ValueError(f"an element of type {kind}")
    if len(data) % np.dtype(_NUMBERS[kind]).itemsize:
        raise ValueError("an element with a part of a number")
    return np.frombuffer(data, order + _NUMBERS[kind])
