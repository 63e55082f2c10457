"""Point estimates to compare a posterior with: the paper's own fit, least squares."""

from .least_squares import fit_least_squares, least_squares
from .paper_fit import paper_fit
from .point_fit import PointFit
