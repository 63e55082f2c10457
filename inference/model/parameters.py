"""Which parameters an experiment has, with which prior: free ones, fixed ones, one entry each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...datasets import Experiment, ExperimentError
from ...datasets.errors import Faults, nearest
from ...datasets.experiment import POWER_OF, SERIES_ERRORS, Label, known_by_power, known_depth
from ...datasets.formats import left_out
from ...datasets.prediction import find
from ...forward_models import PARAMETERS, InvalidValue
from ...forward_models.sixteen_level import DRIVE_DETUNING, drive, reach
from .defaults import DEFAULTS, GIVEN_BY, OF_SIXTEEN_LEVELS
from .needed import calibrations, entries, prior_names
from .priors import Prior, PriorError, known_prior, parse_prior, read_priors
from .settings import ModelSettings

_SCORES = ("population_score", "discrepancy")
"""Standard normal by definition."""
OF_TABLES = ("drive_detuning", "temperature")
"""What rate tables of the sixteen levels are computed from: known, not inferred."""
_MOST = 0.975
"""Quantile of the prior of an offset from them that must lie where tables are interpolated."""
_NEARLY_CERTAIN = 1 - 1e-6
_SHOWN_BY = {"shot_noise_level": "shot_noise", "projection_noise_slope": "projection_noise"}
"""Constants that have the unit of the measurement, and the kind of series that shows them by itself."""
_UNIT_STEP = float(np.log(4) / 0.3)
"""Standard deviations between the medians that their default priors may have."""
_GUESSED = 0.5
"""sd of the logarithm from which a prior that somebody gave says no more than a default one."""


@dataclass(frozen=True)
class ModelParameter:
    """One scalar parameter of a model, and its prior on natural units.

    name : as in the table of parameters
    index : which of those of this name: a kind of stage, a series, a member of a joint experiment; None for a scalar
    guessed : whether the prior is a guess: the package's default where neither laboratory nor user say anything, or
        one given in its place that is as wide (log-normal, sd of the logarithm from 0.5 on)
    """

    name: str
    index: str | None
    prior: Prior
    guessed: bool = False

    @property
    def label(self) -> str:
        """`collective_rate`, `dephasing_rate[drive]`."""
        return str(Label(self.name, self.index or ""))


def parameters_of(experiment: Experiment, settings: ModelSettings) -> list[ModelParameter]:
    """All parameters of the model, those with a fixed value included.

    A parameter that nothing in the experiment depends on (Γpump without pump light, dΓ without the drive) is
    not among them. Raises PriorError for priors that cannot be read, of unknown parameters, or of unused ones.
    """
    _check_constant_runs(experiment, settings)
    _check_sixteen_levels(experiment, settings)
    faults = Faults()
    own = read_priors(experiment.priors, "experiment: prior", faults)
    asked = read_priors(settings.priors, faults=faults)
    given = own | asked
    calibrated = read_priors(experiment.calibrated, "calibration: prior")
    stated = {(name, of): sigma for name, of, sigma in reversed(calibrations(experiment))}
    used: set[str] = set()
    result, found, without_prior = [], entries(experiment, settings), experiment.free
    names = {name for name, *_ in found}
    for name, index, member in found:
        label = str(Label(name, index or ""))
        prior = given.get(label, given.get(name))
        guessed = prior is not None and prior.form == "lognormal" and prior.numbers[1] >= _GUESSED
        if prior is not None:
            used |= {label, name}
        else:
            prior = calibrated.get(label, calibrated.get(name))
            if prior is None and (sigma := stated.get((name, index or ""))) is not None:
                prior = known_prior(name, SERIES_ERRORS[name], sigma)
            prior = prior or _known(experiment, name, member, _settled(experiment, settings, given, names, member))
        if prior is None:
            free = (name, index) in without_prior
            prior = _of_free(experiment, name, index) if free else _default(experiment, settings, name, index, member)
            guessed = name not in _SCORES and not free
        prior = _exact(prior, name, stated=not {label, name} & given.keys()) if name in OF_TABLES else prior
        result.append(ModelParameter(name, index, prior, guessed))
    labels = [unknown.label for unknown in result]
    for key in asked if left_out(experiment) else given:  # what is measured later may have the others
        with faults:
            if key not in used:
                why = _why(key, labels)
                raise PriorError(f"prior {key}: this experiment has no such parameter{why}; it has {', '.join(labels)}")
    faults.settle()
    _check_together(result)
    priors = {unknown.label: unknown.prior for unknown in result}
    for member in experiment.members or [""]:
        _check_offsets(priors, member)
    return result


def _why(key: str, labels: list[str]) -> str:
    """Why an experiment with these parameters has no such one, and what gives it; else the nearest one."""
    name = Label.parse(key).name
    entries = [label for label in labels if Label.parse(label).name == name]
    if entries:
        return f" ({PARAMETERS[name].symbol} is that of {' or '.join(entries)})"
    if name in SERIES_ERRORS:
        return f" (a line {name}_uncertainty = … in its [[series]] gives it)"
    if name in ("collective_rate", "optical_depth", "radiative_rate"):
        return " (dΓ = d Γ: the third follows from the other two)"
    return f" ({GIVEN_BY[name]})" if name in GIVEN_BY else nearest(key, labels)


def _check_constant_runs(experiment: Experiment, settings: ModelSettings) -> None:
    """Raise for what a run with constant rates has no place for."""
    if not experiment.constant:
        return
    where = f"run {next(iter(experiment.constant))!r} with constant rates"
    if settings.forward_model:
        raise ExperimentError(f"{where}: found the forward model {settings.forward_model!r}, expected none of your own")
    if "larmor_mismatch" in prior_names(experiment, settings) or experiment.knows("larmor_mismatch"):
        raise ExperimentError(f"{where}: found larmor_mismatch, expected none: its model has equal Larmor frequencies")


def _check_sixteen_levels(experiment: Experiment, settings: ModelSettings) -> None:
    """Raise for what the sixteen-level model does not have."""
    if settings.atoms == "three-state":
        return
    steady = [run for run, about in experiment.constant.items() if about.populations == "steady"]
    if steady:
        raise ExperimentError(
            f"model sixteen-level: found run {steady[0]!r} in the steady state of its populations, expected moving ones"
        )
    if settings.transverse_spin != "integrated":
        raise ExperimentError(f"model sixteen-level: found Jy {settings.transverse_spin}, expected integrated")


def _check_together(parameters: list[ModelParameter]) -> None:
    """Raise PriorError for what single priors cannot show."""
    free = [u for u in parameters if not u.prior.fixed]
    if not free:
        raise PriorError("all parameters are fixed; expected at least one unknown")
    for name in dict.fromkeys(u.name for u in free):
        forms = sorted({u.prior.form for u in free if u.name == name})
        if len(forms) > 1:
            raise PriorError(f"priors of {name}: found {' and '.join(forms)}, expected one form for all its entries")

    def ends(name: str, probability: float) -> list[float]:
        return [float(u.prior.quantile(probability)) for u in parameters if u.name == name] or [0.0]

    populations = sum(max(ends(name, _NEARLY_CERTAIN)) for name in ("initial_n3", "initial_nh"))
    if populations > 1:
        raise PriorError(
            f"priors of initial_n3 and initial_nh: found a sum up to {populations:.3g}, expected at most 1"
        )
    excess = min(ends("initial_excess_variance", 1 - _NEARLY_CERTAIN))
    if excess < -0.9:
        raise PriorError(f"prior of initial_excess_variance: found values down to {excess:.3g}, expected above -0.9")
    classical = min(ends("classical_noise", 1 - _NEARLY_CERTAIN)) * max(ends("faraday_angle", _NEARLY_CERTAIN))
    if classical < -0.9:
        raise PriorError(
            f"prior of classical_noise: found c₂Θ down to {classical:.3g}, expected above -0.9: a narrower prior"
        )


def unused_knowledge(experiment: Experiment, parameters: list[ModelParameter]) -> list[str]:
    """What the apparatus table says and no parameter of the model uses."""
    used, members = {u.name for u in parameters}, experiment.members or [""]
    if "optical_depth" in used and not all(experiment.knows("optical_depth", m) for m in members):
        used.add("faraday_angle")
    by_power = [(u.name, u.index if u.index in members else "") for u in parameters if u.name in POWER_OF]
    powers = {POWER_OF[name] for name, member in by_power if known_by_power(experiment, name, member or "")}
    used |= powers
    if powers & {"drive_power", "probe_power"}:
        used |= {"cell_area", "drive_detuning", "temperature"}
    known = [*experiment.apparatus, *(name for names in experiment.known_of.values() for name in names)]
    return [name for name in dict.fromkeys(known) if name not in used]


def _settled(
    experiment: Experiment, settings: ModelSettings, given: Mapping[str, Prior], names: set[str], member: str
) -> dict[str, float]:
    """Temperature and detuning of sixteen levels that a prior gives, or whose error an offset has: it counts once."""
    found = {}
    for name in OF_TABLES if settings.atoms == "sixteen-level" else ():
        if (prior := find(given, name, member)) is not None:
            found[name] = prior.numbers[0]
        elif f"{name}_offset" in names and experiment.knows(name, member):
            found[name] = experiment.known(name, member).value
    return found


def _check_offsets(priors: Mapping[str, Prior], member: str) -> None:
    """Raise PriorError for offsets from what rate tables are computed from that go beyond those tables."""
    at = [find(priors, name, member) for name in OF_TABLES]
    offsets = [find(priors, f"{name}_offset", member) for name in OF_TABLES]
    unsure = [k for k, offset in enumerate(offsets) if offset is not None]
    if at[1] is None or not unsure:
        return
    settings = (at[0].numbers[0] if at[0] is not None else DRIVE_DETUNING, at[1].numbers[0])
    try:
        drive(*settings)
    except InvalidValue as error:
        raise PriorError(f"apparatus: {error}") from error
    for k in unsure:
        farthest = float(max(-offsets[k].quantile(1 - _MOST), offsets[k].quantile(_MOST)))
        if farthest > (size := reach(settings, unsure)[k]):
            name, unit = OF_TABLES[k], PARAMETERS[OF_TABLES[k]].unit
            raise PriorError(
                f"prior of {name}_offset: found {offsets[k]}, 95 % of it up to {farthest:.3g} {unit} from"
                f" {settings[k]:g} {unit}, expected up to {size:.3g} {unit}, where rate tables are interpolated: a"
                f" smaller sigma of {name} in [apparatus], or a narrower prior"
            )


def _known(experiment: Experiment, name: str, member: str, settled: Mapping[str, float]) -> Prior | None:
    """The prior from what the apparatus is said to be; None where nothing is said of a parameter."""
    known = known_depth(experiment, member) if name == "optical_depth" else None
    if known is None and experiment.knows(name, member):
        known = experiment.known(name, member)
    if known is not None:
        return known_prior(name, known.value, known.sigma)
    return _by_power(experiment, name, member, settled)


def _by_power(experiment: Experiment, name: str, member: str, settled: Mapping[str, float]) -> Prior | None:
    """The prior that follows from the power of a light, or another entry; None where it does not."""
    known = known_by_power(experiment, name, member, settled)
    if known is None:
        return None
    if name in ("radiative_rate", "collective_rate"):
        return parse_prior(name, f"lognormal({known[0]!r}, {known[1] / known[0]!r})")
    if name == "quadratic_zeeman" and known[0] < 2 * known[1]:
        found = f"ν₂ = {1000 * known[0]:.1f} ± {1000 * known[1]:.1f} Hz in the light shift of this probe"
        raise PriorError(f"apparatus: probe_power: found {found}, expected a weaker probe, or quadratic_zeeman itself")
    return known_prior(name, *known)


def _exact(prior: Prior, name: str, *, stated: bool) -> Prior:
    """What rate tables are computed from: a value, that of a normal prior if the apparatus states it."""
    if prior.form != "fixed" and not (stated and prior.form == "normal"):
        value, error = (f"{x:g}" for x in prior.numbers) if prior.form == "normal" else ("…", "…")
        expected = f"fixed({value}); its error is a sigma in [apparatus], or {name}_offset = normal(0, {error})"
        raise PriorError(f"prior of {name}: found {prior}, expected {expected}")
    return replace(prior, form="fixed", numbers=prior.numbers[:1])


def _default(experiment: Experiment, settings: ModelSettings, name: str, index: str | None, member: str) -> Prior:
    """The default prior, of constants with the unit of the measurement about a value in the unit of the data.

    Its median is multiplied by whole powers of four (for a sd of the logarithm of 0.3; of 4¹⁰ for 3), until what the
    calibration run itself shows lies within 2.4 standard deviations. So nobody need know the prior's unit, and it stays
    as wide, and as it was for data in shot-noise units.
    """
    text = DEFAULTS[name]
    if settings.atoms == "sixteen-level":
        lit = "drive" in Label(name, index or "").lights.split("+")
        text = OF_SIXTEEN_LEVELS.get(name if lit else f"{name}[dark]", OF_SIXTEEN_LEVELS.get(name, text))
    prior = parse_prior(name, text)
    kind = _SHOWN_BY.get(name)
    runs = [s for s in experiment.series if s.kind == kind and s.fitted.any()] if kind else []
    of_member = [s for s in runs if not member or experiment.member.get(s.run, "") == member]
    if not of_member or prior.form != "lognormal":
        return prior
    per = [s.value / s.x if name == "projection_noise_slope" else s.value for s in of_member]
    shown = float(np.median(np.concatenate([v[s.fitted] for v, s in zip(per, of_member, strict=True)])))
    if not 0 < shown < np.inf:
        return prior
    median, sd = prior.numbers
    steps = round(np.log(shown / median) / (_UNIT_STEP * sd))
    return replace(prior, numbers=(float(median * np.exp(steps * _UNIT_STEP * sd)), sd)) if steps else prior


def _of_free(experiment: Experiment, name: str, index: str | None) -> Prior:
    """The default prior of a free amplitude or offset, in units of the power of ten next to the largest value.

    Flat for all that the data can tell: its width is a factor of 20 of the amplitude, ten times the values of the
    offset. It is a proper one, so that evidences are defined, and of the same volume whatever the unit.
    """
    series = next(s for s in experiment.series if s.name == index)
    largest = float(np.max(np.abs(series.value[series.modelled])))
    unit = 10.0 ** round(np.log10(largest)) if largest else 1.0
    prior = parse_prior(name, DEFAULTS[name])
    centre, width = prior.numbers
    return replace(prior, numbers=(unit * centre, width) if name == "amplitude" else (centre, unit * width))


def require_data(experiment: Experiment, source: str) -> None:
    """Raise ExperimentError where there is nothing to fit."""
    fitted = any(part.fitted.any() for part in experiment.parts)
    if not fitted and all(o.excluded for o in experiment.observations):
        expected = 'a [[series]] with lines like kind = "xi" and file = "xi.csv", or an [[observation]]'
        raise ExperimentError(f"{source}: found no data to fit, expected {expected}")
