"""Figures for a paper: what can be asked for, sizes, embedded fonts, names of the user."""

import re
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import arviz as az
import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.experiment import LightPower
from dissentangle.inference.choices import FIGURES
from dissentangle.inference.cli import main
from dissentangle.inference.figures import MOST_NAMED, loo_pit, plot, plot_pareto_k, plot_pit
from dissentangle.inference.figures.atoms import plot_levels, plot_populations, probability_of_entanglement
from dissentangle.inference.figures.comparison import plot_trend, population
from dissentangle.inference.figures.paper import figure_2a
from dissentangle.inference.figures.style import WIDTHS, one_line
from dissentangle.inference.fits.predictive import prior_draws
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.model import pose
from dissentangle.inference.reports.svg import inline_svg

from ...seeds import seed


@pytest.mark.parametrize("what", [what for what in FIGURES if what not in ("left-out", "fig2d")])
def test_every_figure_of_the_catalogue(fit_d55, tmp_path, what):
    """The two others: test_leave_one_series_out.py, test_records.py."""
    path = tmp_path / f"{what}.pdf"
    figure = plot(fit_d55, what, path)
    assert figure.get_figwidth() == pytest.approx(WIDTHS["column"])
    content = path.read_bytes()
    assert "simulated" in figure.get_suptitle()
    assert content.startswith(b"%PDF")
    assert b"/FontFile2" in content  # TrueType, embedded
    assert b"/Type3" not in content


def test_series_are_side_by_side_where_there_is_room(fit_d55):
    """As wide as asked for; without a width as wide as the panels need."""
    for width, across in (("column", 1), ("page", 2)):
        figure = plot(fit_d55, "series", width=width)
        assert figure.get_figwidth() == pytest.approx(WIDTHS[width])
        assert figure.axes[0].get_gridspec().ncols == across
    assert inference.plot_fit(fit_d55).get_figwidth() == pytest.approx(3 * 4.2)


@pytest.mark.slow
def test_ranks_in_a_process_that_imported_nothing_else(fit_d55, tmp_path):
    """What gives xarray an accessor must be imported where that is used, not by a check that came before."""
    inference.save_fit(fit_d55, tmp_path / "f.nc")
    script = "from dissentangle import inference; inference.plot(inference.read_fit('f.nc'), 'ranks', 'r.svg')"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert (tmp_path / "r.svg").is_file()


def test_fig2a_has_two_scales_and_says_that_data_are_simulated(fit_d55):
    figure = plot(fit_d55, "fig2a")
    left, right = figure.axes
    assert left.get_ylabel() == "ΣJ(t) / 2⟨Jx(0)⟩"
    assert right.get_ylabel() == "⟨Jx(t)⟩ / ⟨Jx(0)⟩"
    assert left.get_ylim() == right.get_ylim()
    assert figure.get_suptitle() == "simulated data"
    assert not plot(fit_d55, "fig2a", run="main", width="page").get_figwidth() < 7


def test_fig2b_of_the_published_numbers_shows_every_run(fit_published):
    figure = plot(fit_published, "fig2b")
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["main, 94 %", "pump, 94 %", "switch-off, 94 %", "drive", "pump"]
    assert figure.get_suptitle() == ""


def test_what_cannot_be_drawn(fit_d55, tmp_path):
    for options, text in (
        ({"what": "fig9"}, "found 'fig9', expected one of series, fig2a"),
        ({"what": "pairs", "width": "poster"}, "found the width 'poster', expected one of column, page"),
        ({"what": "pairs", "run": "main"}, "found a run for 'pairs', expected none"),
        ({"what": "fig2a", "run": "mian"}, "found 'mian', expected one of main"),
        ({"what": "pairs", "path": tmp_path / "a.exe"}, "found an unknown kind of figure"),
    ):
        with pytest.raises(ExperimentError, match=text):
            plot(fit_d55, **options)


def test_probability_of_entanglement_is_the_share_of_draws_below_one(fit_d55):
    fitted = Fit(fit_d55)
    times = np.array([0.0, 0.5, 5.0, 20.0])
    xi = inference.predict(fit_d55, times=times, draws=400)["xi"].values
    assert probability_of_entanglement(fitted, "main", times) == pytest.approx((xi < 1).mean(axis=0))


def of_prior(name, model):
    """What a fit of sixteen levels has, with draws of the prior."""
    problem = pose(name, model=model)
    values = prior_draws(problem, 40, np.random.default_rng(seed(2)))
    parts = {"experiment": problem.experiment, "settings": problem.settings, "values": values}
    return SimpleNamespace(**parts, tree=SimpleNamespace(children={}), driven_runs=["main"])


def test_flows_between_levels(fit_d55):
    """An arrow for each flow that counts: of three states six at most."""
    (axis,) = plot(fit_d55, "levels").axes
    assert len(axis.texts) in (5, 6)
    assert [text.get_text() for text in axis.get_legend().texts] == ["light and collisions"]
    (axis,) = plot_levels(of_prior("fig2c-pump", "sixteen-level+excess-loss")).axes
    assert [text.get_text() for text in axis.get_legend().texts] == ["drive", "excess loss", "pump", "collisions"]
    assert len(axis.texts) > 8
    assert re.search(r"thickest, at 48 ms: 0\.\d+ of all per ms", axis.get_xlabel())


def test_flows_are_at_the_power_of_the_end():
    """A drive that has ended: only collisions are left."""
    fit = of_prior("fig2b-d55", "sixteen-level")
    off = LightPower("drive", (0.0, 20.0), (1.0, 0.0))
    stages = tuple(replace(stage, power=(off,)) for stage in fit.experiment.stages)
    ended = SimpleNamespace(**vars(fit) | {"experiment": replace(fit.experiment, stages=stages)})
    for one, processes in ((fit, ["drive", "collisions"]), (ended, ["collisions"])):
        (axis,) = plot_levels(one).axes
        assert [text.get_text() for text in axis.get_legend().texts] == processes


@pytest.mark.parametrize("figure", [plot_levels, plot_populations, figure_2a])
def test_populations_of_constant_runs_do_not_move(figure):
    fit = of_prior("fig2d-hybrid", "as-given")
    with pytest.raises(ExperimentError, match="found 'noisy' with constant rates, expected one in which populations"):
        figure(fit, run="noisy")


def test_populations_of_three_and_of_sixteen_levels(fit_d55):
    """Lines for all levels; those that stay below 1e-6 have no name beside them."""
    figure = plot(fit_d55, "populations")
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.texts] == ["|4,4⟩", "|4,3⟩", "|3,3⟩"]
    upper, lower = plot_populations(of_prior("fig2b-d55", "sixteen-level")).axes
    assert (len(upper.lines), len(lower.lines)) == (9, 7)
    assert [text.get_text() for text in upper.texts][:3] == ["|4,4⟩", "|4,3⟩", "|4,2⟩"]
    assert lower.texts[0].get_text() == "|3,3⟩"


def test_command(fit_d55, tmp_path, capsys):
    file = tmp_path / "f.nc"
    inference.save_fit(fit_d55, file)
    target = tmp_path / "new" / "b.svg"
    assert main(["plot", str(file), "--what", "fig2b", "-o", str(target)]) == 0
    text = target.read_text()
    assert re.search(r'width="24\d', text)  # 3.375 inches in points
    assert main(["table", str(file), "--format", "latex", "-o", str(tmp_path / "t.tex"), "--quiet"]) == 0
    assert r"\toprule" in (tmp_path / "t.tex").read_text()
    capsys.readouterr()
    assert main(["plot", str(file), "--what", "pairs", "-o", str(tmp_path / "a.gif")]) == 2
    assert "found an unknown kind of figure" in capsys.readouterr().err


def test_text_of_the_user_is_one_short_line_without_mathematics():
    assert one_line("a$b$\n" + "x" * 300) == r"a\$b\$ " + "x" * 104 + "…"


def test_a_trend_has_the_population_and_names_what_is_far_off_the_others():
    rng = np.random.default_rng(seed(1))
    means, sds = 0.11 + 0.01 * rng.standard_normal(1600), np.full(1600, 0.01)
    centre, spread = population(means, sds)
    assert centre == pytest.approx(0.11, abs=5 * 0.01 / 40)
    assert spread < 0.005  # the errors explain the scatter
    assert population(0.11 + np.hypot(0.03, 0.01) * rng.standard_normal(1600), sds)[1] == pytest.approx(0.03, rel=0.2)
    values = np.stack([[0.11, 0.112, 0.109, 0.17, np.nan], np.full(5, 0.01)], axis=1)
    (axis,) = plot_trend(["a", "b", "c", "far", "none"], "collective_rate", values).axes
    assert [text.get_text() for text in axis.texts] == ["far"]


@pytest.mark.parametrize("count", [5, 24, 300])
def test_a_legend_names_the_most_striking_of_many_series(count):
    """All others are grey, with one name: of 24 names below it a figure in a report had no height left."""
    names = [f"day {k}.xi" for k in range(count)]
    pit = {name: (np.linspace(0.01, 0.99, 20), (k + 1) / count) for k, name in enumerate(reversed(names))}
    units = tuple(SimpleNamespace(series=name) for name in names for _ in range(3))
    left_out = SimpleNamespace(units=units, pareto_k=np.repeat(np.linspace(0.1, 0.6, count), 3), limit=0.7)
    for figure in (plot_pit(None, found=pit), plot_pareto_k(None, found=left_out)):
        (legend,) = figure.legends
        shown = [text.get_text() for text in legend.get_texts()]
        named = [text for text in shown if text.startswith("day")]
        assert len(named) == min(count, MOST_NAMED)
        assert {text.split(",")[0] for text in named} == set(names[-MOST_NAMED:])
        assert [text for text in shown if text not in named] == [f"{count - MOST_NAMED} other series"] * (count > 5)
        assert "<svg" in inline_svg(figure, "a", "b", (0.75, 0.5, 0.1, 0.1))


def test_a_value_beyond_all_draws_is_not_impossible():
    """LOO-PIT of right errors, with few draws: of 200 values some lie beyond all 400, whose rank has p = 0."""
    rng, series = np.random.default_rng(seed(21)), range(8)
    mean = 0.02 * rng.normal(size=(4, 100, 1))
    data = {f"xi{k}": rng.normal(size=200) for k in series}
    groups = {
        "posterior": {"mean": mean[..., 0]},
        "observed_data": data,
        "posterior_predictive": {name: mean + rng.normal(size=(4, 100, 200)) for name in data},
        "log_likelihood": {name: -0.5 * (values - mean) ** 2 for name, values in data.items()},
    }
    found = loo_pit(SimpleNamespace(tree=az.from_dict(groups)))
    assert all(pit.min() > 0 and pit.max() < 1 for pit, _ in found.values())
    assert min(p for _, p in found.values()) > 1e-5
