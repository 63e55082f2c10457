"""A figure inside a page: SVG whose colours follow the page, light or dark, and whose text stays text."""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING, Any

from ..figures import CYCLE, INK, LIGHTS, style

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


def colour_variables(dark: bool) -> str:
    """CSS variables of the figures' colours."""
    shown = dict.fromkeys((*CYCLE, *LIGHTS.values()))
    return " ".join(f"{_variable(colour)}: {DARK[colour] if dark else colour};" for colour in shown)


def _variable(colour: str) -> str:
    return f"--c{colour[1:]}"


def inline_svg(figure: Figure, name: str, alt: str, *, tight: bool = False) -> str:
    """The figure as an SVG element; `name` keeps its identifiers apart from those of other figures of the page.

    tight : make room for labels that stick out, which takes one more drawing
    """
    stream = io.StringIO()
    with style(**{"svg.fonttype": "none", "font.family": "DejaVu Sans"}):
        room: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.04} if tight else {}
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None}, **room)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<title>.*?</title>|<!--.*?-->", "", text, flags=re.DOTALL)
    pieces = re.split(r"(?<=>)(\s*[^<>\s][^<>]*)", text)  # every other one is a text, which stays as it is
    text = "".join(piece if k % 2 else _in_page(piece, name) for k, piece in enumerate(pieces))
    width, height = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', text).groups()  # type: ignore[union-attr]
    opening = re.sub(r' (width|height|version)="[^"]*"', "", text[: text.index(">")])
    label = escape(alt, quote=True)
    size = f'style="max-width: {float(width) / 12:.1f}rem; aspect-ratio: {width} / {height}"'
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
