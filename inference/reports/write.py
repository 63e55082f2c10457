"""The posterior predictive report: a fit as a page that a group can read."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

COMPARISON = "comparison.json"
_LARGEST = 1 << 24

if TYPE_CHECKING:
    from xarray import DataTree

    from ..comparison import Comparison
    from .reported import ReportedFit


class ReportPath(Path):
    """The path of a report, which a notebook shows as the page itself."""

    def _repr_html_(self) -> str:
        page = escape(self.read_text(encoding="utf-8"), quote=True)
        return f'<iframe srcdoc="{page}" style="width: 100%; height: 50rem; border: 0"></iframe>'


def report(fit: DataTree | str | Path, path: str | Path) -> ReportPath:
    """Write the report of a fit as one HTML file, which needs neither network nor scripts.

    Parameters
    ----------
    fit : what `fit` returned, or its file; a comparison.json beside that, in which it was compared, is shown
    path : the file to write; replaced whole, or not at all

    Returns
    -------
    the path, which a notebook shows as the page

    Raises
    ------
    ExperimentError : for a file that is no fit
    """
    from ..fits import read_fit

    if isinstance(fit, (str, Path)):
        write_report(read_fit(fit), Path(path), Path(fit))
    else:
        write_report(fit, Path(path))
    return ReportPath(path)


def write_comparison(found: Comparison, folder: str | Path) -> list[Path]:
    """Write comparison.html (a page) and comparison.json (its facts) to a folder; their paths."""
    import json

    from ...datasets.files import write_bytes
    from ..text import as_json, comparison_facts
    from .comparison import comparison_page

    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    page, facts = target / "comparison.html", target / COMPARISON
    write_bytes(comparison_page(found).encode(errors="replace"), page)
    text = json.dumps(as_json(comparison_facts(found)), ensure_ascii=False, indent=1)
    write_bytes(text.encode(errors="replace"), facts)
    return [page, facts]


def read_comparison(path: Path) -> dict[str, Any]:
    """Facts of a comparison, see `comparison_facts`, from the file that `write_comparison` wrote.

    Raises
    ------
    ExperimentError : for a file that is missing, too large or damaged, or that holds something else
    """
    import json

    from ...datasets import ExperimentError
    from ...datasets.files import check_size
    from ..text import averages_as, compared_sentences
    from .comparison import compared_with

    check_size(path, _LARGEST)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        for row in (facts["models"][0], *facts["models"]):
            compared_with(facts, row["fit"])
            compared_sentences(facts, row["fit"])
        if facts.get("averages"):
            averages_as(facts, "csv")
        return dict(facts)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        raise ExperimentError(
            f"{path}: found it damaged or of another version, expected a comparison;"
            " `dissentangle compare` writes it again"
        ) from None


def comparison_beside(file: Path) -> dict[str, Any] | str | None:
    """Facts of a comparison in the folder of a fit's file, or in words that they cannot be read; None without any."""
    from ...datasets import ExperimentError

    path = file.parent / COMPARISON
    if not os.path.lexists(path):
        return None
    try:
        return read_comparison(path)
    except ExperimentError:
        return f"{COMPARISON} beside this fit is damaged or of another version; `dissentangle compare` writes it again."


def said_beside(fit: DataTree, file: Path) -> list[str]:
    """What a comparison in the folder of a fit's file adds to its headline; that it cannot be read; or nothing."""
    from ..fits import fit_id
    from ..text import compared_sentences

    facts = comparison_beside(file)
    if facts is None:
        return []
    return [facts] if isinstance(facts, str) else compared_sentences(facts, fit_id(fit))


def write_report(fit: DataTree, target: Path, file: Path | None = None, cores: int | None = 1) -> ReportedFit:
    """Write the page of a fit.

    file : of the fit, for the command that reproduces it, and what lies beside it
    cores : with more than one in two processes (None: where there are two), see `parallel.beside`
    """
    from ...datasets.files import write_bytes
    from ..fits import Fit
    from .fit import page_of
    from .reported import ReportedFit

    target.parent.mkdir(parents=True, exist_ok=True)
    name, compared = ("", None) if file is None else (file.name, comparison_beside(file))
    reported = ReportedFit(Fit(fit), name, compared)
    write_bytes(page_of(reported, cores).encode(errors="replace"), target)
    return reported
