"""Factors of days as parameters: which series have them, how they are shared, and that they take up another day."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import ExperimentError, from_tree, joint, read, simulate_like
from dissentangle.inference.fits import Fit
from dissentangle.inference.model.parameters import ModelParameter
from dissentangle.inference.model.priors import parse_prior
from dissentangle.inference.model.problem import pose
from dissentangle.inference.model.rivals import rival
from dissentangle.inference.model.settings import ModelSettings
from dissentangle.inference.sampling.prior_influence import moved_by

from ...seeds import SIGMA, seed

DRIVEN = read("fig2b-d55")
DATED = replace(DRIVEN, series=tuple(replace(s, day="monday" if s.name == "xi" else "tuesday") for s in DRIVEN.series))
DEFAULT = "lognormal(1, 0.1)"


def of_days(problem):
    return {p.label: str(p.prior) for p in problem.parameters if "day_" in p.label}


def test_a_file_that_says_days_has_their_factors():
    both = {"day_depth[tuesday]": DEFAULT, "day_loss[tuesday]": DEFAULT}
    assert of_days(pose(DATED)) == of_days(pose(DATED, model="days")) == both
    measured = {"day_depth[tuesday]": "normal(0.85, 0.02)"}
    assert of_days(pose(DATED, priors=measured)) == both | measured
    assert of_days(pose(DRIVEN)) == {}
    excluded = [s if s.day == "monday" else replace(s, excluded=np.ones(len(s.x), bool)) for s in DATED.series]
    assert of_days(pose(replace(DATED, series=tuple(excluded)))) == {}


def test_ways_of_sharing():
    assert of_days(pose(DATED, sharing={"day_depth": "shared", "day_loss": "shared"})) == {}
    of_population = pose(DATED, sharing={"day_depth": "population"})
    assert of_days(of_population) == {
        "population_spread[day_depth]": "halfnormal(0.3)",
        "population_score[day_depth[tuesday]]": "normal(0, 1)",
        "day_loss[tuesday]": DEFAULT,
    }
    values = {"population_spread[day_depth]": 0.2, "population_score[day_depth[tuesday]]": -1.5}
    assert of_population.complete(values)["day_depth[tuesday]"] == pytest.approx(np.exp(-0.3))
    derived = next(v for v in of_population.variables if v.name == "day_depth")
    assert derived.formulas
    assert derived.labels == ("day_depth[tuesday]",)
    with pytest.raises(ExperimentError, match="sharing: found one experiment, expected several"):
        pose(DATED, sharing={"day_depth": "shared", "optical_depth": "tied"})
    with pytest.raises(ExperimentError, match="sharing: day_depth: found 'tied', expected shared, separate or"):
        pose(DATED, sharing={"day_depth": "tied"})


def test_members_of_a_joint_fit_have_days_of_their_own():
    both = joint({"a": DRIVEN, "b": read("fig2b-d35")})
    kinds = {"day_depth": ["transverse_spin"], "day_loss": ["polarization", "transverse_spin"]}
    wanted = {f"{name}[{member}.{kind}]" for name, of in kinds.items() for kind in of for member in "ab"}
    assert set(of_days(pose(both, model="days"))) == wanted
    assert of_days(pose(both, {}, model="days")) == dict.fromkeys(wanted, DEFAULT)


def test_experiments_without_days():
    only = replace(DRIVEN, series=DRIVEN.series[:1])
    with pytest.raises(ExperimentError, match=r"model days: found no second kind of series in .* that the drive moves"):
        rival(only, ModelSettings(), "days")
    dark = replace(DRIVEN, stages=tuple(replace(stage, lights=frozenset()) for stage in DRIVEN.stages))
    with pytest.raises(ExperimentError, match=r"model days: found no second kind of series in .* that the drive moves"):
        rival(dark, ModelSettings(), "days")


def test_the_median_of_a_factor_is_no_guess():
    """Only its width is, when it is asked which priors a posterior owes itself to."""
    rng = np.random.default_rng(seed(4))
    z = rng.normal(size=(2, 4000))
    z[1] = 0.9 * z[0] + np.sqrt(1 - 0.81) * z[1]
    moved = {}
    for name in ("day_depth", "initial_xi"):
        free = [
            ModelParameter(name, "x", parse_prior(name, DEFAULT), guessed=True),
            ModelParameter("collision_rate", None, parse_prior("collision_rate", "lognormal(1, 1)")),
        ]
        draws = {p.label: p.prior.from_z_score(row) for p, row in zip(free, z, strict=True)}
        moved[name] = moved_by(draws, free)
    assert moved["day_depth"] == {}
    assert abs(moved["initial_xi"]["collision_rate"][1]) > 2


@pytest.mark.slow
def test_another_day_biases_and_its_factors_take_it_up():
    """ξ of monday; P and Jy of a tuesday with d 30 % lower and a loss 30 % larger: twice what labs have."""
    faults = {"day_depth[tuesday]": 0.7, "day_loss[tuesday]": 1.3, "pure_dephasing_rate[drive]": 0.12}
    made = from_tree(simulate_like(DATED, faults, seed=seed(1)))
    wide = replace(made, priors={"day_depth": "lognormal(1, 0.3)", "day_loss": "lognormal(1, 0.3)"})
    undated = replace(made, series=tuple(replace(s, day="") for s in made.series))
    found = []
    for experiment in (undated, wide):
        fit = Fit.of(inference.fit(experiment, seed=seed(2), draws=300, chains=2, cores=1, closure="microscopic"))
        draws, truth = fit.by_label(derived=True), made.truth.parameters
        found.append({label: (draws[label].mean() - truth[label]) / draws[label].std() for label in RATES})
    biased, right = found
    assert max(abs(z) for z in biased.values()) > 2
    assert max(abs(z) for z in right.values()) < SIGMA


RATES = ("collective_rate", "light_loss_rate", "pure_dephasing_rate[drive]")
