"""Point estimates to compare a posterior with: the paper's own fit, least squares."""

from .least_squares import fit_least_squares, least_squares
from .paper_fit import paper_fit
from .point_fit import METHODS, PointFit

__all__ = ["METHODS", "PointFit", "fit_least_squares", "least_squares", "paper_fit"]
