"""A page: what its sections are made of, and Jinja2's templates beside this file, which escape all texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup, escape

from ..figures import TILDE, result_figure
from ..shown import Shown
from ..text import VIEWS
from .svg import ROOM, Room, colour_variables, inline_svg

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

_MATHML = '<math><mover accent="true"><mi mathvariant="normal">Γ</mi><mo stretchy="false">˜</mo></mover></math>'
_LONGEST = 300
"""Characters of a text of the user's that a page shows."""

_SHOWN = count()
"""Tells the identifiers of one figure of a notebook from those of the others."""

Part = tuple[
    Literal["paragraph", "soft", "heading", "command", "items", "terms", "files", "figures", "table", "beside"], Any
]  # fmt: skip
"""A macro of parts.html and what it shows; nothing where that is empty.

paragraph, soft, heading, command : a text;  items, files : texts;  terms : pairs of texts;  figures : `Picture`s
table : a `Table`, with cells that are texts or made by `cell`; the first of a row is its name
beside : parts on the left, and parts on the right where the page is wide enough
"""
Parts = Sequence[Part]


@dataclass(frozen=True)
class Section:
    """A section of a page.

    said : its result in one line, beside the heading
    expected : folded under that line; False: open, and before those that are as expected; None: never folded
    """

    title: str
    parts: Parts
    said: str = ""
    expected: bool | None = None

    @property
    def anchor(self) -> str:
        """What a link to it ends in."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")


@dataclass(frozen=True)
class Picture:
    """A figure as an SVG element, with the texts above and below it; its name is its anchor."""

    svg: str
    name: str
    title: str = ""
    caption: str = ""


def picture(drawn: Figure, name: str, *, alt: str, caption: str = "", title: str = "", room: Room = ROOM) -> Picture:
    """A figure for a page.

    name : tells its identifiers from those of other figures;  alt : what it shows, for those who do not see it
    room : at its left, bottom, right and top for labels, inches; None: as Matplotlib finds, which takes longer
    """
    return Picture(inline_svg(drawn, name, alt, room), name, title, caption)


def cell(kind: str, *content: Any) -> str:
    """A cell of a table with more to it than text: a macro of parts.html with what it shows."""
    made: str = getattr(_templates().get_template("parts.html").module, kind)(*content)
    return made


def page(
    title: str,
    *,
    heading: str = "",
    simulated: bool = False,
    verdict: Sequence[str] = (),
    status: str = "",
    opening: Parts = (),
    groups: Mapping[str, Sequence[Section]] | None = None,
    notice: str = "",
    refresh: int = 0,
) -> str:
    """A whole page as HTML, without scripts, which needs no network.

    title : of the window, and of the page where `heading` is not given
    verdict : lines that stand first, in the colour of `status`;  opening : what stands below the heading
    groups : sections by the heading of their group ("" for none); of those that fold, the unexpected ones come first;
        one without content is left out
    notice : stands before all else;  refresh : seconds after which the page loads itself again, 0: never
    """
    kept = {
        name: [replace(one, parts=_filled(one.parts)) for one in sections if one.said or _filled(one.parts)]
        for name, sections in (groups or {}).items()
    }
    ordered = {name: sorted(some, key=lambda one: one.expected is True) for name, some in kept.items() if some}
    return _templates().get_template("page.html").render(
        title=title, heading=heading or title, simulated=simulated, verdict=verdict, status=status,
        opening=_filled(opening), groups=ordered, generator=generator(), notice=notice, refresh=refresh,
    )  # fmt: skip


def shown_html(result: Shown) -> str:
    """A result as a notebook shows it: verdict, figure, tables. Its colours do not depend on the page around it."""
    drawn = inline_svg(result_figure(result), f"shown{next(_SHOWN)}", "figure of this result", None)
    svg = re.sub(r"var\(--c(\w+)\)", r"#\1", drawn)
    return cell("notebook", VIEWS[result.kind].view(result), svg)


def _filled(parts: Parts) -> list[Part]:
    return [part for part in parts if part[1]]


def _shown(value: Any) -> Any:
    """Γ̃ as MathML: of the letter and the combining tilde most fonts make a Γ."""
    if isinstance(value, str) and not isinstance(value, Markup) and TILDE in value:
        return Markup(str(escape(value)).replace(TILDE, _MATHML))
    return value


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True,
                        lstrip_blocks=True, undefined=StrictUndefined, finalize=_shown)  # fmt: skip
    found.filters["clipped"] = clipped
    found.globals["colours"] = colour_variables
    return found


@cache
def generator() -> str:
    """What made a page: name and version."""
    from importlib.metadata import version

    return f"dissentangle {version('dissentangle')}"


def clipped(text: str, longest: int = _LONGEST) -> str:
    """A text of the user's in one line, not longer than that."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
