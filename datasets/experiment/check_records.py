"""Checks of the continuous measurement: runs with constant rates, and records, each of which is there once."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from ..errors import ExperimentError, violation
from .check_series import check_choice, check_name
from .experiment import Experiment
from .record_series import QUADRATURES, RecordSeries
from .runs import BEGINNINGS, POPULATIONS

_FEW, _SURE = 20, 8.0
"""Fewer records or samples tell nothing of their order; standard errors of a correlation that is no accident."""
FEWEST_THAT_DIFFER = 8
"""Series with fewer different values may agree by chance, where they are given to two digits."""
MOST_SAMPLES = 20_000
SMALLEST_SHOT_NOISE, LARGEST_SHOT_NOISE = 0.1, 10.0


def check_constant_runs(experiment: Experiment, where: str) -> None:
    """Raise for runs with constant rates that have more than one stage, or none with the drive."""
    for run, about in experiment.constant.items():
        at = f"{where}: run {run!r}"
        check_choice(f"{where}: run", run, experiment.runs)
        check_choice(f"{at}: populations", about.populations, POPULATIONS[1:])
        check_choice(f"{at}: begins", about.begins, BEGINNINGS)
        stages = experiment.run_stages(run)
        if len(stages) > 1:
            expected = f"one, where populations are {about.populations}: give each of the others its own `run`"
            raise violation(f"{at}: stage", f"{len(stages)} stages", expected)
        if "drive" not in stages[0].lights:
            raise violation(f"{at}: stage", "no drive", f"drive = true, where populations are {about.populations}")
        if stages[0].power:
            expected = f"true, where populations are {about.populations}: its rates are constant"
            raise violation(f"{at}: stage: {stages[0].power[0].light}", "a power", expected)


def check_record(record: RecordSeries, experiment: Experiment, where: str) -> None:
    """Raise for records that do not fit the experiment, or that are no light in units of its shot noise."""
    check_name(record.name, where)
    check_choice(f"{where}: run", record.run, experiment.runs)
    if record.run not in experiment.constant:
        expected = f"constant rates: [[run]], name = {record.run!r}, populations = 'unmodelled' (or 'steady')"
        raise violation(f"{where}: populations of run {record.run!r}", "'moving' (the default)", expected)
    if record.simulated and not experiment.simulated:
        raise violation(f"{where}: simulated", "simulated records", "simulated = true in the experiment that uses them")
    samples = record.samples
    if samples.ndim != 3 or samples.shape[0] != 2 or 0 in samples.shape or record.length < 2:
        raise violation(f"{where}: samples", f"shape {samples.shape}", "(2, records, samples), two samples at least")
    if record.length > MOST_SAMPLES:
        expected = f"at most {MOST_SAMPLES}: longer bins, or several records"
        raise violation(f"{where}: samples", f"{record.length} in a record", expected)
    if not np.isfinite(samples).all():
        quadrature, row, column = np.argwhere(~np.isfinite(samples))[0]
        at = f"{where}: {QUADRATURES[quadrature]}: record {row + 1}, sample {column + 1}"
        raise violation(at, f"{samples[quadrature, row, column]:g}", "a finite number")
    if not (np.isfinite(record.interval) and record.interval > 0):
        raise violation(f"{where}: interval", f"{record.interval:g} ms", "a positive time")
    total = experiment.duration(record.run)
    if not 0 <= record.start <= record.start + record.duration <= total * (1 + 1e-9):
        found = f"{record.start:g} ms to {record.start + record.duration:g} ms"
        found += f" ({record.length} bins of {record.interval:g} ms)"
        expected = f"a record inside the run {record.run!r}, 0 to {total:g} ms (interval? a record is a row?)"
        raise violation(f"{where}: start", found, expected)
    if record.excluded is not None and record.excluded.shape != (record.repetitions,):
        raise violation(f"{where}: excluded", f"shape {record.excluded.shape}", "one flag for each record")
    if record.excluded is not None and record.excluded.all():
        raise violation(f"{where}: excluded", "all records", "at least one that is fitted")
    # of differences, in which slow signals hardly show
    noise = float(np.mean(np.diff(samples[:, record.modelled].astype(float), axis=-1) ** 2)) / 2
    if not SMALLEST_SHOT_NOISE <= noise <= LARGEST_SHOT_NOISE:
        expected = "about 1: shot noise has variance 1 in a bin, as `dissentangle demodulate` writes it"
        raise violation(f"{where}: samples", f"noise of variance {noise:.3g} from bin to bin", expected)
    _check_rows_are_records(record, where)


def _check_rows_are_records(record: RecordSeries, where: str) -> None:
    """Raise where neighbouring records go together and neighbouring samples do not: a transposed matrix."""
    if record.repetitions < _FEW or record.length < _FEW:
        return
    samples = record.samples - record.samples.mean()
    in_row = float((samples[..., 1:] * samples[..., :-1]).mean() * np.sqrt(samples.size))
    in_column = float((samples[:, 1:] * samples[:, :-1]).mean() * np.sqrt(samples.size))
    if in_column > _SURE and in_row < 0.3 * in_column:
        found = "records that are more correlated with each other than the samples within one"
        raise violation(f"{where}: samples", found, "a record per row: transposed?")


def check_records_once(experiment: Experiment, where: str) -> None:
    """Raise where a record is there twice, in one series or in two."""
    seen: dict[bytes, tuple[str, int]] = {}
    for series in experiment.records:
        if series.length < FEWEST_THAT_DIFFER:
            continue
        for k in map(int, np.flatnonzero(series.fitted)):
            contents = blake2b(series.samples[:, k].tobytes(), digest_size=16).digest()
            name, first = seen.setdefault(contents, (series.name, k))
            if name != series.name:
                raise copy_of(name, series.name, where)
            if first != k:
                expected = "each record once, or it counts twice: exclude one of them"
                raise violation(f"{where}: series {name!r}", f"record {k + 1}, a copy of record {first + 1}", expected)


def copy_of(one: str, other: str, where: str) -> ExperimentError:
    """The error about a part of an experiment that is a copy of another one."""
    expected = "each measurement once, or it counts twice: leave one out, and share the parameters that it determines"
    return violation(f"{where}: series {other!r}", f"the values of {one!r} again", expected)
