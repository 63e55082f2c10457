"""Figures of fits, checks and comparisons.

A function returns a Matplotlib `Figure` that pyplot does not know, so nothing has to be closed; `width` is in inches.
`found` is a result from which a figure is made, where it is there already; without it the figure works it out.
"""

from .arviz import loo_pit, plot_energy, plot_pareto_k, plot_pit, plot_ranks, plot_strongest, worst_mixed
from .atoms import entangled_when, plot_populations
from .catalogue import plot, plot_result, result_figure
from .checks import ROWS, lagged, plot_autocorrelation, plot_criticism, plot_left_out, plot_sensitivity
from .comparison import outlying, plot_calibration, plot_comparison, plot_trend, plot_units, strongest_units
from .continuous_measurement import constant_runs, describe_record, figure_2d, plot_record, with_record
from .curves import ExperimentDraws, describe_panel, panels_of
from .drawing import MOST_NAMED, height_below
from .paper import figure_2b
from .series import plot_bands, plot_fit, plot_panel
from .style import CYCLE, INK, LIGHTS, MODEL, MUTED, PAGE_WIDTH, TILDE, WIDTHS, style, write
from .unmeasured import plot_design, plot_prediction
