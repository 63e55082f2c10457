"""A calibration on file: what calibration runs found out, as priors with their correlations, for later fits.

A TOML that can be read and edited: a prior for each parameter, and the correlation of those that are correlated, on
the scale on which each prior is normal (logarithms for log-normal ones).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import check_keys, violation
from ..experiment import CALIBRATED_COUPLING, Experiment, Series
from ..files import read_toml, rows_of, write_bytes
from ..units import quantity

VERSION = 1
CALIBRATION_OF = "calibration of "
"""And the title of the experiment: that of a calibration by its runs."""
_KEYS = ("calibration_version", "title", "simulated", "made_from", "prior", "correlation", "coupling")


@dataclass(frozen=True)
class Coupling:
    """κ² = value ± sigma, of a probe of `probe_duration` ms at the Faraday angle `faraday_angle`, deg."""

    faraday_angle: float
    probe_duration: float
    value: float
    sigma: float


@dataclass(frozen=True)
class CalibrationFile:
    """What calibration runs found out.

    title, simulated : of the runs;  priors : label → text
    labels (n,), correlation (n, n): of the correlated ones, on the scale on which each prior is normal
    coupling : κ² as it was measured, an observation of experiments that take the calibration
    made_from : fingerprints of the series that it was made from, which an experiment must not have beside it
    """

    title: str
    simulated: bool
    priors: dict[str, str]
    labels: tuple[str, ...] = ()
    correlation: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    coupling: tuple[Coupling, ...] = ()
    made_from: tuple[str, ...] = ()


def write_calibration(calibration: CalibrationFile, path: str | Path) -> None:
    """Write a calibration as TOML, atomically, so that `read_calibration` gives it back."""
    import tomli_w

    table: dict[str, Any] = {
        "calibration_version": VERSION,
        "title": calibration.title,
        "simulated": calibration.simulated,
    }
    if calibration.made_from:
        table["made_from"] = list(calibration.made_from)
    table["prior"] = calibration.priors
    if calibration.labels:
        table["correlation"] = {"labels": list(calibration.labels), "matrix": calibration.correlation.tolist()}
    if calibration.coupling:
        table["coupling"] = [
            asdict(row)
            | {"faraday_angle": f"{row.faraday_angle!r} deg", "probe_duration": f"{row.probe_duration!r} ms"}
            for row in calibration.coupling
        ]
    write_bytes(tomli_w.dumps(table).encode(), Path(path))


def read_calibration(path: str | Path) -> CalibrationFile:
    """A calibration from its file; ExperimentError says which key is wrong. Priors are read with the model."""
    table, where = read_toml(Path(path)), str(Path(path))
    check_keys(where, table, _KEYS)
    if table.get("calibration_version") != VERSION or isinstance(table["calibration_version"], bool):
        raise violation(f"{where}: calibration_version", table.get("calibration_version"), f"{VERSION}")
    priors = table.get("prior")
    if not isinstance(priors, dict) or not all(isinstance(text, str) for text in priors.values()):
        expected = "a table of priors, such as collective_rate = 'lognormal(0.1, 0.03)'"
        raise violation(f"{where}: prior", priors, expected)
    title, simulated = table.get("title"), table.get("simulated")
    if not isinstance(title, str) or not isinstance(simulated, bool):
        raise violation(f"{where}: title, simulated", f"{title!r}, {simulated!r}", "a text, and true or false")
    made_from = table.get("made_from", [])
    if not isinstance(made_from, list) or not all(isinstance(text, str) for text in made_from):
        raise violation(f"{where}: made_from", made_from, "the fingerprints that `dissentangle calibrate` wrote")
    labels, matrix = _correlation(f"{where}: correlation", table.get("correlation", {}), priors)
    couplings = tuple(_coupling(at, row) for at, row in rows_of(where, table, "coupling"))
    return CalibrationFile(title, simulated, dict(priors), labels, matrix, couplings, tuple(made_from))


def _coupling(where: str, row: dict[str, Any]) -> Coupling:
    units = {"faraday_angle": "deg", "probe_duration": "ms", "value": "1", "sigma": "1"}
    check_keys(where, row, tuple(units))
    for key in units:
        if key not in row:
            raise violation(f"{where}: {key}", "nothing", f"the key {key}")
    return Coupling(**{key: quantity(row[key], unit, f"{where}: {key}") for key, unit in units.items()})


def _correlation(where: str, table: Any, priors: dict[str, str]) -> tuple[tuple[str, ...], np.ndarray]:
    if not isinstance(table, dict):
        raise violation(where, table, "a table with labels and matrix")
    check_keys(where, table, ("labels", "matrix"))
    labels = table.get("labels", [])
    if not isinstance(labels, list) or len(set(map(str, labels))) != len(labels) or "" in labels:
        raise violation(f"{where}: labels", labels, "parameters of [prior], each once")
    for label in labels:
        if not isinstance(label, str) or label not in priors:
            raise violation(f"{where}: labels", repr(label), "parameters of [prior]")
    rows = table.get("matrix", [])
    if not isinstance(rows, list) or any(
        isinstance(entry, str) for row in rows if isinstance(row, list) for entry in row
    ):
        raise violation(f"{where}: matrix", "no numbers", f"{len(labels)} rows of {len(labels)} numbers")
    try:
        matrix = np.array(rows, float).reshape(len(labels), len(labels))
    except (TypeError, ValueError, OverflowError) as error:
        raise violation(f"{where}: matrix", "another shape", f"{len(labels)} rows of {len(labels)} numbers") from error
    check_correlation(f"{where}: matrix", matrix)
    return tuple(labels), matrix


def check_correlation(where: str, matrix: np.ndarray) -> None:
    """Raise unless the matrix is a correlation: symmetric, ones on the diagonal, positive definite."""
    proper = np.isfinite(matrix).all() and np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1)
    if not proper or (len(matrix) and np.linalg.eigvalsh(matrix).min() <= 0):
        raise violation(where, "no correlation matrix", "a symmetric positive matrix with ones on its diagonal")


def fingerprint_of(series: Series) -> str:
    """Of what a series measured, excluded points included: the same whatever it is called and in whichever order."""
    from hashlib import sha256

    rows = np.stack([series.x, series.value, np.broadcast_to(series.spread, series.x.shape)], axis=1).astype("<f8")
    if series.component is not None:
        rows = np.column_stack([rows, series.component])
    return sha256(series.kind.encode() + rows[np.lexsort(rows.T)].tobytes()).hexdigest()[:16]


def with_calibration(experiment: Experiment, calibration: CalibrationFile, where: str = "calibration") -> Experiment:
    """The experiment with the calibration's priors, which come before its apparatus but after its own priors.

    What it says of κ² is a measurement: a series `calibrated_coupling` (and _2, …) of one point.

    Raises
    ------
    ExperimentError : where the experiment fits a series from which the calibration was made, which would count twice,
        and for a calibration by simulated runs of an experiment that is not said to be simulated
    """
    if calibration.simulated and not experiment.simulated:
        expected = "one made from measured runs, or simulated = true in the experiment that uses it"
        raise violation(where, f"a calibration by simulated runs ({calibration.title!r})", expected)
    for series in experiment.series:
        if series.fitted.any() and _made_from(calibration, series, experiment.title):
            expected = "each measurement once, or it counts twice: leave out the series, or the key calibration"
            raise violation(where, f"a calibration made from the series {series.name!r} of the experiment", expected)
    return replace(
        experiment,
        series=(*experiment.series, *(_series(k, row) for k, row in enumerate(calibration.coupling, 1))),
        calibrated=calibration.priors,
        correlated=calibration.labels,
        correlation=calibration.correlation,
    )


def _made_from(calibration: CalibrationFile, series: Series, title: str) -> bool:
    """Whether a calibration was made from a series; of files without fingerprints, older ones, its title says so."""
    if calibration.made_from:
        return fingerprint_of(series) in calibration.made_from
    return series.about.calibration and not series.pulse_time and calibration.title == CALIBRATION_OF + title


def _series(number: int, row: Coupling) -> Series:
    return Series(
        name=CALIBRATED_COUPLING + (f"_{number}" if number > 1 else ""),
        kind="coupling",
        x=np.array([row.faraday_angle]),
        value=np.array([row.value]),
        spread=np.array([row.sigma]),
        probe_duration=row.probe_duration,
    )
