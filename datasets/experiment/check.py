"""Checks of an experiment: every violation says where, what was found, and what is expected."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

import numpy as np

from ...forward_models import CLOSURES, PARAMETERS
from ..errors import Faults, violation
from ..kinds import KINDS, LARGEST_NUMBER
from .check_records import FEWEST_THAT_DIFFER, check_constant_runs, check_record, check_records_once, copy_of
from .check_series import SMALLEST_SIGMA, check_choice, check_place, check_series
from .days import DAY_FACTORS
from .experiment import APPARATUS, Experiment, Known, Observation, Series
from .label import Label
from .light_power import check_power, strong_drive
from .runs import LIGHTS, POPULATIONS, StageEntry

MOST_STAGES = 1000
WAYS_OF_DAYS = ("shared", "separate", "population")
ABOVE_ZERO = (
    "optical_depth",
    "faraday_angle",
    "detection_efficiency",
    "shot_noise_level",
    "projection_noise_slope",
    "depth_per_degree",
    "drive_power",
    "probe_power",
    "cell_area",
)
_HARDLY_BEGUN = 0.01
"""Of a run: a series that ends before that has probably times in another unit."""
_NAMED = 4
"""Points that are named, at most."""
_PLACES = {name: kind.populations for name, kind in KINDS.items() if kind.quantity} | {
    "polarization_decay_time": ("moving",),
    "transverse_spin_decay_time": POPULATIONS,
    "optimal_mode_rate": POPULATIONS[1:],
}
"""Of a quantity of which a number can be given: populations of the runs in which it is possible."""


def check_experiment(
    experiment: Experiment, where: str = "experiment", files: Sequence[str] | None = None
) -> Experiment:
    """Raise ExperimentError for anything that cannot be, all at once. `files`: of the series, to name."""
    if not experiment.stages:
        raise violation(f"{where}: stage", "no stage", 'at least one [[stage]] with a line like duration = "20 ms"')
    if len(experiment.stages) > MOST_STAGES:
        raise violation(f"{where}: stage", f"{len(experiment.stages)} stages", f"at most {MOST_STAGES}")
    faults = Faults()
    for k, stage in enumerate(experiment.stages, 1):
        with faults:
            _check_stage(stage, f"{where}: stage {k}")
    for name, depth in experiment.run_depth.items():
        with faults:
            check_choice(f"{where}: run", name, experiment.runs)
            if not (np.isfinite(depth) and depth > 0):
                raise violation(f"{where}: run {name!r}: relative_depth", depth, "a positive number")
    for name, known in experiment.apparatus.items():
        with faults:
            _check_known(f"{where}: apparatus: {name}", name, known)
    with faults:
        check_constant_runs(experiment, where)
    with faults:
        _check_sharing(experiment, where)
    with faults:
        _check_all_series(experiment, where, files)
    labels = [observation.label for observation in experiment.observations]
    for k, observation in enumerate(experiment.observations, 1):
        with faults:
            at = f"{where}: observation {k} ({observation.quantity})"
            _check_observation(observation, experiment, at)
            if labels.count(observation.label) > 1:
                raise violation(at, f"{observation.label!r} twice", "each quantity once per time and run: pool them")
    for check in (_check_shared_scales, _check_truth, _check_texts):
        with faults:
            check(experiment, where)
    faults.settle()
    return experiment


def _check_stage(stage: StageEntry, where: str) -> None:
    if not (np.isfinite(stage.duration) and stage.duration > 0):
        raise violation(f"{where}: duration", f"{stage.duration:g} ms", "a positive time")
    for light in sorted(stage.lights):
        check_choice(f"{where}: light", light, LIGHTS)
    faults = Faults()
    for power in stage.power:
        with faults:
            check_power(power, stage.duration, stage.lights, where)
    faults.settle()


def _too_short(experiment: Experiment) -> list[str]:
    """The series whose times end where their run has hardly begun: in another unit, perhaps."""
    found: dict[tuple[float, bool], dict[str, float]] = {}
    for series in experiment.series:
        if series.fitted.any() and series.about.abscissa == "time":
            end, run = float(np.max(series.fitted_x)), experiment.duration(series.run)
            if end <= _HARDLY_BEGUN * run:
                found.setdefault((run, end * 1000 < 1.01 * run), {})[series.name] = end
    lines = []
    for (run, possible), ends in found.items():
        its, one, span = ("its", "its", "") if len(ends) == 1 else ("their", "each", f"{min(ends.values()):.3g} to ")
        span = "" if len({*ends.values()}) == 1 else span
        seconds = f' If they are in seconds, write time_unit = "s" in {one} [[series]]' if possible else ""
        place = f"{its} times end at {span}{max(ends.values()):.3g} ms in a run of {run:g} ms"
        lines.append(f"{', '.join(ends)}: {place}. Are they in another unit?{seconds}")
    return lines


def _same_values(experiment: Experiment) -> list[str]:
    """Series of different kinds that have the same values at the same times: read from the same column, perhaps."""
    first: dict[bytes, Series] = {}
    found = []
    for series in experiment.series:
        if len(np.unique(series.value)) > 1:
            other = first.setdefault(np.stack([series.x, series.value]).tobytes(), series)
            if other.kind != series.kind:
                same = (
                    f"has the values of {other.name} at the same times: does it read the same column of the same file?"
                )
                found.append(f"{series.name}: {same}")
    return found


def doubts(experiment: Experiment) -> list[str]:
    """What is possible, but hardly right, with its likely cause: 'xi: begins at 1.98, …'."""
    found: dict[str, list[str]] = {}
    for series in experiment.series:
        if series.fitted.any():
            moving = experiment.populations(series.run) == POPULATIONS[0]
            for text in (*_repeated(series), *series.about.doubts(series, moving=moving)):
                found.setdefault(text, []).append(series.name)
    alike = [f"{', '.join(names)}: {text}" for text, names in found.items()]
    return [*strong_drive(experiment), *_same_values(experiment), *_too_short(experiment), *alike]


def _repeated(series: Series) -> list[str]:
    """Of points that are there twice, one after the other."""
    each, use = len(series.about.components), series.fitted
    rows = np.stack([series.x[use], series.value[use], series.spread[use]], axis=1).reshape(-1, 3 * each)
    again = rows[1:][(rows[1:] == rows[:-1]).all(axis=1)]
    points = ", ".join(f"{row[0]:g}" for row in again[:_NAMED])
    twice = f"has the same row twice at {points} {series.about.unit}: it counts twice unless one has exclude = 1"
    return [twice] if points else []


def _check_all_series(experiment: Experiment, where: str, files: Sequence[str] | None) -> None:
    names, faults = [part.name for part in experiment.parts], Faults()
    for name in dict.fromkeys(names):
        with faults:
            if names.count(name) > 1:
                expected = f'a different `name` for each: a line like name = "{name}_2"'
                raise violation(f"{where}: series {name!r}", "the same name twice", expected)
    for record in experiment.records:
        for taken in (f"{record.name}_{ending}" for ending in ("group", "check", "words")):
            with faults:
                if taken in names:
                    expected = f"another `name`: a fit has {taken} for {record.name!r}"
                    raise violation(f"{where}: series {taken!r}", "a name that is taken", expected)
    for k, series in enumerate(experiment.series):
        file = f" ({files[k]})" if files is not None else ""
        with faults:
            check_series(series, experiment, f"{where}: series {series.name!r}{file}")
    for record in experiment.records:
        with faults:
            check_record(record, experiment, f"{where}: series {record.name!r}")
    faults.settle()
    _check_each_once(experiment, where)


def _check_sharing(experiment: Experiment, where: str) -> None:
    for name, way in experiment.sharing.items() if not experiment.members else ():
        check_choice(f"{where}: sharing", name, tuple(DAY_FACTORS))
        check_choice(f"{where}: sharing: {name}", way, WAYS_OF_DAYS)


def _check_shared_scales(experiment: Experiment, where: str) -> None:
    sizes: dict[str, float] = {}
    for observation in experiment.observations:
        group, size = observation.shared_scale, observation.scale_uncertainty
        if not group:
            continue
        at = f"{where}: observation {observation.label!r}: shared_scale {group!r}"
        if group in [series.name for series in experiment.series]:
            raise violation(at, "the name of a series", "a name of its own")
        if sizes.setdefault(group, size) != size:
            raise violation(at, f"scale_uncertainty {size:g}", f"{sizes[group]:g}, as for the others of the group")


def _check_truth(experiment: Experiment, where: str) -> None:
    truth = experiment.truth
    if truth is None:
        return
    check_choice(f"{where}: truth: closure", truth.closure, CLOSURES)
    if not 0 <= truth.seed < 2**63:
        raise violation(f"{where}: truth: seed", truth.seed, "a whole number from 0 to 2⁶³ − 1")
    for label, value in truth.parameters.items():
        if Label.parse(label).name not in PARAMETERS or "/" in label:
            raise violation(f"{where}: truth: parameters", repr(label), "names of parameters")
        if not np.isfinite(value):
            raise violation(f"{where}: truth: parameters: {label}", value, "a finite number")


def _check_texts(experiment: Experiment, where: str) -> None:
    texts = [experiment.title, experiment.description, *experiment.runs]
    texts += [part.note for part in experiment.parts]
    for priors in (experiment.priors, experiment.calibrated):
        texts += [*priors, *priors.values()]
        if "" in priors:
            raise violation(f"{where}: prior", "a parameter without a name", "names of parameters")
    texts += [text for o in experiment.observations for text in (o.source, o.excluded, o.shared_scale)]
    for text in texts:
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise violation(where, repr(text), "texts without NUL and lone surrogates")


def _check_known(where: str, name: str, known: Known) -> None:
    check_choice(where, name, APPARATUS)
    numbers = (getattr(known, "value", None), getattr(known, "sigma", None))
    if not all(isinstance(one, Real) for one in numbers):
        raise violation(where, repr(known), f"Known(value, sigma), numbers in {PARAMETERS[name].unit}")
    parameter = PARAMETERS[name]
    if not np.isfinite(known.value) or not (np.isfinite(known.sigma) and known.sigma >= 0):
        raise violation(where, f"{known.value:g} ± {known.sigma:g}", "finite numbers, sigma ≥ 0")
    if parameter.domain != "real" and known.value < 0:
        raise violation(where, f"{known.value:g}", "a number ≥ 0")
    if name in ABOVE_ZERO and known.value == 0:
        raise violation(where, "0", "a number > 0")
    if parameter.domain == "unit interval" and known.value > 1:
        per_cent = f" ({known.value:g} % are {known.value / 100:g})" if known.value <= 100 else ""
        raise violation(where, f"{known.value:g}", f"a number in [0, 1]{per_cent}")
    if name == "squeezing_limit" and known.value == 0:
        raise violation(where, "0", "a number in (0, 1]")


def _check_observation(observation: Observation, experiment: Experiment, where: str) -> None:
    check_choice(f"{where}: quantity", observation.quantity, tuple(_PLACES))
    check_choice(f"{where}: run", observation.run, experiment.runs)
    check_place(observation.quantity, _PLACES, observation.run, experiment, f"{where}: quantity")
    for key in ("value", "sigma", "time", "scale_uncertainty"):
        if not np.isfinite(getattr(observation, key)):
            raise violation(f"{where}: {key}", getattr(observation, key), "a finite number")
    if observation.sigma < SMALLEST_SIGMA:
        raise violation(f"{where}: sigma", observation.sigma, f"a positive number, at least {SMALLEST_SIGMA:g}")
    if abs(observation.value) > LARGEST_NUMBER:
        raise violation(f"{where}: value", observation.value, f"at most {LARGEST_NUMBER:g}")
    if observation.scale_uncertainty < 0:
        raise violation(f"{where}: scale_uncertainty", observation.scale_uncertainty, "a number ≥ 0")
    total = experiment.duration(observation.run)
    if not 0 <= observation.time <= total * (1 + 1e-12):
        expected = f"a time inside the stages of run {observation.run!r}, 0 to {total:g} ms"
        raise violation(f"{where}: time", f"{observation.time:g} ms", expected)


def _check_each_once(experiment: Experiment, where: str) -> None:
    """Raise where something that is fitted is there as a copy, in an experiment or in several that are put together.

    Simulated data may be: without noise, the same rates give the same values.
    """
    if experiment.simulated:
        return
    first: dict[tuple[str | bytes, ...], str] = {}
    for series in experiment.series:
        use = series.fitted
        if len(np.unique(series.value[use])) >= FEWEST_THAT_DIFFER:
            contents = (series.kind, *(part[use].tobytes() for part in (series.x, series.value, series.spread)))
            if first.setdefault(contents, series.name) != series.name:
                raise copy_of(first[contents], series.name, where)
        _check_rows(series, where)
    check_records_once(experiment, where)


def _check_rows(series: Series, where: str) -> None:
    """Raise where rows of a series are there twice, more of them than may agree by chance: a file joined to itself."""
    columns = [series.x, series.value, series.spread] + ([] if series.component is None else [series.component])
    _, place, counts = np.unique(series.value[series.fitted], return_inverse=True, return_counts=True)
    if np.count_nonzero(counts > 1) < FEWEST_THAT_DIFFER:
        return
    rows = np.stack([column[series.fitted][counts[place] > 1] for column in columns], axis=1)
    rows, counts = np.unique(rows, axis=0, return_counts=True)
    again = rows[counts > 1]
    if len(np.unique(again[:, 1])) >= FEWEST_THAT_DIFFER:
        found = f"{len(again)} repeated rows, the first at {again[0, 0]:g}"
        raise violation(f"{where}: series {series.name!r}", found, "each measurement once, or it counts twice")
