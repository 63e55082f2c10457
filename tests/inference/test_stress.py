"""Honest under stress: data that the model cannot describe, and data that say little, are called so in words."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError
from dissentangle.inference.assessment import assess
from dissentangle.inference.cli import main
from dissentangle.inference.fitted import Fitted
from dissentangle.inference.model_settings import ModelSettings
from dissentangle.inference.time_scale import require_time_scale
from dissentangle.inference.unknowns import unknowns

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(BENCHMARKS)
    STUDY = runpy.run_path(str(BENCHMARKS / "stress.py"))


@pytest.mark.parametrize("name", STUDY["CASES"])
def test_what_is_said_of_it(name):
    case = STUDY["CASES"][name]
    status, text = STUDY["said"](case, seed=4)
    assert status not in case.never
    assert re.search(case.words, text), text


def test_without_information_the_posterior_is_the_prior():
    """Three repetitions: of every parameter, the posterior has the quantiles of the prior, nearly."""
    fit = inference.fit(STUDY["CASES"]["xi from three repetitions"].make(2), seed=1)
    fitted = Fitted(fit)
    for unknown in fitted.parameters:
        if not unknown.prior.fixed:
            scores = unknown.prior.score(fitted.by_label()[unknown.label])
            assert abs(np.median(scores)) < 1.0, unknown.label
            assert 0.5 < np.std(scores) < 1.3, unknown.label
    assert {"optical_depth", "squeezing_limit", "initial_n3", "scale[xi]"} <= set(assess(fit).by_prior)


def test_a_ridge_is_sampled_longer_and_thinned(capsys, tmp_path):
    """Jy alone leaves the sum of two rates: a thousand draws of each chain are too few, five thousand enough."""
    fit = inference.fit(STUDY["CASES"]["Jy alone"].make(1), seed=1)
    assert fit.attrs["thinning"] == 5
    assert fit.attrs["healthy"], fit.attrs["verdict"]
    assert fit["posterior"].sizes["draw"] == fit["sample_stats"].sizes["draw"] == 1000
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
        assert "series xi: its last point is at" in capsys.readouterr().err


def test_priors_of_that_size_make_such_times_possible():
    slow = STUDY["times_by"](1000.0)(1)
    rates = ("pure_dephasing_rate", "collective_rate", "light_loss_rate")
    expected = unknowns(slow, ModelSettings(priors=dict.fromkeys(rates, "lognormal(1e-4, 1)")))
    require_time_scale(slow, expected)
    with pytest.raises(ExperimentError, match=r"pure_dephasing_rate\[drive\], is expected to be 0.2 1/ms: all"):
        require_time_scale(slow, unknowns(slow, ModelSettings()))
