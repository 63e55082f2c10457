"""Reading a fit again: its settings, its parameters, its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from ...datasets import ExperimentError, Known, from_tree
from ...datasets.errors import shortened, visible
from ...datasets.experiment import Label
from ...datasets.files import open_tree, read_attributes, write_tree
from ..model import (
    OF_TABLES,
    VERSIONS,
    ModelSettings,
    Problem,
    SamplerSettings,
    data_hash,
    fingerprint,
    parse_prior,
)

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

    from ..results import FitTree

_LONGEST_NAME = 150
_GROUPS = ("posterior", "summary", "derived", "experiment")


def read_fit(path: str | Path) -> FitTree:
    """The fit in a file, as `fit` returned it; one of an older version gets the status that its verdict has now.

    Raises ExperimentError where there is no such file, for a file that is something else, and for a damaged one.
    """
    tree = open_tree(Path(path))
    if not is_fit(tree.attrs):
        raise ExperimentError(
            f"{path}: found a NetCDF file that is not a fit, expected one that `dissentangle fit` wrote"
        )
    for name in _GROUPS:
        if name not in tree.children:
            raise ExperimentError(f"{path}: found no group {name!r}, expected a whole fit")
    from ..results import FitTree
    from .check_file import check_attributes, check_form
    from .summary import with_influences

    try:
        check_attributes(tree.attrs, str(path))
        problem = problem_of(tree, f"{path}: experiment")
        _require_forward_model(problem.settings)
        check_form(tree, str(path))
        return FitTree.of(with_influences(tree, problem))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        if isinstance(error, ExperimentError):
            raise
        why = visible(shortened(str(error), 300))
        raise ExperimentError(f"{path}: found settings that cannot be read, expected a whole fit ({why})") from error


def is_fit(attributes: Mapping[Any, Any]) -> bool:
    """Whether these are the attributes of a fit, whole or not."""
    return str(attributes.get("inference_library")) == "dissentangle"


def save_fit(fit: DataTree, path: str | Path) -> None:
    """Write a fit as one NetCDF file, atomically."""
    write_tree(fit, Path(path))


def _require_forward_model(settings: ModelSettings) -> None:
    """Raise ValueError where a user's forward model is not known, or is another one than that of the fit."""
    settings.dynamics.parameters  # noqa: B018 - raises where it is not known
    if settings.forward_model and VERSIONS.get(settings.forward_model) != settings.forward_model_version:
        raise ValueError(f"the forward model {settings.forward_model!r} has changed since")


def arrays_of(data: Dataset) -> dict[str, np.ndarray]:
    """The variables of a group by name; xarray's own look-up takes milliseconds for each of several hundred."""
    return {str(name): data.variables[name].values for name in data.data_vars}


def fit_id(fit: DataTree) -> str:
    """Equal for fits of the same data with the same settings."""
    return fingerprint(fit.attrs["data_sha256"], fit.attrs["settings"])


def settings_of(fit: DataTree) -> ModelSettings:
    """The model settings of a fit."""
    return ModelSettings(**json.loads(fit.attrs["settings"])["model"])


def problem_of(fit: DataTree, where: str = "experiment") -> Problem:
    """The experiment that was fitted, and the settings of its model; ExperimentError, with `where`, for a damaged one.

    Of sixteen levels by an earlier version, which ignored errors of the temperature and the detuning, without them.
    """
    experiment, settings = from_tree(fit["experiment"], where), settings_of(fit)
    if settings.atoms != "sixteen-level":
        return Problem(experiment, settings)
    ignored = {name for name in OF_TABLES if f"{name}_offset" not in fit["posterior"].data_vars}

    def exact(known: Mapping[str, Known]) -> dict[str, Known]:
        return {name: replace(one, sigma=0.0) if name in ignored else one for name, one in known.items()}

    experiment = replace(
        experiment,
        apparatus=exact(experiment.apparatus),
        known_of={member: exact(known) for member, known in experiment.known_of.items()},
        priors=_exact(experiment.priors),
    )
    return Problem(experiment, replace(settings, priors=_exact(settings.priors)))


def _exact(priors: Mapping[str, str]) -> dict[str, str]:
    """Priors with the mean of a normal one of what rate tables are computed from, as its value."""
    found = dict(priors)
    for label, text in priors.items():
        if (name := Label.parse(label).name) in OF_TABLES and (prior := parse_prior(name, text)).form == "normal":
            found[label] = f"fixed({prior.numbers[0]!r})"
    return found


def file_name(name: str) -> str:
    """A name that any file system takes, different for different names."""
    quoted = quote(name, safe=" +,=@()")
    if len(quoted) > _LONGEST_NAME:
        raise ExperimentError(f"{name[:60]}…: found a name too long for a file, expected a shorter one")
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted


def is_fit_of(path: Path, problem: Problem, sampler: SamplerSettings) -> bool:
    """Whether a file is a fit of the same problem by the same sampler; False where it is damaged or not there."""
    if not path.is_file():
        return False
    try:
        attributes = read_attributes(path)
        stored = json.loads(attributes["settings"])
        return bool(
            attributes["data_sha256"] == data_hash(problem.experiment)
            and asdict(ModelSettings(**stored["model"] | {"resolution": 1.0})) == _as_stored(problem.settings)
            and stored["sampler"] == stored_sampler(sampler)
        )
    except (ExperimentError, KeyError, TypeError, ValueError, RecursionError):
        return False


def _as_stored(settings: ModelSettings) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    return stored


def stored_sampler(sampler: SamplerSettings) -> dict[str, Any]:
    """The settings of a sampler as a fit keeps them: without the cores, on which no draw depends."""
    return {name: value for name, value in asdict(sampler).items() if name != "cores"}
