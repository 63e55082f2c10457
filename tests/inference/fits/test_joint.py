"""Joint fits: which parameters there are, the posterior of two members, the command line."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError, Known, StageEntry, joint, read
from dissentangle.inference.cli import main
from dissentangle.inference.fits.predictive import prior_draws
from dissentangle.inference.model.problem import Problem, experiment_of, name_of
from dissentangle.inference.model.settings import ModelSettings
from dissentangle.inference.text.fit import fit_text

from ...seeds import SIGMA, seed

TWO = ["fig2b-d55", "fig2b-d35"]


@pytest.fixture(scope="module")
def fit_two():
    return inference.fit(TWO, seed=seed(3), draws=500)


def labels(sharing=None, names=TWO):
    experiment = joint({name: read(name) for name in names}, sharing)
    return {u.label for u in Problem(experiment).free}


def test_by_default_depth_and_preparation_are_separate_and_rates_are_shared():
    found = labels()
    assert {"radiative_rate", "optical_depth[fig2b-d55]", "optical_depth[fig2b-d35]", "collision_rate"} <= found
    assert {"initial_n3[fig2b-d55]", "pure_dephasing_rate[drive]", "scale[fig2b-d35.xi]"} <= found
    assert not any(label.startswith("collective_rate") for label in found)


def test_ways_to_share():
    assert "collision_rate[fig2b-d55]" in labels({"collision_rate": "separate"})
    assert "pure_dephasing_rate[fig2b-d55: drive]" in labels({"pure_dephasing_rate": "separate"})
    assert {"collective_rate[fig2b-d55]", "optical_depth[fig2b-d55]"} <= labels({"collective_rate": "separate"})
    population = labels({"pure_dephasing_rate": "population"})
    assert {
        "pure_dephasing_rate[drive]",
        "population_spread[pure_dephasing_rate[drive]]",
        "population_score[pure_dephasing_rate[fig2b-d35: drive]]",
    } <= population


def test_members_have_only_what_they_depend_on():
    """A member in the dark has no d of its own."""
    dark = datasets.read(
        datasets.simulate(
            [StageEntry(20.0, frozenset())], [datasets.SeriesPlan("transverse_spin", [5.0, 10.0], 0.01)], seed=seed(1),
            apparatus={"optical_depth": Known(55.0, 2.0)},
        )
    )  # fmt: skip
    found = {u.label for u in Problem(joint({"night": dark, "lit": read("fig2b-d55")}), ModelSettings()).parameters}
    assert "optical_depth[lit]" in found
    assert "optical_depth[night]" not in found
    assert {"pure_dephasing_rate[dark]", "pure_dephasing_rate[drive]"} <= found
    angled = [
        replace(e, apparatus=e.apparatus | {"faraday_angle": Known(14.0, 0.1)}) for e in (dark, read("fig2b-d55"))
    ]
    tied = joint(dict(zip(("night", "lit"), angled, strict=True)), {"optical_depth": "tied"})
    derived = {label for v in Problem(tied).variables if v.formulas for label in v.labels}
    assert {"optical_depth[lit]", "collective_rate[lit]"} <= derived
    assert not any("night]" in label for label in derived)


def test_prior_draws_of_a_population_have_its_spread():
    experiment = joint({name: read(name) for name in TWO}, {"collision_rate": "population"})
    settings = ModelSettings(priors={"population_spread": "fixed(0.5)"})
    problem = Problem(experiment, settings)
    draws = prior_draws(problem, 20_000, np.random.default_rng(seed(1)))
    ratio = np.log(draws["collision_rate[fig2b-d55]"] / draws["collision_rate"])
    assert ratio.std() == pytest.approx(0.5, rel=SIGMA / np.sqrt(2 * 20_000))
    names = {v.name for v in problem.variables}
    assert {"collision_rate", "collision_rate_by_experiment", "population_score"} <= names


def test_the_posterior_of_two_members(fit_two):
    assert fit_two.attrs["healthy"], fit_two.attrs["verdict"]
    posterior = fit_two["posterior"].dataset
    depth = posterior["optical_depth"]
    assert list(depth["optical_depth_of"].values) == TWO
    np.testing.assert_allclose(
        posterior["collective_rate"], depth.values * posterior["radiative_rate"].values[..., None]
    )
    truth = read(fit_two["experiment"]).truth.parameters
    for name in ("radiative_rate", "light_loss_rate", "collision_rate"):
        true = {"radiative_rate": 0.002}.get(name) or truth[name]
        assert abs(posterior[name].mean() - true) < 4 * posterior[name].std()
    single = inference.fit(TWO[0], seed=seed(3), draws=500)["posterior"]
    assert posterior["radiative_rate"].std() < 0.9 * single["radiative_rate"].std()


@pytest.mark.slow
def test_tables_figure_and_file_of_a_joint_fit(fit_two, tmp_path):
    text = fit_text(fit_two)
    assert "joint: fig2b-d55, fig2b-d35 [simulated]" in text
    assert "collective_rate[fig2b-d35]" in text
    assert "entanglement_duration[fig2b-d55]" in text
    inference.save_fit(fit_two, tmp_path / "two.nc")
    again = inference.read_fit(tmp_path / "two.nc")
    assert fit_text(again) == text
    figure = inference.plot_fit(again, tmp_path / "two.png")
    assert len(figure.axes) == 6
    assert again["posterior_predictive"]["fig2b-d55.xi"].dims == ("chain", "draw", "fig2b-d55.xi_time")


def test_names_of_what_is_joined(tmp_path):
    datasets.save(datasets.load("fig2b-d55"), tmp_path / "monday.nc")
    datasets.save(datasets.load("fig2b-d35"), tmp_path / "tuesday")
    both = experiment_of([tmp_path / "monday.nc", tmp_path / "tuesday" / "experiment.toml"])
    assert both.members == ["monday", "tuesday"]
    assert experiment_of([datasets.load("fig2b-d55"), read("fig2b-d35")]).members == ["experiment 1", "experiment 2"]
    assert experiment_of({"x": "fig2b-d55", "y": "fig2b-d35"}).members == ["x", "y"]
    assert not experiment_of(["fig2b-d55"]).members
    assert name_of(3) == ""
    with pytest.raises(ExperimentError, match=r"joint fit: found 'fig2b-d55' twice, expected different names"):
        experiment_of(["fig2b-d55", "fig2b-d55"])
    with pytest.raises(ExperimentError, match=r"sharing: found one experiment, expected several that share"):
        experiment_of("fig2b-d55", {"collision_rate": "shared"})


def test_command_line(tmp_path, capsys):
    sharing = tmp_path / "joint.toml"
    sharing.write_text('[sharing]\npure_dephasing_rate = "separate"\n')
    assert main(["check", *TWO, "--sharing", str(sharing), "--share", "collision_rate=population"]) == 0
    out = capsys.readouterr().out
    assert "pure_dephasing_rate[fig2b-d35: drive]" in out
    assert "population_spread[collision_rate]" in out
    assert main(["check", *TWO, "--share", "collision_rate=both"]) == 2
    assert "expected one of shared, separate, population, tied" in capsys.readouterr().err
    assert main(["check", "fig2b-d55", "--share", "collision_rate=shared"]) == 2
    assert "sharing: found one experiment" in capsys.readouterr().err
