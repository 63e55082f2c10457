"""The heaps of HDF5 files, where texts lie: a damaged one makes the HDF5 library look for its end for ever.

HDF5 file format specification, version 3, section III.E "Disk Format: Level 1E - Global Heap".
"""

from __future__ import annotations

import mmap
from pathlib import Path

from .errors import violation

_BEGIN, _HEADER, _OBJECT = b"GCOL\x01\0\0\0", 16, 16
_SEARCHED = 1 << 28
"""Bytes at the beginning of a file; attributes lie there."""


def check_heaps(path: Path) -> None:
    """Raise for a heap whose free space has the size 0, at which the library (HDF5 1.14, 2.0) never stops."""
    size = min(path.stat().st_size, _SEARCHED)
    if not size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as content:
        place = content.find(_BEGIN)
        while place >= 0:
            if _endless(content, place):
                raise violation(str(path), f"a damaged heap at byte {place}", "an HDF5 file that is whole")
            place = content.find(_BEGIN, place + 8)


def _endless(content: mmap.mmap, begin: int) -> bool:
    end = min(begin + int.from_bytes(content[begin + 8 : begin + _HEADER], "little"), len(content))
    place = begin + _HEADER
    while place + _OBJECT <= end:
        number = int.from_bytes(content[place : place + 2], "little")
        size = int.from_bytes(content[place + 8 : place + _OBJECT], "little")
        if number == 0 and size == 0:
            return True
        place += size if number == 0 else _OBJECT + size + (-size % 8)
    return False
