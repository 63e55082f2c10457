"""Parts of a panel: bands, points, the line ξ = 1, and which light is on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...datasets import Series, StageEntry
from ...forward_models import NOISES
from .style import DATA, INK, LIGHTS, MODEL, MUTED, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_THIN = 0.02
"""Width of a band over the range of its curve below which the line hides it: then a number says it."""
MOST_NAMED = 6
_MARK, _LETTER, _LINE, _MOST_ACROSS = 0.5, 0.56, 1.55, 3
"""Of a legend: inches of a mark, and a letter's width and a line's height in units of the size of the font."""
QUANTILES = (0.03, 0.25, 0.5, 0.75, 0.97)


def panels(count: int, across: int, width: float, row: float, room: float = 0.0, **shared: Any) -> tuple[Figure, Any]:
    """A figure of so many panels and their axes, at most `across` in a row; places that are left stay empty.

    width : of the figure;  row : height of a row, to which `room` is added once, inches
    """
    from matplotlib.figure import Figure

    across = max(1, min(count, across))
    down = max(1, -(-count // across))
    figure = Figure(figsize=(width, row * down + room))
    axes = figure.subplots(down, across, squeeze=False, **shared).ravel()
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


def band(axis: Axes, x: np.ndarray, draws: np.ndarray, *, colour: str = MODEL, component: int = 0, name: str = "model",
         inner: bool = True) -> None:  # fmt: skip
    """Median, 50 and 94 % of draws (draws, T); of a single one the curve."""
    if len(draws) == 1:
        axis.plot(x, draws[0], color=colour, lw=1.2, ls="-" if component == 0 else "--", label="best fit")
        return
    low, quarter, middle, upper, high = np.quantile(draws, QUANTILES, axis=0)
    widest = float(np.max(high - low)) / 2
    thin = f" (± {widest:.1g} at most)" if 2 * widest < _THIN * np.ptp(middle) else ""
    axis.fill_between(x, low, high, color=colour, alpha=0.22, lw=0, label=f"{name}, 94 %{thin}")
    if inner:
        axis.fill_between(x, quarter, upper, color=colour, alpha=0.35, lw=0, label=f"{name}, 50 %")
    axis.plot(x, middle, color=colour, lw=1.2, ls="-" if component == 0 else "--")


def points(axis: Axes, series: Series) -> None:
    """The data of a series with their standard deviations; excluded points hollow."""
    names = series.about.components
    sigma = NOISES[series.noise].scatter(series.value, series.spread)
    use = np.ones(len(series.x), bool) if series.excluded is None else ~series.excluded
    style: dict[str, Any] = {"fmt": "o", "ms": 3, "lw": 0.8}
    for k, name in enumerate(names):
        mine = use & (series.component_numbers == k)
        label = "raw data, ± 1 sd" if len(names) == 1 else f"{name.replace('_', ' ')}, ± 1 sd"
        axis.errorbar(series.x[mine], series.value[mine], sigma[mine], color=DATA[k], label=label, **style)
    if not use.all():
        axis.errorbar(
            series.x[~use], series.value[~use], sigma[~use], color=MUTED, mfc="none", label="excluded", **style
        )


def from_light(axis: Axes, times: np.ndarray, quantiles: np.ndarray, *, colour: str = DATA[0],
               marker: str = "o", label: str = "from the light, 94 %") -> None:  # fmt: skip
    """ξ reconstructed from the light: medians and 94 % intervals, by 3, 50 and 97 % quantiles (3, T)."""
    low, middle, high = quantiles
    axis.errorbar(times, middle, [middle - low, high - middle], fmt=marker, ms=3, lw=0.8, color=colour, label=label)


def entangled_below(axis: Axes) -> None:
    """The line ξ = 1, and room for a legend above it."""
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + max(0.0, 1.0 + 0.55 * (high - low) - high))
    axis.axhline(1.0, color=INK, ls="--", lw=0.9)
    axis.annotate("ξ = 1: entangled below", (0.98, 1.0), xycoords=("axes fraction", "data"), xytext=(0, 3),
                  textcoords="offset points", ha="right", fontsize=8)  # fmt: skip


def legend(on: Axes | Figure, *axes: Axes, **where: Any) -> None:
    """One entry a name, of several axes together; by default of those that it stands on, where it hides least."""
    unique = _by_name(axes or (on,))
    on.legend(unique.values(), unique.keys(), **({"loc": "best"} | where))


def legend_below(figure: Figure, *axes: Axes, room: float = 0.0, size: float = 8.0) -> None:
    """The same below the panels, in as many columns as the width has room for.

    room : inches that the figure has for it; it becomes as much higher as is needed;  size : of the font, points
    """
    most = int((figure.get_figwidth() - _MARK) / (_LETTER * size / 72))
    names = {name if len(name) <= most else f"{name[: most - 1]}…": mark for name, mark in _by_name(axes).items()}
    across = _across(list(names), figure.get_figwidth(), size)
    figure.legend(names.values(), names.keys(), loc="outside lower center", ncols=across, fontsize=size)
    figure.set_figheight(figure.get_figheight() + max(0.0, height_below(figure) - room))


def height_below(figure: Figure) -> float:
    """Inches that the names below the panels need."""
    texts = [text for one in figure.legends for text in one.get_texts()]
    if not texts:
        return 0.0
    size = float(texts[0].get_fontsize())
    across = _across([text.get_text() for text in texts], figure.get_figwidth(), size)
    return -(-len(texts) // across) * _LINE * size / 72


def _by_name(axes: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    return found


def _across(names: Sequence[str], width: float, size: float) -> int:
    """Columns of a legend."""
    longest = max((len(name) for name in names), default=0)
    return max(1, min(_MOST_ACROSS, int(width / (_MARK + _LETTER * size / 72 * longest))))


def named(sizes: Mapping[str, float]) -> list[str]:
    """Of many series those of the largest sizes, as many as there are colours: a legend names no more."""
    largest = sorted(sizes, key=lambda name: -sizes[name])[:MOST_NAMED]
    return [name for name in sizes if name in largest]


def unnamed(count: int) -> dict[str, Any]:
    """How the others are drawn."""
    return {"color": MUTED, "label": f"{count} other series"}


def numbered(figure: Figure, axis: Axes, series: Sequence[str], values: np.ndarray, colours: Sequence[str], *,
             size: float, longest: int) -> None:  # fmt: skip
    """Values side by side with a colour and a marker per series, which a legend names; `series` is that of each."""
    of = {name: values[[one == name for one in series]] for name in dict.fromkeys(series)}
    shown = named({name: float(np.max(abs(mine))) for name, mine in of.items()})
    looks: dict[str, dict[str, Any]]
    looks = {name: {"color": colours[k % len(colours)], "marker": "os^Dv"[k % 5], "label": one_line(name, longest)}
             for k, name in enumerate(shown)}  # fmt: skip
    rest, start = unnamed(len(of) - len(shown)) | {"marker": "."}, 0
    for name, mine in of.items():
        axis.plot(np.arange(start, start + len(mine)), mine, ls="none", ms=size, **looks.get(name, rest))
        start += len(mine)
    if len(of) > 1:
        legend_below(figure, axis)


def mark_simulated(figure: Figure, simulated: bool) -> None:
    """A title that says so where the data are simulated."""
    if simulated:
        figure.suptitle("simulated data", fontsize=8)


def stages(axis: Axes, entries: list[StageEntry], *, bottom: float = 1.02, height: float = 0.07) -> None:
    """Bars above the panel that show which light is on; a stage in the dark says so."""
    start = 0.0
    present = [light for light in LIGHTS if any(light in stage.lights for stage in entries)]
    across = axis.get_xaxis_transform()
    for stage in entries:
        for k, light in enumerate(present):
            if light in stage.lights:
                level = bottom + height * k
                axis.plot([start, start + stage.duration], [level] * 2, color=LIGHTS[light], lw=3, transform=across,
                          clip_on=False, solid_capstyle="butt")  # fmt: skip
                axis.text(start, level + 0.015, light, fontsize=8, transform=across)
        if not stage.lights:
            axis.text(start, bottom + 0.015, "dark", fontsize=8, transform=across)
        start += stage.duration
