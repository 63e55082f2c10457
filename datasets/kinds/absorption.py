"""The population of |4,±3⟩, from the absorption of a weak probe."""

from __future__ import annotations

from typing import Any, override

from .kind import Kind, Measured, Points, Run


class Absorption(Kind):
    """n3 = (n2 − p)/2, a share of all atoms."""

    @override
    def expected(self, series: Measured, at: Points, run: Run) -> Any:
        return 0.5 * (run.at("n2", at.x) - run.at("p", at.x))


ABSORPTION = Absorption(
    "absorption", "population n3 of |4,±3⟩", "n3 (absorption)", noises=("gaussian", "student-t", "logistic")
)
