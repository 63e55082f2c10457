"""Not to be broken: valid files of every kind that is read are damaged, and what reading makes of them is counted.

python benchmarks/fuzzing.py [FILES] [SEED] [KIND ...]     FILES: how many damaged files of each kind, 200 by default

A damaged file must be read, or refused by an error of this package, in time, in memory, without writing or printing
anything and without data from outside its folder. 25 files at a time are read in a child process with 1 GB of memory
above what the libraries take; each of them in a process of its own where anything is wrong.
`python benchmarks/fuzzing.py 1 SEED KIND` makes the file of that seed once more.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

from dissentangle import datasets, inference
from dissentangle.datasets.calibration_file import CalibrationFile, Coupling, read_calibration, write_calibration
from dissentangle.datasets.folder_writing import write_folder
from dissentangle.datasets.photocurrent_file import open_photocurrent
from dissentangle.forward_models.validation import InvalidValue
from dissentangle.inference.campaign_summary import row_of
from dissentangle.inference.model_settings import ModelSettings
from dissentangle.inference.priors import PriorError
from dissentangle.inference.unknowns import unknowns

OURS = (datasets.ExperimentError, PriorError, InvalidValue)
MEMORY = 1 << 30
SECONDS = 20
SAMPLES = 20_000
BATCH = 25
FINE = ("read", "refused")

Damage = Callable[[random.Random, Path, Path], str]


# ---- valid files -----------------------------------------------------------------------------------------------------


def consume(experiment: datasets.Experiment) -> None:
    datasets.to_tree(experiment)
    unknowns(experiment, ModelSettings())


def read_experiment(path: Path) -> None:
    consume(datasets.read(path))


def read_fit(path: Path) -> None:
    row_of(path.stem, inference.read_fit(path))
    read_experiment(path)


def read_raw(path: Path) -> None:
    rate = None if path.suffix == ".h5" else "1 MHz"
    with open_photocurrent(path, sample_rate=rate) as stream:
        for start in range(0, min(stream.length, 1 << 24), 1 << 16):
            stream.read(start, min(start + (1 << 16), stream.length))
    given = {"sample_rate": rate, "larmor": "100 kHz", "interval": "0.1 ms", "length": "1 ms", "shot_noise": 1e-6}
    period = None if path.suffix != ".npy" else "2 ms"
    datasets.demodulate(path, **given, period=period)


def read_sharing(path: Path) -> None:
    datasets.read_sharing(path)


def read_with_calibration(path: Path) -> None:
    read_experiment(path)
    read_calibration(path / "calibration.toml")


def folder_of(name: str) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        write_folder(datasets.read(name), place / "experiment")
        return place / "experiment"

    return make


def make_nc(place: Path) -> Path:
    datasets.save(datasets.read("laboratory-d55"), place / "experiment.nc")
    return place / "experiment.nc"


def make_fit(place: Path) -> Path:
    inference.save_fit(inference.fit("fig2b-d35", seed=1, draws=20, tune=100), place / "fit.nc")
    return place / "fit.nc"


def stream() -> dict[str, np.ndarray]:
    t, rng = np.arange(SAMPLES), np.random.default_rng(1)
    counts = 1000 * np.sin(2 * np.pi * 0.1 * t) + 300 * rng.standard_normal(SAMPLES)
    return {"samples": counts.astype(np.int16), "triggers": np.arange(100.0, SAMPLES - 2000, 2000)}


def make_raw(suffix: str) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        path = place / f"raw.{suffix}"
        if suffix == "npy":
            np.save(path, stream()["samples"])
        elif suffix == "mat":
            scipy.io.savemat(path, stream(), do_compression=True)
        else:
            with h5py.File(path, "w") as file:
                for name, values in stream().items():
                    file.create_dataset(name, data=values, chunks=True, compression="gzip")
                file["samples"].attrs["sample_rate"] = 1e6
                file["samples"].attrs["volts_per_count"] = 1e-4
        return path

    return make


def make_sharing(place: Path) -> Path:
    path = place / "sharing.toml"
    path.write_text('[sharing]\noptical_depth = "tied"\nswap_rate = "separate"\ncollective_rate = "population"\n')
    return path


def make_calibration(place: Path) -> Path:
    folder = folder_of("laboratory-d55")(place)
    correlation = np.array([[1.0, 0.3], [0.3, 1.0]])
    priors = {"shot_noise_level": "lognormal(1, 0.01)", "projection_noise_slope": "lognormal(1, 0.02)"}
    coupling = (Coupling(0.3, 2.0, 1.5, 0.1),)
    write_calibration(
        CalibrationFile("c", True, priors, tuple(priors), correlation, coupling), folder / "calibration.toml"
    )
    path = folder / "experiment.toml"
    path.write_text('calibration = "calibration.toml"\n' + path.read_text())
    return folder


SHOTS = """format_version = 1
title = "shots"
simulated = false
[apparatus]
optical_depth = 55
[[stage]]
duration = "20 ms"
drive = true
[[series]]
kind = "{kind}"
file = "{file}"
"""


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    if path.suffix == ".csv":
        rows = "".join(",".join(map(repr, map(float, row))) + "\n" for row in zip(*arrays.values(), strict=True))
        path.write_text(",".join(arrays) + "\n" + rows)
    elif path.stem.endswith(("v4", "v5")):
        scipy.io.savemat(path, arrays, format=path.stem[-1])
    elif path.suffix == ".tdms":
        from nptdms import ChannelObject, TdmsWriter

        with TdmsWriter(path) as writer:
            writer.write_segment([ChannelObject("g", name, values) for name, values in arrays.items()])
    else:
        with h5py.File(path, "w", userblock_size=512 if path.suffix == ".mat" else 0) as file:
            for name, values in arrays.items():
                file.create_dataset(name, data=values, chunks=True, compression="gzip")


def make_shots(file: str) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        rng, times = np.random.default_rng(2), np.repeat([2.0, 6.0, 12.0], 40)
        write_arrays(place / file, {"time": times, "cos": rng.normal(size=120), "sin": rng.normal(size=120)})
        (place / "experiment.toml").write_text(
            SHOTS.format(kind="quadratures", file=file) + 'probe_duration = "1 ms"\n'
        )
        return place

    return make


def make_series(file: str) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        prefix = "/g/" if file.endswith("tdms") else ""
        values = {"time": np.arange(1.0, 9), "value": np.linspace(1, 0.8, 8), "sigma": np.full(8, 0.02)}
        write_arrays(place / file, values)
        names = "columns = { " + ", ".join(f'{name} = "{prefix}{name}"' for name in values) + " }\n"
        (place / "experiment.toml").write_text(SHOTS.format(kind="xi", file=file) + names)
        return place

    return make


KINDS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], None]]] = {
    "folder": (folder_of("laboratory-d55"), read_experiment),
    "records": (folder_of("fig2d-hybrid"), read_experiment),
    "experiment.nc": (make_nc, read_experiment),
    "fit.nc": (make_fit, read_fit),
    "raw.h5": (make_raw("h5"), read_raw),
    "raw.npy": (make_raw("npy"), read_raw),
    "raw.mat": (make_raw("mat"), read_raw),
    "calibration": (make_calibration, read_with_calibration),
    "sharing": (make_sharing, read_sharing),
    "shots.csv": (make_shots("shots.csv"), read_experiment),
    "shots.h5": (make_shots("shots.h5"), read_experiment),
    "shots.mat": (make_shots("shots-v5.mat"), read_experiment),
    "series.h5": (make_series("xi.h5"), read_experiment),
    "series.v4.mat": (make_series("xi-v4.mat"), read_experiment),
    "series.v5.mat": (make_series("xi-v5.mat"), read_experiment),
    "series.v73.mat": (make_series("xi-v73.mat"), read_experiment),
    "series.nc": (make_series("xi.nc"), read_experiment),
    "series.tdms": (make_series("xi.tdms"), read_experiment),
}


# ---- damages ---------------------------------------------------------------------------------------------------------


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


VALUES = (
    "1e400",
    "-1",
    "0",
    "nan",
    "inf",
    "-inf",
    "9" * 400,
    "9" * 5000,
    "1e308",
    "5e-324",
    "true",
    '""',
    '"a\\u0000b"',
    "[]",
    "{}",
    "[1, 2]",
    "1979-05-27",
    "07:32:00",
    '"' + "x" * 70_000 + '"',
    "[" * 3000 + "]" * 3000,
    "'1e999 ms'",
    "'-1 ms'",
    "'nan ms'",
    "'inf ms'",
    "'1 m'",
    "'1e308 s'",
    "'lognormal(1e999, nan)'",
    "'normal(0, 0)'",
    "'beta(' ",
    "'1/ms'",
    "{ value = 1 }",
    "{ value = nan, sigma = -1 }",
    "0x7fffffffffffffff",
    "-0.0",
    "'\\ud800'",
    '"\\ud800"',
    '"\\U0010ffff"',
    "'fixed(1e300)'",
    "'uniform(1, 0)'",
    "'tied'",
    "'population'",
    "'drive'",
    "'quadratures'",
    "'record'",
    "'steady'",
    "'unmodelled'",
    '"\\u202e"',
    "{ 'a/b' = 1 }",
    "[[]]",
    "[{}]",
)
PATHS = (
    "../outside/bait",
    "/etc/passwd",
    "/dev/zero",
    ".",
    "..",
    "a/../../outside/bait",
    "x\\u0000y",
    "~root",
    "\\\\host\\a",
    "y" * 300,
    "é" * 200,
    "a/" * 120 + "b",
    "experiment.toml",
    "./././xi.csv",
    "con",
    "",
)


def damaged_toml(rng: random.Random, path: Path, outside: Path) -> str:
    text = path.read_text()
    lines = text.splitlines()
    values = [k for k, line in enumerate(lines) if re.match(r"\s*[\w\"'.\[\]]+ *= *\S", line)]
    what = rng.choice(("value", "value", "value", "delete", "duplicate", "swap", "key", "insert", "file", "encoding"))
    k = rng.choice(values or [0])
    if what == "value":
        lines[k] = lines[k].split("=")[0] + "= " + rng.choice(VALUES)
    elif what == "delete":
        del lines[rng.randrange(len(lines))]
    elif what == "duplicate":
        at = rng.randrange(len(lines))
        lines[at:at] = lines[at : at + rng.randrange(1, 12)]
    elif what == "swap":
        one, other = rng.choice(values or [0]), k
        lines[one], lines[other] = lines[other], lines[one]
    elif what == "key":
        lines[k] = rng.choice(('""', "a.b.c", "'a/b'", "__class__", "file.file", '"\\u0000"')) + " =" + lines[k][-20:]
    elif what == "insert":
        more = (
            "\0",
            "\x1b[2J",
            "[a" + ".a" * 3000 + "]",
            "x = " + "[" * 50_000,
            "x = " + "{a=" * 20_000,
            "[[stage]]",
            "[[series]]",
            "[[run]]",
            "[truth]",
            "[[observation]]",
            "[calibration]",
            "[prior]",
            "[apparatus.x]",
            "[[stage]]\nduration = '1 ms'\n" * 2000,
            "[prior]\noptical_depth = 'lognormal(1, 1)'",
            "[[run]]\nname = 'main'\nrelative_depth = 1e400",
            "[[coupling]]",
            "x = 1\r\n\r\r\n",
        )
        lines.insert(rng.choice((0, len(lines), rng.randrange(len(lines) + 1))), rng.choice(more))
    elif what == "file":
        places = [k for k, line in enumerate(lines) if line.startswith(("file", "calibration ="))] or [0]
        k = rng.choice(places)
        lines[k] = lines[k].split("=")[0] + f'= "{rng.choice(PATHS)}"'
    else:
        coding = rng.choice(("utf-16", "utf-8-sig", "utf-32", "utf-7"))
        path.write_bytes("\n".join(lines).encode(coding))
        return coding
    path.write_bytes("\n".join(lines).encode())
    return f"{what}, line {k + 1}: {lines[min(k, len(lines) - 1)][:80]}"


CELLS = (
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1e308",
    "",
    " ",
    "1_0",
    "0x10",
    "１２",
    "1,5",
    "'1'",
    '"1',
    '"1\n2"',
    "\0",
    "#",
    "=1+1",
    "9" * 400,
    "9" * 140_000,
    "é",
    "1e-400",
    "-0",
    "True",
    "1e5",
    "1e100",
)


def damaged_csv(rng: random.Random, path: Path, outside: Path) -> str:
    text = path.read_text()
    rows = [line.split(",") for line in text.splitlines()]
    what = rng.choice(
        ("cell", "cell", "cell", "newlines", "header", "row", "wide", "long", "long line", "bom", "quotes")
    )
    k = rng.randrange(len(rows))
    if what == "cell":
        rows[k][rng.randrange(len(rows[k]))] = rng.choice(CELLS)
    elif what == "newlines":
        path.write_bytes(
            "".join(",".join(row) + rng.choice(("\n", "\r\n", "\r", "\n\n", "\u2028")) for row in rows).encode()
        )
        return what
    elif what == "header":
        rows[0] = rng.choice(([], ["time"] * 3, rows[-1], rows[0] * 2, rows[0][::-1], [""] * len(rows[0])))
    elif what == "row":
        rows[k : k + 1] = rng.choice(([], [rows[k]] * 2, [rows[k] * 2], [rows[k][:1]], [["#"]], [[]]))
    elif what == "wide":
        rows[rng.choice((0, k))] = rows[k] * 50_000
    elif what == "long":
        rows += [rows[-1]] * rng.choice((1000, 99_990, 150_000))
    elif what == "long line":
        rows[k] = ["1" * rng.choice((200_000, 30_000_000))]
    elif what == "quotes":
        rows[k] = [f'"{cell}"' for cell in rows[k]][: rng.randrange(1, 4)]
    path.write_bytes((b"\xef\xbb\xbf" if what == "bom" else b"") + "\n".join(map(",".join, rows)).encode())
    return f"{what}, line {k + 1}"


TYPES: tuple[Any, ...] = (
    "S5",
    "c16",
    "f2",
    "u8",
    ">f4",
    "b1",
    h5py.string_dtype(),
    h5py.vlen_dtype("f8"),
    h5py.ref_dtype,
    "V9",
    np.dtype([("a", "f8"), ("b", "i4")]),
    h5py.enum_dtype({"a": 0}),
    np.dtype(("f8", (3,))),
    np.longdouble,
)


def damaged_hdf5(rng: random.Random, path: Path, outside: Path) -> str:
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        groups: list[str] = ["/"]
        file.visititems(lambda name, item: groups.append(name) if isinstance(item, h5py.Group) else None)
        name = rng.choice(names)
        old = file[name]
        what = rng.choice(
            (
                "huge",
                "huge",
                "numbers",
                "numbers",
                "type",
                "shape",
                "remove",
                "link",
                "outside",
                "cycle",
                "attribute",
                "attribute",
                "attribute",
                "deep",
                "many",
                "filter",
            )
        )
        if what == "numbers":
            if old.dtype.kind not in "iuf" or not old.size:
                return what + f" {name}: none"
            bad = (np.nan, np.inf, -np.inf, -1, 0, 1e300, 1e-320) if old.dtype.kind == "f" else (0, -1, 127)
            values = np.array(old[...])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                values.flat[rng.randrange(values.size)] = np.array(rng.choice(bad)).astype(old.dtype)
                if rng.random() < 0.3:
                    values[...] = np.array(rng.choice(bad)).astype(old.dtype)
            old[...] = values
        elif what == "attribute":
            return what + damaged_attribute(rng, file[rng.choice((*groups, *names))])
        elif what == "deep":
            group = file
            for _ in range(rng.choice((10, 3000))):
                group = group.create_group("g")
        elif what == "many":
            group = file[rng.choice(groups)]
            for k in range(3000):
                group.create_group(f"many{k}")
        elif what == "cycle":
            group, target = file[rng.choice(groups)], rng.choice(groups)
            group["cycle"] = file[target] if rng.random() < 0.5 else h5py.SoftLink(f"/{target}")
            what += f" {group.name}/cycle → {target}"
        else:
            what += " " + replaced(rng, file, name, outside, what)
    return what


def replaced(rng: random.Random, file: Any, name: str, outside: Path, what: str) -> str:  # noqa: PLR0912
    """Another thing in place of a dataset, with its attributes."""
    old = file[name]
    attributes, shape, dtype = dict(old.attrs), old.shape or (), old.dtype
    values, scale = old[...] if old.shape is not None else np.zeros(0), old.is_scale
    del file[name]
    if what == "remove":
        return name
    if what == "link":
        file[name] = rng.choice(
            (
                h5py.SoftLink("/nowhere"),
                h5py.SoftLink(f"/{name}"),
                h5py.SoftLink("/"),
                h5py.ExternalLink("/dev/zero", "/"),
                h5py.ExternalLink("nothing.h5", "/a"),
            )
        )
        return name
    if what == "outside":
        how = rng.choice(("link", "raw", "virtual"))
        bait = outside / "bait.h5"
        with h5py.File(bait, "w") as other:
            other["a"] = values
        if how == "link":
            file[name] = h5py.ExternalLink(str(bait), "/a")
            return f"{name}: {how}"
        if how == "raw":
            raw = outside / "bait.raw"
            if dtype.kind not in "iuf" or not shape:
                dtype, values = np.dtype("f8"), np.ones(8)
            raw.write_bytes(np.ascontiguousarray(values).tobytes())
            size = raw.stat().st_size
            new = file.create_dataset(name, values.shape, values.dtype, external=[(str(raw), 0, size)])
        else:
            layout = h5py.VirtualLayout(shape or (8,), "f8")
            layout[...] = h5py.VirtualSource(str(bait), "a", shape or (8,))
            new = file.create_virtual_dataset(name, layout)
    elif what == "huge":
        size = 2 ** rng.randrange(20, 50)
        shape = rng.choice(((size,), (2, size), (size, 2), (2, 2, size), (1 << 17, 1 << 17), (len(shape) or 1, size)))
        kind = dtype if dtype.kind in "iuf" and rng.random() < 0.7 else np.dtype("f8")
        fill = None if kind.kind not in "f" else rng.choice((0.0, 1.0, np.nan))
        chunks = tuple(min(n, 1 << 16 if n == max(shape) and shape.count(n) == 1 else 2) for n in shape)
        new = file.create_dataset(
            name, shape, kind, chunks=chunks, compression=rng.choice((None, "gzip")), fillvalue=fill
        )
        if rng.random() < 0.3:
            new[(slice(0, 1),) * len(shape)] = 1
        what = f"{shape}"
    elif what == "type":
        kind = rng.choice(TYPES)
        new = file.create_dataset(name, shape, kind)
        with contextlib.suppress(TypeError, ValueError, OSError):
            new[...] = values
        what = f"{kind}"
    elif what == "shape":
        shape = rng.choice(((), (0,), (1,), (*shape, 1), (1, *shape), (*shape, *shape), (3, 0), (2,) * 7, None))
        new = (
            file.create_dataset(name, data=h5py.Empty("f8"))
            if shape is None
            else file.create_dataset(name, shape, "f8")
        )
        what = f"{shape}"
    else:
        values = np.zeros(shape or (8,)) if values.dtype.kind == "O" else np.atleast_1d(values)
        options = rng.choice(
            ({"fletcher32": True}, {"compression": "lzf"}, {"scaleoffset": 3}, {"maxshape": (None,) * values.ndim})
        )
        new = file.create_dataset(name, data=values, chunks=True, **(options if values.size else {}))
        what = f"{options}"
    if scale:
        new.make_scale(name.rsplit("/", maxsplit=1)[-1])
    for key, value in attributes.items():
        if key not in ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME"):
            with contextlib.suppress(TypeError, ValueError, OSError):
                new.attrs[key] = value
    return f"{name}: {what}"


CF_ATTRIBUTES = ("units", "calendar", "_FillValue", "missing_value", "scale_factor", "add_offset", "dtype", "_Unsigned",
                 "coordinates", "_Encoding", "bounds", "valid_range")  # fmt: skip
"""By which xarray changes what it reads."""


def damaged_attribute(rng: random.Random, owner: Any) -> str:
    keys = [k for k in owner.attrs if k not in ("DIMENSION_LIST", "REFERENCE_LIST")]
    key = rng.choice([*(keys or ["format_version"]), rng.choice(CF_ATTRIBUTES)])
    old = owner.attrs.get(key)
    choices: tuple[Any, ...] = (
        np.nan,
        np.inf,
        -1,
        0,
        2**62,
        1e300,
        "",
        "x" * 60_000,
        "[" * 30_000,
        "{}",
        "nan",
        "1 ms",
        "days since 1-1-1",
        "int8",
        np.arange(5.0),
        ["a", "b"],
        np.zeros((2, 2)),
        np.bool_(True),
        h5py.Empty("f8"),
        np.bytes_(b"\xff\xfe"),
        np.array([1], "i8"),
        1j,
        owner.ref,
    )
    if isinstance(old, str) and old and rng.random() < 0.5:
        at = rng.randrange(len(old))
        value: Any = old[:at] + rng.choice(("", "null", "1e999", "[]", '"', "{", "\x01", "é", "-")) + old[at + 1 :]
    elif rng.random() < 0.1:
        if key in owner.attrs:
            del owner.attrs[key]
        return f" {owner.name} {key} deleted"
    elif isinstance(old, str) and old.startswith("{") and rng.random() < 0.6:
        value = rng.choice(
            (
                re.sub(
                    r": *[^,{}\[\]]+",
                    ": " + rng.choice(("null", "[]", "{}", "1e999", '"x"', "-1", "true")),
                    old,
                    count=rng.randrange(1, 30),
                ),
                '{"model": []}',
                '{"model": {"dynamics": 1}}',
                "[]",
                "1",
                "null",
                '{"model": ' + "[" * 20_000,
            )
        )
    else:
        value = rng.choice(choices)
    with contextlib.suppress(TypeError, ValueError, OSError):
        owner.attrs[key] = value
    return f" {owner.name} {key} = {str(value)[:60]}"


def damaged_npy(rng: random.Random, path: Path, outside: Path) -> str:
    header = rng.choice(
        (
            "{'descr': '<i2', 'fortran_order': False, 'shape': (" + str(2 ** rng.randrange(14, 70)) + ",)}",
            "{'descr': '|O', 'fortran_order': False, 'shape': (9,), }",
            "{'descr': '<i2', 'shape': (9,)}",
            "(" * 3000,
            "{'descr': '<i2', 'fortran_order': False, 'shape': (-9,), }",
            "{[]: 1}",
            "{'descr': ",
            "9" * 5000,
            "'''",
            "\0",
            "{'descr': '<c16', 'fortran_order': True, 'shape': (90,), }",
            "-" * 3000 + "1",
            "{'descr': [('a', '<i2')], 'fortran_order': False, 'shape': (9,), }",
            "{'descr': '<i2', 'fortran_order': False, 'shape': (0, 9), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (), }",
            "{'descr': '|V0', 'fortran_order': False, 'shape': (4,), }",
            "{'descr': '<M8[s]', 'fortran_order': False, 'shape': (9,), }",
            "{'descr': ('<i2', (3,)), 'fortran_order': 0, 'shape': (9,)}",
        )
    )
    what = rng.choice(("header", "header", "header", "zip", "zip", "npz", "pickle", "nan"))
    version = rng.choice((b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"))
    size = 2 if version == b"\x01\x00" else 4
    if what == "header":
        text = header.encode() + b"\n"
        path.write_bytes(b"\x93NUMPY" + version + len(text).to_bytes(size, "little") + text + bytes(4000))
        return f"{what} {version!r} {header[:60]}"
    if what == "npz":
        with path.open("wb") as file:
            np.savez(file, a=np.zeros(9))
    elif what == "nan":
        with path.open("wb") as file:
            np.save(file, np.full(SAMPLES, rng.choice((np.nan, np.inf, 1e300))))
    else:
        path.write_bytes((b"PK\x03\x04" if what == "zip" else b"\x80\x04") + rng.randbytes(200))
    return what


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


# ---- reading in a child ----------------------------------------------------------------------------------------------


@dataclass
class Row:
    """What came of the files of one kind."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: int = 0
    defects: list[str] = field(default_factory=list)


@dataclass
class Case:
    """One file to damage and read, with a place of its own."""

    seed: int
    place: Path
    target: Path

    @classmethod
    def of(cls, valid: Path, seed: int, place: Path) -> Case:
        """A copy of what is valid, and something outside its folder."""
        for name in ("given", "outside", "elsewhere"):
            (place / name).mkdir(parents=True)
        (place / "outside" / "bait").write_text("time,value,sigma\n1,1,0.1\n")
        target = place / "given" / valid.name
        (shutil.copytree if valid.is_dir() else shutil.copy)(valid, target)
        return cls(seed, place, target)

    def outside(self) -> list[Path]:
        """Files that nothing should read."""
        return [path for path in (self.place / "outside").iterdir() if path.is_file()]

    def state(self) -> dict[Path, int]:
        """Everything, and when it was written."""
        return {path: path.lstat().st_mtime_ns for path in self.place.rglob("*")}


def apart(work: Iterator[Any], report: Path) -> tuple[list[Any], int]:
    """What is said of one case after the other in a process of its own, and the wait status of that."""
    report.write_text("")
    pid = os.fork()
    if not pid:
        try:
            with report.open("w") as file:
                for said in work:
                    print(json.dumps(said), file=file, flush=True)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    ended = os.waitpid(pid, 0)[1]
    return [json.loads(line) for line in report.read_text().splitlines()], ended


def damaging(kind: str, cases: list[Case]) -> Iterator[str]:
    """In a child: HDF5 sometimes dies of what it is made to write."""
    for case in cases:
        files = sorted(case.target.iterdir()) if case.target.is_dir() else [case.target]
        rng = random.Random(f"{kind} {case.seed}")
        try:
            yield damage(rng, rng.choice(files), case.place / "outside", case.target.is_dir())
        except Exception as error:
            yield f"damaged in part, {type(error).__name__}: {error}"


def status(key: str) -> int:
    """Of this process, in bytes."""
    found = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) << 10 if found else 0


def watched() -> list[str]:
    """What this process writes and starts from now on, as it happens."""
    found: list[str] = []
    forbidden = ("os.system", "subprocess.Popen", "socket.connect", "os.remove", "os.rename", "pickle.find_class")

    def watch(event: str, given: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(given[0], str) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            if not str(Path(given[0]).absolute()).startswith(("/dev/null", "/proc")):
                found.append(given[0])
        elif event in forbidden:
            found.append(f"{event} {given}")

    sys.addaudithook(watch)
    return found


def reading(read: Callable[[Path], None], cases: list[Case], printed: Path) -> Iterator[tuple[str, int, float]]:
    """In a child: outcome, memory and seconds of each. An alarm ends the process, whatever it is doing."""
    before, limit = status("VmRSS"), status("VmSize") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with printed.open("ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    warnings.simplefilter("always")
    for hidden in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", hidden)  # as Python does by default
    written = watched()
    for case in cases:
        os.chdir(case.place / "elsewhere")
        Path("/proc/self/clear_refs").write_text("5")
        signal.alarm(SECONDS)
        begin = time.perf_counter()
        outcome = outcome_of(read, case.target)
        seconds = time.perf_counter() - begin
        signal.alarm(0)
        sys.stdout.flush()
        if said := printed.read_text(errors="replace"):
            outcome += f", and printed {said[:3000]}"
        if written:
            outcome += f", and did {written}"
        os.truncate(printed, 0)
        written.clear()
        yield outcome, status("VmHWM") - before, seconds


def outcome_of(read: Callable[[Path], None], path: Path) -> str:
    try:
        read(path)
    except OURS as error:
        text = str(error)
        if len(text) > 3000 or not text.replace("\n", "").isprintable():
            return f"a strange message of {len(text)} characters: {text[:200]!r}"
        return "refused"
    except BaseException:
        return traceback.format_exc()
    return "read"


def looked_at(kind: str, cases: list[Case], place: Path) -> list[tuple[str, int, float]]:
    """What came of reading: outcome, memory, seconds of each, as far as the process came."""
    before = [case.state() for case in cases]
    for path in (path for case in cases for path in case.outside()):
        os.utime(path, ns=(1, path.stat().st_mtime_ns))  # what is read then gets another time of access
    seen, ended = apart(reading(KINDS[kind][1], cases, place / "printed"), place / "report")
    if len(seen) < len(cases):
        late = os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGALRM
        seen.append((f"took more than {SECONDS} s" if late else f"died: wait status {ended}", 0, 0.0))
    results = []
    for case, old, (outcome, *costs) in zip(cases, before, seen, strict=False):
        touched = [path.name for path in case.outside() if path.stat().st_atime_ns != 1]
        changed = [str(path) for path, _ in set(old.items()) ^ set(case.state().items())]
        more = f", with {touched} of outside its folder" * bool(touched) + f", and changed {changed}" * bool(changed)
        results.append((outcome + more, *costs))
    return results


def tried(kind: str, valid: Path, seeds: Sequence[int], place: Path, row: Row) -> None:
    """Damaged files of a kind, read; once more one by one where anything is wrong, to know with which."""
    shutil.rmtree(place, ignore_errors=True)
    cases = [Case.of(valid, seed, place / str(seed)) for seed in seeds]
    done, ended = apart(damaging(kind, cases), place / "report")
    if len(done) < len(cases) == 1:
        done = [f"damaged in part, status {ended}"]
    results = looked_at(kind, cases, place) if len(done) == len(cases) else []
    wrong = [result[0] for result in results if result[0] not in FINE]
    if len(cases) > 1 and (wrong or len(results) < len(cases)):
        known = len(row.defects)
        for seed in seeds:
            tried(kind, valid, [seed], place, row)
        if wrong and len(row.defects) == known:
            row.defects.append(f"{kind}, seeds {seeds}, only one after the other: {wrong}")
        return
    for seed, what, (outcome, memory, seconds) in zip(seeds, done, results, strict=True):
        row.outcomes[outcome if outcome in FINE else "defect"] += 1
        row.seconds, row.memory = max(row.seconds, seconds), max(row.memory, memory)
        if outcome not in FINE:
            row.defects.append(f"{kind}, seed {seed}: {what}\n{outcome}")
        if len(seeds) == 1:
            print(f"{kind} {seed} {what}: {outcome[-300:]} {memory >> 20} MB {seconds:.1f} s", flush=True)


def study(kinds: list[str], files: int, first: int, minutes: float = np.inf) -> dict[str, Row]:
    """So many damaged files of each kind, in turn; it ends early after so many minutes."""
    rows, end = {kind: Row() for kind in kinds}, time.perf_counter() + 60 * minutes
    with tempfile.TemporaryDirectory() as folder:
        valid = {}
        for kind in kinds:
            (Path(folder) / "valid" / kind).mkdir(parents=True)
            valid[kind] = KINDS[kind][0](Path(folder) / "valid" / kind)
            KINDS[kind][1](valid[kind])
        gc.collect()
        gc.freeze()  # else each child would copy what it looks at
        for start in range(first, first + files, BATCH):
            seeds = range(start, min(start + BATCH, first + files))
            for kind in kinds:
                if time.perf_counter() > end:
                    return rows
                tried(kind, valid[kind], seeds, Path(folder) / "case", rows[kind])
    return rows


if __name__ == "__main__":
    count, start = (int(word) for word in (*sys.argv[1:3], *("200", "0")[len(sys.argv[1:3]) :]))
    result = study(sys.argv[3:] or list(KINDS), count, start, float(os.environ.get("FUZZING_MINUTES", "inf")))
    print(
        "| kind | files | read | refused | defects | worst memory, MB | worst time, s |\n|---|---|---|---|---|---|---|"
    )
    for name, about in result.items():
        seen = about.outcomes
        print(
            f"| {name} | {seen.total()} | {seen['read']} | {seen['refused']} | {seen['defect']} |"
            f" {about.memory >> 20} | {about.seconds:.1f} |"
        )
    for about in result.values():
        for text in about.defects:
            print("\n" + text)
