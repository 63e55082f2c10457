"""The verb `demo`: the published numbers and one simulated series, from data to posterior."""

from __future__ import annotations

import argparse

from ...datasets import read
from .output import Output
from .paths import writable_folder
from .progress import Progress


def demo(given: argparse.Namespace) -> int:
    """Fit `krauter2011-published` and `fig2b-d55`; tables, fits, a report and a figure into the output folder."""
    output, folder = Output(given), writable_folder(given.output)
    folder.mkdir(parents=True, exist_ok=True)

    from ...datasets.files import write_tree
    from ..fits import fit_experiment
    from ..model import ModelSettings
    from ..sampling import SamplerSettings

    progress, found = Progress(given.quiet), {}
    for name in ("krauter2011-published", "fig2b-d55"):
        experiment = read(name)
        progress.step(f"fitting {name}" + (" (simulated data)" if experiment.simulated else " (published numbers)"))
        result = fit_experiment(experiment, ModelSettings(), SamplerSettings(given.seed), progress)
        progress.finish()
        write_tree(result, folder / f"{name}.nc")
        output.fit(result)
        output.text("")
        output.written(folder / f"{name}.nc")
        output.text("")
        found[name] = result

    from ..figures import plot_fit
    from ..reports import write_report

    progress.step("writing the report")
    last = found["fig2b-d55"]
    plot_fit(last, folder / "fig2b-d55.png")
    output.written(folder / "fig2b-d55.png")
    write_report(last, folder / "fig2b-d55.html", folder / "fig2b-d55.nc")
    output.written(folder / "fig2b-d55.html")
    output.text(
        "The paper fitted dΓ = 0.11, Γ̃ = 0.193, Γcol = 0.002 ms⁻¹ (Fig. 2); the simulated data were made with these."
    )
    healthy = all(bool(result.attrs["healthy"]) for result in found.values())
    if output.json:
        from ..text import fit_facts

        output.facts({name: fit_facts(result) for name, result in found.items()})
    return 0 if healthy else 1
