"""Predictions of a fitted model: at new times, under other lights, with another optical depth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import ExperimentError, StageEntry
from ...datasets.errors import nearest
from ...datasets.experiment import Label, by_label
from ...datasets.prediction import atoms_of, find, optical_depth_of, run_state
from ...forward_models import LIGHTS, OBSERVABLES, PARAMETERS
from .result import Fit

if TYPE_CHECKING:
    from xarray import DataTree

    from ..results import Prediction

DEFAULT_QUANTITIES = ("xi", "polarization", "transverse_spin")
CONSTANT_QUANTITIES = ("xi", "conditional_xi", "transverse_spin")
_TIMES = 121


def predict(
    fit: DataTree | Fit,
    *,
    times: Sequence[float] | np.ndarray | None = None,
    stages: Iterable[tuple[float, str]] | None = None,
    run: str | None = None,
    changes: Mapping[str, float] | None = None,
    quantities: Sequence[str] | None = None,
    draws: int = 1000,
) -> Prediction:
    """Expected values for the atoms by the posterior, without noise or calibration errors.

    Parameters
    ----------
    fit : what `fit` returned
    times : (T,), ms, in order; by default 121 over the stages. The last stage is extended as needed
    stages : (duration in ms, lights) in order, lights like "drive", "drive+pump", "dark"; by default those of the run
    run : that gives stages, initial state and optical depth; by default the first one with the drive
    changes : label → value: e.g. {"optical_depth": 35} takes dΓ in proportion at the same Γ, as does "faraday_angle";
        "drive_detuning" and "temperature", of sixteen levels, take dΓ, Γ and Z with them as the rate tables say, at the
        same power and d; anything else is then set to the value in every draw. A name alone is that of the run's member
    quantities : "xi", "polarization", "transverse_spin", "orientation", "epr_variance"; the first three by default. In
        runs with constant rates "xi", "conditional_xi" and "transverse_spin"
    draws : about the largest number of draws used

    Returns
    -------
    Prediction, an xarray.Dataset with the dims draw and time: a variable for each quantity (P as the DC probe of the
    fit sees it), and `stage_lights` (time).
    A notebook displays it; `summary()` gives its quantiles

    Raises
    ------
    ExperimentError : for a run, a quantity or a label that is unknown, for times that are not in order, for lights
        whose rates this fit does not know, and for changes of what the run does not depend on
    """
    from ..results import Prediction

    fit = Fit.of(fit)
    chosen = _run(fit, run)
    entries = _entries(fit, chosen, stages)
    at = _checked_times(times, entries)
    entries[-1] = _until(at[-1], entries)
    quantities = _checked_quantities(quantities, chosen in fit.experiment.constant)
    if chosen in fit.experiment.constant and stages is not None:
        raise ExperimentError(f"predict: found stages for the run {chosen!r}, expected none where rates are constant")
    experiment = replace(fit.experiment, stages=(*(s for s in fit.experiment.stages if s.run != chosen), *entries))
    member = experiment.member.get(chosen, "")
    _require_effect(changes or {}, sixteen=fit.settings.atoms == "sixteen-level")
    values, moved = _changed(fit.thinned(draws), changes or {}, member)
    for entry in entries if chosen not in experiment.unmodelled else ():
        _require_rates(values, entry, member)
    state = run_state(experiment, chosen, values, fit.problem.dynamics, [at], accuracy=1e-6)
    shape = max(np.size(v) for v in values.values()), len(at)
    columns = {q: (("draw", "time"), np.broadcast_to(state.at(q, at), shape).copy()) for q in quantities}
    _require_use(moved, values, chosen)
    return Prediction(
        columns | {"stage_lights": ("time", _lights(entries, at))},
        coords={"time": ("time", at, {"units": "ms"})},
        attrs={
            "title": fit.experiment.title,
            "simulated": int(fit.experiment.simulated),
            "run": chosen,
            "stages": ", ".join(f"{entry.duration:g} ms {entry.label}" for entry in entries),
            "changes": ", ".join(f"{label} = {value:g}" for label, value in (changes or {}).items()),
            "meaning": "posterior expectation of the model, without noise and calibration errors",
        },
    )


def _until(end: float, entries: Sequence[StageEntry]) -> StageEntry:
    """The last stage, longer where it ends too early."""
    missing = end - sum(entry.duration for entry in entries)
    return replace(entries[-1], duration=entries[-1].duration + max(0.0, missing))


def _lights(entries: Sequence[StageEntry], at: np.ndarray) -> np.ndarray:
    """Label of the stage at each time; the last one goes on."""
    ends = np.cumsum([entry.duration for entry in entries])
    return np.array([entries[min(k, len(entries) - 1)].label for k in np.searchsorted(ends, at)], object)


def _checked_quantities(quantities: Sequence[str] | None, constant: bool) -> Sequence[str]:
    possible, usual = (CONSTANT_QUANTITIES,) * 2 if constant else (OBSERVABLES, DEFAULT_QUANTITIES)
    quantities = usual if quantities is None else quantities
    for quantity in quantities:
        if quantity not in possible:
            raise ExperimentError(f"predict: found the quantity {quantity!r}, expected one of {', '.join(possible)}")
    return quantities


def _require_effect(changes: Mapping[str, float], *, sixteen: bool) -> None:
    """Raise ExperimentError for a parameter that only atoms with sixteen levels have, or with three states."""
    from ...datasets.simulation import is_of_other_atoms

    for label in by_label(changes, "predict"):
        name = Label.parse(label).name
        if is_of_other_atoms(name, sixteen=sixteen) or (name == "temperature" and not sixteen):
            atoms = "sixteen levels" if sixteen else "three states"
            raise ExperimentError(
                f"predict: found {label}, on which atoms with {atoms} do not depend, expected one of the fit's"
            )


class _Noting(dict[str, Any]):
    """Values by label that note which of them are asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def __getitem__(self, label: str) -> Any:
        self.asked.add(label)
        return super().__getitem__(label)

    def get(self, label: str, default: Any = None) -> Any:
        """The value; `default` where there is none."""
        self.asked.add(label)
        return super().get(label, default)


def _require_use(moved: Mapping[str, set[str]], values: _Noting, run: str) -> None:
    """Raise ExperimentError for a change of what nothing has asked for."""
    unused = [label for label, of in moved.items() if not of & values.asked]
    if unused:
        raise ExperimentError(
            f"predict: found {unused[0]}, on which the run {run!r} does not depend under these lights, expected one of"
            f" {', '.join(label for label in values if label in values.asked)}"
        )


def _changed(values: dict[str, Any], changes: Mapping[str, float], member: str) -> tuple[_Noting, dict[str, set[str]]]:
    """Draws by label with some values exchanged, and for each change the labels of all that it moves.

    Changes that move other parameters come first: what is given for one of these holds.
    """
    moved, given = {}, by_label(changes, "predict")
    for label in sorted(given, key=lambda one: Label.parse(one).name not in _MOVE_OTHERS):
        before, values = values, dict(values)
        of = _which(values, label, given[label], member)
        if of.name in _MOVE_OTHERS and of.entry in ("", member):
            _MOVE_OTHERS[of.name](values, of.name, given[label], member)
            moved[label] = {one for one in values if values[one] is not before.get(one)}
        else:
            values[str(of)] = given[label]
            moved[label] = {str(of)}
    return _Noting(values), moved


def _which(values: Mapping[str, Any], text: str, value: float, member: str) -> Label:
    """The parameter that a label means: the run's member's own, where it has one; ExperimentError for none."""
    label = Label.parse(text)
    if label.name not in PARAMETERS:
        raise ExperimentError(
            f"predict: found the parameter {text!r}{nearest(label.name, PARAMETERS)}, expected one of the fit's,"
            f" such as {', '.join(list(values)[:6])}"
        )
    if not np.isfinite(value) or (PARAMETERS[label.name].domain != "real" and value < 0):
        raise ExperimentError(f"predict: found {text} = {value:g}, expected a number of the domain of {label.name}")
    other = _COLLISIONS.get(label.name, "")
    if find(values, "temperature", member) is not None and any(Label.parse(one).name == other for one in values):
        raise ExperimentError(f"predict: found {text}, expected {other}, by which the atoms of this fit collide")
    own = Label.of(label.name, member=member, lights=label.entry)  # a population has its median beside it
    if member and str(own) in values:
        return own
    entries = [known for known in values if known.startswith(f"{label.name}[")]
    if entries and not label.entry and label.name not in (*values, *_MOVE_OTHERS):
        raise ExperimentError(f"predict: found {text!r}, expected one of {', '.join(entries)}")
    return label


def _other_depth(values: dict[str, Any], name: str, value: float, member: str) -> None:
    """Another d: Γ as it is, dΓ and Θ in proportion, where they are parameters; else they follow."""
    now = optical_depth_of(values, member) if name == "optical_depth" else find(values, name, member)
    if now is None:
        raise ExperimentError(f"predict: found no {name} in this fit, expected collective_rate = … in its place")
    _scale(values, dict.fromkeys(("collective_rate", "optical_depth", "faraday_angle"), value / now), member)


def _other_light(values: dict[str, Any], name: str, value: float, member: str) -> None:
    """Another detuning of the drive, or temperature, at the same power and d: dΓ, Γ and Z go with it."""
    before = atoms_of(values, member)
    values[str(Label(name, member))] = value
    after = atoms_of(values, member)
    rate, share, limit = (
        after.of_drive(of) / before.of_drive(of)
        for of in ("rate_per_intensity", "coherent_fraction", "squeezing_limit")
    )
    _scale(values, {"collective_rate": rate * share, "radiative_rate": rate, "squeezing_limit": limit}, member)


def _scale(values: dict[str, Any], factors: Mapping[str, Any], member: str) -> None:
    """What of this is known of the run's member, its own or that of all, times a factor, as its own."""
    for name, factor in factors.items():
        known = find(values, name, member)
        if known is not None:
            values[str(Label(name, member))] = known * factor


_MOVE_OTHERS = {
    "optical_depth": _other_depth,
    "faraday_angle": _other_depth,
    "drive_detuning": _other_light,
    "temperature": _other_light,
}
"""What a change of a parameter does to others."""
_COLLISIONS = {
    "collision_rate": "electron_collision_rate",
    "electron_collision_rate": "collision_rate",
}
"""Of sixteen levels: what the other kind of collisions has instead."""


def _run(fit: Fit, run: str | None) -> str:
    runs = fit.experiment.runs
    if run is not None and run not in runs:
        raise ExperimentError(f"predict: found the run {run!r}{nearest(run, runs)}, expected one of {', '.join(runs)}")
    return run if run is not None else next(iter(fit.driven_runs), runs[0])


def _entries(fit: Fit, run: str, stages: Iterable[tuple[float, str]] | None) -> list[StageEntry]:
    if stages is None:
        return fit.experiment.run_stages(run)
    found = []
    for duration, lights in stages:
        words = [word.strip() for word in str(lights).split("+")]
        unknown = [word for word in words if word not in (*LIGHTS, "dark")]
        if isinstance(duration, str):
            raise ExperimentError(f"predict: found the duration {duration!r}, expected a number, in ms")
        if unknown or not np.isfinite(duration) or duration <= 0:
            raise ExperimentError(
                f"predict: found the stage '{duration:g} ms {lights}', expected a duration above 0 and lights of"
                f" {', '.join(LIGHTS)} joined by '+', or dark"
            )
        found.append(replace(StageEntry.of("+".join(words), run), duration=float(duration)))
    if not found:
        raise ExperimentError("predict: found no stages, expected at least one")
    return found


def _checked_times(times: Any, entries: list[StageEntry]) -> np.ndarray:
    if times is None:
        return np.linspace(0.0, sum(entry.duration for entry in entries), _TIMES)
    at = np.atleast_1d(np.asarray(times, float))
    if at.ndim != 1 or not len(at) or not np.isfinite(at).all() or at[0] < 0 or (np.diff(at) < 0).any():
        raise ExperimentError("predict: times: found some that are negative or not in order, expected rising ms ≥ 0")
    return at


def _require_rates(values: Mapping[str, Any], entry: StageEntry, member: str) -> None:
    """Raise ExperimentError for lights of which the fit has no rates."""
    needed = [Label("dephasing_rate", entry.label)]
    if find(values, "temperature", member) is None:
        needed.append(Label("collision_rate"))
    elif find(values, "collision_rate", member) is None:
        needed.append(Label("electron_collision_rate", entry.label))
    needed += [Label("pump_rate", entry.label)] if "pump" in entry.lights else []
    needed += [Label("repump_rate")] if "repump" in entry.lights else []
    for label in needed:  # Γ̃ follows from Γdeph
        entries = ("", label.entry) if label.name == "electron_collision_rate" else (label.entry,)
        names = [(name, entry) for name in (label.name, f"pure_{label.name}") for entry in entries]
        if all(find(values, name, member, entry) is None for name, entry in names):
            raise ExperimentError(
                f"predict: found no {label} in this fit, expected lights that it knows, or a value for it: {label}=…"
            )
