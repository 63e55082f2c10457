"""HDF5 files: what is in them, and whether reading them would end."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import ExperimentError, violation
from .sliced import Sliced

_BEGIN = b"\x89HDF\r\n\x1a\n"
_UNSUSPICIOUS, _STRONGEST_COMPRESSION = 2**26, 1100  # bytes; that of gzip, for which 1032 bytes are one
_CACHE = 1 << 20
_PACKING = ("scale_factor", "add_offset", "_FillValue", "missing_value")
_DEEPEST, _MOST_OBJECTS = 30, 100_000
_DEEPEST_TREE, _MOST_GROUPS = 6, 2000
_HEAP, _HEADER, _OBJECT = b"GCOL\x01\0\0\0", 16, 16
_BLOCK, _LARGEST_HEAP = 1 << 20, 1 << 17
_SEARCHED = 1 << 28
"""Bytes at the beginning of a file that are searched for heaps; attributes lie there."""


class Found(NamedTuple):
    """Something in a file. item: h5py's GroupID or DatasetID, or None for a link; again: found under another name."""

    name: str
    item: Any
    depth: int
    again: bool


def is_hdf5(path: Path) -> bool:
    """Whether a file begins as an HDF5 file does."""
    with path.open("rb") as file:
        return file.read(8) == _BEGIN


def read_attributes(path: Path) -> dict[str, Any]:
    """The attributes of the whole file, without reading anything else; ExperimentError for another kind of file."""
    import h5py

    check_heaps(path)
    try:
        with h5py.File(path, "r") as file:
            return dict(file.attrs)
    except Exception as error:
        raise violation(str(path), f"{type(error).__name__}: {error}", "a readable NetCDF-4 file") from error


def open_hdf5(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    """The arrays of a file by path, those to which soft links lead, too; not those in other files."""
    import h5py

    file = stack.enter_context(h5py.File(path, "r", rdcc_nbytes=chunk_cache(path)))
    found, links = {}, {}
    for part in _walk(file):
        if isinstance(part.item, h5py.h5d.DatasetID):
            found[part.name] = _decoded(h5py.Dataset(part.item), f"{path}: {part.name!r}")
        elif isinstance(link := file.get(part.name, getlink=True), h5py.SoftLink):
            links[part.name] = posixpath.normpath(posixpath.join(posixpath.dirname(part.name), link.path))
    found |= {name: found[target] for name, target in links.items() if target in found}
    return dict(sorted(found.items()))


def chunk_cache(path: Path) -> int:
    """Bytes of two of the largest chunks of a file: with less in memory, each slice of a chunk decompresses all of it.

    Raises ExperimentError for groups that are too deep, or too many.
    """
    import h5py

    check_heaps(path)
    largest = _CACHE // 2
    with h5py.File(path, "r") as file:
        for count, part in enumerate(_walk(file), 1):
            if part.depth > _DEEPEST or count > _MOST_OBJECTS:
                raise violation(str(path), "groups too deep or too many", f"at most {_MOST_OBJECTS} arrays and groups")
            if isinstance(part.item, h5py.h5d.DatasetID) and (chunks := h5py.Dataset(part.item).chunks):
                largest = max(largest, prod(chunks) * part.item.dtype.itemsize)
    return 2 * largest


def _decoded(item: Any, where: str) -> Any:
    """An array as its attributes mean it: value × scale_factor + add_offset, NaN for _FillValue and missing_value.

    They are those of the NetCDF Climate and Forecast conventions, section 8.1 and 2.5.1.
    """
    names = [name for name in _PACKING if name in item.attrs]
    if not names or item.shape is None or item.dtype.kind not in "iuf":
        return item
    said = {name: _numbers_of(item.attrs[name], f"{where}: {name}") for name in names}
    scale, offset = (float(said.get(name, [default])[0]) for name, default in (("scale_factor", 1), ("add_offset", 0)))
    missing = [number for name in ("_FillValue", "missing_value") for number in said.get(name, [])]

    def read(rows: Any) -> np.ndarray:
        stored = np.asarray(item[rows])
        values = stored * scale + offset
        return np.where(np.isin(stored, missing), np.nan, values) if missing else values

    return Sliced(tuple(item.shape), np.dtype(float), read, dict(item.attrs), raw=item, file=item.file)


def _numbers_of(value: Any, where: str) -> np.ndarray:
    """An attribute of numbers, whose text may be given."""
    try:
        found = np.atleast_1d(np.asarray(value)).astype(float).ravel()
    except (TypeError, ValueError) as error:
        raise violation(where, repr(value), "a number") from error
    if not found.size:
        raise violation(where, "nothing", "a number")
    return found


@contextlib.contextmanager
def open_checked(path: Path, largest: int) -> Iterator[dict[str, Any]]:
    """What is in a file by path, "." the outermost group, as h5py's identifiers: nothing of it has been read yet.

    Raises ExperimentError for a file that would not end or not fit in memory: cycles, endless nesting, enormous
    variables, of more than `largest` bytes together; for data in other files; and for what is raised inside.
    """
    import h5py
    from h5py import h5d, h5g

    check_heaps(path)
    size = groups = 0
    try:
        with h5py.File(path, "r") as file:
            found = {".": h5g.open(file.id, b"/")}
            for part in _walk(file):
                where = f"{path}: {part.name.rpartition('/')[2][:60]}"
                if part.item is None:
                    raise violation(where, "a link", "data in the file itself")
                found[part.name[1:]] = part.item
                if isinstance(part.item, h5g.GroupID):
                    groups += 1
                    if part.again or part.depth > _DEEPEST_TREE or groups > _MOST_GROUPS:
                        raise violation(
                            str(path), "groups in a cycle, too deep or too many", "the layout of an experiment or a fit"
                        )
                elif isinstance(part.item, h5d.DatasetID):
                    made = part.item.get_create_plist()
                    if made.get_layout() == h5d.VIRTUAL or made.get_external_count():
                        raise violation(where, "data in another file", "data in the file itself")
                    size += check_written(part.item, where)
            if size > largest:
                raise violation(str(path), f"{size / 2**20:.0f} MB of data", f"at most {largest >> 20} MB")
            yield found
    except ExperimentError:
        raise
    except Exception as error:
        raise violation(str(path), f"{type(error).__name__}: {error}", "a readable NetCDF-4 file") from error


def check_written(item: Any, where: str) -> int:
    """Bytes of a DatasetID. Raise where nearly nothing would fill the memory with them: no compression does that."""
    size, written = int(prod(item.shape or (0,)) * max(item.dtype.itemsize, 1)), item.get_storage_size()
    if size > _UNSUSPICIOUS and size > _STRONGEST_COMPRESSION * written:
        raise violation(
            where, f"{size / 2**20:.0f} MB, of which {written} bytes were written", "data that were written"
        )
    return size


def _walk(file: Any) -> Iterator[Found]:
    """Everything in an open file; what a group holds is looked at once, under whatever name it was found first.

    By HDF5's identifiers: h5py's own objects take ten times as long to make.
    """
    from h5py import h5g, h5l, h5o

    root = h5g.open(file.id, b"/")
    seen = {h5o.get_info(root).addr}
    waiting = [(root, "", 1)]
    while waiting:
        group, above, depth = waiting.pop()
        for name in group:
            path = f"{above}/{name.decode(errors='backslashreplace')}"
            if group.links.get_info(name).type != h5l.TYPE_HARD:
                yield Found(path, None, depth, False)
                continue
            item = h5o.open(group, name)
            address = h5o.get_info(item).addr
            yield Found(path, item, depth, address in seen)
            if isinstance(item, h5g.GroupID) and address not in seen:
                waiting.append((item, path, depth + 1))
            seen.add(address)


def check_heaps(path: Path) -> None:
    """Raise for a heap, where texts lie, whose free space has the size 0: there HDF5 1.14 and 2.0 search for ever.

    And for heaps within each other, at which this would hardly stop: no file has more objects than there is room for.
    HDF5 file format specification, version 3, section III.E "Disk Format: Level 1E - Global Heap".
    """
    objects = 0
    with path.open("rb") as file:
        for start in range(0, _SEARCHED, _BLOCK):
            file.seek(start)
            content = file.read(_BLOCK + _LARGEST_HEAP)
            place = content.find(_HEAP)
            while 0 <= place < _BLOCK:
                found, endless = _objects(content, place)
                objects += found
                if endless or objects > (start + len(content) + _LARGEST_HEAP) // _OBJECT:
                    raise violation(str(path), f"a damaged heap at byte {start + place}", "an HDF5 file that is whole")
                place = content.find(_HEAP, place + 8)
            if len(content) <= _BLOCK:
                return


def _objects(content: bytes, begin: int) -> tuple[int, bool]:
    """How many objects of a heap there are, until one has no end."""
    end = min(begin + int.from_bytes(content[begin + 8 : begin + _HEADER], "little"), len(content))
    place, objects = begin + _HEADER, 0
    while place + _OBJECT <= end:
        number = int.from_bytes(content[place : place + 2], "little")
        size = int.from_bytes(content[place + 8 : place + _OBJECT], "little")
        if number == 0 and size == 0:
            return objects, True
        place += size if number == 0 else _OBJECT + size + (-size % 8)
        objects += 1
    return objects, False
