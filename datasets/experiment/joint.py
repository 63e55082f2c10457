"""Several experiments as one: which parameters they share, which each has for itself, which come from a population.

Put together they are one experiment with a run (or several) for each member; what a member has for itself stands in
brackets: `optical_depth[A]`, `pure_dephasing_rate[A: drive]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...forward_models import LIGHTS, PARAMETERS
from ..errors import ExperimentError, check_keys, violation
from ..files import read_toml
from .check import check_experiment
from .check_series import check_choice
from .days import DAY_FACTORS, require_days
from .experiment import Experiment, Known, Series
from .label import Label, Truth, by_label, joint_label, joint_run
from .light_power import ONLY_KNOWN

CALIBRATED_COUPLING = "calibrated_coupling"
"""How the series of what a calibration says of κ² are called."""
WAYS = ("shared", "separate", "population", "tied")
SEPARATE = (
    "optical_depth",
    "faraday_angle",
    "swap_rate",
    "extra_decay_rate",
    "bath_noise",
    "initial_n3",
    "initial_nh",
    "initial_excess_variance",
    "projection_noise_slope",
    "shot_noise_level",
)
"""What each experiment has for itself unless it is said otherwise; everything else is shared, and dΓ = d Γ."""
CLOCKS = ("common_time_offset",)
"""Which each experiment has for itself, too, where one has it at all."""
_NAMED = 6
"""Experiments that a title names."""


def joint(experiments: Mapping[str, Experiment], sharing: Mapping[str, str] | None = None) -> Experiment:
    """Several experiments as one, with a run (or several) for each of them.

    Parameters
    ----------
    experiments : name → experiment; the names become parts of labels (`optical_depth[A]`) and of names of series
    sharing : parameter → "shared" (one value), "separate" (one per member), "population" (a value per member, all from
        a log-normal population whose median and spread are free), or, for optical_depth, "tied" (d ∝ Θ with one
        factor). By default Z, Γ, Γcol, Γout_L, Γpump, Γdeph, η, c₂ are shared, d, n3(0), σ² and calibration errors
        separate, and dΓ = d Γ.

    κ² of a calibration that all of them use counts once, for the first of them.

    Raises
    ------
    ExperimentError : for an unknown parameter or way, names that labels cannot hold, contradictory prior knowledge, and
        a measurement that two of them contain
    """
    _check_names(experiments)
    clocks = [name for name in CLOCKS if any(one.knows(name) for one in experiments.values())]
    given = check_sharing(dict(sharing or {}))
    ways = dict.fromkeys((*SEPARATE, *clocks), "separate") | _ways_of_days(experiments, given) | given
    if given.get("collective_rate") == "shared" != ways["optical_depth"]:
        raise violation("sharing: collective_rate", "'shared'", 'optical_depth = "shared", too, since dΓ = d Γ')
    for of in ("drive_detuning", "drive_power"):
        if given.get(of) == "separate" and "radiative_rate" not in given:
            expected = 'a line for radiative_rate, which depends on it, too: "separate", or "shared" if Γ is the same'
            raise violation(f"sharing: {of}", "'separate'", expected)
    if ways["optical_depth"] == "tied":
        for name, experiment in experiments.items():
            if not experiment.knows("faraday_angle"):
                raise violation(f"{name}: apparatus", "no faraday_angle", "one, since optical_depth is tied to it")
    parts = {name: _renamed(name, experiment) for name, experiment in experiments.items()}
    runs = [run for part in parts.values() for run in part.runs]
    for run in runs:
        if runs.count(run) > 1:
            raise violation("joint fit: name", f"{run!r} for two runs", "names without the others' names and a dot")
    each = list(parts.values())
    own = {name for name, way in ways.items() if way != "shared"}
    whole = Experiment(
        title=f"joint: {', '.join(list(parts)[:_NAMED])}" + f" and {len(parts) - _NAMED} more" * (len(parts) > _NAMED),
        simulated=any(part.simulated for part in each),
        stages=tuple(stage for part in each for stage in part.stages),
        series=_each_once([series for part in each for series in part.series]),
        records=tuple(record for part in each for record in part.records),
        observations=tuple(observation for part in each for observation in part.observations),
        apparatus=_common(parts, ways),
        priors=_common_priors(parts, ways),
        run_depth={run: depth for part in each for run, depth in part.run_depth.items()},
        constant={run: constant for part in each for run, constant in part.constant.items()},
        truth=_truth(parts, ways),
        member={run: name for name, part in parts.items() for run in part.runs},
        sharing={name: way for name, way in ways.items() if way != "shared" or name in DAY_FACTORS},
        known_of={
            name: {known: part.apparatus[known] for known in part.apparatus if known in own} | _depth(part)
            for name, part in parts.items()
        },
        **_calibration(parts),
    )
    require_days(given, whole.series, "sharing", whole.member)
    return check_experiment(whole, "joint fit")


def _ways_of_days(experiments: Mapping[str, Experiment], given: Mapping[str, str]) -> dict[str, str]:
    """How days share what differs between them, as the members say it, where `given` does not."""
    found: dict[str, str] = {}
    for name in (name for name in DAY_FACTORS if name not in given):
        said = {
            member: one.sharing.get(name, "separate")
            for member, one in experiments.items()
            if any(s.day for s in one.series)
        }
        if len(set(said.values())) > 1:
            both = ", ".join(f"{way} in {member}" for member, way in said.items())
            raise violation(f"sharing: {name}", both, "the same in all, or sharing of the joint fit that says it")
        if set(said.values()) - {"separate"}:
            found[name] = next(iter(said.values()))
    return found


def _each_once(series: list[Series]) -> tuple[Series, ...]:
    """The series without copies of the κ² of the calibration that all members took: it was measured once."""
    kept: dict[tuple[Any, ...], Series] = {}
    for one in series:
        calibrated = one.name.rpartition(".")[2].startswith(CALIBRATED_COUPLING)
        numbers = (*one.x, *one.value, *one.spread, one.probe_duration)
        kept.setdefault((CALIBRATED_COUPLING, *numbers) if calibrated else (one.name, len(kept)), one)
    return tuple(kept.values())


def _check_names(experiments: Any) -> None:
    """Raise for what is no dictionary of several experiments, and for names that labels cannot hold."""
    if not isinstance(experiments, Mapping):
        raise violation("joint fit", type(experiments).__name__, "a dict name → experiment")
    if len(experiments) < 2:
        raise ExperimentError(f"joint fit: found {len(experiments)} experiment, expected several")
    for name in experiments:
        if not isinstance(name, str):
            raise violation("joint fit: name", repr(name), "a text")
        if not name.strip() or any(character in name for character in "/[]:\x00") or not name.isprintable():
            raise violation("joint fit: name", repr(name), "a name without '/', ':', '[' and ']'")
        if frozenset(name.split("+")) <= {*LIGHTS, "dark"}:
            raise violation("joint fit: name", repr(name), "a name that is no kind of stage")


def read_sharing(path: str | Path) -> dict[str, str]:
    """The table [sharing] of a TOML file: parameter = "shared" | "separate" | "population" | "tied", see `joint`.

    Raises ExperimentError for a file without this table, an unknown parameter, or another word.
    """
    file = Path(path)
    table = read_toml(file)
    check_keys(str(file), table, ("sharing",))
    rows = table.get("sharing")
    if not isinstance(rows, dict):
        raise violation(str(file), "no table [sharing]", 'one, with lines like optical_depth = "tied"')
    return check_sharing(rows, str(file))


def check_sharing(sharing: Mapping[str, Any], where: str = "sharing") -> dict[str, str]:
    """What is said of shared parameters, by their names; ExperimentError for unknown ones and for what cannot be."""
    found = by_label(sharing, where)
    for name, way in found.items():
        one, at = Label.parse(name).name, f"{where}: {name}"
        if one in PARAMETERS and PARAMETERS[one].per_series and one not in DAY_FACTORS:
            raise violation(at, "an error of one series", "a parameter of the experiment: it is not shared")
        check_choice(where, name, [n for n, row in PARAMETERS.items() if not row.per_series or n in DAY_FACTORS])
        if not isinstance(way, str):
            raise violation(at, way, f"one of {', '.join(WAYS)}")
        check_choice(at, way, WAYS)
        if way == "tied" and name != "optical_depth":
            raise violation(at, "'tied'", "shared, separate or population: only optical_depth is tied")
        if way == "population" and name in ONLY_KNOWN:
            raise violation(at, "'population'", "shared or separate: [apparatus] gives it, with a sigma; no fit does")
        if way == "population" and PARAMETERS[name].domain != "positive":
            raise violation(at, "'population'", "shared or separate: its logarithm has no population")
    return found


def _renamed(name: str, experiment: Experiment) -> Experiment:
    """The experiment with its name in the names of runs and series."""
    if experiment.members:
        raise violation(name, "a joint experiment", "a single one")
    runs = {run: joint_run(name, run) for run in experiment.runs}

    def moved(part: Any) -> Any:
        return replace(part, run=runs[part.run])

    return replace(
        experiment,
        stages=tuple(moved(stage) for stage in experiment.stages),
        series=tuple(
            replace(moved(s), name=f"{name}.{s.name}", day=s.day and f"{name}.{s.day}") for s in experiment.series
        ),
        records=tuple(replace(moved(r), name=f"{name}.{r.name}") for r in experiment.records),
        constant={runs[run]: constant for run, constant in experiment.constant.items()},
        observations=tuple(
            replace(moved(o), shared_scale=f"{name}.{o.shared_scale}" if o.shared_scale else "")
            for o in experiment.observations
        ),
        run_depth={runs[run]: depth for run, depth in experiment.run_depth.items()},
    )


def _depth(part: Experiment) -> dict[str, Known]:
    """What gives d: also where only the Faraday angle is known."""
    return {name: part.apparatus[name] for name in ("faraday_angle", "optical_depth") if name in part.apparatus}


def _common(parts: Mapping[str, Experiment], ways: Mapping[str, str]) -> dict[str, Known]:
    """What is known of shared parameters; different statements about one value must not stand side by side."""
    known: dict[str, tuple[str, Known]] = {}
    for member, part in parts.items():
        for name, entry in part.apparatus.items():
            if (of := _decides(parts, ways, name)) is None:
                continue
            other, first = known.setdefault(name, (member, entry))
            if first != entry:
                raise violation(
                    f"apparatus: {name}",
                    f"{first.value:g} ± {first.sigma:g} in {other}, {entry.value:g} ± {entry.sigma:g} in {member}",
                    f'one value, or {of} = "separate"',
                )
    return {name: entry for name, (_, entry) in known.items()}


def _decides(parts: Mapping[str, Experiment], ways: Mapping[str, str], name: str) -> str | None:
    """The shared parameter that the entry `name` of the apparatus gives; None where each member's own holds."""
    if ways.get(name, "shared") not in ("separate", "tied"):
        return name
    depth_stated = any("optical_depth" in part.apparatus for part in parts.values())
    if name == "faraday_angle" and not depth_stated and ways["optical_depth"] in ("shared", "population"):
        return "optical_depth"  # d = 4 Θ, of one value for all
    return None


def _calibration(parts: Mapping[str, Experiment]) -> dict[str, Any]:
    """The calibration that all members took as prior; it cannot hold for some of them only."""
    member, first = next(iter(parts.items()))
    for other, part in parts.items():
        same = part.calibrated == first.calibrated and part.correlated == first.correlated
        if not same or not np.array_equal(part.correlation, first.correlation):
            raise violation(
                f"{other}: calibration",
                f"not the one of {member} ({'none' if not part.calibrated or not first.calibrated else 'another'})",
                "the same for all, or the calibration runs as series",
            )
    return {name: getattr(first, name) for name in ("calibrated", "correlated", "correlation")}


def _truth(parts: Mapping[str, Experiment], ways: Mapping[str, str]) -> Truth | None:
    """The truth of simulated experiments, as far as the joint model has a parameter for it."""
    truths = {member: part.truth for member, part in parts.items()}
    closures = {truth.closure for truth in truths.values() if truth is not None}
    if None in truths.values() or len(closures) != 1:
        return None
    values: dict[str, set[float]] = {}
    for member, truth in truths.items():
        for label, value in truth.parameters.items() if truth is not None else ():
            own = ways.get(Label.parse(label).name, "shared") != "shared" or label == "collective_rate"
            values.setdefault(joint_label(label, member, own), set()).add(value)
    common = {label: found.pop() for label, found in values.items() if len(found) == 1}
    return Truth(common, closures.pop(), 0)


def _common_priors(parts: Mapping[str, Experiment], ways: Mapping[str, str]) -> dict[str, str]:
    """Priors of the joint model: those of single entries are the member's own, those by name hold for all."""
    priors: dict[str, str] = {}
    for member, part in parts.items():
        for label, text in part.priors.items():
            parsed = Label.parse(label)
            separate = ways.get(parsed.name, "shared") == "separate"
            name = joint_label(label, member, separate) if parsed.entry else label
            if priors.setdefault(name, text) != text:
                raise violation(f"prior: {name}", f"{priors[name]}, and {text} in {member}", "the same in all")
    return priors


def with_members(experiment: Experiment, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by label with those of each member of a population: median × e^{spread × z-score}.

    values : of the medians, spreads and z-scores (`population_score[NAME[MEMBER]]`); numbers, arrays or symbols
    """
    done = dict(values)
    if "population" not in experiment.sharing.values():
        return done
    for text, z_score in values.items():
        label = Label.parse(text)
        if label.name == "population_score":
            target = Label.parse(label.entry)
            common = str(Label(target.name, target.lights if target.member else ""))
            median = 1.0 if target.name in DAY_FACTORS else values[common]
            done[label.entry] = median * _exp(values[f"population_spread[{common}]"] * z_score)
    return done


def _exp(x: Any) -> Any:
    """Of numbers and of symbols."""
    return np.exp(x) if isinstance(x, (float, int, np.ndarray)) else x.exp()
