"""The problem of inference: an experiment and the settings of its model, and all that follows from the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets import Experiment, ExperimentError, joint, read, read_sharing
from ...datasets.errors import Faults, in_python
from ...datasets.experiment import DAY_FACTORS, RATES, check_experiment, check_sharing, require_days, with_members
from ...datasets.prediction import find
from ...forward_models import Closure, Dynamics, InvalidValue
from .fingerprint import fingerprint, measured, without_errors
from .parameters import ModelParameter, parameters_of, unused_knowledge
from .priors import Correlated, read_priors
from .rivals import rival
from .settings import ModelSettings
from .variables import Variable, variables_of

_SHORTEST, _LONGEST, _EVENTS = 0.02, 2000.0, 3.0
"""Times the fastest rate, by the prior medians: beyond these the times, or the rates, have another unit; likely."""
SIXTEEN_LEVELS = "sixteen-level"
"""The rival model that can use more of an apparatus than the others."""


@dataclass(frozen=True)
class Problem:
    """An experiment and the settings of its model; what follows from them is worked out once, when it is asked for.

    experiment : a checked one;  settings : closure, priors, …

    Whatever needs the parameters raises PriorError for priors that cannot be read, or that are of parameters which the
    experiment does not have, and ExperimentError for what a run with constant rates has no place for.
    """

    experiment: Experiment
    settings: ModelSettings = field(default_factory=ModelSettings)

    @cached_property
    def parameters(self) -> list[ModelParameter]:
        """All parameters that the data depend on, fixed ones included, those of one name together."""
        return parameters_of(self.experiment, self.settings)

    @cached_property
    def free(self) -> list[ModelParameter]:
        """The parameters to be inferred, in the order of `parameters`."""
        return [p for p in self.parameters if not p.prior.fixed]

    @cached_property
    def fixed(self) -> dict[str, float]:
        """Values of the fixed parameters by label, in the parameters' units."""
        return {p.label: p.prior.numbers[0] for p in self.parameters if p.prior.fixed}

    @cached_property
    def variables(self) -> list[Variable]:
        """The variables of the PyMC model: the free parameters first, then the rates that follow from them."""
        return variables_of(self.experiment, self.parameters)

    @cached_property
    def dynamics(self) -> Dynamics:
        """How rates become observables."""
        return self.settings.dynamics

    @cached_property
    def correlated(self) -> Correlated | None:
        """The priors that a calibration made correlated; None where there are fewer than two.

        Parameters whose prior was replaced, or is no plain normal or log-normal one, are not among them.
        """
        given, known = self.settings.priors, self.experiment.correlated
        priors = {p.label: p.prior for p in self.free if p.label not in given and p.name not in given}
        keep = [k for k, label in enumerate(known) if label in priors and priors[label].plain]
        if len(keep) < 2:
            return None
        labels, matrix = tuple(known[k] for k in keep), self.experiment.correlation[np.ix_(keep, keep)]
        return Correlated(labels, tuple(priors[label] for label in labels), matrix)

    @cached_property
    def form(self) -> str:
        """Equal for problems that differ in measured values, their errors and texts only: one model serves them all.

        Everything else counts, also what this does not know of: times, stages, apparatus, priors, noise, …
        Default priors of constants with the unit of the measurement have that of the values.
        """
        form = without_errors(self.experiment)
        return fingerprint(form, replace(self.settings, name=""), [p.prior for p in self.parameters])

    @cached_property
    def measured(self) -> Problem:
        """The same without calibration runs and light variances of which nothing is fitted."""
        experiment = measured(self.experiment)
        return self if experiment is self.experiment else replace(self, experiment=experiment)

    def at_resolution(self, resolution: float) -> Problem:
        """The same on an integration grid that resolves rates of `resolution` × the upper quartiles of the priors."""
        if resolution == self.settings.resolution:
            return self
        return replace(self, settings=replace(self.settings, resolution=resolution))

    def complete(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by label with those of the fixed parameters and of the members of populations; of any shape."""
        return with_members(self.experiment, self.fixed | dict(values))

    def by_label(self, arrays: Mapping[str, Any], *, derived: bool = True) -> dict[str, Any]:
        """Arrays by variable, (…) or (…, entries), as arrays by label, (…); the rates that follow only if `derived`."""
        found: dict[str, Any] = {}
        for variable in self.variables:
            if variable.name in arrays and (derived or not variable.formulas):
                found |= variable.entries(arrays[variable.name])
        return found

    def check(self) -> Problem:
        """Itself. Raises PriorError or ExperimentError where parameters and priors do not go together."""
        _ = self.parameters
        return self

    def __reduce__(self) -> tuple[Callable[..., Problem], tuple[Any, ...]]:
        """To other processes goes what it is made of; what follows they work out themselves."""
        return Problem, (self.experiment, self.settings)


def pose(
    source: Any,
    sharing: Mapping[str, str] | str | Path | None = None,
    closure: Closure = "open",
    free_dephasing: bool = False,
    priors: Mapping[str, str] | None = None,
    model: str | None = None,
) -> Problem:
    """The problem that the arguments of `fit` and `build_model` stand for.

    source, sharing : one experiment or several, see `experiment_of`
    closure, free_dephasing, priors : see `ModelSettings`
    model : names of rival models, joined by +, which change experiment and settings; None: none

    Raises
    ------
    ExperimentError, PriorError : for what cannot be read, and for a rival model that cannot be applied
    """
    experiment, settings = experiment_of(source, sharing), ModelSettings(closure, free_dephasing, dict(priors or {}))
    return Problem(*(rival(experiment, settings, model) if model else (experiment, settings)))


def unused_entries(problem: Problem) -> dict[str, str]:
    """What the apparatus says and the model does not use, and the name of the rival model that would use it, or ""."""
    unused = unused_knowledge(problem.experiment, problem.parameters)
    try:
        other = Problem(*rival(problem.experiment, problem.settings, SIXTEEN_LEVELS)) if unused else problem
        others = unused_knowledge(other.experiment, other.parameters)
    except (ExperimentError, InvalidValue):  # what this model has no place for
        others = unused
    return {name: "" if name in others else SIXTEEN_LEVELS for name in unused}


def require_time_scale(problem: Problem) -> None:
    """Raise ExperimentError where times and rates cannot belong together: seconds read as ms take minutes to fit.

    That is where, by the priors, nothing happens in any series, or in all everything is over at once.
    A wrong unit hits all series; one of them alone may well be short or long.
    """
    experiment, found = problem.experiment, []
    medians = {u.label: float(u.prior.quantile(0.5)) for u in problem.parameters}
    for series in experiment.series:
        if series.about.abscissa == "time" and series.run not in experiment.constant and series.fitted.any():
            rates = _rates(experiment, medians, series.run)
            rate, last = max(rates.values(), default=0.0), float(series.x[series.fitted].max())
            found.append((last * rate, series.name, last, rates))
    if not found or not max(found)[0]:
        return
    short, long = max(found), min(found)
    names = ", ".join(name for _, name, *_ in found)
    if short[0] < _SHORTEST:
        raise _refused(names, short, "nothing could have happened", 's (time_unit = "s" in its [[series]])')
    if long[0] > _LONGEST:
        raise _refused(
            names,
            long,
            "everything would have been over long before",
            'µs (time_unit = "us" in its [[series]]), or ms that were called s',
        )


def _rates(experiment: Experiment, medians: Mapping[str, float], run: str) -> dict[str, float]:
    """Prior medians of the rates of the last stage of a run, by label: another one may be fast and over.

    medians : of all parameters, by label
    """
    lights, member = experiment.run_stages(run)[-1].label, experiment.member.get(run, "")
    found = {name: find(medians, name, member, of) for of in ("", lights) for name in sorted(RATES)}
    return {name: rate for name, rate in found.items() if rate is not None}


def _refused(
    names: str, found: tuple[float, str, float, dict[str, float]], happened: str, unit: str
) -> ExperimentError:
    """With the lines that say that the times are right: of all rates that are too fast, or of the fastest.

    names : of the series concerned;  found : of the one that is least so
    """
    _, series, last, rates = found
    label, fastest = max(rates.items(), key=lambda item: item[1])
    beyond = [name for name, rate in rates.items() if rate * last > _LONGEST] or [label]
    keys = [name if name.isidentifier() else f'"{name}"' for name in beyond]
    lines = " ".join(f'{name} = "lognormal({_EVENTS / last:.2g}, 1)"' for name in keys)
    others = f" (that of {series})" if names != series else ""
    return ExperimentError(
        f"series {names}: the last point{others} is at {last:g} ms, but the fastest rate, {label}, is expected to be"
        f" {fastest:g} 1/ms: {happened}. Are its times in {unit}? If they are right, give the rates priors of that"
        f" size (median in 1/ms), in the table [prior] of experiment.toml: {lines}"
    )


def experiment_of(source: Any, sharing: Mapping[str, str] | str | Path | None = None) -> Experiment:
    """The checked experiment behind `source`.

    source : a bundled name, a folder, a file, a DataTree, an Experiment; or several of them for a joint fit: a list,
        where files give the names, or a dict name → experiment
    sharing : for a joint fit, see `datasets.joint`: parameter → way, or a TOML file with them

    Raises ExperimentError for what cannot be read, and for `sharing` where there is nothing to share.
    """
    if isinstance(source, (list, tuple)) and len(source) == 1:
        source = source[0]
    several = _by_name(source)
    ways = read_sharing(sharing) if isinstance(sharing, (str, Path)) else sharing
    if several is None:
        one = _checked(source) if isinstance(source, Experiment) else read_checked(source)
        return _with_sharing(one, check_sharing(ways)) if ways else one
    faults, found = Faults(), {}
    for name, one in several.items():
        with faults:
            found[name] = _checked(one) if isinstance(one, Experiment) else read_checked(one)
    faults.settle()
    return joint(found, ways)


def read_checked(source: Any, *, template: str | Path | None = None) -> Experiment:
    """What `datasets.read` reads; what is wrong with the priors of an experiment.toml is said with the rest."""
    return read(source, template=template, check_priors=read_priors)


def _checked(made: Experiment) -> Experiment:
    """One made in Python, like one of a folder; one that is planned has no values yet."""
    planned = any(np.isnan(series.value).all() for series in made.series)
    return made if planned else check_experiment(made)


def words_for(source: Any) -> AbstractContextManager[None]:
    """A block whose errors say in Python what to write where `source`, or a part of it, was made there."""
    parts = source.values() if isinstance(source, dict) else source if isinstance(source, (list, tuple)) else [source]
    return in_python() if any(isinstance(part, Experiment) for part in parts) else nullcontext()


def _with_sharing(one: Experiment, ways: Mapping[str, str]) -> Experiment:
    """A single experiment, whose days share parameters."""
    for name in ways:
        if name not in DAY_FACTORS:
            raise ExperimentError(f"sharing: found one experiment, expected several that share {name}")
    require_days(ways, one.series, "sharing")
    return check_experiment(replace(one, sharing=one.sharing | dict(ways)))


def _by_name(source: Any) -> dict[str, Any] | None:
    """Several experiments by name; None where there is one."""
    if isinstance(source, Mapping) and not hasattr(source, "attrs"):  # a DataTree is a mapping too
        return dict(source)
    if not isinstance(source, Sequence) or isinstance(source, str):
        return None
    names = [name_of(one) or f"experiment {k}" for k, one in enumerate(source, 1)]
    for name in names:
        if names.count(name) > 1:
            raise ExperimentError(
                f"joint fit: found {name!r} twice, expected different names (a dict name → experiment)"
            )
    return dict(zip(names, source, strict=True))


def name_of(source: Any) -> str:
    """The name of a bundled experiment, a folder or a file; '' for what has none."""
    if not isinstance(source, (str, Path)):
        return ""
    path = Path(source)
    if path.name == "experiment.toml":
        path = path.absolute().parent
    return path.stem if path.suffix == ".nc" else path.absolute().name
