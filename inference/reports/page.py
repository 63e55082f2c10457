"""A page: what its sections are made of, and Jinja2's templates beside this file, which escape all texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .svg import colour_variables, inline_svg

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

_LONGEST = 300
"""Characters of a text of the user's that a page shows."""

Part = tuple[
    Literal["paragraph", "soft", "heading", "command", "items", "terms", "files", "figures", "table"], Any
]  # fmt: skip
"""A macro of parts.html and what it shows; nothing where that is empty.

paragraph, soft, heading, command : a text;  items, files : texts;  terms : pairs of texts;  figures : `Picture`s
table : a `Table`, with cells that are texts or made by `cell`; the first of a row is its name
"""
Parts = Sequence[Part]


@dataclass(frozen=True)
class Picture:
    """A figure as an SVG element, with the texts above and below it."""

    svg: str
    title: str = ""
    caption: str = ""


def picture(drawn: Figure, name: str, *, alt: str, caption: str = "", title: str = "", tight: bool = False) -> Picture:
    """A figure for a page.

    name : tells its identifiers from those of other figures;  alt : what it shows, for those who do not see it
    tight : make room for labels that stick out
    """
    return Picture(inline_svg(drawn, name, alt, tight=tight), title, caption)


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
    sections: Mapping[str, Parts] | None = None,
) -> str:
    """A whole page as HTML, without scripts, which needs no network.

    title : of the window, and of the page where `heading` is not given
    verdict : lines that stand first, in the colour of `status`
    opening : what stands below the heading;  sections : in their order; one without content is left out
    """
    filled = [(name, kept) for name, parts in (sections or {}).items() if (kept := _filled(parts))]
    return _templates().get_template("page.html").render(
        title=title, heading=heading or title, simulated=simulated, verdict=verdict, status=status,
        opening=_filled(opening), sections=filled, generator=generator(),
    )  # fmt: skip


def _filled(parts: Parts) -> list[Part]:
    return [part for part in parts if part[1]]


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True,
                        lstrip_blocks=True, undefined=StrictUndefined)  # fmt: skip
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
