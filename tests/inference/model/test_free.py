"""Series of which the amplitude or the offset is not known: P and Jy in volts, on a background."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError, joint, read
from dissentangle.datasets.experiment.check import check_experiment
from dissentangle.datasets.prediction import expected
from dissentangle.forward_models import Dynamics
from dissentangle.inference.campaigns import run_sbc
from dissentangle.inference.checks.calibration_sensitivity import constants
from dissentangle.inference.comparison.evidence import log_posterior
from dissentangle.inference.model import Problem, SamplerSettings
from dissentangle.inference.model.problem import pose
from dissentangle.inference.point_fit.least_squares import fit_least_squares

from ...seeds import seed

DRIVEN = read("fig2b-d55")


def with_polarization(experiment, **said):
    series = tuple(replace(s, **said) if s.kind == "polarization" else s for s in experiment.series)
    return check_experiment(replace(experiment, series=series))


def in_volts(factor, background=0.0, **said):
    """fig2b-d55 with P in another unit; its first point at t = 0, which then tells of the amplitude."""
    p = next(s for s in DRIVEN.series if s.kind == "polarization")
    x = np.concatenate([[0.0], p.x])
    value, spread = (np.concatenate([column[:1], column]) for column in (p.value, p.spread))
    given = {"amplitude": "free"} | said
    return with_polarization(DRIVEN, x=x, value=factor * value + background, spread=factor * spread, **given)


def priors(experiment):
    return {u.label: u.prior for u in Problem(experiment).free}


def test_what_is_free_is_a_parameter_of_the_size_of_the_data():
    found = priors(in_volts(0.04, offset="free"))
    assert str(found["amplitude[polarization]"]) == "lognormal(0.1, 3)"
    assert str(found["offset[polarization]"]) == "normal(0, 1)"
    assert str(priors(in_volts(437.0))["amplitude[polarization]"]) == "lognormal(1000, 3)"
    given = replace(in_volts(437.0), priors={"amplitude[polarization]": "lognormal(430, 0.1)"})
    assert str(priors(given)["amplitude[polarization]"]) == "lognormal(430, 0.1)"
    assert not any(u.guessed for u in Problem(in_volts(0.04, offset="free")).free if u.index == "polarization")


def test_the_first_point_is_fitted_where_it_is_not_1_by_definition():
    first = {s.kind: s.fitted[0] for s in in_volts(0.04).series}
    assert first["polarization"]
    assert not replace(in_volts(0.04).series[1], amplitude="").fitted[0]


def test_observed_is_amplitude_times_model_plus_offset():
    experiment = in_volts(0.04, offset="free")
    values = DRIVEN.truth.parameters
    said = values | {"amplitude[polarization]": 0.04, "offset[polarization]": 0.3}
    dynamics = Dynamics("microscopic")
    plain = expected(DRIVEN, values, dynamics).series["polarization"]
    found = expected(experiment, said, dynamics).series["polarization"]
    np.testing.assert_allclose(found[1:], 0.04 * plain + 0.3, rtol=1e-7)


def test_evidence_and_posterior_do_not_depend_on_the_unit():
    """A factor of 1000 leaves the posterior of everything else, and changes the density by the points' Jacobian."""
    rng = np.random.default_rng(seed(1))
    one, other = (Problem(in_volts(factor, offset="free")) for factor in (0.437, 437.0))
    labels = [u.label for u in one.free]
    points = 0.1 * rng.standard_normal((5, len(labels)))
    points[:, labels.index("amplitude[polarization]")] = np.log(0.437) / 3
    points[:, labels.index("offset[polarization]")] *= 0.01
    count = int(one.experiment.series[1].fitted.sum())
    differences = log_posterior(one)(points) - log_posterior(other)(points)
    np.testing.assert_allclose(differences, count * np.log(1000), rtol=1e-9)


def test_the_prior_is_flat_for_all_that_data_can_tell():
    """Over a factor of 2 up and down from the size of the data, the mean of ln A moves by less than 1 % of its sd."""
    prior = priors(in_volts(0.437))["amplitude[polarization]"]
    _, sd = prior.numbers
    error = 0.05  # of ln A
    assert np.log(2) / sd**2 * error < 0.01


def test_least_squares_varies_what_is_free():
    """It gives the rates of the normalised data, whose first point it then knows too."""
    volts = fit_least_squares(Problem(in_volts(0.437)))
    assert volts.values["amplitude[polarization]"] == pytest.approx(0.437, rel=0.02)
    assert volts.errors["amplitude[polarization]"] > 0
    offset = fit_least_squares(Problem(in_volts(0.437, 0.3, offset="free")))
    assert offset.values["offset[polarization]"] == pytest.approx(0.3, abs=0.2)


def test_rival_models_and_joint_fits_leave_it_free():
    background = pose(in_volts(0.04, offset="free"), model="background")
    found = {u.label: str(u.prior) for u in background.free}
    assert found["offset[polarization]"] == "normal(0, 1)"
    assert found["offset[transverse_spin]"] == "normal(0, 0.01)"
    both = joint({"a": in_volts(0.04), "b": replace(read("fig2b-d35"), truth=None)})
    assert "amplitude[a.polarization]" in priors(replace(both, truth=None))


def test_it_is_no_constant_of_a_calibration():
    problem = Problem(in_volts(0.04, offset="free"))

    class Fitted:
        pass

    fitted = Fitted()
    fitted.problem = problem
    assert not {u.index for u in constants(fitted)} & {"polarization"}


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"amplitude": "unknown"}, r"amplitude: found 'unknown', expected the word 'free', or"),
        ({"amplitude": "free", "scale_uncertainty": 0.1}, r"amplitude: found 'free' beside scale_uncertainty"),
        ({"offset": "free", "offset_uncertainty": 0.1}, r"offset: found 'free' beside offset_uncertainty"),
        ({"scale_uncertainty": 3.0}, r"scale_uncertainty: found 3.0, .* \(amplitude = 'free' where nothing is known\)"),
        ({"amplitude": "free", "value": -DRIVEN.series[1].value}, r"'free' of values below 0, .*factor = .*-1"),
    ],
)  # fmt: skip
def test_what_cannot_be_free(said, text):
    with pytest.raises(ExperimentError, match=text):
        with_polarization(DRIVEN, **said)


def test_variances_on_a_background_and_calibrations_cannot():
    xi = replace(DRIVEN.series[0], offset="free")
    with pytest.raises(ExperimentError, match=r"offset: found 'free', expected none with gamma noise: a var"):
        check_experiment(replace(DRIVEN, series=(xi, *DRIVEN.series[1:])))
    laboratory = read("laboratory-d55")
    free = tuple(replace(s, amplitude="free") if s.kind == "coupling" else s for s in laboratory.series)
    with pytest.raises(ExperimentError, match=r"amplitude: found 'free', expected none for coupling: it has"):
        check_experiment(replace(laboratory, series=free))


def test_who_needs_to_know_the_amplitude_says_so(tmp_path):
    with pytest.raises(ExperimentError, match=r"found amplitude = 'free' of polarization, expected values normalised"):
        inference.paper_fit(in_volts(0.04))
    sampler = SamplerSettings(seed(1))
    with pytest.raises(ExperimentError, match=r"sbc: found amplitude\[polarization\], .*--prior 'amplitude\[polariz"):
        run_sbc(Problem(in_volts(0.04)), sampler, 100, tmp_path)


def test_it_is_simulated_where_a_true_value_is_given():
    made = read(datasets.simulate_like(in_volts(0.04), {"amplitude[polarization]": 0.04}, seed=seed(1)))
    assert made.truth.parameters["amplitude[polarization]"] == 0.04
    assert made.series[1].value[0] == pytest.approx(0.04, rel=0.1)
