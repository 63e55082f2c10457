"""What the groups of a fit must hold: that a file is damaged is said before anything is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import ExperimentError
from ...datasets.errors import violation
from ...datasets.prediction import fitted_data
from ..choices import MOST_DRAWS
from ..model import SamplerSettings
from .derived import Coherences
from .result import Fit
from .summary import SUMMARY

if TYPE_CHECKING:
    from xarray import DataTree

_TEXT, _WHOLE = "U", "iub"
ATTRIBUTES = {
    **dict.fromkeys(("settings", "verdict"), _TEXT),
    **dict.fromkeys(("healthy", "attempts", "simulated"), _WHOLE),
    **dict.fromkeys(("engine", "engine_reason", "title", "data_sha256", "versions", "timings"), _TEXT),
    "quadrature_error": "iufb",
}
"""Kinds of the attributes of a fit."""
_SAMPLES = ("chain", "draw")
_PREDICTED = ("posterior_predictive", "log_likelihood")
_SAMPLED = ("posterior", "prior", *_PREDICTED, "prior_predictive", "sample_stats", "derived")
_SAME = 1e-6
"""Relative difference of numbers that say the same."""
_MOST_CHAINS = 1000
_LARGEST_DRAW = 1e100
"""Squares of larger ones have no sum; Student's t makes large ones."""
_OF_ITS = (("run", "xi_minimum"), ("measured_lights", "unconditional_xi"))
"""Derived quantities that are there where their dimension is."""
_ANY = -1
"""A size that may be any."""
_Sizes = dict[str, int]
"""By dimension, in order."""


def check_attributes(attributes: Mapping[Any, Any], where: str) -> None:
    """Raise ExperimentError for one that is missing or is of another type; TypeError, ValueError for other settings."""
    for key, kinds in ATTRIBUTES.items():
        if key not in attributes:
            raise ExperimentError(f"{where}: found no attribute {key!r}, expected a whole fit")
        value = attributes[key]
        if np.ndim(value) or np.asarray(value).dtype.kind not in kinds:
            raise violation(f"{where}: attribute {key}", value, "a text" if kinds == _TEXT else "a number")
    if not isinstance(attributes.get("status", ""), str):
        raise violation(f"{where}: attribute status", attributes["status"], "a text")
    for key in ("bfmi", "thinning"):  # of fits that have them
        if np.asarray(attributes.get(key, 1)).dtype.kind not in "iuf":
            raise violation(f"{where}: attribute {key}", attributes[key], "numbers")
    for key, kind in (("timings", (int, float)), ("versions", str)):
        table = json.loads(attributes[key])
        if not isinstance(table, dict) or not all(isinstance(value, kind) for value in table.values()):
            raise violation(f"{where}: attribute {key}", attributes[key], "the table of a whole fit")
    _check_coherences(attributes, where)
    stored = json.loads(attributes["settings"])["sampler"]
    try:
        sampler = SamplerSettings(**stored)
    except ExperimentError as error:
        raise ExperimentError(f"{where}: settings: {error}") from error
    for key, most in (("draws", MOST_DRAWS), ("tune", MOST_DRAWS), ("chains", _MOST_CHAINS)):
        if getattr(sampler, key) > most:
            raise violation(f"{where}: settings: {key}", stored[key], f"a whole number up to {most:,}")


def _check_coherences(attributes: Mapping[Any, Any], where: str) -> None:
    """Raise for a table of all eight coherences that is damaged."""
    for one in json.loads(attributes.get("eight_coherences", "{}")).values():
        columns = [np.array(column, float) for column in vars(Coherences(**one)).values()]
        if len({column.shape for column in columns}) > 1 or not columns[0].size or not np.isfinite(columns).all():
            raise violation(f"{where}: attribute eight_coherences", one, "columns of as many numbers")


def check_form(tree: DataTree, where: str) -> None:
    """Raise ExperimentError for a variable that is missing, is not numbers, or has other dimensions."""
    fitted = Fit(tree)
    groups = {
        group: {str(name): variable for name, variable in node.dataset.data_vars.items()}
        for group, node in tree.children.items()
    }
    for group, variables in _expected(fitted).items():
        for name, expected in variables.items():
            if name not in groups.get(group, {}):
                raise violation(f"{where}: {group}", f"no {name!r}", "a whole fit, by a version that has it")
            sizes = {str(dim): size for dim, size in groups[group][name].sizes.items()}
            if list(sizes) != list(expected) or any(size not in (_ANY, sizes[dim]) for dim, size in expected.items()):
                raise violation(f"{where}: {group}: {name}", f"dimensions {sizes}", _words(expected))
    for group in (*_SAMPLED, "observed_data", "summary"):
        for name, variable in groups.get(group, {}).items():
            known = {*_SAMPLES, *variable.coords}.issuperset(variable.dims)
            ordered = group not in _SAMPLED or variable.dims[:2] == _SAMPLES
            kind = variable.dtype.kind if group == "sample_stats" else variable.dtype.str[1:]
            text = (group, name) == ("summary", "moved_by")
            numbers = kind in (*"iufb", "f4", "f8") or text  # others linear algebra cannot take
            if not (numbers and known and ordered):
                found = f"{variable.dtype} of dimensions {variable.dims}"
                raise violation(f"{where}: {group}: {name}", found, "the numbers of a whole fit")
    _check_same_draws(fitted, where)
    _check_draws(fitted, where)
    _check_table(fitted, where)
    _check_data(fitted, where)


def _check_same_draws(fitted: Fit, where: str) -> None:
    """Raise ExperimentError where groups are of other chains and draws than the posterior: predictions of some only."""
    groups = ("posterior", "sample_stats", "derived", *_PREDICTED)
    for dim in _SAMPLES:
        numbers = {g: fitted.tree[g].dataset[dim].values for g in groups if dim in fitted.tree[g].sizes}
        of_all = numbers["posterior"]
        of_kept = next((numbers[group] for group in _PREDICTED if group in numbers), of_all)
        for group, here in numbers.items():
            there = of_kept if group in _PREDICTED else of_all
            if not (np.array_equal(here, there) and np.isin(here, of_all).all()):
                raise violation(f"{where}: {group}", f"{here.size} {dim}s", f"the numbers of the others' {dim}s")


def _check_draws(fitted: Fit, where: str) -> None:
    """Raise ExperimentError for draws where a parameter is not defined, and for predictions that are no numbers."""
    draws = fitted.by_label()
    for u in fitted.parameters:
        values = draws.get(u.label, np.ones(0))
        inside = (values >= u.prior.low) & (values <= u.prior.high) & ((values > 0) | (u.prior.form != "lognormal"))
        if not inside.all():
            raise violation(f"{where}: posterior: {u.label}", f"{values[~inside][0]:g}", f"draws from {u.prior}")
    for group in ("prior", *_PREDICTED):
        for name, variable in fitted.tree[group].dataset.data_vars.items():
            possible = np.abs(variable.values) <= _LARGEST_DRAW
            if not possible.all():
                found = f"{variable.values[~possible][0]:g}"
                raise violation(f"{where}: {group}: {name}", found, f"numbers up to {_LARGEST_DRAW:g}")


def _check_table(fitted: Fit, where: str) -> None:
    """Raise ExperimentError for a table of other parameters or of other draws."""
    known, summary = fitted.by_label(derived=True), fitted.tree["summary"].dataset
    for label, mean, sd in zip(*(summary[name].values for name in ("parameter", "mean", "sd")), strict=True):
        if label not in known or not np.isfinite([mean, sd]).all():
            raise violation(f"{where}: summary", f"{label} = {mean:g} ± {sd:g}", "finite numbers of its parameters")
        for of, stated, there in (("mean", mean, known[label].mean()), ("sd", sd, known[label].std(ddof=1))):
            if abs(stated - there) > _SAME * (there if of == "sd" else sd + abs(mean)):
                raise violation(f"{where}: summary", f"{label}: {of} {stated:g}", f"that of the draws, {there:g}")
    if "moved_by" in summary and (other := {*map(str, summary["moved_by"].values)} - {"", *known}):
        raise violation(f"{where}: summary: moved_by", min(other), "labels of its parameters")
    has_prior = np.isin(summary["parameter"].values, [u.label for u in fitted.problem.free])
    if not np.array_equal(np.isfinite(summary["contraction"].values), has_prior):
        raise violation(f"{where}: summary", "contractions of other parameters", "those of the parameters with a prior")


def _check_data(fitted: Fit, where: str) -> None:
    """Raise ExperimentError where the data that were fitted are not those of the experiment."""
    observed = fitted.tree["observed_data"].dataset
    for data in fitted_data(fitted.experiment):
        here, there = observed[data.name].values, data.value
        other = np.flatnonzero(~np.isclose(here, there, rtol=_SAME, atol=0))
        if other.size:
            k = other[0]
            raise violation(f"{where}: experiment: {data.name}", f"{there[k]:g}", f"{here[k]:g}, which was fitted")


def _expected(fitted: Fit) -> dict[str, dict[str, _Sizes]]:
    """Dimensions by group and variable, of those that every table of a fit is made of."""
    draws = dict.fromkeys(_SAMPLES, _ANY)
    points = {data.name: {data.dim: len(data.value)} for data in fitted_data(fitted.experiment)}
    unknown = {
        v.name: draws | ({} if v.dim is None else {v.dim: len(v.labels)})
        for v in fitted.problem.variables
        if not v.formulas
    }
    return {
        "posterior": unknown,
        "prior": unknown,
        "sample_stats": {"diverging": draws},
        "derived": {name: draws | {dim: _ANY} for dim, name in _OF_ITS if dim in fitted.tree["derived"].coords},
        "summary": {name: {"parameter": _ANY} for name in SUMMARY},
        **{group: {name: draws | sizes for name, sizes in points.items()} for group in _PREDICTED},
        "observed_data": points,
    }


def _words(sizes: _Sizes) -> str:
    return ", ".join(dim if size == _ANY else f"{dim}: {size}" for dim, size in sizes.items())
