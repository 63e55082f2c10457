"""Not to be broken: a valid file of every kind that is read, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from dissentangle import datasets, inference
from dissentangle.datasets.formats import CalibrationFile, Coupling, read_calibration, write_calibration
from dissentangle.datasets.formats.folder_write import write_folder
from dissentangle.datasets.photocurrent.photocurrent import open_photocurrent
from dissentangle.forward_models.validation import InvalidValue
from dissentangle.inference.model import PriorError, Problem
from dissentangle.inference.reports import fit_page, row_of

OURS = (datasets.ExperimentError, PriorError, InvalidValue)
"""The errors by which a file may be refused."""
SAMPLES = 20_000
"""Of a photocurrent."""


def consume(experiment: datasets.Experiment) -> None:
    datasets.to_tree(experiment)
    Problem(experiment).check()


def read_experiment(path: Path) -> None:
    consume(datasets.read(path))


def read_fit(path: Path) -> None:
    row_of(path.stem, inference.read_fit(path))
    read_experiment(path)


def read_page(path: Path) -> None:
    """As `report` does."""
    fit_page(inference.read_fit(path), path.name)


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
    inference.save_fit(inference.fit("fig2b-d35", seed=1, draws=50, tune=200), place / "fit.nc")
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
    "page of a fit": (make_fit, read_page),
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
