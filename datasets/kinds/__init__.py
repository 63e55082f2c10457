"""The kinds of series."""

from .kind import ABSCISSAS, IN_CONSTANT_RUNS, KINDS, NORMALISED_TO_START, OF_CONSTANT_RUNS, SHOTS, VARIANCES, Kind

__all__ = [
    "ABSCISSAS",
    "IN_CONSTANT_RUNS",
    "KINDS",
    "NORMALISED_TO_START",
    "OF_CONSTANT_RUNS",
    "SHOTS",
    "VARIANCES",
    "Kind",
]
