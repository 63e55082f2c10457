"""The gallery: a picture of every kind of series and of every figure, from simulated data, when the site is built."""

from dataclasses import replace
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets import SeriesPlan, StageEntry, simulate, simulate_like
from dissentangle.datasets.formats import from_tree
from dissentangle.datasets.kinds import KINDS
from dissentangle.forward_models import Dynamics
from dissentangle.inference.choices import FIGURES, RESULTS
from dissentangle.inference.figures import plot_record
from dissentangle.inference.figures.curves import ExperimentDraws, panels_of
from dissentangle.inference.figures.drawing import panels
from dissentangle.inference.figures.series import draw_panel
from dissentangle.inference.figures.style import style
from dissentangle.inference.figures.style import write as write_figure
from dissentangle.inference.fits import Fit

PAGES = {
    "xi": "reference/series", "polarization": "reference/series", "transverse_spin": "reference/series",
    "orientation": "reference/series", "epr_variance": "reference/series", "light_variance": "howto/shots",
    "conditional_xi": "howto/records", "feedback": "howto/records", "coupling": "howto/calibration",
    "projection_noise": "howto/calibration", "shot_noise": "howto/calibration",
    "orientation_beat": "howto/calibration", "record": "howto/records",
    "criticism": "understand/criticism", "autocorrelation": "understand/criticism", "pit": "understand/comparison",
    "pareto-k": "understand/comparison", "sensitivity": "howto/criticize", "left-out": "howto/criticize",
    "ranks": "understand/engine", "energy": "understand/engine", "pairs": "understand/identify",
    "posterior": "understand/priors", "entanglement": "howto/predict", "fig2d": "howto/records",
    "point_fit": "evidence/baseline", "comparison": "howto/compare", "prediction": "howto/predict",
    "campaign": "howto/campaign", "fit": "howto/results", "design": "howto/design",
    "populations": "understand/sixteen-levels",
}  # fmt: skip
"""Page of each kind of series and figure; of all others `howto/figures`."""


def write(folder: Path) -> None:
    """`gallery.md` and its pictures; nothing where they are there already, made by the same code."""
    pictures, made_by = folder / "pictures", folder / "gallery.sha256"
    if made_by.exists() and made_by.read_text() == _code():
        return
    pictures.mkdir(parents=True, exist_ok=True)
    plain, hybrid = (inference.fit(name, seed=1) for name in ("fig2b-d55", "fig2d-hybrid"))
    kinds, figures, results = _kinds(pictures, hybrid), _figures(pictures, plain, hybrid), _results(pictures, plain)
    missing = ({*KINDS, "record"} - set(kinds)) | (set(FIGURES) - set(figures)) | (set(RESULTS) - set(results))
    assert not missing, f"the gallery has no picture of {missing}"
    text = ["# Gallery\n", "All of these are **simulated** data, made and fitted when this site was built.\n"]
    shown = (("Kinds of series", "", kinds), ("Figures of `plot`", "", figures), ("Results", "result-", results))
    for title, before, found in shown:
        cards = (_card(name, f"{before}{name}") for name in found)
        text += [f"## {title}\n", "::::{grid} 1 2 3 3\n:gutter: 2\n", *cards, "::::\n"]
    (folder / "gallery.md").write_text("\n".join(text), encoding="utf-8")
    made_by.write_text(_code())


def _code() -> str:
    """A hash of all that the pictures are made by."""
    packages = [
        Path(import_module(f"dissentangle.{name}").__file__).parent
        for name in ("forward_models", "datasets", "inference")
    ]
    files = sorted(path for folder in (Path(__file__).parent, *packages) for path in folder.rglob("*.py"))
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _card(name: str, picture: str) -> str:
    page = PAGES.get(name, "howto/figures")
    return (
        f":::{{grid-item-card}} {name}\n:link: /{page}\n:link-type: doc\n"
        f"```{{image}} pictures/{picture}.png\n:alt: {name}, simulated data\n```\n:::\n"
    )


def _atoms():
    """A driven run with every series of the atoms."""
    times = np.round(np.linspace(1, 20, 20), 3)
    return simulate(
        [StageEntry(20.0, frozenset({"drive"}))],
        [
            SeriesPlan("xi", times, 3000, noise="gamma", scale_uncertainty=0.04),
            SeriesPlan("polarization", times, 0.005),
            SeriesPlan("transverse_spin", times, 0.01),
            SeriesPlan("orientation", times, 0.003),
            SeriesPlan("epr_variance", times, 0.02, noise="gaussian"),
        ],
        seed=4,
        title="simulated: every series of the atoms",
    )


def _kinds(pictures: Path, hybrid) -> list[str]:
    made = []
    for experiment in (_atoms(), datasets.load("laboratory-d55")):
        fit = inference.fit(experiment, seed=1, closure="microscopic", draws=500)
        made += _panels(fit, pictures, made)
    made += _conditional(pictures)
    fit = Fit.of(hybrid)
    write_figure(plot_record(fit, fit.experiment.records[0]), pictures / "record.png")
    return [*made, "record"]


def _panels(fit, pictures: Path, made: list[str]) -> list[str]:
    draws = ExperimentDraws.of(Fit.of(fit))
    return [_panel(draws, one, pictures) for one in panels_of(draws) if one.measured and one.kind not in made]


def _panel(draws, panel, pictures: Path) -> str:
    with style():
        figure, (axis,) = panels(1, 1, 4.2, 3.0)
        draw_panel(axis, draws, panel)
        write_figure(figure, pictures / f"{panel.kind}.png")
    return panel.kind


def _conditional(pictures: Path) -> list[str]:
    """What only a run with constant rates has, with the true curve."""
    run = from_tree(datasets.load("fig2d-hybrid"))
    times = np.linspace(1, 11, 11)
    more = (
        SeriesPlan("conditional_xi", times, 0.03, run="coherent"),
        SeriesPlan("feedback", times[3:], 1500, run="coherent", mode_rate=0.83, probe_duration=2.0),
    )
    simulated = from_tree(simulate_like(replace(run, series=more, records=()), seed=8))
    truth = {label: np.array([value]) for label, value in simulated.truth.parameters.items()}
    draws = ExperimentDraws(simulated, truth, Dynamics("microscopic"))
    return [_panel(draws, one, pictures) for one in panels_of(draws) if one.measured]


def _figures(pictures: Path, plain, hybrid) -> list[str]:
    few = inference.fit("fig2b-d55", seed=1, closure="microscopic")
    for name in FIGURES:
        fit = {"fig2d": hybrid, "left-out": few}.get(name, plain)
        inference.plot(fit, name, pictures / f"{name}.png")
    return list(FIGURES)


def _results(pictures: Path, fit) -> list[str]:
    weeks = {f"2026-W{week}": simulate_like(from_tree(datasets.load("fig2b-d55")), seed=week) for week in range(10, 16)}
    found = {
        "fit": fit,
        "point_fit": inference.least_squares("fig2b-d55", closure="microscopic"),
        "comparison": inference.compare_models("fig2b-d55", ["microscopic", "fixed-number"]),
        "criticism": inference.criticize(fit),
        "design": inference.design(after=fit, goal="dGamma", budget="1 h", refits=0),
        "prediction": inference.predict(fit, times=np.linspace(0, 30, 61)),
        "campaign": inference.campaign(weeks, pictures.parent / "campaign", cores=1),
    }
    for name, result in found.items():
        result.plot(path=pictures / f"result-{name}.png")
    return list(found)
