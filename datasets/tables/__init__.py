"""Tables of cells, in text files and spreadsheets: how they are written, where their names and numbers stand."""

from .form import FORM_KEYS, Form, read_form
from .table import Table, read_table
from .text import write_table
