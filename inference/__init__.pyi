"""Priors, the PyMC model, sampling, diagnostics, the fit and the command line.

Names are imported when they are used: PyMC and ArviZ take seconds, and an error in a file should not.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .campaigns import campaign, sbc
    from .checks import criticize, sensitivity
    from .comparison import Comparison, bridge_evidence, compare, compare_models, leave_one_series_out, smc_evidence
    from .figures import plot, plot_calibration, plot_fit
    from .fits import calibrate, fit, predict, read_fit, rerun, save_fit
    from .model import PriorError, add_parameter, build_model, forward_model, rival_model, with_priors
    from .point_fit import PointFit, least_squares, paper_fit
    from .reports import report, report_folder, write_comparison
    from .sampling import sample_model
    from .text import comparison_text, export, posterior_as

__all__ = [
    "Comparison",
    "PointFit",
    "PriorError",
    "add_parameter",
    "bridge_evidence",
    "build_model",
    "calibrate",
    "campaign",
    "compare",
    "compare_models",
    "comparison_text",
    "criticize",
    "export",
    "fit",
    "forward_model",
    "least_squares",
    "leave_one_series_out",
    "paper_fit",
    "plot",
    "plot_calibration",
    "plot_fit",
    "posterior_as",
    "predict",
    "read_fit",
    "report",
    "report_folder",
    "rerun",
    "rival_model",
    "sample_model",
    "save_fit",
    "sbc",
    "sensitivity",
    "smc_evidence",
    "with_priors",
    "write_comparison",
]

_HOMES = {
    "PriorError": ".model",
    "build_model": ".model",
    "calibrate": ".fits",
    "Comparison": ".comparison",
    "compare": ".comparison",
    "compare_models": ".comparison",
    "comparison_text": ".text",
    "bridge_evidence": ".comparison",
    "smc_evidence": ".comparison",
    "rival_model": ".model",
    "forward_model": ".model",
    "add_parameter": ".model",
    "with_priors": ".model",
    "write_comparison": ".reports",
    "campaign": ".campaigns",
    "criticize": ".checks",
    "fit": ".fits",
    "least_squares": ".point_fit",
    "PointFit": ".point_fit",
    "paper_fit": ".point_fit",
    "leave_one_series_out": ".comparison",
    "plot": ".figures",
    "plot_calibration": ".figures",
    "plot_fit": ".figures",
    "read_fit": ".fits",
    "export": ".text",
    "posterior_as": ".text",
    "predict": ".fits",
    "report": ".reports",
    "report_folder": ".reports",
    "rerun": ".fits",
    "sample_model": ".sampling",
    "save_fit": ".fits",
    "sbc": ".campaigns",
    "sensitivity": ".checks",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
