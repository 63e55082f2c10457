"""The heaps of HDF5 files, where texts lie: a damaged one makes the HDF5 library look for its end for ever.

HDF5 file format specification, version 3, section III.E "Disk Format: Level 1E - Global Heap".
"""

from __future__ import annotations

from pathlib import Path

from .errors import violation

_BEGIN, _HEADER, _OBJECT = b"GCOL\x01\0\0\0", 16, 16
_BLOCK, _LARGEST_HEAP = 1 << 20, 1 << 17
_SEARCHED = 1 << 28
"""Bytes at the beginning of a file; attributes lie there."""


def check_heaps(path: Path) -> None:
    """Raise for a heap whose free space has the size 0, at which the library (HDF5 1.14, 2.0) never stops."""
    with path.open("rb") as file:
        for start in range(0, _SEARCHED, _BLOCK):
            file.seek(start)
            content = file.read(_BLOCK + _LARGEST_HEAP)
            place = content.find(_BEGIN)
            while 0 <= place < _BLOCK:
                if _endless(content, place):
                    raise violation(str(path), f"a damaged heap at byte {start + place}", "an HDF5 file that is whole")
                place = content.find(_BEGIN, place + 8)
            if len(content) <= _BLOCK:
                return


def _endless(content: bytes, begin: int) -> bool:
    end = min(begin + int.from_bytes(content[begin + 8 : begin + _HEADER], "little"), len(content))
    place = begin + _HEADER
    while place + _OBJECT <= end:
        number = int.from_bytes(content[place : place + 2], "little")
        size = int.from_bytes(content[place + 8 : place + _OBJECT], "little")
        if number == 0 and size == 0:
            return True
        place += size if number == 0 else _OBJECT + size + (-size % 8)
    return False
