"""How far each rate moves when a calibration constant is off: a table of shaded cells with their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...datasets.experiment import Label
from ..checks import CalibrationSensitivity
from .style import DATA, MODEL, MUTED, PAGE_WIDTH, one_line, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 14
"""Rates, and constants, that are shown: those with the largest shifts."""
_DARKEST, _FULL = 0.55, 1.0
"""Opacity of a cell, reached at a shift of so many standard deviations."""
_ROOM = 0.4
"""Inches that a cell needs for two decimals."""


def plot_sensitivity(found: CalibrationSensitivity, *, simulated: bool, width: float = PAGE_WIDTH) -> Figure:
    """Rates × constants: shift of the posterior mean in posterior standard deviations; sign and size are printed."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    shifts = found.matrix if found.columns else np.zeros((len(found.labels), 0))
    rows, columns = _largest(shifts, axis=1), _largest(shifts, axis=0)
    decimals = 2 if width > _ROOM * (len(columns) + 2) else 1
    with style():
        figure = Figure(figsize=(width, 0.24 * max(len(rows), 1) + 1.25))
        axis = figure.subplots()
        for i, row in enumerate(rows):
            for k, column in enumerate(columns):
                shift = shifts[row, column]
                opacity = _DARKEST * min(1.0, abs(shift) / _FULL)
                colour = MODEL if shift < 0 else DATA[0]
                axis.add_patch(Rectangle((k - 0.5, i - 0.5), 1, 1, color=colour, alpha=opacity, lw=0))
                unsure = "?" if found.columns[column].how == "unreliable" else ""
                axis.text(k, i, f"{_number(shift, decimals)}{unsure}", ha="center", va="center", fontsize=7)
        axis.set_xlim(-0.5, max(len(columns), 1) - 0.5)
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.set_xticks(range(len(columns)), [_name(found.columns[k].constant) for k in columns], rotation=45,
                        ha="right", rotation_mode="anchor", fontsize=7)  # fmt: skip
        axis.set_yticks(range(len(rows)), [_name(found.labels[k]) for k in rows], fontsize=7)
        axis.set_xlabel("constant that is off by + 1 σ", fontsize=8)
        axis.tick_params(length=0)
        for side in axis.spines.values():
            side.set(visible=True, color=MUTED)
        if simulated:
            figure.suptitle("simulated data", fontsize=8)
    return figure


def _largest(shifts: np.ndarray, axis: int) -> np.ndarray:
    """Which rows, or columns, are shown, in their order."""
    if not shifts.size:
        return np.arange(shifts.shape[1 - axis])[:MOST]
    return np.sort(np.argsort(-np.max(abs(shifts), axis=axis), kind="stable")[:MOST])


def _number(shift: float, decimals: int) -> str:
    return "0" if abs(shift) < 0.5 / 10**decimals else f"{shift:+.{decimals}f}".replace("-", "−")


def _name(label: str) -> str:
    return one_line(Label.parse(label).symbol, 26)
