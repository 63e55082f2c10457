"""Runs of an experiment: the name of the only one, and those in which populations do not move."""

from __future__ import annotations

from dataclasses import dataclass

MAIN_RUN = "main"
POPULATIONS = ("moving", "steady", "unmodelled")
"""Of a run: followed from the start values; those of the steady state of its lights; or no part of the model."""
BEGINNINGS = ("unknown", "steady")


@dataclass(frozen=True)
class ConstantRun:
    """A run with constant rates: one stage, in which only the transverse spins change.

    populations : "steady": those that dΓ, Γcol, Γpump, … lead to, from which γs, γextra and n_b follow; "unmodelled":
        γs, γextra and n_b are parameters themselves, one of each for each kind of stage
    begins : "unknown": ξ at the beginning is a parameter, `initial_xi[RUN]`; "steady": it is that of the steady state
    """

    populations: str = "unmodelled"
    begins: str = "unknown"
