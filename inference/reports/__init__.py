"""The page of a fit, of a comparison, of a campaign."""

from .folder import report_folder, write_index
from .index import NOT_FITTED, SUMMARY_STATUS, SummaryRow, failed_row, row_of
from .sections import fit_page
from .write import report, write_comparison, write_report

__all__ = [
    "NOT_FITTED",
    "SUMMARY_STATUS",
    "SummaryRow",
    "failed_row",
    "fit_page",
    "report",
    "report_folder",
    "row_of",
    "write_comparison",
    "write_index",
    "write_report",
]
