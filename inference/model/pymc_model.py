"""The PyMC model of an experiment: the definition of the posterior that everything else follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Experiment, ExperimentError
from ...datasets.prediction import (
    NUMBERS,
    ONE,
    Values,
    expected,
    find,
    fitted_data,
    fitted_observations,
    members_of,
    moving_runs,
    on_day,
    stages_of,
)
from ...forward_models import Closure, RateBounds, bounds_of
from ...forward_models.light import SUMS
from .fingerprint import fingerprint, without_errors
from .likelihood import add_likelihood, add_record
from .priors import vector_variable
from .problem import Problem, pose, words_for
from .variables import Variable

if TYPE_CHECKING:
    import pymc

ACCURACY = 1e-6
"""Quadrature error allowed at the upper quartile of the priors; the fit checks that of its draws."""
_BOUND_QUANTILE, _FARTHEST_QUANTILE = 0.75, 0.99
_FINE, _SAME = 1e-9, 1e-3


def build_model(
    experiment: Any,
    *,
    sharing: Mapping[str, str] | str | Path | None = None,
    closure: Closure = "open",
    free_dephasing: bool = False,
    priors: Mapping[str, str] | None = None,
    model: str | None = None,
) -> pymc.Model:
    """A plain `pymc.Model` of the experiment.

    Free variables are the parameters on natural units (rates in ms⁻¹); dims `lights` (kinds of stage), `PARAMETER_of`
    (series, members of a joint fit), `observation`, and for each series `NAME_time` (or `_delay`, `_faraday_angle`,
    `_number`). Derived rates (dephasing_rate, radiative_rate, …) are deterministics.

    Parameters
    ----------
    experiment, sharing : one experiment or several, as for `fit`
    closure : "microscopic", "fixed-number" or "open": the share of its projection noise that a lost atom takes along is
        1, 0, or an unknown between, `loss_noise_share`
    free_dephasing : Γ̃ itself is the unknown (the paper's choice); else Γdeph ≥ 0 above its floor
    priors : text by parameter, e.g. {"collective_rate": "lognormal(0.1, 1)"}
    model : names of rival models, joined by +; see `rival_models`

    Raises
    ------
    ExperimentError, PriorError
    """
    with words_for(experiment):
        return model_of(pose(experiment, sharing, closure, free_dephasing, priors, model))


def model_of(problem: Problem) -> pymc.Model:
    """The PyMC model of a problem; see `build_model`."""
    import pymc as pm
    import pytensor

    experiment = problem.experiment
    coords: dict[str, Any] = {v.dim: list(v.coordinate) for v in problem.variables if v.dim is not None}
    coords |= {fitted.dim: fitted.at for fitted in fitted_data(experiment)}
    if pytensor.config.floatX != "float64":
        found = f"PyTensor: found floatX = {pytensor.config.floatX!r}, which a .pytensorrc or PYTENSOR_FLAGS asked for"
        raise ExperimentError(f"{found}, expected double precision: pytensor.config.floatX = 'float64'")
    # PyTensor notes for each of its nodes where in the source it was made, which takes a third of the time
    with pytensor.config.change_flags(traceback__limit=0), pm.Model(coords=coords) as model:
        values = _free_variables(problem)
        _deterministics(problem.complete(values), problem.variables)
        if problem.correlated is not None:
            pm.Potential("calibration", problem.correlated.log_density(values, pm.math))
        means = _means(problem, values)
        data = {name: pm.Data(name, array) for name, array in data_of(experiment).items()}
        for fitted in fitted_data(experiment):
            add_likelihood(fitted, means[fitted.name], data, problem.complete(values))
        for record in experiment.records:
            if record.fitted.any():
                add_record(problem, record, values, data)
    return model


def data_of(experiment: Experiment) -> dict[str, np.ndarray]:
    """The numbers that the model holds as `pm.Data`: `value[NAME]` and `spread[NAME]` of each fitted series.

    spread: standard deviations, or numbers of repetitions for Gamma noise; NAME is also `observations`. Of records
    their sums, `products[NAME]`, `from_start[NAME]`, `from_end[NAME]` and `count[NAME]`, see `record_likelihood`.
    """
    data: dict[str, np.ndarray] = {}
    for fitted in fitted_data(experiment):
        data |= {f"value[{fitted.name}]": fitted.value, f"spread[{fitted.name}]": fitted.spread}
    for record in experiment.records:
        if record.fitted.any():
            sums = record.sums
            data |= {f"{name}[{record.name}]": np.asarray(getattr(sums, name), float) for name in SUMS}
    return data


def _free_variables(problem: Problem) -> dict[str, Any]:
    """The free variables by label, in the current model."""
    priors = {u.label: u.prior for u in problem.free}
    return problem.by_label(
        {
            v.name: vector_variable(v.name, [priors[label] for label in v.labels], v.dim)
            for v in problem.variables
            if not v.formulas
        }
    )


def _deterministics(values: Values, variables: list[Variable]) -> None:
    """What follows from the free variables: Γ̃ of each kind of stage, Γ where d is the unknown, …"""
    import pymc as pm
    import pytensor.tensor as pt

    for v in variables:
        if v.formulas:
            rows = [pt.as_tensor(formula(values)) for formula in v.formulas]
            pm.Deterministic(v.name, rows[0] if v.dim is None else pt.stack(rows), dims=v.dim)


def _means(problem: Problem, values: Values) -> dict[str, Any]:
    """Expected values of the fitted data by variable.

    Of a joint experiment each member has a node of its own. Members that differ in values only (the same stages, times,
    kinds of series, unknowns) have the same operation, whose graph is made once.
    """
    import pytensor.tensor as pt

    experiment = problem.experiment
    measured = replace(experiment, series=tuple(s for s in experiment.series if s.fitted.any()))
    bounds = rate_bounds(problem)
    if not experiment.members or problem.settings.forward_model:
        inside = {u.label: pt.dscalar(u.label) for u in problem.free}
        outputs = _expected(problem, measured, problem.complete(inside), bounds)
        if problem.settings.forward_model:
            _check_forward_model(problem, measured, list(inside.values()), outputs)
        if numbers := outputs.pop(NUMBERS, None):
            outputs[NUMBERS] = pt.stack(numbers)
        results = _node(inside, list(outputs.values()))(*(values[label] for label in inside), return_list=True)
        return dict(zip(outputs, results, strict=True))
    return _means_of_members(problem, measured, problem.complete(values), bounds)


def _means_of_members(
    problem: Problem, measured: Experiment, values: Values, bounds: dict[str, RateBounds]
) -> dict[str, Any]:
    import pytensor.tensor as pt

    made: dict[str, tuple[Any, list[str]]] = {}
    found: dict[str, Any] = {}
    numbers: dict[str, list[Any]] = {}
    for member in members_of(measured):
        own = member.own(values)
        its_bounds = {run: bounds[there] for run, there in member.names.items() if there in bounds}
        known = {label: value if isinstance(value, (int, float)) else None for label, value in own.items()}
        form = fingerprint(without_errors(member.experiment), known, its_bounds)
        if form not in made:
            inside = {label: pt.dscalar(label) for label, value in known.items() if value is None}
            outputs = _expected(problem, member.experiment, known | inside, its_bounds)
            of_numbers = outputs.pop(NUMBERS, [])
            made[form] = _node(inside, [*outputs.values(), *of_numbers]), list(inside)
        node, labels = made[form]
        results = iter(node(*(own[label] for label in labels), return_list=True))
        found |= {member.names[series.name]: next(results) for series in member.experiment.series}
        numbers[member.names[ONE]] = list(results)
    if fitted := fitted_observations(measured):
        found[NUMBERS] = pt.stack([numbers[measured.member[o.run]].pop(0) for o in fitted])
    return found


def _expected(
    problem: Problem, experiment: Experiment, values: Values, bounds: dict[str, RateBounds]
) -> dict[str, Any]:
    """Graphs of the expected values of each series, and of the published numbers (a list)."""
    import pytensor.tensor as pt

    means = expected(
        experiment,
        values,
        problem.dynamics,
        points={s.name: s.fitted_x for s in experiment.series},
        rate_bounds=bounds,
        accuracy=ACCURACY,
        xp=pt,
    )
    return means.series | ({NUMBERS: means.observations} if means.observations else {})


def _node(inside: dict[str, Any], outputs: list[Any]) -> Any:
    """One operation of the graph that stands for all of the forward model.

    PyMC looks at every node when it derives a log-density; the thousand of the forward model are none of its
    business, and inside one node they cost it nothing. Compilers take the node apart again (`inline`).
    """
    from pytensor.compile.builders import OpFromGraph

    return OpFromGraph(list(inside.values()), outputs, inline=True, on_unused_input="ignore", name="forward_model")


def _check_forward_model(problem: Problem, measured: Experiment, inside: list[Any], outputs: dict[str, Any]) -> None:
    """Raise ExperimentError where a user's forward model is not the same in NumPy and as a graph, at the medians."""
    import pytensor

    medians = [float(u.prior.quantile(0.5)) for u in problem.free]
    values = problem.complete(dict(zip([u.label for u in problem.free], medians, strict=True)))
    numbers = expected(measured, values, problem.dynamics, accuracy=_FINE)
    wanted = {data.name: data.mean(numbers) for data in fitted_data(measured)}
    graph = pytensor.function(inside, list(outputs.values()), mode="FAST_COMPILE", on_unused_input="ignore")
    for name, found in zip(outputs, graph(*medians), strict=True):
        if np.shape(found) != np.shape(wanted[name]) or not np.allclose(found, wanted[name], rtol=_SAME, atol=_SAME):
            raise ExperimentError(
                f"forward model {problem.settings.forward_model}: found other numbers for {name} from PyTensor than"
                " from NumPy, expected a function that uses xp for both"
            )


def rate_bounds(problem: Problem) -> dict[str, RateBounds]:
    """For each run the rates (ms⁻¹) that the quadrature resolves: the resolution × upper quartiles of the priors.

    The same for all members with the same stages, so that they have the same grid. Populations of sixteen levels are
    cut off at far quantiles; the fit checks what that does to its draws.
    """
    experiment, bounds = problem.experiment, dict[str, RateBounds]()
    high, far = (_at_quantile(problem, share) for share in (_BOUND_QUANTILE, _FARTHEST_QUANTILE))
    alike: dict[str, list[str]] = {}
    for run in moving_runs(experiment):
        alike.setdefault(_protocol(experiment, run, high), []).append(run)
    for runs in alike.values():
        days = dict.fromkeys(
            (run, day) for run in runs for day in ("", *(s.day for s in experiment.series if s.run == run))
        )
        usual, largest = ([stages_of(experiment, run, on_day(v, day)) for run, day in days] for v in (high, far))
        bounds |= dict.fromkeys(runs, bounds_of(usual, largest, problem.settings.resolution))
    return bounds


def _protocol(experiment: Experiment, run: str, values: Values) -> str:
    """Equal for runs of members with the same stages; those of sixteen levels also depend on the temperature."""
    member = experiment.member.get(run, "")
    if not member or find(values, "temperature", member) is not None:
        return run
    stages = [replace(stage, run="") for stage in experiment.run_stages(run)]
    return fingerprint(run.removeprefix(member), stages)


def _at_quantile(problem: Problem, probability: float) -> dict[str, Any]:
    """Values by label at an upper quantile of each prior, at the lower one where a small value makes rates large."""
    high: dict[str, Any] = {u.label: float(u.prior.quantile(probability)) for u in problem.parameters}
    for u in problem.parameters:
        if u.name == "squeezing_limit" or (u.name == "optical_depth" and not problem.experiment.members):
            high[u.label] = float(u.prior.quantile(1 - probability))
    return problem.complete(high)
