"""Priors, the PyMC model, sampling, diagnostics, the fit and the command line.

Names are imported when they are used: PyMC and ArviZ take seconds, and an error in a file should not.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .any_model import sample_model
    from .figure import plot_fit
    from .fitting import fit
    from .model import build_model
    from .priors import PriorError
    from .settings_of import read_fit, save_fit

__all__ = ["PriorError", "build_model", "fit", "plot_fit", "read_fit", "sample_model", "save_fit"]

_HOMES = {
    "PriorError": ".priors",
    "build_model": ".model",
    "fit": ".fitting",
    "plot_fit": ".figure",
    "read_fit": ".settings_of",
    "sample_model": ".any_model",
    "save_fit": ".settings_of",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
