"""The kinds of series, one file per kind: what is measured, how it is expected, which parameters and checks it has."""

from .column_guess import Around, are_named, arguments_for, lines_for
from .kind import ABSCISSAS, LARGEST_NUMBER, Kind, column
from .orientation_beat import ORIENTATION_BEAT
from .table import KINDS, SHOTS
