"""Checks of an experiment: every violation says where, what was found, and what is expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...forward_models import CLOSURES, NOISES, PARAMETERS
from ..errors import violation
from ..kinds import IN_CONSTANT_RUNS, KINDS, VARIANCES
from .check_parts import (
    LARGEST_NUMBER,
    SMALLEST_SIGMA,
    check_choice,
    check_name,
    check_rows,
    check_run,
    check_size_of_signal,
)
from .check_records import check_constant_runs, check_covariances, check_kind_of_run, check_mode, check_record
from .copies import check_each_once
from .experiment import APPARATUS, QUANTITIES, Experiment, Known, Observation, Series

MOST_STAGES = 1000
ABOVE_ZERO = (
    "optical_depth",
    "faraday_angle",
    "detection_efficiency",
    "shot_noise_level",
    "projection_noise_slope",
    "depth_per_degree",
)
NUMBERS_OF_CONSTANT_RUNS = (
    "xi",
    "conditional_xi",
    "transverse_spin",
    "orientation",
    "transverse_spin_decay_time",
    "optimal_mode_rate",
)
LARGEST_ANGLE = 1000.0


def check_experiment(
    experiment: Experiment, where: str = "experiment", files: Sequence[str] | None = None
) -> Experiment:
    """Raise ExperimentError for anything that cannot be: see each check's message. `files`: of the series, to name."""
    if not experiment.stages:
        raise violation(f"{where}: stage", "no stage", "at least one [[stage]] with a duration")
    if len(experiment.stages) > MOST_STAGES:
        raise violation(f"{where}: stage", f"{len(experiment.stages)} stages", f"at most {MOST_STAGES}")
    for k, stage in enumerate(experiment.stages, 1):
        at = f"{where}: stage {k}"
        if not (np.isfinite(stage.duration) and stage.duration > 0):
            raise violation(f"{at}: duration", f"{stage.duration:g} ms", "a positive time")
    for name, depth in experiment.run_depth.items():
        check_run(f"{where}: run", name, experiment)
        if not (np.isfinite(depth) and depth > 0):
            raise violation(f"{where}: run {name!r}: relative_depth", depth, "a positive number")
    for name, known in experiment.apparatus.items():
        _check_known(f"{where}: apparatus: {name}", name, known)
    check_constant_runs(experiment, where)
    _check_all_series(experiment, where, files)
    labels = [observation.label for observation in experiment.observations]
    for k, observation in enumerate(experiment.observations, 1):
        at = f"{where}: observation {k} ({observation.quantity})"
        _check_observation(observation, experiment, at)
        if labels.count(observation.label) > 1:
            raise violation(at, f"{observation.label!r} twice", "each quantity once at a time of a run: pool them")
    _check_shared_scales(experiment, where)
    _check_truth(experiment, where)
    _check_texts(experiment, where)
    return experiment


def _check_all_series(experiment: Experiment, where: str, files: Sequence[str] | None) -> None:
    names = [part.name for part in experiment.parts]
    for name in names:
        if names.count(name) > 1:
            raise violation(f"{where}: series {name!r}", "the same name twice", "a different `name` for each")
    for record in experiment.records:
        for taken in (f"{record.name}_{ending}" for ending in ("group", "check", "words")):
            if taken in names:
                expected = f"another `name`: a fit has {taken} for {record.name!r}"
                raise violation(f"{where}: series {taken!r}", "a name that is taken", expected)
    for k, series in enumerate(experiment.series):
        file = f" ({files[k]})" if files is not None else ""
        check_series(series, experiment, f"{where}: series {series.name!r}{file}")
    for record in experiment.records:
        check_record(record, experiment, f"{where}: series {record.name!r}")
    check_each_once(experiment, where)


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
        if label.split("[")[0] not in PARAMETERS or "/" in label:
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
    parameter = PARAMETERS[name]
    if not np.isfinite(known.value) or not (np.isfinite(known.sigma) and known.sigma >= 0):
        raise violation(where, f"{known.value:g} ± {known.sigma:g}", "finite numbers, sigma ≥ 0")
    if parameter.domain != "real" and known.value < 0:
        raise violation(where, f"{known.value:g}", "a number ≥ 0")
    if name in ABOVE_ZERO and known.value == 0:
        raise violation(where, "0", "a number > 0")
    if parameter.domain == "unit interval" and known.value > 1:
        raise violation(where, f"{known.value:g}", "a number in [0, 1]")
    if name == "squeezing_limit" and known.value == 0:
        raise violation(where, "0", "a number in (0, 1]")


def check_series(series: Series, experiment: Experiment, where: str) -> None:
    """Raise for a series that does not fit the experiment or itself; rows are counted from 1."""
    _check_words(series, experiment, where)
    if not len(series.x):
        raise violation(where, "no rows", "at least one measurement")
    if not len(series.x) == len(series.value) == len(series.spread):
        raise violation(where, "columns of different length", "the same number of times, values and errors")
    _check_abscissa(series, experiment, where)
    _check_components(series, where)
    _check_values(series, where)
    for key in ("scale_uncertainty", "offset_uncertainty"):
        size = getattr(series, key)
        if not (np.isfinite(size) and size >= 0):
            raise violation(f"{where}: {key}", size, "a number ≥ 0")
    if series.scale_uncertainty > 1:
        raise violation(f"{where}: scale_uncertainty", series.scale_uncertainty, "a fraction: 0.04 for 4 %")
    if not 0 < series.tail <= LARGEST_NUMBER:
        raise violation(f"{where}: tail", series.tail, "degrees of freedom > 0, finite")
    _check_needs(series, experiment, where)


def _check_values(series: Series, where: str) -> None:
    noise, names = NOISES[series.noise], series.about.components
    value = " or ".join(names)

    def check(column: str, values: np.ndarray, ok: np.ndarray, expected: str) -> None:
        check_rows(f"{where}: {column}", values, ok, expected, len(names))

    check(value, series.value, np.isfinite(series.value), "a finite number")
    if noise.family == "wishart":
        check_covariances(series, where)
        return
    if noise.quadratures or noise.family == "gamma":
        check(value, series.value, series.value > 0, "a variance > 0")
        if noise.quadratures:
            check("repetitions", series.spread, series.spread >= 2, "at least 2 repetitions")
        if series.offset_uncertainty:
            raise violation(
                f"{where}: offset_uncertainty",
                series.offset_uncertainty,
                f"0 with {noise.name} noise: a variance is > 0",
            )
    check(noise.spread, series.spread, np.isfinite(series.spread) & (series.spread > 0), "a positive number")
    check(value, series.value, abs(series.value) <= LARGEST_NUMBER, f"at most {LARGEST_NUMBER:g}")
    ok = (series.spread >= SMALLEST_SIGMA) & (series.spread <= LARGEST_NUMBER)
    check(noise.spread, series.spread, ok, f"{SMALLEST_SIGMA:g} to {LARGEST_NUMBER:g}")
    check_size_of_signal(series, f"{where}: {value}")


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
        check(inside, f"a time inside the stages of run {series.run!r}, 0 to {total:g} ms (other units: time_unit)")


def _check_components(series: Series, where: str) -> None:
    """Values of several components must come point by point: all components of the first, then of the second, …"""
    names = series.about.components
    if len(names) == 1:
        if series.component is not None:
            raise violation(f"{where}: component", "components", f"none for {series.kind}")
        return
    expected = np.tile(np.arange(len(names)), len(series.x) // len(names))
    if series.component is None or not np.array_equal(series.component, expected):
        raise violation(f"{where}: component", "incomplete points", f"{', '.join(names)} of each point, in this order")
    columns = [series.x, series.spread, *([] if series.excluded is None else [series.excluded])]
    for column in columns:
        pairs = column.reshape(-1, len(names))
        if not (pairs == pairs[:, :1]).all():
            raise violation(where, f"different entries for the {' and '.join(names)} of a point", "the same")


def _check_needs(series: Series, experiment: Experiment, where: str) -> None:
    """What a kind of series cannot do without."""
    needed = "probe_duration" in series.about.needs
    if needed != (series.probe_duration > 0) or not np.isfinite(series.probe_duration):
        expected = "the duration of the probe pulse, such as '1 ms'" if needed else f"none for {series.kind}"
        found = f"{series.probe_duration:g} ms" if series.probe_duration else "nothing"
        raise violation(f"{where}: probe_duration", found, expected)
    check_mode(series, where)
    member = experiment.member.get(series.run, "")
    if series.about.abscissa == "faraday_angle" and not experiment.knows("faraday_angle", member):
        raise violation(f"{where}: apparatus", "no faraday_angle", "that of this run, to which other angles refer")
    total = experiment.duration(series.run)
    latest = total if series.kind == "orientation_beat" else 0.0
    if not 0 <= series.pulse_time <= latest:
        raise violation(f"{where}: pulse_time", f"{series.pulse_time:g} ms", f"a time from 0 to {latest:g} ms")
    if not (np.isfinite(series.slope_used) and series.slope_used >= 0):
        raise violation(f"{where}: slope_used", series.slope_used, "a number > 0")
    if series.slope_used and series.kind != "xi":
        raise violation(f"{where}: slope_used", series.slope_used, "none: only ξ is normalised by the projection noise")


def _check_words(series: Series, experiment: Experiment, where: str) -> None:
    check_name(series.name, where)
    check_choice(f"{where}: kind", series.kind, tuple(KINDS))
    check_choice(f"{where}: noise", series.noise, tuple(NOISES))
    if series.noise not in series.about.noises:
        raise violation(f"{where}: noise", series.noise, f"{' or '.join(series.about.noises)} for {series.kind}")
    check_run(f"{where}: run", series.run, experiment)
    check_kind_of_run(series.kind, IN_CONSTANT_RUNS, series.run, experiment, f"{where}: kind")
    if not series.efficiency_in_scale:
        if series.kind not in VARIANCES:
            raise violation(f"{where}: efficiency_in_scale", "false", f"true for {series.kind}: no light variance")
        if "detection_efficiency" not in experiment.apparatus:
            raise violation(f"{where}: efficiency_in_scale", "false", "a detection_efficiency in [apparatus]")


def _check_observation(observation: Observation, experiment: Experiment, where: str) -> None:
    check_choice(f"{where}: quantity", observation.quantity, QUANTITIES)
    check_run(f"{where}: run", observation.run, experiment)
    check_kind_of_run(observation.quantity, NUMBERS_OF_CONSTANT_RUNS, observation.run, experiment, f"{where}: quantity")
    numbers: tuple[tuple[str, Any], ...] = (
        ("value", observation.value),
        ("sigma", observation.sigma),
        ("time", observation.time),
        ("scale_uncertainty", observation.scale_uncertainty),
    )
    for key, number in numbers:
        if not np.isfinite(number):
            raise violation(f"{where}: {key}", number, "a finite number")
    if observation.sigma < SMALLEST_SIGMA:
        raise violation(f"{where}: sigma", observation.sigma, f"a positive number, at least {SMALLEST_SIGMA:g}")
    if abs(observation.value) > LARGEST_NUMBER:
        raise violation(f"{where}: value", observation.value, f"at most {LARGEST_NUMBER:g}")
    if observation.scale_uncertainty < 0:
        raise violation(f"{where}: scale_uncertainty", observation.scale_uncertainty, "a number ≥ 0")
    total = experiment.duration(observation.run)
    if not 0 <= observation.time <= total * (1 + 1e-12):
        raise violation(
            f"{where}: time",
            f"{observation.time:g} ms",
            f"a time inside the stages of run {observation.run!r}, 0 to {total:g} ms",
        )
