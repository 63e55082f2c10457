"""The page of a fit, of a comparison, of a campaign."""

from .fit import fit_page, live_page
from .folder import report_folder, write_index
from .index import NOT_FITTED, SUMMARY_STATUS, SummaryRow, failed_row, row_of
from .page import shown_html
from .write import read_comparison, report, said_beside, write_comparison, write_report
