"""Tables of cells, in text files and spreadsheets: how they are written, where their names and numbers stand."""

from .form import Form, read_form
from .matrix import read_matrix
from .spreadsheet import require_results
from .table import Table, read_table
from .text import write_table
