"""What to measure next: optimal plans for a goal and a budget, verified by refits of simulated outcomes."""

from .design import BUDGET, REFITS, design
from .result import DISAGREEMENT, Design, Expectation, GainCurve, PlannedPoint
