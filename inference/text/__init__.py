"""Results as numbers, words and tables."""

from .comparison import HEADER, cells, comparison_facts, comparison_text, headlines, models_text, rate_table
from .criticism import (
    criticism_text,
    how,
    left_out_text,
    named_parts,
    off_by,
    p_text,
    row_numbers,
    sensitivity_text,
    shift_sentences,
    signed,
)
from .export import export
from .fit import fit_text, sampled_again, truth_of
from .fit_facts import as_json, fit_facts
from .numbers import with_error
from .paper_table import posterior_as
from .point_fit import point_fit_facts, point_fit_text
from .text_table import DERIVED, PUBLISHED, derived_rows, number, published_rows, table

__all__ = [
    "DERIVED",
    "HEADER",
    "PUBLISHED",
    "as_json",
    "cells",
    "comparison_facts",
    "comparison_text",
    "criticism_text",
    "derived_rows",
    "export",
    "fit_facts",
    "fit_text",
    "headlines",
    "how",
    "left_out_text",
    "models_text",
    "named_parts",
    "number",
    "off_by",
    "p_text",
    "point_fit_facts",
    "point_fit_text",
    "posterior_as",
    "published_rows",
    "rate_table",
    "row_numbers",
    "sampled_again",
    "sensitivity_text",
    "shift_sentences",
    "signed",
    "table",
    "truth_of",
    "with_error",
]
