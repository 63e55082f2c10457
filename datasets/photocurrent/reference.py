"""The shot noise level that normalises records: given, or of a stream of the same light without atoms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import violation
from .bins import Cut, begins_apart, mixed
from .digitiser import Digitisation
from .photocurrent import Photocurrent, open_photocurrent
from .shot_noise import ShotNoise, level_of_reference
from .steadiness import dark, group_energies, level_of_light, unsteady

LARGEST_REFERENCE = 4_000_000
"""Bins of a stream without atoms that are used: the level is then known to 0.04 %."""
_THROUGHOUT = "back to back"
_SEVERAL = 2
"""Triggers from which they say when the light is on; a single one may only say when the stream begins."""


def level_given(
    shot_noise: str | Path | float | np.ndarray | None,
    plan: Cut,
    stream: Photocurrent,
    names: tuple[str | None, str | int | None, str | None],
    piece: int,
    simulated: bool,
) -> ShotNoise | None:
    """The level that is given, or that of a stream without atoms; None where it is to come from the records.

    names : of the array of samples, of its channel and of the triggers, where they were said
    simulated : what is said of the records

    Raises
    ------
    ExperimentError : for a level or a stream that cannot serve the records of `plan`
    """
    if shot_noise is None:
        return None
    if isinstance(shot_noise, (int, float)):
        if not 0 < shot_noise < np.inf:
            raise violation("shot noise", f"{shot_noise:g}", "a level > 0, in unit²/Hz")
        return ShotNoise(float(shot_noise), 0.0, "given")
    one_array = isinstance(shot_noise, np.ndarray) or Path(shot_noise).suffix.lower() == ".npy"
    samples, channel, triggers = (None, names[1], None) if one_array else names
    with open_photocurrent(
        shot_noise,
        samples=samples,
        channel=channel,
        triggers_where_there=triggers,
        fallback_rate=stream.sample_rate,
    ) as reference:
        if reference.sample_rate != stream.sample_rate:
            expected = f"{stream.sample_rate:g}, as in {stream.where}"
            raise violation(reference.where, f"{reference.sample_rate:g} samples/s", expected)
        if reference.unit != stream.unit:
            raise violation(reference.where, f"samples in {reference.unit}", f"{stream.unit}, as in {stream.where}")
        if reference.simulated and not (stream.simulated or simulated):
            expected = f"a measured one for {stream.where}, or records that are said to be simulated (--simulated)"
            raise violation(reference.where, "a simulated reference", expected)
        return _level_of(reference, plan, piece)


def _level_of(reference: Photocurrent, plan: Cut, piece: int) -> ShotNoise:
    """Of a stream without atoms, cut at its triggers, or into records one after the other."""
    begins, how = _begins(reference, plan)
    begins = begins[:: -(-len(begins) * plan.bins // LARGEST_REFERENCE)]
    own = replace(plan, triggers=begins.astype(float), phase="stream")
    bins = np.empty(own.shape, np.complex64)
    seen = Digitisation(reference.dtype, reference.where)
    for place, values in mixed(reference, own, seen, piece):
        bins[place] = values
    own, whole = own.without(seen.held, reference.where)
    bins = bins[whole]
    name = Path(reference.where.partition(": ")[0]).name
    level = level_of_reference(
        lambda a, b: bins[a:b], *own.shape, plan.weights, reference.sample_rate,
        f"{name}, without atoms, cut {how} into {len(bins)} records",
    )  # fmt: skip
    energies = group_energies(lambda a, b: bins[a:b], *own.shape)
    white = not any("not white" in one for one in level.warnings)
    if white:
        _require_light(energies, plan.bins, reference.where, how)
    steady = unsteady(energies, plan.bins) if white and not level.warnings else []
    warnings = (*own.notes, *seen.warnings(), *level.warnings, *steady)
    return replace(level, warnings=tuple(f"{name}: {one}" for one in warnings))


def _begins(reference: Photocurrent, plan: Cut) -> tuple[np.ndarray, str]:
    """Where records without atoms begin, and how they were found."""
    size, margin = plan.bins * plan.weights.samples, plan.weights.margin
    if reference.triggers is not None and len(reference.triggers) >= _SEVERAL:
        begins = begins_apart(reference, reference.triggers, size, margin)
        return np.rint(begins), "at its triggers"
    begins = np.arange(margin, reference.length - size - margin + 1, size)
    if not len(begins):
        raise violation(reference.where, f"{reference.length} samples", f"at least {size + 2 * margin}, a record's")
    return begins, _THROUGHOUT


def _require_light(energies: np.ndarray, length: int, where: str, how: str) -> None:
    """Raise where the light is off in a part of the records: the level would be an average with the dark."""
    light = level_of_light(energies)
    without = dark(energies, length, light)
    if not without.any():
        return
    ratio = float(energies.min() / light)
    without = energies < 0.5 * light
    found = f"two levels of noise, {100 * without.mean():.2g} % of the time {ratio:.2g} of what it is otherwise"
    expected = "light from each trigger to the end of its record"
    if how == _THROUGHOUT:
        expected = "light all the time, or an array 'triggers' that says when each record of it begins, as in the data"
    raise violation(where, found, expected)
