"""The orientation test: the transverse spin after an RF pulse (supplement, Fig. S.3)."""

from __future__ import annotations

from typing import Any, override

import numpy as np

from ...forward_models.light import SUBLEVELS, Precession, orientation_beat, sublevel_populations
from ..errors import violation
from .kind import Kind, Measured, Run, column, interleaved

SMALLEST_BEAT, LARGEST_BEAT = 0.01, 10.0
"""Root mean square between which the signal must lie: its amplitude has a prior of size 1."""
BEAT = {"beat_in_phase": 0.9, "beat_quadrature": 0.3, "beat_detuning": 0.002, "coherence_time": 25.0}
DEEPER_RATIO = 0.3
"""Of populations below |4,±3⟩, in simulated tests; with `BEAT`, round numbers."""


class OrientationBeat(Kind):
    """Points are pairs of components; each test has an amplitude, a detuning, a T2 and populations of its own."""

    @override
    def expected(self, series: Measured, x: np.ndarray, run: Run) -> Any:
        populations = self.populations_of(series, run)
        precession = Precession(
            run.entry("beat_in_phase", series.name),
            run.entry("beat_quadrature", series.name),
            run.entry("beat_detuning", series.name),
            run.value("quadratic_zeeman"),
            run.entry("coherence_time", series.name),
        )
        both = orientation_beat(x[::2], populations, precession, xp=run.xp)
        return interleaved(list(both), run.xp)

    def populations_of(self, series: Measured, run: Run) -> list[Any]:
        """Populations p₄, …, p₋₄ within F = 4, when the pulse comes, as columns.

        p₃/p₄ is that of the three-state model; the deeper ones follow from their ratios, which are parameters.
        """
        if series.pulse_time:
            n2, p = (run.at(name, np.array([series.pulse_time])) for name in ("n2", "p"))
        else:
            n2, p = column(run.initial.n2), column(run.initial.p)
        deeper = [run.entry("population_ratio", f"{series.name}: {m}") for m in SUBLEVELS[2:]]
        return sublevel_populations([(n2 - p) / (n2 + p), *deeper])

    @override
    def check(self, series: Measured, where: str) -> None:
        size = float(np.sqrt(np.mean(series.value**2)))
        if not SMALLEST_BEAT <= size <= LARGEST_BEAT:
            expected = "values normalised so that the amplitude is about 1"
            raise violation(f"{where}: {' or '.join(self.components)}", f"a signal of size {size:.2g}", expected)

    @override
    def own_parameters(self, series: Measured) -> dict[tuple[str, str], float]:
        deeper = {("population_ratio", f"{series.name}: {m}"): DEEPER_RATIO for m in SUBLEVELS[2:]}
        return {(name, series.name): value for name, value in BEAT.items()} | deeper


ORIENTATION_BEAT = OrientationBeat(
    "orientation_beat",
    "transverse spin after an RF pulse",
    "transverse spin after the pulse",
    "delay",
    components=("in_phase", "quadrature"),
    calibration=True,
    takes=("pulse_time",),
    constants=("quadratic_zeeman",),
    shows_coupling=False,
)
