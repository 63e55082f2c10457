"""Reports of a whole folder of fits, with an index that shows first what needs attention."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from ...datasets import ExperimentError
from ...datasets.files import write_bytes
from ..parallel import Task, run_tasks
from .index import NOT_FITTED, SummaryRow, failed_row, row_of

Done = Callable[[int, int, int], None]
"""Told how many reports are done, how many of these could not be made, and how many there will be."""


def report_folder(
    folder: str | Path, output: str | Path | None = None, *, cores: int | None = None, progress: Done | None = None
) -> Path:
    """Write the report of every fit in a folder as reports/NAME.html, and index.html with links to them.

    Reports that this version made after the fit are kept, so an interrupted call can be repeated.

    Parameters
    ----------
    folder : what `campaign` wrote, or any folder with fits (.nc)
    output : the folder to write to; by default `folder`
    cores : processes; None: one per core
    progress : called after each report

    Returns
    -------
    the path of the index

    Raises
    ------
    ExperimentError : where there is no fit. A file that cannot be read is a row "failed" of the index
    """
    source = Path(folder)
    target = source if output is None else Path(output)
    files = _fits(source)
    (target / "reports").mkdir(parents=True, exist_ok=True)
    rows: dict[str, SummaryRow] = {}
    failures: list[str] = []

    def finished(task: Task, answer: tuple[bytes, SummaryRow] | None, error: Exception | None) -> None:
        if answer is None:
            rows[task.name] = failed_row(task.name, " ".join(f"{error}".split()))
            failures.append(task.name)
        else:
            page, rows[task.name] = answer
            if page:
                write_bytes(page, target / "reports" / f"{task.name}.html")
        if progress is not None:
            progress(len(rows), len(failures), len(files))

    tasks = [
        Task(name, report_one, (name, str(path), _up_to_date(target / "reports" / f"{name}.html", path)))
        for name, path in files.items()
    ]
    try:
        run_tasks(tasks, finished, cores=cores)
    finally:
        every = [*_never_fitted(source, files), *(rows[name] for name in files if name in rows)]
        write_index(target, every, files)
    return target / "index.html"


def report_one(name: str, path: str, made: bool) -> tuple[bytes, SummaryRow]:
    """The report of one fit and its row of the index, in a worker; no bytes where it is `made` already."""
    from ..fits import Fit, read_fit
    from .fit import page_of
    from .reported import ReportedFit
    from .write import comparison_beside

    fit = read_fit(path)
    reported = ReportedFit(Fit(fit), Path(path).name, None if made else comparison_beside(Path(path)))
    page = "" if made else page_of(reported)
    return page.encode(errors="replace"), row_of(name, fit, reported.judged)


def _up_to_date(report: Path, fit: Path) -> bool:
    """Whether a page is there, made by this version after the fit and the comparison beside it."""
    from .page import generator
    from .write import COMPARISON

    compared = fit.parent / COMPARISON
    if not report.is_file() or _older(report, fit) or (compared.is_file() and _older(report, compared)):
        return False
    with report.open(encoding="utf-8", errors="replace") as file:
        return generator() in file.read(1000)


def write_index(folder: Path, rows: list[SummaryRow], files: dict[str, Path]) -> None:
    """index.html of a folder, with links to what is there: reports as pages or as text, fits, summaries."""
    from .index import index_page

    reports = {}
    for row in rows:
        made = [folder / "reports" / f"{row.name}.{ending}" for ending in ("html", "txt")]
        fit = files.get(row.name)
        found = [path for path in made if path.is_file() and not _older(path, fit)]
        if found:
            reports[row.name] = f"reports/{quote(found[0].name)}"
    links = {name: quote(os.path.relpath(path, folder).replace(os.sep, "/")) for name, path in files.items()}
    summaries = [name for name in ("summary.csv", "summary.nc", "comparison.html") if (folder / name).is_file()]
    page = index_page(rows, reports, links, summaries)
    write_bytes(page.encode(errors="replace"), folder / "index.html")


def _older(report: Path, fit: Path | None) -> bool:
    """Whether a page was made before the fit that it should show; a text comes with the fit itself."""
    return report.suffix == ".html" and fit is not None and report.stat().st_mtime < fit.stat().st_mtime


def _fits(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise ExperimentError(f"{folder}: found no such folder, expected one with fits")
    inside = folder / "fits" if (folder / "fits").is_dir() else folder
    files = {path.stem: path for path in sorted(inside.glob("*.nc")) if path.name != "summary.nc"}
    if not files:
        raise ExperimentError(f"{folder}: found no fit, expected .nc files that `dissentangle fit` or `campaign` wrote")
    return files


def _never_fitted(folder: Path, files: dict[str, Path]) -> list[SummaryRow]:
    """Data sets of a campaign that left a reason in place of a fit."""
    paths = sorted((folder / "reports").glob("*.txt"))
    texts = {path.stem: path.read_text(encoding="utf-8", errors="replace") for path in paths if path.stem not in files}
    return [
        failed_row(name, " ".join(text.split()))
        for name, text in texts.items()
        if text.startswith(NOT_FITTED)  # or the tables of a fit that found no room
    ]
