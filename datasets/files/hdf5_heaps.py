"""The heaps of HDF5 files, where texts lie: a damaged one makes the HDF5 library look for its end for ever.

HDF5 file format specification, version 3, section III.E "Disk Format: Level 1E - Global Heap".
"""

from __future__ import annotations

from pathlib import Path

from ..errors import violation

_BEGIN, _HEADER, _OBJECT = b"GCOL\x01\0\0\0", 16, 16
_BLOCK, _LARGEST_HEAP = 1 << 20, 1 << 17
_SEARCHED = 1 << 28
"""Bytes at the beginning of a file; attributes lie there."""


def check_heaps(path: Path) -> None:
    """Raise for a heap whose free space has the size 0, at which the library (HDF5 1.14, 2.0) never stops.

    And for heaps within each other, at which this would hardly stop: no file has more objects than there is room for.
    """
    objects = 0
    with path.open("rb") as file:
        for start in range(0, _SEARCHED, _BLOCK):
            file.seek(start)
            content = file.read(_BLOCK + _LARGEST_HEAP)
            place = content.find(_BEGIN)
            while 0 <= place < _BLOCK:
                found, endless = _objects(content, place)
                objects += found
                if endless or objects > (start + len(content) + _LARGEST_HEAP) // _OBJECT:
                    raise violation(str(path), f"a damaged heap at byte {start + place}", "an HDF5 file that is whole")
                place = content.find(_BEGIN, place + 8)
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
