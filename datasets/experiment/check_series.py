"""Checks of a series: its words, its columns, and what its kind cannot do without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...forward_models import NOISES, PARAMETERS
from ..errors import Faults, check_rows, nearest, violation
from ..kinds import KINDS, LARGEST_NUMBER
from .experiment import FREE, ORDERS, SERIES_ERRORS, Experiment, Series

RESERVED = ("observations", "observation", "excluded", "chain", "draw", "lights", "coordinate", "parameter")
SMALLEST_SIGMA, LARGEST_ANGLE = 1e-9, 1000.0
MOST_CORRELATED, SMALLEST_EIGENVALUE = 300, 1e-9
"""Points whose noise has a covariance that is given; smallest eigenvalue of their correlation."""
LARGEST_DRIFT = 0.2
"""Standard deviation of a relative drift: five of them leave a gain above 0."""
_FAR_FROM_ZERO = 8.0
"""Standard deviations of an offset that drifts by which variances must be above 0."""
NOT_MEASURED = "without a value"
"""Words with which what is told of rows that are not measured yet ends."""
_PLACES = {kind.name: kind.populations for kind in KINDS.values()}


def check_choice(where: str, word: str, known: Sequence[str]) -> None:
    """Raise unless `word` is one of `known`."""
    if word not in known:
        raise violation(where, f"{word!r}{nearest(word, known)}", "one of " + ", ".join(known))


def check_name(name: str, where: str) -> None:
    """Raise for a name of a series that files, labels or variables cannot have."""
    if not name.strip(". ") or any(character in name for character in "/[]\x00"):
        raise violation(f"{where}: name", repr(name), "a name, without '/', '[' and ']'")
    if not name.isprintable() or name in (*PARAMETERS, *RESERVED):
        raise violation(f"{where}: name", f"a name that is taken, {name!r}", f'a line like name = "my_{name}"')


def check_place(name: str, places: Mapping[str, Sequence[str]], run: str, experiment: Experiment, where: str) -> None:
    """Raise for a kind or quantity that is not possible with the populations of a run, by the table `places`."""
    about = experiment.constant.get(run)
    if about is None and "moving" not in places[name]:
        expected = f"one in a run with populations = 'steady' or 'unmodelled': {name} needs constant rates"
        raise violation(where, f"{name!r} in the run {run!r}", expected)
    if about is not None and about.populations not in places[name]:
        possible = ", ".join(one for one, populations in places.items() if about.populations in populations)
        expected = f"one of {possible} where populations are {about.populations}"
        raise violation(where, f"{name!r} in the run {run!r}", expected)


def check_series(series: Series, experiment: Experiment, where: str) -> None:
    """Raise for a series that does not fit the experiment or itself, all at once; rows are counted from 1."""
    _check_words(series, experiment, where)
    if not len(series.x):
        if series.note.endswith(NOT_MEASURED):
            raise violation(where, series.note.rpartition("; ")[2], "a value in one row of one table at least")
        raise violation(where, "no rows", "at least one measurement; otherwise remove this [[series]]")
    columns = (series.x, series.value, series.spread, *(() if series.taken is None else (series.taken,)))
    if len({len(column) for column in columns}) > 1:
        raise violation(where, "columns of different length", "the same number of times, values and errors")
    faults = Faults()
    with faults:
        _check_abscissa(series, experiment, where)
    with faults:
        _check_components(series, where)
        _check_values(series, where)
    for check_noise in () if faults.found else (_check_free, _check_correlation):
        with faults:
            check_noise(series, where)
    for check in (_check_errors, _check_needs):
        with faults:
            check(series, experiment, where)
    faults.settle()


def _check_errors(series: Series, experiment: Experiment, where: str) -> None:
    """What is said of errors that the series has in common, and of its tails."""
    if not 0 < series.tail <= LARGEST_NUMBER:
        raise violation(f"{where}: tail", series.tail, "degrees of freedom > 0, finite")
    for name in SERIES_ERRORS:
        size = getattr(series, f"{name}_uncertainty")
        if not (np.isfinite(size) and size >= 0):
            raise violation(f"{where}: {name}_uncertainty", size, "a number ≥ 0")
    if series.scale_uncertainty > 1:
        expected = "a fraction: 0.04 for 4 % (amplitude = 'free' where nothing is known)"
        raise violation(f"{where}: scale_uncertainty", series.scale_uncertainty, expected)
    if series.gain_drift_uncertainty > LARGEST_DRIFT:
        expected = f"a fraction, at most {LARGEST_DRIFT:g}: 0.05 for 5 %"
        raise violation(f"{where}: gain_drift_uncertainty", series.gain_drift_uncertainty, expected)
    for key in ("gain_drift_uncertainty", "offset_drift_uncertainty"):
        if getattr(series, key) and not np.ptp(series.x):
            raise violation(f"{where}: {key}", getattr(series, key), "0 for a single point: nothing drifts")
    delay, total = series.time_offset_uncertainty, experiment.duration(series.run)
    if delay and not series.about.shifts_in_time:
        raise violation(f"{where}: time_offset_uncertainty", f"{delay:g} ms", f"none for {series.kind}")
    if delay > total:
        expected = f"less than the run {series.run!r} lasts, {total:g} ms"
        raise violation(f"{where}: time_offset_uncertainty", f"{delay:g} ms", expected)


def _check_free(series: Series, where: str) -> None:
    """An amplitude or an offset of which nothing is known."""
    about, noise = series.about, NOISES[series.noise]
    for key, error in (("amplitude", "scale_uncertainty"), ("offset", "offset_uncertainty")):
        word, at = getattr(series, key), f"{where}: {key}"
        if not word:
            continue
        if word != FREE:
            raise violation(at, repr(word), f"the word {FREE!r}, or no such line")
        if len(about.components) > 1 or about.calibration:
            raise violation(at, repr(word), f"none for {series.kind}: it has parameters of its own for its unit")
        if getattr(series, error):
            raise violation(at, f"{word!r} beside {error}", "one of the two")
    if series.offset and noise.of_variances:
        raise violation(f"{where}: offset", repr(series.offset), f"none with {noise.name} noise: a variance is > 0")
    if series.amplitude and not series.offset and np.median(series.value + 3 * series.spread) < 0:
        expected = "values > 0 of an amplitude > 0: factor = { value = -1 } where the sign of the signal is the other"
        raise violation(f"{where}: amplitude", f"{series.amplitude!r} of values below 0", expected)


def _check_correlation(series: Series, where: str) -> None:
    """Noise that is correlated from point to point, and a smooth discrepancy."""
    noise, size = NOISES[series.noise], series.discrepancy_uncertainty
    if not (np.isfinite(size) and size >= 0):
        raise violation(f"{where}: discrepancy_uncertainty", size, "a number ≥ 0")
    if size and not np.ptp(series.x):
        raise violation(f"{where}: discrepancy_uncertainty", size, "0 for a single point")
    if size and len(series.about.components) > 1:
        raise violation(f"{where}: discrepancy_uncertainty", size, f"0 for {series.kind}: one curve for one quantity")
    if noise.of_variances and size > series.value.min() / _FAR_FROM_ZERO:
        expected = f"at most {series.value.min() / _FAR_FROM_ZERO:.2g} with {noise.name} noise: a variance is > 0"
        raise violation(f"{where}: discrepancy_uncertainty", size, expected)
    if series.covariance is not None:
        _check_covariance(series, series.covariance, where)
    if series.noise_correlation:
        _check_order(series, where)


def _check_covariance(series: Series, matrix: np.ndarray, where: str) -> None:
    """A covariance of all points: symmetric, positive definite, of Gaussian noise."""
    where, count = f"{where}: covariance", len(series.x)
    if series.noise != "gaussian" or len(series.about.components) > 1:
        raise violation(where, f"one with {series.noise} noise of {series.kind}", "Gaussian noise of single values")
    if series.noise_correlation:
        raise violation(where, "noise_correlation beside it", "one of the two")
    if count > MOST_CORRELATED:
        raise violation(where, f"one of {count} points", f"at most {MOST_CORRELATED}")
    if matrix.shape != (count, count):
        found = " × ".join(map(str, matrix.shape))
        raise violation(where, f"{found} numbers", f"{count} × {count}, a row and a column for each point")
    sigma = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    if not np.allclose(sigma, series.spread, rtol=1e-6, atol=0.0):
        raise violation(where, "a diagonal that is not sigma²", "the variance of each point, > 0")
    scaled = matrix / np.outer(sigma, sigma)
    if not np.isfinite(scaled).all() or abs(scaled - scaled.T).max() > 1e-8:
        raise violation(where, "a matrix that is not symmetric", "finite numbers, C[j, k] = C[k, j]")
    if np.linalg.eigvalsh(scaled)[0] < SMALLEST_EIGENVALUE:
        raise violation(where, "a matrix that is not positive definite", "the covariance of noise")


def _check_order(series: Series, where: str) -> None:
    """An order in which each point knows the one before."""
    said, noise = series.noise_correlation, NOISES[series.noise]
    check_choice(f"{where}: noise_correlation", said, ORDERS)
    if noise.family != "gaussian":
        possible = " or ".join(name for name in series.about.noises if NOISES[name].family == "gaussian")
        expected = f"{possible} noise: no other is correlated here" if possible else f"none for {series.kind}"
        raise violation(f"{where}: noise_correlation", f"{said!r} with {noise.name} noise", expected)
    if said == "taken" and series.taken is None:
        raise violation(f"{where}: noise_correlation", "'taken' without a column taken", "that column: 1, 2, 3, …")
    if said == "time" and series.about.abscissa == "faraday_angle":
        raise violation(f"{where}: noise_correlation", "'time'", f"'taken' for {series.kind}, and the column taken")
    place, each = series.x if said == "time" or series.taken is None else series.taken, len(series.about.components)
    if len(place) <= each or (np.diff(np.sort(place[::each])) <= 0).any():
        name = series.about.abscissa if said == "time" else "taken"
        raise violation(f"{where}: noise_correlation", f"points at the same {name}, or one", "several, each at its own")


def _check_values(series: Series, where: str) -> None:
    noise, names = NOISES[series.noise], series.about.components
    value = " or ".join(names)

    def check(column: str, values: np.ndarray, ok: np.ndarray, expected: str) -> None:
        check_rows(f"{where}: {column}", values, ok, expected, len(names))

    check(value, series.value, np.isfinite(series.value), "a finite number")
    if noise.components > 1:
        series.about.check(series, where)
        return
    if noise.of_variances:
        check(value, series.value, series.value > 0, "a variance > 0")
        if noise.quadratures:
            check("repetitions", series.spread, series.spread >= 2, "at least 2 repetitions")
        if series.offset_uncertainty:
            expected = f"0 with {noise.name} noise: a variance is > 0"
            raise violation(f"{where}: offset_uncertainty", series.offset_uncertainty, expected)
        most = series.value.min() / _FAR_FROM_ZERO
        if series.offset_drift_uncertainty > most:
            expected = f"at most {most:.2g} with {noise.name} noise: a variance is > 0"
            raise violation(f"{where}: offset_drift_uncertainty", series.offset_drift_uncertainty, expected)
    check(noise.spread, series.spread, np.isfinite(series.spread) & (series.spread > 0), "a positive number")
    if series.taken is not None:
        check("taken", series.taken, np.isfinite(series.taken), "a finite number")
    check(value, series.value, abs(series.value) <= LARGEST_NUMBER, f"at most {LARGEST_NUMBER:g}")
    ok = (series.spread >= SMALLEST_SIGMA) & (series.spread <= LARGEST_NUMBER)
    check(noise.spread, series.spread, ok, f"{SMALLEST_SIGMA:g} to {LARGEST_NUMBER:g}")
    series.about.check(series, where)


def _check_abscissa(series: Series, experiment: Experiment, where: str) -> None:
    about = series.about
    each = len(about.components)

    def check(ok: np.ndarray, expected: str) -> None:
        check_rows(f"{where}: {about.abscissa}", series.x, ok, expected, each)

    word = "time" if about.abscissa in ("time", "delay") else "number"
    check(np.isfinite(series.x), f"a finite {word}")
    if about.abscissa == "faraday_angle":
        check((series.x > 0) & (series.x <= LARGEST_ANGLE), f"an angle > 0, at most {LARGEST_ANGLE:g} deg")
        return
    check(np.concatenate([[True], np.diff(series.x) >= 0]), f"{word}s in ascending order")
    if about.abscissa == "delay":
        check(series.x >= 0, "a time ≥ 0 after the pulse")
    if about.abscissa == "time":
        total = experiment.duration(series.run)
        inside = (series.x >= 0) & (series.x <= total * (1 + 1e-12))
        check(inside, f'a time inside the stages of run {series.run!r}, 0 to {total:g} ms (of µs: time_unit = "us")')


def _check_components(series: Series, where: str) -> None:
    """Values of several components must come point by point: all components of the first, then of the second, …"""
    names, expected = series.about.components, series.about.component_numbers(len(series.x))
    if expected is None:
        if series.component is not None:
            raise violation(f"{where}: component", "components", f"none for {series.kind}")
        return
    if series.component is None or not np.array_equal(series.component, expected):
        raise violation(f"{where}: component", "incomplete points", f"{', '.join(names)} of each point, in this order")
    for column in (series.x, series.spread, series.excluded, series.taken):
        if column is not None and not all(len(set(point)) == 1 for point in column.reshape(-1, len(names)).tolist()):
            raise violation(where, f"different entries for the {' and '.join(names)} of a point", "the same")


def _check_needs(series: Series, experiment: Experiment, where: str) -> None:
    """What a kind of series cannot do without."""
    needed = "probe_duration" in series.about.needs
    if needed != (series.probe_duration > 0) or not np.isfinite(series.probe_duration):
        line = 'the duration of the probe pulse: a line like probe_duration = "1 ms"'
        expected = line if needed else f"none for {series.kind}"
        found = f"{series.probe_duration:g} ms" if series.probe_duration else "nothing"
        raise violation(f"{where}: probe_duration", found, expected)
    _check_mode(series, where)
    _check_day_and_efficiency(series, experiment, where)
    member = experiment.member.get(series.run, "")
    if series.about.abscissa == "faraday_angle" and not experiment.knows("faraday_angle", member):
        expected = 'the angle of this run, to which other angles refer: a line like faraday_angle = "14.0 deg"'
        raise violation(f"{where}: apparatus", "no faraday_angle", expected)
    total = experiment.duration(series.run)
    latest = total if "pulse_time" in series.about.takes else 0.0
    if not 0 <= series.pulse_time <= latest:
        raise violation(f"{where}: pulse_time", f"{series.pulse_time:g} ms", f"a time from 0 to {latest:g} ms")
    if not (np.isfinite(series.slope_used) and series.slope_used >= 0):
        raise violation(f"{where}: slope_used", series.slope_used, "a number > 0")
    if series.slope_used and "slope_used" not in series.about.takes:
        raise violation(f"{where}: slope_used", series.slope_used, "none: only ξ is normalised by the projection noise")


def _check_words(series: Series, experiment: Experiment, where: str) -> None:
    check_name(series.name, where)
    check_choice(f"{where}: kind", series.kind, tuple(KINDS))
    check_choice(f"{where}: noise", series.noise, tuple(NOISES))
    if series.noise not in series.about.noises:
        raise violation(f"{where}: noise", series.noise, f"{' or '.join(series.about.noises)} for {series.kind}")
    check_choice(f"{where}: run", series.run, experiment.runs)
    check_place(series.kind, _PLACES, series.run, experiment, f"{where}: kind")


def _check_day_and_efficiency(series: Series, experiment: Experiment, where: str) -> None:
    if (day := series.day) and (
        not day.strip() or not day.isprintable() or any(character in day for character in "/[]:\x00")
    ):
        raise violation(f"{where}: day", repr(day), "a text such as '2026-03-01', without '/', ':', '[' and ']'")
    if not series.efficiency_in_scale and not series.about.spin_variance:
        raise violation(f"{where}: efficiency_in_scale", "false", f"true for {series.kind}: no light variance")
    if not series.efficiency_in_scale and "detection_efficiency" not in experiment.apparatus:
        expected = "a detection_efficiency in [apparatus]: detection_efficiency = { value = 0.84, sigma = 0.03 }"
        raise violation(f"{where}: efficiency_in_scale", "false", expected)


def _check_mode(series: Series, where: str) -> None:
    """The mode of the past light: m ≥ 0, and light before each point."""
    rate = series.mode_rate
    if rate and "mode_rate" not in (*series.about.needs, *series.about.takes):
        raise violation(f"{where}: mode_rate", f"{rate:g} 1/ms", f"none for {series.kind}")
    if not np.isfinite(rate) or rate < 0 or (rate == 0 and "mode_rate" in series.about.needs):
        found = f"{rate:g} 1/ms" if rate else "nothing"
        raise violation(
            f"{where}: mode_rate", found, "the rate m of the mode e^{mt}: a line like mode_rate = '0.8 1/ms'"
        )
    if rate:
        check_rows(f"{where}: time", series.x, series.x > 0, "a time > 0, with light before it", 1)
