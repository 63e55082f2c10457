"""Not to be broken: what `fuzzing.py` does to valid files, by bytes and by the rules of TOML, CSV and .npy files."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from hdf5_damages import damaged_hdf5
from valid_files import SAMPLES

Damage = Callable[[random.Random, Path, Path], str]


def damaged_bytes(rng: random.Random, path: Path, outside: Path) -> str:
    content = bytearray(path.read_bytes())
    head = rng.random() < 0.5  # where the structure is
    at = rng.randrange(min(len(content), 4096) if head else len(content))
    length = 2 ** rng.randrange(12)
    what = rng.choice(("flip", "flips", "truncate", "insert", "duplicate", "zero", "ones", "empty", "append"))
    if what == "flip":
        content[at] ^= 1 << rng.randrange(8)
    elif what == "flips":
        for _ in range(rng.randrange(2, 40)):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif what == "truncate":
        del content[at:]
    elif what == "insert":
        content[at:at] = rng.randbytes(length)
    elif what == "duplicate":
        content[at:at] = content[at : at + length]
    elif what in ("zero", "ones"):
        length = min(length, len(content) - at)
        content[at : at + length] = (b"\0" if what == "zero" else b"\xff") * length
    elif what == "empty":
        content.clear()
    else:
        content += rng.randbytes(length)
    path.write_bytes(content)
    return f"{what} at {at}"


def moved_away(rng: random.Random, path: Path, outside: Path) -> str:
    """What stands in the place of a file."""
    what = rng.choice(("link", "loop", "dangling", "folder", "pipe", "missing", "link to /dev/zero"))
    original = path.read_bytes()
    path.unlink()
    if what == "link":
        (outside / path.name).write_bytes(original)
        path.symlink_to(outside / path.name)
    elif what == "loop":
        path.symlink_to(path)
    elif what == "dangling":
        path.symlink_to(outside / "nothing")
    elif what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "link to /dev/zero":
        path.symlink_to("/dev/zero")
    return what


# ---- TOML ------------------------------------------------------------------------------------------------------------

VALUES = (
    "1e400", "-1", "0", "nan", "inf", "-inf", "9" * 400, "9" * 5000, "1e308", "5e-324", "true", "07:32:00",
    "1979-05-27", '""', '"a\\u0000b"', "[]", "{}", "[1, 2]", "[[]]", "[{}]", '"' + "x" * 70_000 + '"',
    "[" * 3000 + "]" * 3000, "'1e999 ms'", "'-1 ms'", "'nan ms'", "'inf ms'", "'1 m'", "'1e308 s'", "'1/ms'", "-0.0",
    "0x7fffffffffffffff", "'lognormal(1e999, nan)'", "'normal(0, 0)'", "'beta(' ", "'fixed(1e300)'", "'uniform(1, 0)'",
    "{ value = 1 }", "{ value = nan, sigma = -1 }", "{ 'a/b' = 1 }", "'\\ud800'", '"\\ud800"', '"\\U0010ffff"',
    '"\\u202e"', "'tied'", "'population'", "'drive'", "'quadratures'", "'record'", "'steady'", "'unmodelled'",
)  # fmt: skip
PATHS = (
    "../outside/bait", "/etc/passwd", "/dev/zero", ".", "..", "a/../../outside/bait", "x\\u0000y", "~root", "",
    "\\\\host\\a", "y" * 300, "é" * 200, "a/" * 120 + "b", "experiment.toml", "./././xi.csv", "con",
)  # fmt: skip
KEYS = ('""', "a.b.c", "'a/b'", "__class__", "file.file", '"\\u0000"')
INSERTED = (
    "\0", "\x1b[2J", "[a" + ".a" * 3000 + "]", "x = " + "[" * 50_000, "x = " + "{a=" * 20_000, "x = 1\r\n\r\r\n",
    "[[stage]]", "[[series]]", "[[run]]", "[truth]", "[[observation]]", "[calibration]", "[prior]", "[apparatus.x]",
    "[[coupling]]", "[[stage]]\nduration = '1 ms'\n" * 2000, "[prior]\noptical_depth = 'lognormal(1, 1)'",
    "[[run]]\nname = 'main'\nrelative_depth = 1e400",
)  # fmt: skip


def keyed(lines: list[str], begin: str = r"\s*[\w\"'.\[\]]+ *= *\S") -> list[int]:
    """Where a line gives a value to a key."""
    return [k for k, line in enumerate(lines) if re.match(begin, line)] or [0]


def given(line: str, value: str) -> str:
    return line.split("=", maxsplit=1)[0] + "= " + value


def other_value(rng: random.Random, lines: list[str]) -> None:
    k = rng.choice(keyed(lines))
    lines[k] = given(lines[k], rng.choice(VALUES))


def file_elsewhere(rng: random.Random, lines: list[str]) -> None:
    k = rng.choice(keyed(lines, "file|calibration ="))
    lines[k] = given(lines[k], f'"{rng.choice(PATHS)}"')


def other_key(rng: random.Random, lines: list[str]) -> None:
    k = rng.choice(keyed(lines))
    lines[k] = f"{rng.choice(KEYS)} ={lines[k][-20:]}"


def swap(rng: random.Random, lines: list[str]) -> None:
    one, other = (rng.choice(keyed(lines)) for _ in range(2))
    lines[one], lines[other] = lines[other], lines[one]


def delete(rng: random.Random, lines: list[str]) -> None:
    del lines[rng.randrange(len(lines))]


def duplicate(rng: random.Random, lines: list[str]) -> None:
    at = rng.randrange(len(lines))
    lines[at:at] = lines[at : at + rng.randrange(1, 12)]


def insert(rng: random.Random, lines: list[str]) -> None:
    lines.insert(rng.choice((0, len(lines), rng.randrange(len(lines) + 1))), rng.choice(INSERTED))


TOML = (*[other_value] * 3, delete, duplicate, swap, other_key, insert, file_elsewhere)
CODINGS = ("utf-16", "utf-8-sig", "utf-32", "utf-7")


def damaged_toml(rng: random.Random, path: Path, outside: Path) -> str:
    if rng.random() < 0.1:
        coding = rng.choice(CODINGS)
        path.write_bytes(path.read_text().encode(coding))
        return coding
    before = path.read_text().splitlines()
    lines, change = list(before), rng.choice(TOML)
    change(rng, lines)
    path.write_bytes("\n".join(lines).encode())
    k = next((k for k, (old, new) in enumerate(zip(before, lines, strict=False)) if old != new), 0)
    return f"{change.__name__}, line {k + 1}: {lines[k][:80] if lines else ''}"


# ---- CSV -------------------------------------------------------------------------------------------------------------

CELLS = (
    "nan", "inf", "-inf", "1e999", "-1e308", "", " ", "1_0", "0x10", "１２", "1,5", "'1'", '"1', '"1\n2"', "\0", "#",
    "=1+1", "9" * 400, "9" * 140_000, "é", "1e-400", "-0", "True", "1e5", "1e100",
)  # fmt: skip
NEWLINES = ("\n", "\r\n", "\r", "\n\n", "\u2028")

Rows = list[list[str]]


def other_cell(rng: random.Random, rows: Rows, k: int) -> None:
    rows[k][rng.randrange(len(rows[k]))] = rng.choice(CELLS)


def other_header(rng: random.Random, rows: Rows, k: int) -> None:
    rows[0] = rng.choice(([], ["time"] * 3, rows[-1], rows[0] * 2, rows[0][::-1], [""] * len(rows[0])))


def other_row(rng: random.Random, rows: Rows, k: int) -> None:
    rows[k : k + 1] = rng.choice(([], [rows[k]] * 2, [rows[k] * 2], [rows[k][:1]], [["#"]], [[]]))


def wide(rng: random.Random, rows: Rows, k: int) -> None:
    rows[rng.choice((0, k))] = rows[k] * 50_000


def long(rng: random.Random, rows: Rows, k: int) -> None:
    rows += [rows[-1]] * rng.choice((1000, 99_990, 150_000))


def long_line(rng: random.Random, rows: Rows, k: int) -> None:
    rows[k] = ["1" * rng.choice((200_000, 30_000_000))]


def quotes(rng: random.Random, rows: Rows, k: int) -> None:
    rows[k] = [f'"{text}"' for text in rows[k]][: rng.randrange(1, 4)]


def byte_order_mark(rng: random.Random, rows: Rows, k: int) -> None:
    rows[0][0] = "\ufeff" + rows[0][0]


def newlines(rng: random.Random, rows: Rows, k: int) -> None:
    rows[:] = [["".join(",".join(line) + rng.choice(NEWLINES) for line in rows)]]


CSV = (*[other_cell] * 3, newlines, other_header, other_row, wide, long, long_line, byte_order_mark, quotes)


def damaged_csv(rng: random.Random, path: Path, outside: Path) -> str:
    rows = [line.split(",") for line in path.read_text().splitlines()]
    k, change = rng.randrange(len(rows)), rng.choice(CSV)
    change(rng, rows, k)
    path.write_bytes("\n".join(map(",".join, rows)).encode())
    return f"{change.__name__}, line {k + 1}"


# ---- .npy ------------------------------------------------------------------------------------------------------------

ORDER = "'fortran_order': False, "
HEADERS = (
    "(" * 3000, "{[]: 1}", "{'descr': ", "9" * 5000, "'''", "\0", "-" * 3000 + "1",
    *(f"{{'descr': '<i2', {ORDER}'shape': ({2**power},)}}" for power in range(14, 70, 4)),
    "{'descr': '<i2', 'shape': (9,)}", f"{{'descr': '<i2', {ORDER}'shape': (-9,), }}",
    f"{{'descr': '<i2', {ORDER}'shape': (0, 9), }}", f"{{'descr': '<f8', {ORDER}'shape': (), }}",
    f"{{'descr': '|O', {ORDER}'shape': (9,), }}", f"{{'descr': '|V0', {ORDER}'shape': (4,), }}",
    f"{{'descr': '<M8[s]', {ORDER}'shape': (9,), }}", f"{{'descr': [('a', '<i2')], {ORDER}'shape': (9,), }}",
    "{'descr': '<c16', 'fortran_order': True, 'shape': (90,), }",
    "{'descr': ('<i2', (3,)), 'fortran_order': 0, 'shape': (9,)}",
)  # fmt: skip


def damaged_npy(rng: random.Random, path: Path, outside: Path) -> str:
    what = rng.choice(("header", "header", "header", "zip", "zip", "npz", "pickle", "nan"))
    if what == "header":
        version, text = rng.choice((b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00")), rng.choice(HEADERS)
        length = (len(text) + 1).to_bytes(2 if version == b"\x01\x00" else 4, "little")
        path.write_bytes(b"\x93NUMPY" + version + length + text.encode() + b"\n" + bytes(4000))
        return f"{what} {version!r} {text[:60]}"
    if what == "npz":
        with path.open("wb") as file:
            np.savez(file, a=np.zeros(9))
    elif what == "nan":
        np.save(path, np.full(SAMPLES, rng.choice((np.nan, np.inf, 1e300))))
    else:
        path.write_bytes((b"PK\x03\x04" if what == "zip" else b"\x80\x04") + rng.randbytes(200))
    return what


# ---- any file --------------------------------------------------------------------------------------------------------


def damage(rng: random.Random, path: Path, outside: Path, within: bool) -> str:
    """One damage to one file. within: it is a file of a folder."""
    special: list[Damage] = [damaged_bytes]
    if path.suffix == ".toml":
        special = [damaged_toml, damaged_toml, damaged_toml, damaged_bytes]
    elif path.suffix == ".csv":
        special = [damaged_csv, damaged_csv, damaged_bytes]
    elif path.suffix == ".npy":
        special = [damaged_npy, damaged_bytes]
    elif h5py.is_hdf5(path):
        special = [damaged_hdf5, damaged_hdf5, damaged_bytes]
    if within and path.name != "experiment.toml" and rng.random() < 0.1:
        return f"{path.name}: {moved_away(rng, path, outside)}"
    return f"{path.name}: {rng.choice(special)(rng, path, outside)}"
