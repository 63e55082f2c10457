"""What the posterior owes to priors, series and calibration."""

import json
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import read
from dissentangle.datasets.experiment import Known
from dissentangle.inference.checks.calibration_sensitivity import _can_be_refitted, calibration_sensitivity, constants
from dissentangle.inference.checks.prior_sensitivity import THRESHOLD, beyond, power_scaling, prior_sensitivity
from dissentangle.inference.cli import main
from dissentangle.inference.figures import plot_sensitivity
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.model import pose
from dissentangle.inference.text import as_json, sensitivity_text, shift_sentences

from ...seeds import seed


@pytest.fixture(scope="module")
def shifts(fit_d55):
    return calibration_sensitivity(Fit(fit_d55))


def column(found, constant):
    return next(c for c in found.columns if c.constant == constant)


def test_which_constants(fit_d55, fit_published):
    assert [u.label for u in constants(Fit(fit_d55))] == [
        "optical_depth", "squeezing_limit", "initial_n3", "scale[xi]"
    ]  # fmt: skip
    assert all(c.how == "reweighted" for c in calibration_sensitivity(Fit(fit_published)).columns)


def test_d_takes_gamma_with_it_and_leaves_the_product(shifts):
    """dΓ is what the data see: Γ = dΓ/d falls as d rises, by 5 % for 5 %."""
    found = column(shifts, "optical_depth")
    assert found.off_by == pytest.approx(2.75)
    by = dict(zip(shifts.labels, zip(found.shifts, found.absolute, strict=True), strict=True))
    assert abs(by["collective_rate"][0]) < 0.2
    assert by["radiative_rate"][1] / 0.002 == pytest.approx(-0.05, abs=0.02)
    assert found.pareto_k < 0.7


@pytest.mark.slow
def test_reweighting_agrees_with_a_fit_with_the_shifted_prior(fit_d55, shifts):
    """The one more fit of these tests; made where reweighting counts as failed."""
    fitted = Fit(fit_d55)
    expected = column(shifts, "scale[xi]")
    few = [u for u in constants(fitted) if u.label == "scale[xi]"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            import_module("dissentangle.inference.checks.calibration_sensitivity"), "constants", lambda fitted: few
        )
        again = calibration_sensitivity(fitted, limit=-np.inf).columns[0]
        kept = calibration_sensitivity(fitted, limit=-np.inf, refit=False).columns[0]
    assert (again.how, kept.how) == ("refitted", "unreliable")
    assert again.shifts == pytest.approx(expected.shifts, abs=0.1)
    assert max(abs(expected.shifts)) > 0.15
    assert again.pareto_k == expected.pareto_k


def test_a_normal_posterior_moves_as_it_should(fit_d55):
    """Prior and posterior normal: a prior one sd higher moves the posterior mean by its variance over the prior's."""
    tree = fit_d55.copy(deep=True)
    rng = np.random.default_rng(seed(1))
    score = 0.3 + 0.6 * rng.standard_normal((4, 1000))
    posterior = tree["posterior"].dataset.copy(deep=True)
    posterior["optical_depth"][:] = 55 + 2.75 * score
    posterior["collective_rate"][:] = 0.11 + 0.01 * score
    tree["posterior"] = type(tree)(posterior)
    found = calibration_sensitivity(Fit(tree), refit=False)
    shift = column(found, "optical_depth").absolute[found.labels.index("collective_rate")]
    assert shift == pytest.approx(0.01 * 0.6**2, rel=0.1)


def test_power_scaling_of_all_priors_is_that_of_their_sum(fit_d55):
    fitted = Fit(fit_d55)
    apart = power_scaling(fitted, ["initial_n3", "collective_rate", "light_loss_rate"])
    assert tuple(apart.by_prior) == ("collective_rate", "light_loss_rate", "initial_n3")
    assert tuple(apart.by_series["initial_n3"]) == ("xi", "polarization", "transverse_spin")
    assert beyond(apart.by_prior["initial_n3"])[0][0] == "initial_n3"
    together = {row.label: row for row in prior_sensitivity(fitted)}
    own = apart.by_prior["initial_n3"]["initial_n3"]
    assert own == pytest.approx(together["initial_n3"].prior, rel=0.15)
    assert beyond(apart.by_prior["light_loss_rate"]) == []
    changes = apart.by_series["light_loss_rate"]
    assert changes["xi"] > changes["polarization"] > 1.5 * changes["transverse_spin"]
    assert beyond(changes) == [pair for pair in changes.items() if pair[1] >= THRESHOLD]


def test_text_facts_and_figure(fit_d55, shifts):
    found = inference.sensitivity(fit_d55, refit=False)
    text = sensitivity_text(found)
    assert "Γ moves by −" in text
    assert "when d is off by 2.75." in text
    facts = json.loads(json.dumps(as_json(found.facts()), allow_nan=False))
    assert {c["constant"] for c in facts["calibration"]["constants"]} == {c.constant for c in shifts.columns}
    assert set(facts["by_series"]["collective_rate"]) == {"xi", "polarization", "transverse_spin"}
    figure = plot_sensitivity(Fit(fit_d55), found=found.calibration)
    assert len(figure.axes[0].texts) == len(shifts.labels) * len(shifts.columns)
    assert shift_sentences(shifts)[0].startswith("Γ moves by −")


@pytest.mark.slow
def test_command_and_report(fit_d55, page_d55, tmp_path, capsys):
    file, figure = tmp_path / "f.nc", tmp_path / "s.svg"
    inference.save_fit(fit_d55, file)
    assert main(["sensitivity", str(file), "--figure", str(figure)]) == 0
    assert "Shift of each posterior mean, in its sd, when a constant is off by + 1 σ:" in capsys.readouterr().out
    assert figure.is_file()
    assert "<h3>If a calibration constant is off by one standard deviation</h3>" in page_d55


@pytest.mark.parametrize(("sigma", "possible"), [(2.0, True), (9.0, False)])
def test_a_shifted_prior_that_the_model_does_not_reach_is_not_refitted(sigma, possible):
    """Off by one standard deviation, 95 % of normal(9, 9) K are no longer where rate tables are interpolated."""
    one = read("fig2b-d55")
    one = replace(one, apparatus=one.apparatus | {"temperature": Known(300.0, sigma)})
    problem = pose(one, model="sixteen-level")
    constant = next(u for u in problem.free if u.name == "temperature_offset")
    fit: Any = SimpleNamespace(problem=problem, experiment=one, settings=problem.settings)
    assert _can_be_refitted(fit, constant) is possible
