"""Reading a fit again: its settings, its parameters, its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..datasets import ExperimentError, from_tree
from ..datasets.errors import shortened, visible
from ..datasets.netcdf import open_tree, write_tree
from .fingerprint import fingerprint
from .model_settings import ModelSettings

if TYPE_CHECKING:
    from xarray import DataTree


_GROUPS = ("posterior", "summary", "derived", "experiment")


def read_fit(path: str | Path) -> DataTree:
    """The fit in a file; ExperimentError where it is something else."""
    tree = open_tree(Path(path))
    if not is_fit(tree.attrs):
        raise ExperimentError(f"{path}: found a NetCDF file that is no fit, expected one that `dissentangle fit` wrote")
    for name in _GROUPS:
        if name not in tree.children:
            raise ExperimentError(f"{path}: found no group {name!r}, expected a whole fit")
    from .fit_form import check_attributes, check_form

    try:
        check_attributes(tree.attrs, str(path))
        from_tree(tree["experiment"], f"{path}: experiment")
        _require_forward_model(settings_of(tree))
        check_form(tree, str(path))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        if isinstance(error, ExperimentError):
            raise
        about = visible(shortened(str(error), 300))
        raise ExperimentError(f"{path}: found settings that cannot be read, expected a whole fit ({about})") from error
    return tree


def is_fit(attributes: Mapping[Any, Any]) -> bool:
    """Whether these are the attributes of a fit, whole or not."""
    return str(attributes.get("inference_library")) == "dissentangle"


def save_fit(fit: DataTree, path: str | Path) -> None:
    """Write a fit as one NetCDF file, atomically."""
    write_tree(fit, Path(path))


def _require_forward_model(settings: ModelSettings) -> None:
    """Raise ValueError where a user's forward model is not known, or is another one than that of the fit."""
    from .model_registry import VERSIONS

    settings.dynamics.parameters  # noqa: B018 - raises where it is not known
    if settings.forward_model and VERSIONS.get(settings.forward_model) != settings.forward_model_version:
        raise ValueError(f"the forward model {settings.forward_model!r} has changed since")


def fit_id(fit: DataTree) -> str:
    """Equal for fits of the same data with the same settings."""
    return fingerprint(fit.attrs["data_sha256"], fit.attrs["settings"])


def settings_of(fit: DataTree) -> ModelSettings:
    """The model settings of a fit."""
    stored = json.loads(fit.attrs["settings"])["model"]
    return ModelSettings(**stored)
