"""Figures of fits, checks and comparisons."""

from .arviz import plot_energy, plot_pairs, plot_pareto_k, plot_pit, plot_prior_posterior, plot_ranks, worst_mixed
from .calibration_ranks import plot_calibration
from .catalogue import plot
from .comparison import plot_comparison, plot_units, strongest_units
from .continuous_measurement import constant_runs, describe_record, figure_2d, plot_record, with_record
from .criticism import PANELS, lagged, plot_autocorrelation, plot_criticism
from .curves import Drawn, panels_of
from .described import describe_panel, describe_probability
from .entanglement import plot_probability
from .left_out import plot_left_out
from .named_draws import unknown_labels
from .prediction import plot_prediction
from .sensitivity import plot_sensitivity
from .series import plot_bands, plot_fit, plot_panel
from .style import CYCLE, INK, LIGHTS, PAGE_WIDTH, WIDTHS, style, write

__all__ = [
    "CYCLE",
    "INK",
    "LIGHTS",
    "PAGE_WIDTH",
    "PANELS",
    "WIDTHS",
    "Drawn",
    "constant_runs",
    "describe_panel",
    "describe_probability",
    "describe_record",
    "figure_2d",
    "lagged",
    "panels_of",
    "plot",
    "plot_autocorrelation",
    "plot_bands",
    "plot_calibration",
    "plot_comparison",
    "plot_criticism",
    "plot_energy",
    "plot_fit",
    "plot_left_out",
    "plot_pairs",
    "plot_panel",
    "plot_pareto_k",
    "plot_pit",
    "plot_prediction",
    "plot_prior_posterior",
    "plot_probability",
    "plot_ranks",
    "plot_record",
    "plot_sensitivity",
    "plot_units",
    "strongest_units",
    "style",
    "unknown_labels",
    "with_record",
    "worst_mixed",
    "write",
]
