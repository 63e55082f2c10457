"""Honest under stress: data that the model cannot describe, and data that say little, are called so in words."""

import re
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError
from dissentangle.inference.checks.verdict import assess
from dissentangle.inference.cli import main
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.fits.summary import summarise, verdict
from dissentangle.inference.model.problem import Problem, require_time_scale
from dissentangle.inference.model.settings import ModelSettings, SamplerSettings
from dissentangle.inference.sampling.sample import Draws, sample

from ..seeds import seed

pytestmark = pytest.mark.slow

CLOSED = {"closure": "microscopic"}
"""An unknown closure changes none of what is said here; docs/evidence/stress.md has the cases with it."""
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(BENCHMARKS)
    STUDY = runpy.run_path(str(BENCHMARKS / "stress.py"))


@pytest.mark.parametrize("name", STUDY["CASES"])
def test_what_is_said_of_it(name):
    case = STUDY["CASES"][name]
    case = replace(case, options=CLOSED | case.options)
    status, text = STUDY["said"](case, seed=seed(4))
    assert status not in case.never
    assert re.search(case.words, text), text


def test_without_information_the_posterior_is_the_prior():
    """Three repetitions: of every parameter, the posterior has the quantiles of the prior, nearly."""
    fit = inference.fit(STUDY["CASES"]["xi from three repetitions"].make(2), seed=seed(1), **CLOSED)
    fitted = Fit(fit)
    for unknown in fitted.parameters:
        if not unknown.prior.fixed:
            scores = unknown.prior.z_score(fitted.by_label()[unknown.label])
            assert abs(np.median(scores)) < 1.0, unknown.label
            assert 0.5 < np.std(scores) < 1.3, unknown.label
    assert {"optical_depth", "squeezing_limit", "initial_n3", "scale[xi]"} <= set(assess(fit).by_prior)


def test_a_ridge_is_sampled_longer_and_thinned(capsys, tmp_path, monkeypatch):
    """Jy alone leaves the sum of two rates: of 700 draws of each chain under a third are worth something (of runs that
    were content with them 0.17 and 0.29); where 300 are asked for they are too few, and what 3500 leave is healthy.
    """
    monkeypatch.setattr("dissentangle.inference.sampling.convergence.ESS_PER_CHAIN", 300)
    experiment = STUDY["CASES"]["Jy alone"].make(1)
    fit = inference.fit(experiment, seed=seed(1), draws=700, chains=3, **CLOSED)
    assert fit.attrs["thinning"] == 5
    assert fit.attrs["healthy"], fit.attrs["verdict"]
    assert fit["posterior"].sizes["draw"] == fit["sample_stats"].sizes["draw"] == 700
    assert fit["sample_stats"]["diverging"].dtype == bool
    inference.save_fit(fit, tmp_path / "fit.nc")
    assert main(["show", str(tmp_path / "fit.nc")]) == 0
    assert "in the end 5 times as long (one draw in 5 is kept)" in capsys.readouterr().out


@pytest.mark.parametrize("factor", [1000.0, 0.001])
def test_times_in_another_unit_are_refused_at_once(factor, tmp_path, capsys):
    wrong = STUDY["times_by"](factor)(1)
    datasets.save(wrong, tmp_path / "wrong")
    for verb in ("check", "fit"):
        assert main([verb, str(tmp_path / "wrong")]) == 2
        assert "the last point (that of" in capsys.readouterr().err


def test_priors_of_that_size_make_such_times_possible():
    slow = STUDY["times_by"](1000.0)(1)
    rates = ("pure_dephasing_rate", "collective_rate", "light_loss_rate")
    require_time_scale(Problem(slow, ModelSettings(priors=dict.fromkeys(rates, "lognormal(1e-4, 1)"))))
    with pytest.raises(ExperimentError, match=r"pure_dephasing_rate, is expected to be 0.2 1/ms: everything"):
        require_time_scale(Problem(slow))


@pytest.mark.parametrize("factor", [1000.0, 0.001])
def test_the_lines_of_the_message_are_enough(factor):
    given = STUDY["times_by"](factor)(1)
    with pytest.raises(ExperimentError, match=r"in the table \[prior\] of experiment.toml") as refused:
        require_time_scale(Problem(given))
    lines = dict(re.findall(r'(\w+) = "(lognormal\([^"]*\))"', str(refused.value)))
    require_time_scale(Problem(replace(given, priors=lines)))


def test_one_short_series_or_a_stage_that_is_over_are_no_wrong_unit():
    whole = STUDY["like"](1)
    start = replace(whole.series[0], **{name: getattr(whole.series[0], name)[:1] for name in ("x", "value", "spread")})
    start = replace(start, name="start", x=np.array([0.05]))
    both = replace(whole, series=(start, *whole.series[1:]))
    require_time_scale(Problem(both))
    dark = datasets.read("fig2c-dark")
    settings = ModelSettings(priors={"pump_rate": "lognormal(200, 0.1)"})
    require_time_scale(Problem(dark, settings))


def test_the_energy_is_judged_before_thinning():
    """A slow energy (E-BFMI 0.1) of which every fifth draw is kept would look well mixed."""
    rng = np.random.default_rng(seed(2))
    angle = np.arccos(0.95) * np.arange(5000)  # of a cosine, E-BFMI is 2 (1 − cos of its step): no chance in it
    energy = np.array([np.cos(angle), np.sin(angle)])
    statistics = {"diverging": np.zeros((2, 5000), bool), "energy": energy, "n_steps": np.full((2, 5000), 7.0)}
    whole = Draws({"a": rng.standard_normal((2, 5000))}, statistics, "fast")

    class Sampler:
        longer = 5

        def draw(self, settings, progress):
            return whole if settings.draws == 5000 else replace(
                whole, variables={"a": whole.variables["a"][:, :1000] + [[0.0], [9.0]]},
                statistics={name: values[:, :1000] for name, values in statistics.items()},
            )  # fmt: skip

    drawn = sample(Sampler(), SamplerSettings(seed(1), 1000, 300, 2))
    assert (drawn.thinning, drawn.attempts) == (5, 2)
    judged = verdict(summarise(drawn.variables, []), drawn.statistics, bfmi=drawn.bfmi)
    assert "The energy mixes slowly (E-BFMI 0.1" in judged.text
    assert verdict(summarise(drawn.variables, []), drawn.statistics).healthy


def test_the_rates_of_a_stage_are_those_of_its_own_lights():
    """Rates of drive+pump are none of a stage with the pump alone; those of a member are none of another one."""
    whole = datasets.read("fig2c-dark")
    alone = replace(whole, stages=(*whole.stages[:-1], replace(whole.stages[-1], lights=frozenset({"pump"}))))
    fast = ModelSettings(priors={"pump_rate[drive+pump]": "lognormal(200, 0.1)"})
    require_time_scale(Problem(alone, fast))
    both = datasets.joint({name: STUDY["times_by"](1000.0)(seed) for seed, name in enumerate("ab", 1)})
    with pytest.raises(ExperimentError, match="everything would have been over long before"):
        require_time_scale(Problem(both))
