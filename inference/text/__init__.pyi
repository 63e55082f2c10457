from .compared import averages_table, compared_sentences, verdict_lines
from .comparison import comparison_facts, comparison_text, headlines, models_table, rates_table
from .criticism import (
    calibration_table,
    criticism_text,
    deciding_table,
    disturbance_table,
    left_out_text,
    row_numbers,
    scaling_table,
    sensitivity_text,
    shift_sentences,
)
from .design import design_text, duration, refits_text
from .export import export
from .fit import coherences_text, fit_facts, fit_text, sampled_again, sharing_text, truth_of
from .numbers import as_json, number, p_text, signed, with_error
from .paper_table import averages_as, posterior_as
from .point_fit import point_fit_facts, point_fit_text
from .rows import DERIVED, derived_rows, derived_table, paper_values, parameter_rows, published_rows
from .shown import QUANTILES, VIEWS, campaign_text, common_rates, prediction_rows, prediction_text
from .table import Table, View

__all__ = [
    "DERIVED",
    "QUANTILES",
    "VIEWS",
    "Table",
    "View",
    "as_json",
    "averages_as",
    "averages_table",
    "calibration_table",
    "campaign_text",
    "coherences_text",
    "common_rates",
    "compared_sentences",
    "comparison_facts",
    "comparison_text",
    "criticism_text",
    "deciding_table",
    "derived_rows",
    "derived_table",
    "design_text",
    "disturbance_table",
    "duration",
    "export",
    "fit_facts",
    "fit_text",
    "headlines",
    "left_out_text",
    "models_table",
    "number",
    "p_text",
    "paper_values",
    "parameter_rows",
    "point_fit_facts",
    "point_fit_text",
    "posterior_as",
    "prediction_rows",
    "prediction_text",
    "published_rows",
    "rates_table",
    "refits_text",
    "row_numbers",
    "sampled_again",
    "scaling_table",
    "sensitivity_text",
    "sharing_text",
    "shift_sentences",
    "signed",
    "truth_of",
    "verdict_lines",
    "with_error",
]
