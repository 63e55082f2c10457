"""Priors, the PyMC model, sampling, diagnostics, the fit and the command line.

Names are imported when they are used: PyMC and ArviZ take seconds, and an error in a file should not.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fitting import fit
    from .model import build_model
    from .priors import PriorError

__all__ = ["PriorError", "build_model", "fit"]

_HOMES = {"fit": ".fitting", "build_model": ".model", "PriorError": ".priors"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
