"""Priors, the PyMC model, sampling, diagnostics, the fit and the command line.

Names are imported when they are used: PyMC and ArviZ take seconds, and an error in a file should not.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .any_model import sample_model
    from .calibrating import calibrate
    from .campaigning import campaign
    from .comparison import Comparison, compare
    from .comparison_words import comparison_text
    from .criticism import criticize
    from .evidence import bridge_evidence, smc_evidence
    from .exporting import export
    from .figures.calibration_ranks import plot_calibration
    from .figures.catalogue import plot
    from .figures.series import plot_fit
    from .fitting import fit
    from .folder_reporting import report_folder
    from .model import build_model
    from .paper_fitting import paper_fit
    from .plain_least_squares import least_squares
    from .point_fit import PointFit
    from .predicting import predict
    from .priors import PriorError
    from .reporting import report, write_comparison
    from .rerunning import rerun
    from .rival_fits import compare_models
    from .rival_models import add_parameter, forward_model, rival_model, with_priors
    from .sensitivities import sensitivity
    from .series_from_others import leave_one_series_out
    from .settings_of import read_fit, save_fit
    from .simulation_based_calibration import sbc
    from .tables import posterior_as

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
    "PriorError": ".priors",
    "build_model": ".model",
    "calibrate": ".calibrating",
    "Comparison": ".comparison",
    "compare": ".comparison",
    "compare_models": ".rival_fits",
    "comparison_text": ".comparison_words",
    "bridge_evidence": ".evidence",
    "smc_evidence": ".evidence",
    "rival_model": ".rival_models",
    "forward_model": ".rival_models",
    "add_parameter": ".rival_models",
    "with_priors": ".rival_models",
    "write_comparison": ".reporting",
    "campaign": ".campaigning",
    "criticize": ".criticism",
    "fit": ".fitting",
    "least_squares": ".plain_least_squares",
    "PointFit": ".point_fit",
    "paper_fit": ".paper_fitting",
    "leave_one_series_out": ".series_from_others",
    "plot": ".figures.catalogue",
    "plot_calibration": ".figures.calibration_ranks",
    "plot_fit": ".figures.series",
    "read_fit": ".settings_of",
    "export": ".exporting",
    "posterior_as": ".tables",
    "predict": ".predicting",
    "report": ".reporting",
    "report_folder": ".folder_reporting",
    "rerun": ".rerunning",
    "sample_model": ".any_model",
    "save_fit": ".settings_of",
    "sbc": ".simulation_based_calibration",
    "sensitivity": ".sensitivities",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
