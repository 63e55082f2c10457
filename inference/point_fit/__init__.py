"""Point estimates to compare a posterior with: the paper's own fit, least squares."""

from .least_squares import fit_least_squares, least_squares
from .paper_fit import paper_fit
from .point_fit import PointFit, point_fit_facts, point_fit_text

__all__ = ["PointFit", "fit_least_squares", "least_squares", "paper_fit", "point_fit_facts", "point_fit_text"]
