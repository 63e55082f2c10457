"""Colours, sizes and files of figures: legible in print, with colour blindness, and in a dark page."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..choices import FIGURE_WIDTHS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1a1a1a"
MODEL = "#0072b2"
DATA = ("#d55e00", "#009e73", "#cc79a7")
"""Of the first, the second, the third component."""
MUTED = "#767676"
LIGHTS = {"drive": "#e69f00", "pump": "#009e73", "repump": "#cc79a7"}
CYCLE = (MODEL, DATA[0], DATA[1], "#cc79a7", "#e69f00", "#56b4e9", MUTED)
"""Okabe & Ito's colours, which colour-blind readers tell apart."""
RUNS = (MODEL, DATA[0], INK, DATA[1], "#cc79a7", "#e69f00")
"""Of the runs in one figure, in the paper's order: blue, orange, black."""

WIDTHS = FIGURE_WIDTHS
PAGE_WIDTH = 4.7
"""Of a figure in a report, inches: on a telephone its 9 pt are still 10 pixels."""
FORMATS = (".pdf", ".svg", ".png")
_UNDATED = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
"""Without a date the same fit gives the same file."""

TILDE = "Γ\u0303"
"""Γ̃; the fonts of figures set it like Γ, mathematics does not."""

_RC: dict[str, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "figure.titlesize": 10.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "path",
    "savefig.dpi": 200,
    "svg.hashsalt": "dissentangle",
}


@contextmanager
def style(**more: Any) -> Iterator[None]:
    """Matplotlib's settings while a figure is made or written; glyphs that no font has are no error."""
    import matplotlib as mpl
    from cycler import cycler

    settings: dict[Any, Any] = {**_RC, "axes.prop_cycle": cycler(color=CYCLE), **more}
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def write(figure: Figure, path: str | Path) -> None:
    """Write a figure as PDF (fonts embedded), SVG (letters as shapes) or PNG, by the ending of its name; atomically."""
    from ...datasets.files import write_bytes

    content, kind = io.BytesIO(), Path(path).suffix.lower()
    legible(figure)
    with style():
        figure.savefig(content, format=kind[1:] or None, metadata=_UNDATED.get(kind))
    write_bytes(content.getvalue(), Path(path))


def legible(figure: Figure) -> Figure:
    """The figure, with Γ̃ in all its texts set so that it is not taken for Γ."""
    from matplotlib.text import Text
    from matplotlib.ticker import FixedFormatter

    for axis in figure.axes:
        for names in (axis.xaxis.get_major_formatter(), axis.yaxis.get_major_formatter()):
            if isinstance(names, FixedFormatter):
                names.seq = [_as_mathematics(name) for name in names.seq]
    for text in figure.findobj(Text):
        if TILDE in text.get_text():
            plain = text.get_text()
            escaped = plain if text.get_parse_math() else plain.replace("$", r"\$")
            text.set(text=_as_mathematics(escaped), parse_math=True)
    return figure


def _as_mathematics(text: str) -> str:
    return text.replace(TILDE, r"$\tilde{\Gamma}$")


def appearing(figure: Figure) -> Figure:
    """The figure, so that it appears: as the value of a notebook's cell; where windows are, by `pyplot.show()`."""
    vars(figure)["_repr_png_"] = partial(_png, figure)
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        from matplotlib import get_backend
        from matplotlib.backends import BackendFilter, backend_registry

        windows = backend_registry.list_builtin(BackendFilter.INTERACTIVE)  # type: ignore[no-untyped-call]
        if get_backend().lower() in windows:
            pyplot.figure(FigureClass=lambda **_: figure)
    return figure


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    with style():
        figure.savefig(content, format="png", dpi=110)
    return content.getvalue()


def one_line(text: str, longest: int = 110) -> str:
    """A text of the user's, for a figure: no mathematics, no more than a line."""
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(c if c.isprintable() else " " for c in short).replace("$", r"\$")
