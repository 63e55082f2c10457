"""The verbs that take a fit and write something: `show`, `report`, `plot`, `table`, `predict`, `export`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets.errors import ExperimentError
from ...forward_models import OBSERVABLES
from ..choices import FIGURE_WIDTHS, FIGURES, GROUPS, TABLE_FORMATS
from .fit import finished
from .options import CORES, FIT, figure, number_pair
from .output import Count, Output, resumable, steps
from .paths import figure_target, writable, writable_folder
from .verb import option, verb

if TYPE_CHECKING:
    import numpy as np
    from xarray import Dataset, DataTree


def _fit_to_use(given: Namespace) -> DataTree:
    """The fit of a command that says nothing of its verdict itself: of one that is not to be used, stderr says so."""
    from ..fits import read_fit

    fit = read_fit(given.fit)
    if fit.attrs["status"] in ("misfit", "unhealthy"):
        from ..checks import HEADLINES

        steps(given.quiet)(f"{given.fit}: {HEADLINES[fit.attrs['status']]}")
    return fit


@verb("show", "print the tables of a fit", "show my-run.nc\nshow my-run.nc --figure my-run.svg", FIT, figure())
def show(given: Namespace) -> int:
    """The tables of a fit; 0 healthy, 1 not."""
    from ..fits import read_fit

    output, drawing = Output(given), figure_target(given.figure)
    result = read_fit(given.fit)
    from ..reports import said_beside

    compared = said_beside(result, Path(given.fit))
    output.fit(result, compared)
    return finished(result, output, drawing, compared)


@verb("report", "write the report of a fit as one HTML file, or of a folder of fits with an index",
      "report my-run.nc -o my-run.html\nreport fits            of what `campaign` wrote",
      option("fit", metavar="FIT", help="a file that `dissentangle fit` wrote, or a folder of them"),
      option("-o", "--output", default=None, help="page to write (FIT.html); for a folder: output folder (the same)"),
      CORES)  # fmt: skip
def report(given: Namespace) -> int:
    """Write the report of a fit, or those of a folder; 0 also where the fit is bad: the report says so."""
    output = Output(given)
    if Path(given.fit).is_dir():
        return _folder(given, output)
    target = writable(given.output or str(Path(given.fit).with_suffix(".html")))
    if target.suffix.lower() not in (".html", ".htm"):
        raise ExperimentError(f"{target}: output must end in .html")
    from ..fits import read_fit

    fit = read_fit(given.fit)
    from ..reports import write_report

    reported = write_report(fit, target, Path(given.fit), given.cores if given.alone else 1)
    output.text("\n".join(reported.verdict))
    output.written(target)
    output.facts({"status": reported.judged.status, "headline": " ".join(reported.verdict)})
    return 0


def _folder(given: Namespace, output: Output) -> int:
    folder = writable_folder(given.output or given.fit)

    from ..reports import report_folder

    with resumable(folder), Count("reports", given.quiet) as progress:
        index = report_folder(given.fit, folder, cores=given.cores, progress=progress)
    output.written(index)
    output.facts({})
    return 0


@verb("plot", "draw a figure of a fit for a paper: PDF with embedded fonts, SVG or PNG", """
plot my-run.nc --what fig2b -o fig2b.pdf
plot both.nc --what fig2a --run tuesday -o fig2a.svg
plot my-run.nc --what pairs --width page -o pairs.png""",
      FIT,
      option("--what", choices=FIGURES, default="series", help="the figure (%(default)s)"),
      option("-o", "--output", required=True, help="file to write (pdf, svg, png)"),
      option("--width", choices=FIGURE_WIDTHS, default="column", help="8.6 or 17.8 cm (%(default)s)"),
      option("--run", dest="of_run", default=None, help="show one run only (fig2a, fig2b, fig2d)"))  # fmt: skip
def plot(given: Namespace) -> int:
    """Write one figure."""
    output, target = Output(given), figure_target(given.output)
    fit = _fit_to_use(given)
    from ..figures import plot as draw

    draw(fit, given.what, target, width=given.width, run=given.of_run)
    output.written(str(target))
    output.facts({"what": given.what})
    return 0


@verb("table", "print the posterior, or rates averaged over models: LaTeX (siunitx), Markdown, CSV", """
table my-run.nc --format latex -o rates.tex
table my-run.nc
table compared/comparison.json --format csv    rates averaged over the models that were compared""",
      option("fit", metavar="FIT", help="a file that `dissentangle fit` wrote, or a comparison.json of `compare`"),
      option("--format", choices=TABLE_FORMATS, default="markdown", help="format of the table (%(default)s)"),
      option("-o", "--output", default=None, help="file to write (stdout)"))  # fmt: skip
def table(given: Namespace) -> int:
    """Print or write the posterior table, or that of the averages of a comparison."""
    output = Output(given)
    target = writable(given.output, given.fit) if given.output else None
    from ...datasets.files import write_bytes
    from ..text import averages_as, posterior_as

    if Path(given.fit).suffix.lower() == ".json":
        from ..reports import read_comparison

        text = averages_as(read_comparison(Path(given.fit)), given.format)
    else:
        text = posterior_as(_fit_to_use(given), given.format)
    if target is None:
        output.text(text.rstrip("\n"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(text.encode(errors="replace"), target)
        output.written(target)
    output.facts({"format": given.format, "table": text})
    return 0


@verb("predict", "predict from a fit: new times, other stages, another d", """
predict my-run.nc --set optical_depth=100 -o deep.csv --figure deep.pdf
predict my-run.nc --stage '15 ms drive' --stage '45 ms drive+pump' --times 0:60:121
predict my-run.nc --times 0,5,10,50 --what xi""",
      FIT,
      option("--times", default=None, metavar="TIMES", help="ms: FIRST:LAST:COUNT, or numbers joined by commas"),
      option("--stage", action="append", default=None, metavar="'15 ms drive+pump'",
             help="a stage; repeatable, in order (the stages of the run)"),
      option("--run", dest="of_run", default=None,
             help="run that gives stages and initial state (the first with the drive)"),
      option("--set", action="append", default=[], metavar="NAME=VALUE",
             help="another value, e.g. optical_depth=100; rates in ms⁻¹; repeatable"),
      option("--what", help=f"some of {', '.join(OBSERVABLES)} (xi,polarization,transverse_spin; with constant rates"
             " xi, conditional_xi, transverse_spin)"),
      option("-o", "--output", default=None, help="quantiles (.csv) or draws (.nc) to write"),
      figure())  # fmt: skip
def predict(given: Namespace) -> int:
    """Quantiles of what the model predicts, as a table, a file, a figure."""
    output = Output(given)
    times = None if given.times is None else _times(given.times)
    stages = None if given.stage is None else [_stage(text) for text in given.stage]
    changes = dict(number_pair("--set", text) for text in given.set)
    target = writable(given.output, given.fit) if given.output else None
    if target is not None and target.suffix.lower() not in (".csv", ".nc"):
        raise ExperimentError(f"{target}: found an unknown kind of file, expected a name ending in .csv or .nc")
    drawing = figure_target(given.figure)

    import numpy as np

    from ..figures import plot_prediction
    from ..fits import predict as predicted
    from ..text import QUANTILES, prediction_text

    asked = None if given.what is None else [word.strip() for word in given.what.split(",")]
    result = predicted(_fit_to_use(given), times=times, stages=stages, run=given.of_run, changes=changes,
                       quantities=asked)  # fmt: skip
    output.text(prediction_text(result))
    if target is not None:
        _write(result, target)
        output.written(target)
    output.figure(drawing, lambda: plot_prediction(result))
    quantities = [str(name) for name in result.data_vars if name != "stage_lights"]
    facts = {name: np.quantile(result[name].values, QUANTILES, axis=0).tolist() for name in quantities}
    about = {"run": result.attrs["run"], "stages": result.attrs["stages"], "quantiles": list(QUANTILES)}
    output.facts(about | {"time": result["time"].values.tolist(), **facts})
    return 0


def _times(text: str) -> np.ndarray:
    import numpy as np

    try:
        if ":" in text:
            first, last, count = text.split(":")
            if not 1 <= int(count) <= 100_000:
                raise ValueError(count)
            return np.linspace(float(first), float(last), int(count))
        return np.array([float(word) for word in text.split(",")])
    except ValueError as error:
        raise ExperimentError(
            f"--times: found {text[:60]!r}, expected FIRST:LAST:COUNT or numbers joined by commas, in ms"
        ) from error


def _stage(text: str) -> tuple[float, str]:
    """'15 ms drive+pump' as a duration in ms and its lights."""
    from ...datasets.units import quantity

    *duration, lights = text.split()
    return quantity(" ".join(duration), "ms", f"--stage {text[:60]!r}"), lights


def _write(result: Dataset, target: Path) -> None:
    from ...datasets.files import write_bytes, write_tree
    from ..text import prediction_rows

    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix.lower() == ".nc":
        from xarray import DataTree

        write_tree(DataTree(result), target)
        return
    rows = prediction_rows(result)
    lines = [",".join(rows[0]), *(",".join(f"{value:.8g}" for value in row.values()) for row in rows)]
    write_bytes(("\n".join(lines) + "\n").encode(), target)


@verb("export", "write the draws of a fit as a table: CSV, Parquet, NetCDF",
      "export my-run.nc -o draws.csv\nexport my-run.nc --group derived -o derived.parquet",
      FIT,
      option("-o", "--output", required=True, help="file to write (csv, parquet, nc)"),
      option("--group", choices=GROUPS, default="posterior", help="group of the fit (%(default)s)"))  # fmt: skip
def export(given: Namespace) -> int:
    """Write the draws of a group."""
    output, target = Output(given), writable(given.output, given.fit)
    from ..text import export as write_draws

    write_draws(_fit_to_use(given), target, group=given.group)
    output.written(target)
    output.facts({"group": given.group})
    return 0
