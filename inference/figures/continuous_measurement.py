"""The continuous measurement: ξ with and without the record, as the paper's Fig. 2d; records and their innovations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import ExperimentError, RecordSeries
from ...datasets.prediction import expected_record_sums, measurement_in, readout_pulse
from ...forward_models import NOISES
from ...forward_models.light import optimal_mode_rate
from ..checks import OF_NORMAL
from ..fits import Fit, checks_in
from .curves import ExperimentDraws, observable
from .drawing import band, from_light, legend, legend_below, mark_simulated
from .style import DATA, INK, MODEL, MUTED, PAGE_WIDTH, RUNS, WIDTHS, one_line, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TIMES = 161
_LAGS, _LONGEST_LAG = 40, 0.75
_MOST_DRAWS = 60
_APART = 0.008
_WORDS = {"xi": "dissipation alone", "conditional_xi": "with the record"}
_LINES = {"xi": "-", "conditional_xi": "--"}
_MARKERS = {"xi": "o", "conditional_xi": "s"}


def constant_runs(fitted: Fit) -> list[str]:
    """Names of the runs with constant rates (populations steady or not modelled), in which light can be recorded."""
    return list(fitted.experiment.constant) if "unconditional_xi" in fitted.tree["derived"].dataset else []


def with_record(fitted: Fit) -> bool:
    """Whether the fit has ξ given the record of the light: that takes a detection efficiency η."""
    return "steady_conditional_xi" in fitted.tree["derived"].dataset


def figure_2d(fitted: Fit, width: float = WIDTHS["column"], run: str | None = None) -> Figure:
    """ξ(t) of each run with constant rates: upper curves without, lower curves with the record of the light.

    Points: measured series, and values reconstructed from the records; below the modes e^{γm t} and e^{−γt} of light.
    Without any measurement of light there are the upper curves alone.
    """
    from matplotlib.figure import Figure

    known = constant_runs(fitted)
    if not known:
        raise ExperimentError(
            f"{fitted.experiment.title}: found no run with constant rates, expected one for Fig. 2d: populations ="
            " 'steady' or 'unmodelled' in its [[run]]"
        )
    if run is not None and run not in known:
        raise ExperimentError(f"run: found {run!r}, expected one of {', '.join(known)}")
    runs, draws = known if run is None else [run], ExperimentDraws.of(fitted)
    with style():
        figure = Figure(figsize=(width, 1.15 * width))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(6, 1))
        for k, name in enumerate(runs):
            _draw_run(above, fitted, draws, name, k, len(runs) > 1)
        above.axhline(1.0, color=INK, ls=":", lw=0.8)
        above.set_ylabel("ξ(t)")
        above.tick_params(labelbottom=True)
        above.set_ylim(bottom=0.0)
        if with_record(fitted):
            _draw_modes(below, fitted, runs[0])
            below.set_xlabel("t (ms)")
        else:
            below.remove()
            above.set_xlabel("t (ms)")
        legend_below(figure, above, room=0.6)
        mark_simulated(figure, fitted.experiment.simulated)
    return figure


def _draw_run(axis: Axes, fitted: Fit, draws: ExperimentDraws, run: str, number: int, several: bool) -> None:
    """Curves and points of one run; its points a little to the right of those of the run before."""
    colour, duration = RUNS[number % len(RUNS)], fitted.experiment.duration(run)
    times, where = np.linspace(0.0, duration, _TIMES), f"{one_line(run, 20)}, " if several else ""
    for kind in _WORDS if with_record(fitted) else ("xi",):
        low, middle, high = np.quantile(observable(draws, run, kind, times), (0.03, 0.5, 0.97), axis=0)
        if kind == "xi":
            axis.fill_between(times, low, high, color=colour, alpha=0.22, lw=0)
        else:
            axis.fill_between(times, low, high, facecolor="none", edgecolor=colour, alpha=0.55, lw=0, hatch="////")
        axis.plot(times, middle, color=colour, ls=_LINES[kind], label=f"{where}{_WORDS[kind]}")
        if (run, kind) in draws.reconstructed:
            at, quantiles = draws.reconstructed[run, kind]
            at = at + _APART * (number + 0.5 * (kind != "xi")) * duration
            from_light(axis, at, quantiles, colour=colour, marker=_MARKERS[kind], label="")
        for series in fitted.experiment.series:
            if (series.run, series.kind) == (run, kind):
                use = series.fitted
                sigma = NOISES[series.noise].scatter(series.value, series.spread)
                axis.errorbar(series.x[use], series.value[use], sigma[use], fmt=_MARKERS[kind], ms=2.5, lw=0.7,
                              color=colour, mfc="none" if kind == "conditional_xi" else colour)  # fmt: skip


def _draw_modes(axis: Axes, fitted: Fit, run: str) -> None:
    """The modes of light of the best prediction and of the readout that follows, at the posterior medians."""
    measurement = measurement_in(fitted.experiment, run, fitted.values)
    gamma, best = float(np.median(measurement.decay_rate)), float(np.median(optimal_mode_rate(measurement)))
    record = next((r for r in fitted.experiment.records if r.run == run), None)
    end = fitted.experiment.duration(run) if record is None else record.start + record.duration
    split = max(end - 1 / gamma, 0.6 * end) if record is None else end - readout_pulse(record, gamma)
    past, pulse = np.linspace(0.0, split, _TIMES), np.linspace(split, end, _TIMES)
    axis.fill_between(past, np.exp(best * (past - split)), color=MODEL, alpha=0.5, lw=0)
    axis.fill_between(pulse, np.exp(-gamma * (pulse - split)), color=MUTED, alpha=0.5, lw=0)
    axis.annotate(
        rf"$y_\mathrm{{feed}}$: e$^{{\gamma_\mathrm{{m}}t}}$, {best:.2f} ms⁻¹", (0.02 * end, 0.55), fontsize=8
    )
    axis.annotate(r"$y_\mathrm{read}$", (split + 0.1 * (end - split), 0.12), fontsize=8)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)


def plot_record(fitted: Fit, record: RecordSeries, width: float = PAGE_WIDTH) -> Figure:
    """Covariance of the samples of a record (shot noise of a bin = 1) against lag (ms), and checks of its innovations.

    Bars are z-scores of the checks: 94 % of them lie in the grey band where the model describes the record.
    """
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(width, 1.25 * width))
        above, below = figure.subplots(2, 1, height_ratios=(3, 4))
        _draw_covariance(above, fitted, record)
        _draw_checks(below, fitted, record)
        figure.suptitle(one_line(record.name) + (", simulated" if fitted.experiment.simulated else ""))
    return figure


def _draw_covariance(axis: Axes, fitted: Fit, record: RecordSeries) -> None:
    """Mean of Y_k Y_{k+l} over a record: data with errors from the scatter of the groups, and what draws expect."""
    lags = np.unique(
        np.round(np.geomspace(1, max(1, _LONGEST_LAG * record.length), min(_LAGS, record.length - 1)))
    ).astype(int)
    pairs = record.length - lags

    def mean(sums: Any) -> np.ndarray:
        return np.asarray(sums.products[lags] / (sums.count * pairs))

    groups = np.array([mean(sums) for sums in record.group_sums])
    x = lags * record.interval
    if len(groups) > 1:
        error = groups.std(axis=0, ddof=1) / np.sqrt(len(groups))
        axis.errorbar(x, mean(record.sums), error, fmt="o", ms=3, lw=0.8, color=DATA[0], label="data, ± 1 sd")
    else:
        axis.plot(x, mean(record.sums), "o", ms=3, color=DATA[0], label="data")
    values = fitted.thinned(_MOST_DRAWS)
    number = max(np.size(v) for v in values.values())
    expected = []
    for k in range(number):
        one = {label: v[k] if np.ndim(v) else v for label, v in values.items()}
        sums = expected_record_sums(fitted.experiment, record, one, fitted.settings.dynamics, 1.0)
        expected.append(mean(sums))
    band(axis, x, np.array(expected), inner=False)
    axis.axhline(0.0, color=INK, lw=0.6)
    axis.set_xlabel("lag (ms)")
    axis.set_ylabel("covariance of samples\n(shot noise of a bin = 1)")
    legend(axis)


def _draw_checks(axis: Axes, fitted: Fit, record: RecordSeries) -> None:
    checks = checks_in(fitted.tree).get(record.name, [])[::-1]
    scores = np.array([check.z_score for check in checks])
    colours = [DATA[0] if abs(score) > OF_NORMAL else MODEL for score in scores]
    axis.barh(range(len(checks)), scores, color=colours, height=0.6)
    axis.axvspan(-OF_NORMAL, OF_NORMAL, color=MUTED, alpha=0.18, lw=0)
    axis.axvline(0.0, color=INK, lw=0.6)
    axis.set_yticks(range(len(checks)), [check.label for check in checks], fontsize=8)
    widest = max(3.2, 1.1 * float(abs(scores).max(initial=0.0)))
    axis.set_xlim(-widest, widest)
    axis.set_xlabel("score of the innovations (grey: 94 %)")


def describe_record(fitted: Fit, record: RecordSeries) -> str:
    """What `plot_record` shows, in words: decay of the covariance, extremes of the checks."""
    scores = [check.z_score for check in checks_in(fitted.tree).get(record.name, [])]
    gamma = float(np.median(measurement_in(fitted.experiment, record.run, fitted.values).decay_rate))
    return (
        f"Covariance of the samples of {record.name} against lag, data and model: it decays at {gamma:.3g} per ms."
        f" {len(scores)} checks of the innovations, scores from {min(scores, default=0.0):.1f} to"
        f" {max(scores, default=0.0):.1f}."
    )
