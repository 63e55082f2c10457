"""A table of a result: the same rows as plain text, Markdown, LaTeX and CSV; a report shows them as HTML; a view."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows of texts under a header.

    header : name of each column
    rows : as many cells each as the header has
    numeric : the columns, from 0, that a report aligns to the right
    title : in one line, what Markdown and LaTeX print above the table
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Collection[int] = ()
    title: str = ""

    def __bool__(self) -> bool:
        """Whether there is a row."""
        return bool(self.rows)

    def text(self) -> str:
        """Aligned columns, the first to the left and the others to the right."""
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = []
        for row in [self.header, *self.rows]:
            cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def markdown(self) -> str:
        """A table of Markdown, in which every cell stands for itself."""
        rows = [self.header, ["---"] * len(self.header), *self.rows]
        lines = [f"| {' | '.join(map(_in_markdown, row))} |" for row in rows]
        lines[1] = lines[1].replace(" ", "")
        return "\n".join([_in_markdown(self.title), "", *lines, ""])

    def latex(self) -> str:
        """A tabular with booktabs. Header and cells are LaTeX already; the title is text, and a comment."""
        lines = [f"{' & '.join(row)} \\\\" for row in [self.header, *self.rows]]
        title = "".join(c for c in self.title if c.isprintable())[:200]
        return "\n".join(
            [r"% \usepackage{siunitx,booktabs}, siunitx 3 or later", f"% {title}",
             rf"\begin{{tabular}}{{{'l' * len(self.header)}}}", r"\toprule", lines[0], r"\midrule", *lines[1:],
             r"\bottomrule", r"\end{tabular}", ""]
        )  # fmt: skip

    def csv(self) -> str:
        """Lines of comma-separated values, the header first."""
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows([self.header, *self.rows])
        return stream.getvalue()


@dataclass(frozen=True)
class View:
    """What a result shows of itself in a notebook, beside its figure.

    status : of a fit, which colours the verdict;  verdict : what stands first;  notes : below the tables
    """

    title: str
    simulated: bool
    verdict: Sequence[str]
    tables: Sequence[Table]
    notes: Sequence[str] = ()
    status: str = ""


def _in_markdown(text: str) -> str:
    """Text for Markdown, in one line: nothing in it is markup."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"([\\`*_{}\[\]<>|#!])", r"\\\1", line)
