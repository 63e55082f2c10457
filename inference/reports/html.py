"""The frame of a page, its style, and tables that a telephone can show."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from .svg import colour_variables, inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 300
"""Characters of a text of the user's that a page shows."""

_STYLE = """
:root { color-scheme: light dark; --back: #ffffff; --ink: #1a1a1a; --soft: #595959; --line: #d4d4d4; --card: #f6f6f4;
--good: #0a6b37; --weak: #7a5200; --bad: #b3201b; LIGHT }
@media (prefers-color-scheme: dark) { :root { --back: #16181b; --ink: #e8e8e6; --soft: #a9adb1; --line: #3b3f44;
--card: #1f2226; --good: #5fd394; --weak: #f0b84c; --bad: #ff8a82; DARK } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); margin: 0 auto;
padding: 1rem; max-width: 80rem; overflow-wrap: break-word; }
h1 { font-size: 1.45rem; line-height: 1.25; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem;
border-bottom: 1px solid var(--line); padding-bottom: .2rem; } h3 { font-size: 1rem; margin: 1rem 0 .3rem; }
p, li { max-width: 52rem; } p { margin: .4rem 0; } ul { margin: .3rem 0; padding-left: 1.2rem; }
small, .soft, figcaption { color: var(--soft); font-size: .875rem; }
a { color: inherit; }
.verdict { font-size: 1.15rem; font-weight: 600; padding: .6rem .9rem; border-left: .4rem solid;
background: var(--card); }
.healthy { color: var(--good); } .doubtful, .weak { color: var(--weak); }
.misfit, .unhealthy, .failed { color: var(--bad); }
.mark { border: 1px solid; border-radius: .3rem; padding: 0 .4rem; font-size: .8rem; white-space: nowrap; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr));
gap: 1.2rem; align-items: start; }
figure { margin: 0; min-width: 0; } figure svg { display: block; width: 100%; height: auto;
fill: currentColor; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; max-width: 60rem; margin: .4rem 0; }
dt { color: var(--soft); } dd { margin: 0; min-width: 0; }
pre { background: var(--card); padding: .7rem; white-space: pre-wrap; font-size: .85rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; } tbody th { font-weight: 600; }
td.number, th.number { text-align: right; white-space: nowrap; }
@media (min-width: 75rem) { .close { white-space: nowrap; } .words { min-width: 14rem; } }
meter { width: 4rem; height: .7rem; }
.wide { overflow-x: auto; }
STACKED@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
@media print { body { font-size: 11px; max-width: none; padding: 0; } .figures { grid-template-columns: 1fr 1fr; }
figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } }
"""

_STACKED = """
@media (max-width: WIDTH) {
BOX table, BOX tbody, BOX tr, BOX tbody th { display: block; } BOX thead { display: none; }
BOX tbody tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
BOX tbody th { border: 0; padding: .05rem 0; }
BOX td { display: inline-block; border: 0; padding: .05rem 1rem .05rem 0; }
BOX td.number { text-align: left; white-space: normal; } BOX td:empty { display: none; }
BOX td::before { content: attr(data-label) " "; color: var(--soft); }
}
"""
"""Rows as blocks of lines, where a table of many columns, or of few, has no room."""
_MANY = 10
_WIDTHS = ((".many", "75rem"), (".few", "52rem"))

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="generator" content="{generator}"><link rel="icon" href="data:,">
<title>{title}</title><style>{style}</style></head><body>
{body}
</body></html>
"""


def page(title: str, body: str) -> str:
    """A whole page. `body` is HTML; `title` is text."""
    stacked = "".join(_STACKED.replace("BOX", box).replace("WIDTH", width) for box, width in _WIDTHS)
    style = _STYLE.replace("STACKED", stacked)
    colours = style.replace("LIGHT", colour_variables(dark=False)).replace("DARK", colour_variables(dark=True))
    return _PAGE.format(title=shown(title), style=colours, body=body, generator=generator())


@cache
def generator() -> str:
    """What made a page: name and version."""
    from importlib.metadata import version

    return f"dissentangle {version('dissentangle')}"


def shown(text: str, longest: int = LONGEST) -> str:
    """A text, in one line, not longer than that, as HTML: nothing in it is markup."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return escape(line if len(line) <= longest else line[: longest - 1] + "…")


def section(title: str, *parts: str) -> str:
    """A heading and what stands below it; nothing where all of that is empty."""
    body = "\n".join(part for part in parts if part)
    return f"<section><h2>{escape(title)}</h2>\n{body}\n</section>" if body else ""


def paragraph(text: str, kind: str = "") -> str:
    """Plain text as a paragraph."""
    return f"<p{f' class={kind!r}' if kind else ''}>{escape(text)}</p>" if text else ""


def items(texts: Sequence[str]) -> str:
    """Plain texts as a list."""
    return f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</ul>" if texts else ""


def figure(drawn: Figure, name: str, *, alt: str, caption: str = "", title: str = "", tight: bool = False) -> str:
    """A figure with its caption. All texts are plain.

    name : tells its identifiers from those of other figures;  alt : what it shows, for those who do not see it
    tight : make room for labels that stick out
    """
    head = f"<h3>{shown(title)}</h3>" if title else ""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{head}{inline_svg(drawn, name, alt, tight=tight)}{below}</figure>"


def figures(parts: Sequence[str]) -> str:
    """Figures side by side where there is room."""
    return f'<div class="figures">{"".join(parts)}</div>' if parts else ""


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """A table of HTML cells, the first of a row its name; a row becomes a block of lines where the page is narrow.

    numbers : columns that are aligned to the right
    """
    if not rows:
        return ""
    kinds = [' class="number"' if k in numbers else "" for k in range(len(header))]
    head = "".join(f"<th{kind}>{escape(cell)}</th>" for kind, cell in zip(kinds, header, strict=True))
    body = []
    for row in rows:
        cells = "".join(
            f'<td{kind} data-label="{escape(name, quote=True)}">{cell}</td>'
            for kind, name, cell in list(zip(kinds, header, row, strict=True))[1:]
        )
        body.append(f'<tr><th scope="row">{row[0]}</th>{cells}</tr>')
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    return f'<div class="wide {"many" if len(header) >= _MANY else "few"}">{whole}</div>'
