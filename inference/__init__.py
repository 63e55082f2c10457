"""Priors, the PyMC model, sampling, diagnostics, the fit and the command line.

Names are imported when they are used: PyMC and ArviZ take seconds, and an error in a file should not.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .any_model import sample_model
    from .calibrating import calibrate
    from .campaigning import campaign
    from .figure import plot_fit
    from .fitting import fit
    from .model import build_model
    from .priors import PriorError
    from .rank_figure import plot_calibration
    from .settings_of import read_fit, save_fit
    from .simulation_based_calibration import sbc

__all__ = [
    "PriorError",
    "build_model",
    "calibrate",
    "campaign",
    "fit",
    "plot_calibration",
    "plot_fit",
    "read_fit",
    "sample_model",
    "save_fit",
    "sbc",
]

_HOMES = {
    "PriorError": ".priors",
    "build_model": ".model",
    "calibrate": ".calibrating",
    "campaign": ".campaigning",
    "fit": ".fitting",
    "plot_calibration": ".rank_figure",
    "plot_fit": ".figure",
    "read_fit": ".settings_of",
    "sample_model": ".any_model",
    "save_fit": ".settings_of",
    "sbc": ".simulation_based_calibration",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
