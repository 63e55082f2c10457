"""A folder to fill in: an experiment.toml with its keys explained, and empty tables."""

from __future__ import annotations

from pathlib import Path

from ..errors import ExperimentError
from ..files import write_bytes
from .folder import FILE

TOML = """\
format_version = 1
title = "drive only"
simulated = false                      # true if a model made the data

[apparatus]                            # what you know beforehand; each becomes a prior; without sigma: fixed
faraday_angle        = "14.0 deg"      # d = 4.0 per degree, +- 5 %; or: optical_depth = { value = 55, sigma = 3 }
squeezing_limit      = { value = 0.16, sigma = 0.005 }
detection_efficiency = { value = 0.84, sigma = 0.03 }

[[stage]]                              # in order; which light is on: drive, pump, repump
duration = "20 ms"
drive = true

[[series]]
kind = "xi"                            # normalised EPR variance; also: polarization, transverse_spin, orientation
file = "xi.csv"                        # time, value, repetitions (of the variance) or sigma; exclude = 1 to leave out
time_unit = "ms"
scale_uncertainty = 0.04               # common to the series: observed = scale x model + offset

[[series]]
kind = "polarization"                  # <Jx(t)>/<Jx(0)>
file = "polarization.csv"

[[series]]
kind = "transverse_spin"               # Jy(t)/Jy(0)
file = "transverse_spin.csv"

# [[series]]                           # the light itself in place of xi, and calibration runs: docs/laboratory.md
# kind = "light_variance"              # time, cos, sin (variances over the shot noise), repetitions
# file = "light.csv"                   # or kind = "quadratures": one row a shot; also .tsv, .nc, .h5, .mat, .tdms
# probe_duration = "1 ms"
# columns = { time = "T", cos = "yc", sin = "ys", repetitions = 3000 }   # your names, where they differ

# [[run]]                              # whole records of the light (docs/continuous-measurement.md)
# name = "hybrid"                      # a run of its own, with constant rates
# populations = "steady"               # as dGamma, Gcol, Gpump, ... make them; "unmodelled": own rates gs, gextra, n_b
# begins = "steady"                    # "unknown": xi at its beginning is fitted; give "initial_xi[hybrid]" a prior
# [[stage]]
# run = "hybrid"
# duration = "10 ms"
# drive = true
# [[series]]
# run = "hybrid"
# kind = "record"
# file = "records.h5"                  # cos and sin, one row a record, shot noise 1: what `demodulate` writes

# [prior]                              # priors in ms^-1 instead of the defaults; `dissentangle check` lists them
# collective_rate = "lognormal(0.1, 1)"    # median, sd of the logarithm
# collision_rate  = "fixed(0.002)"

# [[observation]]                      # a single number instead of a series
# quantity = "orientation"             # or xi, polarization_decay_time (T1), transverse_spin_decay_time (T2), ...
# time = "15 ms"
# value = 0.980
# sigma = 0.003
"""
TABLES = {
    "xi.csv": "time,value,repetitions\n",
    "polarization.csv": "time,value,sigma\n",
    "transverse_spin.csv": "time,value,sigma\n",
}


def write_template(folder: str | Path) -> list[Path]:
    """Write a folder with an `experiment.toml` to fill in and empty tables; the paths of the files.

    Raises ExperimentError where files of these names exist.
    """
    target = Path(folder)
    paths = [target / name for name in (FILE, *TABLES)]
    for path in paths:
        if path.exists():
            raise ExperimentError(f"{path}: exists already; expected a folder without it")
    target.mkdir(parents=True, exist_ok=True)
    for path, text in zip(paths, (TOML, *TABLES.values()), strict=True):
        write_bytes(text.encode(), path)
    return paths
