"""Not to be broken: what `fuzzing.py` does to HDF5 and NetCDF files, by their own rules."""

from __future__ import annotations

import contextlib
import random
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

TYPES: tuple[Any, ...] = (
    "S5", "c16", "f2", "u8", ">f4", "b1", h5py.string_dtype(), h5py.vlen_dtype("f8"), h5py.ref_dtype, "V9",
    np.dtype([("a", "f8"), ("b", "i4")]), h5py.enum_dtype({"a": 0}), np.dtype(("f8", (3,))), np.longdouble,
)  # fmt: skip
OF_DIMENSIONS = ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME")
"""Attributes by which NetCDF knows dimensions: references, which nothing but HDF5 can write."""


def written(attributes: Any, key: str, value: Any) -> None:
    """As far as h5py can write it."""
    with contextlib.suppress(TypeError, ValueError, OSError):
        attributes[key] = value


@dataclass
class Dataset:
    """One of the file, taken out to put another thing in its place."""

    rng: random.Random
    file: Any
    name: str
    outside: Path

    def __post_init__(self) -> None:
        old = self.file[self.name]
        self.shape, self.dtype, self.is_scale = old.shape or (), old.dtype, old.is_scale
        self.attributes = dict(old.attrs)
        self.values = old[...] if old.shape is not None else np.zeros(0)
        del self.file[self.name]

    def make(self, *about: Any, **more: Any) -> Any:
        """Another dataset of its name."""
        return self.file.create_dataset(self.name, *about, **more)

    def dress(self) -> None:
        """The new one as the old one: a scale of a dimension, with its attributes."""
        new = self.file[self.name]
        if self.is_scale:
            new.make_scale(self.name.rsplit("/", maxsplit=1)[-1])
        for key in self.attributes.keys() - set(OF_DIMENSIONS):
            written(new.attrs, key, self.attributes[key])


# ---- another thing in place of a dataset -----------------------------------------------------------------------------


def removed(old: Dataset) -> str:
    return ""


def link(old: Dataset) -> str:
    to = old.rng.choice(("/nowhere", f"/{old.name}", "/", "external /dev/zero", "external nothing.h5"))
    old.file[old.name] = h5py.ExternalLink(to.split()[1], "/a") if to.startswith("external") else h5py.SoftLink(to)
    return to


def outside(old: Dataset) -> str:
    """Its numbers in another file, which should not be read."""
    how, bait = old.rng.choice(("link", "raw", "virtual")), old.outside / "bait.h5"
    with h5py.File(bait, "w") as other:
        other["a"] = old.values
    if how == "link":
        old.file[old.name] = h5py.ExternalLink(str(bait), "/a")
        return how
    if how == "raw":
        raw = old.outside / "bait.raw"
        values = old.values if old.dtype.kind in "iuf" and old.shape else np.ones(8)
        raw.write_bytes(np.ascontiguousarray(values).tobytes())
        old.make(values.shape, values.dtype, external=[(str(raw), 0, raw.stat().st_size)])
    else:
        layout = h5py.VirtualLayout(old.shape or (8,), "f8")
        layout[...] = h5py.VirtualSource(str(bait), "a", old.shape or (8,))
        old.file.create_virtual_dataset(old.name, layout)
    old.dress()
    return how


def huge(old: Dataset) -> str:
    rng, size = old.rng, 2 ** old.rng.randrange(20, 50)
    shape = rng.choice(((size,), (2, size), (size, 2), (2, 2, size), (1 << 17, 1 << 17), (len(old.shape) or 1, size)))
    kind = old.dtype if old.dtype.kind in "iuf" and rng.random() < 0.7 else np.dtype("f8")
    fill = rng.choice((0.0, 1.0, np.nan)) if kind.kind == "f" else None
    chunks = tuple(min(n, 1 << 16 if n == max(shape) and shape.count(n) == 1 else 2) for n in shape)
    new = old.make(shape, kind, chunks=chunks, compression=rng.choice((None, "gzip")), fillvalue=fill)
    if rng.random() < 0.3:
        new[(slice(0, 1),) * len(shape)] = 1
    old.dress()
    return f"{shape}"


def another_type(old: Dataset) -> str:
    kind = old.rng.choice(TYPES)
    written(old.make(old.shape, kind), ..., old.values)
    old.dress()
    return f"{kind}"


def another_shape(old: Dataset) -> str:
    before = old.shape
    shape = old.rng.choice(((), (0,), (1,), (*before, 1), (1, *before), (*before, *before), (3, 0), (2,) * 7, None))
    if shape is None:
        old.make(data=h5py.Empty("f8"))
    else:
        old.make(shape, "f8")
    old.dress()
    return f"{shape}"


def filtered(old: Dataset) -> str:
    values = np.zeros(old.shape or (8,)) if old.values.dtype.kind == "O" else np.atleast_1d(old.values)
    choices = ({"fletcher32": True}, {"compression": "lzf"}, {"scaleoffset": 3}, {"maxshape": (None,) * values.ndim})
    options = old.rng.choice(choices)
    old.make(data=values, chunks=True, **(options if values.size else {}))
    old.dress()
    return f"{options}"


# ---- other damages ---------------------------------------------------------------------------------------------------

CF_ATTRIBUTES = ("units", "calendar", "_FillValue", "missing_value", "scale_factor", "add_offset", "dtype", "_Unsigned",
                 "coordinates", "_Encoding", "bounds", "valid_range")  # fmt: skip
"""By which xarray changes what it reads."""
TEXT_VALUES = ("", "x" * 60_000, "[" * 30_000, "{}", "nan", "1 ms", "days since 1-1-1", "int8")
OTHER_VALUES = (
    np.nan, np.inf, -1, 0, 2**62, 1e300, 1j, np.arange(5.0), ["a", "b"], np.zeros((2, 2)), np.bool_(True),
    h5py.Empty("f8"), np.bytes_(b"\xff\xfe"), np.array([1], "i8"),
)  # fmt: skip
TABLES = ('{"model": []}', '{"model": {"dynamics": 1}}', "[]", "1", "null", '{"model": ' + "[" * 20_000)


def other_text(rng: random.Random, old: str) -> str:
    """One character, or values of a table in JSON."""
    if old.startswith("{") and rng.random() < 0.5:
        value = rng.choice(("null", "[]", "{}", "1e999", '"x"', "-1", "true"))
        changed = re.sub(r": *[^,{}\[\]]+", f": {value}", old, count=rng.randrange(1, 30))
        return rng.choice((changed, rng.choice(TABLES)))
    at = rng.randrange(len(old))
    return old[:at] + rng.choice(("", "null", "1e999", "[]", '"', "{", "\x01", "é", "-")) + old[at + 1 :]


def attribute(rng: random.Random, file: Any, names: list[str], groups: list[str]) -> str:
    owner = file[rng.choice((*groups, *names))]
    keys = [k for k in owner.attrs if k not in OF_DIMENSIONS[:2]]
    key = rng.choice([*(keys or ["format_version"]), rng.choice(CF_ATTRIBUTES)])
    old = owner.attrs.get(key)
    if old is not None and rng.random() < 0.07:
        del owner.attrs[key]
        return f"{owner.name} {key} deleted"
    if isinstance(old, str) and old and rng.random() < 0.6:
        value: Any = other_text(rng, old)
    else:
        value = rng.choice((*TEXT_VALUES, *OTHER_VALUES, owner.ref))
    written(owner.attrs, key, value)
    return f"{owner.name} {key} = {str(value)[:60]}"


def numbers(rng: random.Random, file: Any, names: list[str], groups: list[str]) -> str:
    old = file[rng.choice(names)]
    if old.dtype.kind not in "iuf" or not old.size:
        return f"{old.name}: none"
    bad = rng.choice((np.nan, np.inf, -np.inf, -1, 0, 1e300, 1e-320) if old.dtype.kind == "f" else (0, -1, 127))
    values = np.array(old[...])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values.flat[slice(None) if rng.random() < 0.3 else rng.randrange(values.size)] = np.array(bad).astype(old.dtype)
    old[...] = values
    return f"{old.name}: {bad}"


def deep(rng: random.Random, file: Any, names: list[str], groups: list[str]) -> str:
    depth, group = rng.choice((10, 3000)), file
    for _ in range(depth):
        group = group.create_group("g")
    return f"{depth}"


def many(rng: random.Random, file: Any, names: list[str], groups: list[str]) -> str:
    group = file[rng.choice(groups)]
    for k in range(3000):
        group.create_group(f"many{k}")
    return group.name


def cycle(rng: random.Random, file: Any, names: list[str], groups: list[str]) -> str:
    group, target = file[rng.choice(groups)], rng.choice(groups)
    group["cycle"] = file[target] if rng.random() < 0.5 else h5py.SoftLink(f"/{target}")
    return f"{group.name}/cycle → {target}"


Change = Callable[[random.Random, Any, list[str], list[str]], str]
CHANGES: tuple[Change, ...] = (*[attribute] * 3, *[numbers] * 2, deep, many, cycle)
REPLACEMENTS: tuple[Callable[[Dataset], str], ...] = (
    *[huge] * 2, another_type, another_shape, filtered, removed, link, outside,
)  # fmt: skip


def damaged_hdf5(rng: random.Random, path: Path, away: Path) -> str:
    """away: a folder outside of which the file lies."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        groups: list[str] = ["/"]
        file.visititems(lambda name, item: (names if isinstance(item, h5py.Dataset) else groups).append(name))
        if rng.random() < 0.5:
            change = rng.choice(CHANGES)
            return f"{change.__name__} {change(rng, file, names, groups)}"
        replace, name = rng.choice(REPLACEMENTS), rng.choice(names)
        return f"{replace.__name__} {name} {replace(Dataset(rng, file, name, away))}"
