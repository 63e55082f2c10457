"""The verb `demo`: the published numbers and one simulated series, from data to posterior."""

from __future__ import annotations

import argparse

from ...datasets import read
from ..fit_report import report
from .fit import writable_folder
from .progress import Progress


def demo(given: argparse.Namespace) -> int:
    """Fit `krauter2011-published` and `fig2b-d55`; tables, fits and one figure into the output folder."""
    folder = writable_folder(given.output)
    folder.mkdir(parents=True, exist_ok=True)

    from ...datasets.netcdf import write_tree
    from ..figure import plot_fit
    from ..fitting import fit_experiment
    from ..sampling import SamplerSettings
    from ..unknowns import ModelSettings

    progress, healthy = Progress(), True
    for name in ("krauter2011-published", "fig2b-d55"):
        experiment = read(name)
        progress.step(f"fitting {name}" + (" (simulated data)" if experiment.simulated else " (published numbers)"))
        result = fit_experiment(experiment, ModelSettings(), SamplerSettings(given.seed), progress)
        progress.finish()
        write_tree(result, folder / f"{name}.nc")
        print(report(result))
        print(f"\nwritten: {folder / name}.nc\n")
        healthy = healthy and bool(result.attrs["healthy"])
    figure = folder / "fig2b-d55.png"
    plot_fit(result, figure)
    print(f"written: {figure}")
    print("The paper fitted dΓ = 0.11, Γ̃ = 0.193, Γcol = 0.002 ms⁻¹ (Fig. 2); the simulated data were made with these.")
    return 0 if healthy else 1
