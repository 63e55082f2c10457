"""Which parameters the data of an experiment depend on: names and indices, before anything is known of them."""

from __future__ import annotations

from collections.abc import Sequence

from ...datasets import Experiment, Series
from ...datasets.experiment import DAY_FACTORS, POWER_OF, Label, known_by_power, other_days
from ...datasets.kinds import KINDS, Kind
from ...datasets.prediction import PROBE, moving_runs
from ...forward_models import LOSS_NOISE_SHARE, PARAMETERS
from .settings import ModelSettings

_OF_RECORDS = ("detection_efficiency", "shot_noise_level")


def prior_names(experiment: Experiment, settings: ModelSettings) -> set[str]:
    """Names of the parameters for which the experiment or the settings give priors."""
    return {Label.parse(key).name for key in (*settings.priors, *experiment.priors)}


Entry = tuple[str, str | None, str]
"""Name of a parameter, its index (None for a scalar), and the member of a joint experiment whose own it is ("")."""


def entries(experiment: Experiment, settings: ModelSettings) -> list[Entry]:
    """The parameters that the experiment's likelihood depends on; those of one name together."""
    found: dict[Entry, None] = {}
    for member in experiment.members or [""]:
        for name, lights in _of_member(experiment, settings, member):
            of = POWER_OF.get(name, "") if name in (*_UNSURE, "probe_weight") else ""
            how = experiment.sharing.get(name, experiment.sharing.get(of, "shared"))
            found |= dict.fromkeys(_shared(how, name, lights, member))
    for name, index, _ in calibrations(experiment):
        found[name, index, ""] = None
    for series in experiment.modelled:
        own = (*series.about.own_parameters(series), *series.noise_parameters, *series.free)
        found |= {(name, entry, ""): None for name, entry in own}
    for name, day in _of_days(experiment, {name for name, _, _ in found}):
        found |= dict.fromkeys(_shared(experiment.sharing.get(name, "separate"), name, None, day))
    order = list(dict.fromkeys(name for name, _, _ in found))
    return sorted(found, key=lambda entry: order.index(entry[0]))


def parameter_names(experiment: Experiment, settings: ModelSettings) -> set[str]:
    """Names of the parameters that the experiment's likelihood depends on."""
    return {name for name, _, _ in entries(experiment, settings)}


def _of_days(experiment: Experiment, names: set[str]) -> list[tuple[str, str]]:
    """Factors of days (name, day) that the data depend on, where the other parameters are those `names`."""
    found: dict[tuple[str, str], None] = {}
    others = other_days(experiment.series, experiment.member)
    for series in experiment.modelled:
        if series.day not in others:
            continue
        lit = any("drive" in stage.lights for stage in experiment.run_stages(series.run))
        follows = not series.about.calibration or series.pulse_time > 0
        depends = {
            "day_depth": series.about.shows_coupling and (lit or series.about.probed),
            "day_loss": follows and lit and series.run not in experiment.unmodelled,
        }
        found |= {(f, series.day): None for f, of in DAY_FACTORS.items() if depends[f] and names & {*of}}
    return sorted(found, key=lambda factor: list(DAY_FACTORS).index(factor[0]))


def _shared(how: str, name: str, lights: str | None, member: str) -> list[Entry]:
    """The entries that stand for a parameter of a member (or of a day), by the way in which members share it."""
    own = member if lights is None else f"{member}: {lights}"
    if how == "separate":
        return [(name, own, member)]
    if how == "shared" and name in DAY_FACTORS:
        return []
    if how == "population":
        label = name if lights is None else f"{name}[{lights}]"
        median = [] if name in DAY_FACTORS else [(name, lights, "")]  # of days it is 1
        return [*median, ("population_spread", label, ""), ("population_score", f"{name}[{own}]", member)]
    return [(name, lights, "")]


def _of_member(experiment: Experiment, settings: ModelSettings, member: str) -> list[tuple[str, str | None]]:
    """The parameters (name, kind of stage where it depends on that) that the data of a member depend on."""
    own = [run for run in experiment.runs if experiment.member.get(run, "") == member]
    constant = _of_constant_runs(experiment, own, member)
    runs = [run for run in own if run not in experiment.unmodelled]
    lights = fitted_lights(experiment, runs)
    if constant and not lights:
        return [*constant, *_common_time_offset(experiment, own, member)]
    found: list[tuple[str, str | None]] = []
    kinds = [s.about for s in experiment.modelled if s.run in runs]
    constants = {name for kind in kinds for name in kind.constants}
    on = {light for label in lights for light in label.split("+")}
    named, followed = prior_names(experiment, settings), set(runs) & {*moving_runs(experiment)}
    steady = {run for run in experiment.constant if fitted_lights(experiment, [run])}
    if settings.free_dephasing and not followed | set(runs) & steady:
        if "drive" in on:  # κ² depends on dΓ, Γ̃ and Z alone
            found += [_coupled_rates(experiment, member)[0], ("squeezing_limit", None)]
    else:
        if "drive" in on:
            found += [*_coupled_rates(experiment, member), ("squeezing_limit", None)]
        found += _of_levels(experiment, settings, runs, lights, member)
        unpumped = any("pump" not in label.split("+") for label in lights)
        if unpumped and ("pump_leak_rate" in named or _stated(experiment, "pump_leak_rate", member)):
            found.append(("pump_leak_rate", None))
    found += [("pump_rate", label) for label in lights if "pump" in label.split("+")]
    found += [("repump_rate", None)] if "repump" in on else []
    found += [("dephasing_rate" if settings.free_dephasing else "pure_dephasing_rate", label) for label in lights]
    moving = not set(runs) <= set(experiment.constant)
    found += [("initial_n3", None), ("initial_nh", None)] if moving else []
    optional = ("collisional_loss", "larmor_mismatch")[: 1 + ("drive" in on)] if settings.atoms == "three-state" else ()
    found += [(name, None) for name in optional if name in named or _stated(experiment, name, member)]
    found += [(name, None) for name in settings.dynamics.parameters if followed or name != LOSS_NOISE_SHARE]
    classical = _has_classical_noise(experiment, named, constants, member)
    if moving or classical:
        found.append(("classical_noise" if classical else "initial_excess_variance", None))
    if classical or "faraday_angle" in constants:
        found.append(("faraday_angle", None))
    found += _of_readout(experiment, [s for s in experiment.series if s.run in runs], kinds, member) + constant
    return found + _common_time_offset(experiment, own, member)


_UNEXPLAINED = ("excess_loss_rate", "radiative_ratio")
"""Of the sixteen-level model, where they are named."""
_UNSURE = {
    "temperature_offset": "",
    "drive_detuning_offset": "drive",
    "pump_impurity": "pump",
    "repump_impurity": "repump",
}
"""Likewise, and the light on which its tables depend."""
_OF_PROBE = {"polarization", "polarization_decay_time"}


def _of_levels(
    experiment: Experiment, settings: ModelSettings, runs: Sequence[str], lights: Sequence[str], member: str
) -> list[tuple[str, str | None]]:
    """What the populations depend on beyond dΓ, Γ, Z, Γpump and Γrepump, and w where P is measured."""
    if settings.atoms == "three-state":
        driven = any("drive" in label.split("+") for label in lights)
        return [*([("light_loss_rate", None)] if driven else []), ("collision_rate", None)]
    named = prior_names(experiment, settings)
    named |= {n for n in (*_UNEXPLAINED, *_UNSURE, "probe_weight") if _said(experiment, n, member, named)}
    found = _of_sixteen_levels(settings, lights, named)
    measured = {o.quantity for o in experiment.observations if o.run in runs and not o.excluded}
    measured |= {s.kind for s in experiment.modelled if s.run in runs}
    return [*found, ("probe_weight", None)] if "probe_weight" in named and measured & _OF_PROBE else found


def _said(experiment: Experiment, name: str, member: str, named: set[str]) -> bool:
    """Whether the apparatus gives a parameter, or a prior of it; an offset from what has a prior it does not give."""
    follows = POWER_OF.get(name) not in named and known_by_power(experiment, name, member) is not None
    return follows or _stated(experiment, name, member)


def _of_sixteen_levels(settings: ModelSettings, lights: Sequence[str], named: set[str]) -> list[tuple[str, str | None]]:
    """R has a value per kind of stage, unless something else explains that the light makes atoms decay faster."""
    driven = any("drive" in label.split("+") for label in lights)
    unexplained = [name for name in _UNEXPLAINED if name in named and driven]
    found: list[tuple[str, str | None]] = [(name, None) for name in unexplained]
    if settings.collisions == "uniform":
        found.append(("collision_rate", None))
    else:
        found += [("electron_collision_rate", label) for label in ([None] if unexplained else lights)]
    found += [("temperature", None), *([("drive_detuning", None)] if driven else [])]
    on = {"", *(light for label in lights for light in label.split("+"))}
    return found + [(name, None) for name, light in _UNSURE.items() if name in named and light in on]


def _has_classical_noise(experiment: Experiment, named: set[str], constants: set[str], member: str) -> bool:
    """Whether the state at the start has c₂Θ, not C₀; `constants` of the member's series, `named`: has a prior."""
    classical = "classical_noise" in constants or _stated(experiment, "classical_noise", member)
    classical = classical or ("classical_noise" in named and experiment.knows("faraday_angle", member))
    if experiment.members and "classical_noise" not in experiment.sharing:  # what one member measures holds for all
        measured = classical or any("classical_noise" in s.about.constants for s in experiment.modelled)
        classical = measured and experiment.knows("faraday_angle", member)
    return classical


def _common_time_offset(experiment: Experiment, runs: Sequence[str], member: str) -> list[tuple[str, str | None]]:
    """The parameter by which the times of all series of a member may be off, where the apparatus has one."""
    timed = any(s.run in runs and s.about.shifts_in_time for s in experiment.modelled)
    return [("common_time_offset", None)] if timed and experiment.knows("common_time_offset", member) else []


def _of_readout(
    experiment: Experiment, series: Sequence[Series], kinds: Sequence[Kind], member: str
) -> list[tuple[str, str | None]]:
    """Constants of the readout and of calibration runs; `kinds` of the series that are modelled."""
    found = set(_constants(experiment, [kind for kind in kinds if "moving" in kind.populations], member))
    if any(not s.efficiency_in_scale for s in series):
        found.add("detection_efficiency")
    if any(s.slope_used for s in series):
        found.add("projection_noise_slope")
    return [(name, None) for name in PARAMETERS if name in found - {"classical_noise", "faraday_angle"}]


def _constants(experiment: Experiment, kinds: Sequence[Kind], member: str) -> list[str]:
    """Those that some kinds of series depend on."""
    always = [name for kind in kinds for name in kind.constants]
    return always + [name for kind in kinds for name in kind.if_known if _stated(experiment, name, member)]


def _of_constant_runs(experiment: Experiment, runs: Sequence[str], member: str) -> list[tuple[str, str | None]]:
    """What data in runs with constant rates depend on beyond the rates of moving populations."""
    found: list[tuple[str, str | None]] = []
    series = [s for s in experiment.modelled if s.run in runs and not s.about.calibration]
    records = [r for r in experiment.records if r.run in runs]
    observed = [o for o in experiment.observations if o.run in runs and not o.excluded]
    measured = {s.run for s in series} | {r.run for r in records} | {o.run for o in observed}
    fitted = measured & set(experiment.constant)
    lights = list(dict.fromkeys(s.label for s in experiment.stages if s.run in fitted & set(experiment.unmodelled)))
    found += [(name, label) for name in ("swap_rate", "extra_decay_rate", "bath_noise") for label in lights]
    if lights:
        found.append(("squeezing_limit", None))
    quantities = {o.quantity for o in observed if o.run in fitted}
    kinds = [s.about for s in series if s.run in fitted] + [KINDS[name] for name in quantities if name in KINDS]
    constants = {*_constants(experiment, kinds, member), *(_OF_RECORDS if records else ())}
    if "optimal_mode_rate" in quantities:
        constants.add("detection_efficiency")
    found += [(name, None) for name in PARAMETERS if name in constants]
    unknown = [run for run in runs if run in fitted and experiment.constant[run].begins == "unknown"]
    needed = {s.run for s in series if s.about.shows_xi} | {r.run for r in records}
    needed |= {o.run for o in observed if o.quantity in KINDS and KINDS[o.quantity].shows_xi}
    return found + [("initial_xi", run) for run in unknown if run in needed]


def _stated(experiment: Experiment, name: str, member: str) -> bool:
    """Whether the apparatus or a calibration says something of a parameter."""
    return experiment.knows(name, member) or name in experiment.calibrated


def _coupled_rates(experiment: Experiment, member: str) -> list[tuple[str, str | None]]:
    """Two of dΓ, Γ and d, from which the third follows; d by the Faraday angle where it is tied to that."""
    has_depth = any(experiment.knows(name, member) for name in ("optical_depth", "faraday_angle"))
    depth = [("optical_depth", None)]
    if experiment.sharing.get("optical_depth") == "tied":
        depth = [("depth_per_degree", None), ("faraday_angle", None)]
    if experiment.members and "collective_rate" not in experiment.sharing:
        return [("radiative_rate", None), *depth]
    return [("collective_rate", None), *(depth if has_depth else [("radiative_rate", None)])]


def fitted_lights(experiment: Experiment, among: Sequence[str] | None = None) -> list[str]:
    """Labels of the kinds of stage in runs (of `among`) that are measured and fitted, and of the probe."""
    series = experiment.modelled
    runs = {s.run for s in series if not s.about.calibration or s.pulse_time}
    runs |= {observation.run for observation in experiment.observations if not observation.excluded}
    runs |= {record.run for record in experiment.records}
    runs -= set(experiment.unmodelled)
    probed = [s for s in series if s.about.probed]
    if not runs and not series and not experiment.records:  # nothing is measured yet
        runs = set(experiment.runs) - set(experiment.unmodelled)
    if among is not None:
        runs &= set(among)
        probed = [s for s in probed if s.run in among]
    labels = [stage.label for stage in experiment.stages if stage.run in runs]
    return list(dict.fromkeys([*labels, *([PROBE] if probed else [])]))


def calibrations(experiment: Experiment) -> list[tuple[str, str, float]]:
    """(scale, offset or another error, of which series or group of observations, its standard deviation)."""
    rows = []
    for series in experiment.series:
        rows += [(name, series.name, size) for name, size in series.errors.items()]
    for observation in experiment.observations:
        row = ("scale", observation.shared_scale or observation.label, observation.scale_uncertainty)
        if observation.scale_uncertainty and not observation.excluded and row not in rows:
            rows.append(row)
    return rows
