"""A figure inside a page: SVG whose colours follow the page, light or dark, and whose text stays text."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ..figures import CYCLE, INK, LIGHTS, MODEL, MUTED, TILDE, height_below, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DARK = {
    "#0072b2": "#5db4ea",
    "#d55e00": "#ff9046",
    "#009e73": "#2fcfa0",
    "#cc79a7": "#e3a2c6",
    "#e69f00": "#f2b632",
    "#56b4e9": "#9ad4f5",
    "#767676": "#9a9a9a",
}
"""Colours on a dark page, of those on a light one."""
_FONT = "system-ui, sans-serif"
_TILDE = 'Γ<tspan dx="-0.56em" dy="-0.3em">˜</tspan><tspan dy="0.3em">\u200b</tspan>'
"""Of the letter and the combining tilde most fonts make a Γ."""


def colour_variables(dark: bool) -> str:
    """CSS variables of the figures' colours."""
    shown = dict.fromkeys((*CYCLE, *LIGHTS.values()))
    return " ".join(f"{_variable(colour)}: {DARK[colour] if dark else colour};" for colour in shown)


def _variable(colour: str) -> str:
    return f"--c{colour[1:]}"


_BINS = 48
Room = tuple[float, float, float, float] | None
"""At the left, bottom, right and top of a figure, inches."""
ROOM: Room = (0.62, 0.45, 0.1, 0.12)


def inline_svg(figure: Figure, name: str, alt: str, room: Room = ROOM) -> str:
    """The figure as an SVG element; `name` keeps its identifiers apart from those of other figures of the page.

    room : for labels around its axes, without the names below them; None: as Matplotlib finds, which draws twice
    """
    stream = io.StringIO()
    with style(**{"svg.fonttype": "none", "font.family": "DejaVu Sans", "figure.constrained_layout.use": False}):
        if room is not None:
            (width, height), (left, bottom, right, top) = figure.get_size_inches(), room
            figure.set_layout_engine(None)
            bottom += height_below(figure)
            figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<title>.*?</title>|<!--.*?-->", "", text, flags=re.DOTALL)
    pieces = re.split(r"(?<=>)(\s*[^<>\s][^<>]*)", text)  # every other one is a text, which stays as it is
    text = "".join(piece.replace(TILDE, _TILDE) if k % 2 else _in_page(piece, name) for k, piece in enumerate(pieces))
    width, height = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', text).groups()  # type: ignore[union-attr]
    opening = re.sub(r' (width|height|version)="[^"]*"', "", text[: text.index(">")])
    label = escape(alt, quote=True)
    size = f'style="max-width: {float(width) / 9:.1f}rem; aspect-ratio: {width} / {height}"'
    return f'{opening} role="img" aria-label="{label}" {size}>{text[text.index(">") + 1 :]}'.strip()


def _in_page(tags: str, name: str) -> str:
    """Tags with the identifiers, the font and the colours of the page."""
    tags = re.sub(r'\bid="([^"]*)"', rf'id="{name}-\1"', tags)
    tags = re.sub(r"url\(#([^)]*)\)", rf"url(#{name}-\1)", tags)
    tags = re.sub(r'href="#([^"]*)"', rf'href="#{name}-\1"', tags)
    tags = re.sub(r"'?DejaVu Sans'?[^;\"]*", _FONT, tags)
    for colour in dict.fromkeys((*CYCLE, *LIGHTS.values())):
        tags = tags.replace(colour, f"var({_variable(colour)})")
    return re.sub(rf"{INK}|#000000|#262626|#333333", "currentColor", tags)


def densities(prior: np.ndarray, posterior: np.ndarray) -> str:
    """Histograms of prior (grey) and posterior draws, each to its own height, as a small SVG element for a table.

    Between the ends of 99 % of the prior, as far as that is eight standard deviations of the posterior.
    """
    mean, reach = float(np.mean(posterior)), 8 * float(np.std(posterior))
    low, high = np.quantile(prior, [0.005, 0.995])
    low, high = min(max(low, mean - reach), np.min(posterior)), max(min(high, mean + reach), np.max(posterior))
    shapes = "".join(
        f'<polygon points="{_outline(draws, low, high)}" fill="var({_variable(colour)})" fill-opacity="{opacity}"/>'
        for draws, colour, opacity in ((prior, MUTED, 0.35), (posterior, MODEL, 0.6))
    )
    return f'<svg class="small" viewBox="0 0 {_BINS} 12" preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>'


def _outline(draws: np.ndarray, low: float, high: float) -> str:
    counts, _ = np.histogram(draws, _BINS, (low, high) if high > low else (low - 0.5, low + 0.5))
    heights: Sequence[float] = (12 - 11.5 * counts / max(counts.max(), 1)).tolist()
    corners = [f"{k},{h:.1f} {k + 1},{h:.1f}" for k, h in enumerate(heights)]
    return f"0,12 {' '.join(corners)} {_BINS},12"
