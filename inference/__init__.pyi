from .campaigns import campaign, sbc
from .checks import criticize, sensitivity
from .comparison import Comparison, bridge_evidence, compare, compare_models, leave_one_series_out, smc_evidence
from .designs import Design, design
from .figures import plot, plot_calibration, plot_fit
from .fits import calibrate, fit, predict, read_fit, rerun, save_fit
from .model import PriorError, add_parameter, build_model, forward_model, rival_model, with_priors
from .point_fit import PointFit, least_squares, paper_fit
from .reports import report, report_folder, write_comparison
from .results import CampaignSummary, FitTree, Prediction
from .sampling import sample_model
from .text import comparison_text, export, posterior_as
from .version import __version__

__all__ = [
    "CampaignSummary",
    "Comparison",
    "Design",
    "FitTree",
    "PointFit",
    "Prediction",
    "PriorError",
    "__version__",
    "add_parameter",
    "bridge_evidence",
    "build_model",
    "calibrate",
    "campaign",
    "compare",
    "compare_models",
    "comparison_text",
    "criticize",
    "design",
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
