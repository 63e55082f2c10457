"""What to measure next: optimal plans for a goal and a budget, verified by refits of simulated outcomes."""

from .candidates import Candidate, Choices, RecordCandidate, candidate
from .design import BUDGET, REFITS, design
from .limits import Direction
from .outcomes import can_be_simulated
from .proposals import proposals
from .result import DISAGREEMENT, Design, Expectation, GainCurve, PlannedPoint
