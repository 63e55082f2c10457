"""Words and limits that functions and command line take alike. Light to import: `dissentangle --help` lists them.

Each is used where its meaning is made: figures in `figures/`, methods in `point_fit/`, and so on.
"""

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Set to 1, they keep linear algebra to one thread: of many small matrices several wait for each other."""

ENGINES = ("fast", "general")
"""Of the sampler, see `sampling`."""
MOST_DRAWS = 1_000_000
"""Of draws or tuning steps of a chain: what is more is a mistake, and takes all memory."""

METHODS = {
    "paper": "the paper's own fit, step by step (supplement; fixed-number slope of ΣJ)",
    "least-squares": "least squares of all series at once; scales, offsets and populations at the start have a prior"
    " as a penalty, rates have none",
}
"""Of a fit without a posterior."""

UNITS = ("point", "time", "series", "experiment")
"""What is left out at a time: one value, all of one moment, a series, a member of a joint fit."""

GROUPS = ("posterior", "prior", "derived", "posterior_predictive", "prior_predictive", "log_likelihood")
"""Of a fit's file, as `export` writes them."""
TABLE_FORMATS = ("latex", "markdown", "csv")
"""Of the posterior as a table."""
FIGURE_WIDTHS = {"column": 3.375, "page": 7.0}
"""Of the journal's columns, inches."""
FIGURES = {
    "series": "series:plot_series",
    "fig2a": "paper:figure_2a",
    "fig2b": "paper:figure_2b",
    "fig2d": "continuous_measurement:figure_2d",
    "entanglement": "atoms:plot_probability",
    "populations": "atoms:plot_populations",
    "levels": "atoms:plot_levels",
    "posterior": "arviz:plot_prior_posterior",
    "pairs": "arviz:plot_pairs",
    "ranks": "arviz:plot_ranks",
    "energy": "arviz:plot_energy",
    "pit": "arviz:plot_pit",
    "pareto-k": "arviz:plot_pareto_k",
    "criticism": "checks:plot_criticism",
    "autocorrelation": "checks:plot_autocorrelation",
    "sensitivity": "checks:plot_sensitivity",
    "left-out": "checks:plot_left_out",
}
"""Of a fit, by the name that `plot` takes: file in `figures/`, and function of a `Fit`, `width`, and of some `run`."""

RESULTS = {
    "fit": "series:plot_xi",
    "point_fit": "series:plot_point_fit",
    "comparison": "comparison:plot_comparison",
    "criticism": "checks:plot_statistics",
    "prediction": "unmeasured:plot_prediction",
    "campaign": "comparison:plot_rates",
    "design": "unmeasured:plot_design",
}
"""Figure of each kind of result (`Shown`): file in `figures/`, and function of the result."""
