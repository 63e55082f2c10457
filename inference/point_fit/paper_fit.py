"""The fit of the paper (supplement, theory): one quantity after the other, each from one feature of the data.

1  n4, n3, nh = 0.99, 0.01, 0 at t = 0.
2  The slope of P at t = 0, −1/T1, fixes Γout for given Γ, Γcol (Γpump).
3  P(t) is fitted with the rates left: Γ and Γcol; with the pump also Γpump.
4  The slope of ΣJ/2⟨Jx(0)⟩ at t = 0 fixes dΓ, by the paper's formula, that of the fixed-number closure.
5  Jy(t) is fitted with Γ̃. In 4 and 5 P and all that was found before are taken as exact.

The paper does not say how it took the slopes of noisy series. Here (`paper_steps`): P and Jy from a relaxation
1 + s (1 − e^{−kt})/k through all points; ΣJ from a relaxation to a line, at the rate at which the theory lets it relax,
Γ̃ + dΓp = 2/T2 with T2 from the slope of Jy, through the points of the first 3 T2. ΣJ/2⟨Jx(0)⟩ is measured, or ξ times
the fitted P. Γ, Γcol, Γpump, Γout_L and Γ̃ are bounded by 0. Z is the apparatus's, or the paper's 0.16. Where more
stages follow, their data are not used. Where χ² is no parabola a rate has no ±, but the interval in which χ² is less
than 1 above its minimum while the other rates of its step follow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...datasets import PAPER, Experiment, ExperimentError, StageEntry
from ...datasets.experiment import Label
from ...forward_models import NOISES, Dynamics
from ..model import experiment_of
from .paper_steps import (
    START,
    InitialSlope,
    Points,
    collective_rate,
    fit_dephasing,
    fit_populations,
    initial_slope,
    slope_of_relaxation,
    variance_series,
)
from .point_fit import PointFit, Step, edge_warnings, misfits

_LIGHTS = ("drive", "drive+pump")
_MEANING = (
    "one standard deviation from the least squares of its own step; earlier steps are taken as exact, and their"
    " uncertainty is not propagated"
)
_TAKEN = {"polarization": "Γout, Γ and Γcol", "transverse_spin": "Γ̃"}
_USED = ("polarization", "transverse_spin", "xi", "epr_variance")


def paper_fit(experiment: Any) -> PointFit:
    """The rates as the paper found them (Krauter et al., supplement); steps and choices: see this module.

    Rates in ms⁻¹; each ± is that of its own step, and there is no covariance.

    Parameters
    ----------
    experiment : what `fit` takes, with one run that starts with the drive (and the pump), and with the series
        polarization, transverse_spin, and xi or epr_variance

    Raises
    ------
    ExperimentError : for several runs, a run that starts otherwise, and without the series that a step needs
    """
    data = experiment_of(experiment)
    stage = _first_stage(data)
    spin, decay = _points(data, "polarization", stage), _points(data, "transverse_spin", stage)
    xi, measured = _points(data, "xi", stage), _points(data, "epr_variance", stage)
    if not len(xi[0]) and not len(measured[0]):
        raise _missing(data, "xi or epr_variance", "dΓ")
    slope, relaxation = _falling("polarization", "P", spin), -2 * _falling("transverse_spin", "Jy", decay).slope
    limit = data.known("squeezing_limit").value if data.knows("squeezing_limit") else PAPER["squeezing_limit"]
    found = fit_populations(spin, slope, stage, limit)
    falling = slope_of_relaxation("ΣJ/2⟨Jx(0)⟩", *variance_series(xi, measured, stage, found.rates), relaxation)
    collective, per_slope = collective_rate(falling.slope, found.rates)
    dephasing, dephasing_error, chi2, interval = fit_dephasing(decay, stage, found.rates, max(collective, 0.0))
    label = str(Label("dephasing_rate", stage.label))
    steps = (
        Step(f"slope of P at 0, T1 = {-1 / slope.slope:.1f} ms", ("light_loss_rate",), slope.chi2, slope.dof),
        Step("P(t)", found.labels, found.chi2, len(spin[0]) - len(found.labels)),
        Step("slope of ΣJ at 0", ("collective_rate",), falling.chi2, falling.dof),
        Step("Jy(t)", (label,), chi2, len(decay[0]) - 1),
    )
    values = {"collective_rate": collective, label: dephasing} | found.values
    errors = {"collective_rate": falling.error * per_slope, label: dephasing_error} | found.errors
    fixed = {"squeezing_limit": limit, "initial_n3": START.n3, "initial_nh": START.nh}
    warnings = *misfits(steps), *edge_warnings(values, errors, dict.fromkeys(values, 0.0)), *found.warnings
    warnings = *warnings, *_unsaid(data, stage, collective)
    intervals = found.intervals | ({} if interval is None else {label: interval})
    return PointFit(
        "paper", data, Dynamics("fixed-number"), _MEANING, values, errors, fixed, steps,
        warnings=warnings, intervals=intervals,
    )  # fmt: skip


def _first_stage(experiment: Experiment) -> StageEntry:
    if len(experiment.runs) != 1:
        raise ExperimentError(
            f"{experiment.title!r}: found {len(experiment.runs)} runs ({', '.join(experiment.runs)}), expected one: the"
            " paper's fit is of a single run; use --method posterior or least-squares"
        )
    stage = experiment.stages[0]
    if stage.label not in _LIGHTS:
        raise ExperimentError(
            f"{experiment.title!r}: found a run that starts with {stage.label!r}, expected {' or '.join(_LIGHTS)}: the"
            " paper's fit starts from the slopes with the drive on; use --method posterior or least-squares"
        )
    if stage.power:
        raise ExperimentError(
            f"{experiment.title!r}: found a power other than full power, expected none: the paper's fit"
            " has constant rates; use --method posterior or least-squares"
        )
    return stage


def _missing(experiment: Experiment, kind: str, what_for: str) -> ExperimentError:
    there = ", ".join(dict.fromkeys(s.kind for s in experiment.series)) or "none"
    return ExperimentError(
        f"{experiment.title!r}: found no series {kind} (there: {there}), expected one: the paper's fit takes {what_for}"
        " from it; use --method posterior or least-squares"
    )


def _points(experiment: Experiment, kind: str, stage: StageEntry) -> Points:
    """The fitted points of all series of a kind within the first stage, in order of time; for some kinds maybe none."""
    rows = [np.empty((3, 0))]
    for one in (s for s in experiment.series if s.kind == kind):
        for name, of in one.free:
            raise ExperimentError(
                f"{experiment.title!r}: found {name} = 'free' of {of}, expected values normalised to their start: the"
                " paper's fit begins there; use --method posterior or least-squares"
            )
        use = one.fitted & (one.x <= stage.duration)
        sigma = NOISES[one.noise].scatter(one.value[use], one.spread[use])
        rows.append(np.stack([one.x[use], one.value[use], np.broadcast_to(sigma, one.x[use].shape)]))
    times, values, sigmas = np.concatenate(rows, axis=1)
    if not len(times) and kind in _TAKEN:
        raise _missing(experiment, kind, _TAKEN[kind])
    order = np.argsort(times, kind="stable")
    return times[order], values[order], sigmas[order]


def _falling(kind: str, symbol: str, points: Points) -> InitialSlope:
    found = initial_slope(kind, *points)
    if found.slope >= 0:
        raise ExperimentError(
            f"{kind}: found a slope of {found.slope:+.2g} ms⁻¹ at t = 0, expected {symbol} to fall: the paper's fit"
            " begins there; use --method posterior or least-squares"
        )
    return found


def _unsaid(experiment: Experiment, stage: StageEntry, collective: float) -> list[str]:
    """What the values and their error bars do not include."""
    lines = []
    if collective < 0:
        lines.append("collective_rate is negative: ΣJ falls less at t = 0 than without collective emission")
    later = sum(int((s.fitted & (s.x > stage.duration)).sum()) for s in experiment.series if s.kind in _USED)
    if later:
        lines.append(f"{later} points after the first stage ({stage.duration:g} ms) are not used")
    others = [s.name for s in experiment.series if s.kind not in _USED]
    others += [o.label for o in experiment.observations if not o.excluded]
    if others:
        lines.append(f"not used: {', '.join(others)}")
    scales = [f"of the scale of {s.name} (± {s.scale_uncertainty:g})" for s in experiment.series if s.scale_uncertainty]
    ignored = ["of Z and of the initial populations", *scales]
    without = ", ".join(ignored)
    lines.append(f"neither priors nor the apparatus's d are used; no error bar includes the uncertainty {without}")
    return lines
