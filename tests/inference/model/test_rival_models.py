"""Rival models by name: what each changes, what users add, what is refused."""

import json  # noqa: F401 - a module that a file of models must not replace
import linecache
import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import ExperimentError, Known, joint, prediction, read
from dissentangle.forward_models import PARAMETERS, Parameter
from dissentangle.forward_models.noise import sibling
from dissentangle.forward_models.user_models import FORWARD_MODELS
from dissentangle.inference.cli import main
from dissentangle.inference.fits.file import read_fit
from dissentangle.inference.fits.predictive import log_likelihood, prior_draws
from dissentangle.inference.model.priors import PriorError
from dissentangle.inference.model.problem import Problem
from dissentangle.inference.model.rivals import RIVAL_MODELS, VERSIONS, load_models, rival
from dissentangle.inference.model.settings import ModelSettings

from ...seeds import seed

EXPERIMENT = read("fig2c-dark")
OWN = '''
from dissentangle import inference
from dissentangle.forward_models import sliced, Parameter, Stage
from dataclasses import replace

@inference.forward_model(
    Parameter("early_dephasing", "a", "1/ms", "positive", "more dephasing at the beginning", "made up"),
    priors={"early_dephasing": "lognormal(0.02, 1)"},
)
def slow_start(evolve, stages, times, initial, parameters, xp):
    """Γ̃ is larger at the beginning and relaxes within 5 ms."""
    pieces = []
    for stage, at in sliced(stages, 4.0):
        rate = stage.rates.dephasing_rate + parameters["early_dephasing"] * 2.718281828 ** (-at / 5.0)
        pieces.append(Stage(stage.duration, replace(stage.rates, dephasing_rate=rate)))
    return evolve(pieces, times)
'''


def expected(names, experiment=EXPERIMENT):
    """ξ and Jy of the data at fixed draws from the prior of the model as it is, and the log-likelihood."""
    changed, settings = rival(experiment, ModelSettings(), names)
    problem = Problem(changed, settings)
    values = prior_draws(problem, 3, np.random.default_rng(seed(2)))
    means = prediction.expected(changed, values, settings.dynamics)
    priors = {u.label: u.prior for u in problem.parameters}
    return changed, settings, priors, log_likelihood(problem, means, values)


@pytest.mark.parametrize("name", RIVAL_MODELS)
def test_every_model_has_a_likelihood(name):
    _, settings, _, likelihood = expected(name)
    assert settings.name == name
    assert all(np.isfinite(array).any() for array in likelihood.values())


def test_what_models_change():
    settings = {name: rival(EXPERIMENT, ModelSettings(), name)[1] for name in RIVAL_MODELS}
    assert settings["fixed-number"].closure == "fixed-number"
    assert settings["quasi-static"].transverse_spin == "quasi-static"
    assert settings["free-dephasing"].free_dephasing
    assert settings["no-pump"].priors == {"pump_rate": "fixed(0)"}
    fixed = {label: prior.numbers[0] for label, prior in expected("two-level")[2].items() if prior.fixed}
    assert fixed["collisional_loss"] == fixed["light_loss_rate"] == 0
    assert {s.noise for s in expected("student-t")[0].series} <= {"student-t", "student-t-repetitions"}
    assert expected("gamma")[0].series[1].noise == "gaussian"  # P(t) is no variance
    assert all("pump" in stage.lights for stage in expected("pump-leak", read("fig2b-d55"))[0].stages)


def test_models_are_joined():
    settings = rival(EXPERIMENT, ModelSettings(), "no-collisions + fixed-number")[1]
    assert settings.priors == {"collision_rate": "fixed(0)"}
    assert settings.closure == "fixed-number"
    changed = rival(EXPERIMENT, ModelSettings(), "student-t+gamma")[0]  # Gamma for variances, Student-t for the rest
    families = {series.noise.partition("-")[0] for series in changed.series}
    assert families == {"student", "gamma"}
    rival(EXPERIMENT, ModelSettings(), "microscopic+constrained-dephasing")  # as it is without them


@pytest.mark.parametrize(
    ("names", "undone"),
    [
        ("fixed-number+microscopic", "fixed-number"),
        ("no-collisions+microscopic+fixed-number", "microscopic"),
        ("gaussian+student-t", "gaussian"),
        ("three-state+no-pump+two-level", "three-state"),
    ],
)
def test_models_that_contradict_each_other_are_refused(names, undone):
    with pytest.raises(ExperimentError, match=rf"{re.escape(names)}: found '{undone}', which the others undo"):
        rival(EXPERIMENT, ModelSettings(), names)


def test_a_prior_that_was_given():
    given = ModelSettings(priors={"collision_rate": "lognormal(0.01, 1)"})
    with pytest.raises(PriorError, match=r"model no-collisions: found a prior given for collision_rate \(lognormal"):
        rival(EXPERIMENT, given, "no-collisions")
    known = ModelSettings(priors={"larmor_mismatch": "fixed(0.02)"})
    assert rival(EXPERIMENT, known, "larmor-mismatch")[1].priors == known.priors


def test_terms_of_the_members_of_a_joint_fit():
    both = joint({"lab": read("laboratory-d55"), "other": read("fig2b-d35")})
    _, settings = rival(both, ModelSettings(), "no-classical-noise")
    assert settings.priors == {"classical_noise": "fixed(0)", "initial_excess_variance": "fixed(0)"}
    priors = {u.label: str(u.prior) for u in Problem(both, settings).parameters}
    assert priors["classical_noise"] == priors["initial_excess_variance[other]"] == "fixed(0)"


def test_classical_noise_by_the_faraday_angle_where_it_is_known():
    assert "initial_excess_variance" in rival(EXPERIMENT, ModelSettings(), "classical-noise")[1].priors
    angled = replace(EXPERIMENT, apparatus=EXPERIMENT.apparatus | {"faraday_angle": Known(14.0)})
    for name, form in (("classical-noise", "normal"), ("no-classical-noise", "fixed")):
        changed, settings = rival(angled, ModelSettings(), name)
        priors = {u.label: u.prior for u in Problem(changed, settings).parameters}
        assert priors["classical_noise"].form == form


def test_noise_of_another_family_has_the_same_scatter():
    assert sibling("gamma", "gaussian") == "gaussian-repetitions"
    assert sibling("gamma-single", "student-t") == "student-t-repetitions-single"
    assert sibling("gaussian", "gamma") == "gamma-sigma"


def test_a_model_that_does_not_fit_the_experiment():
    with pytest.raises(ExperimentError, match=r"model 'two-levle': unknown \(did you mean 'two-level'"):
        rival(EXPERIMENT, ModelSettings(), "fixed-number+two-levle")
    with pytest.raises(ExperimentError, match=r"model no-pump: found nothing in '.*' that depends on pump_rate"):
        rival(read("fig2b-d55"), ModelSettings(), "no-pump")
    with pytest.raises(ExperimentError, match=r"model gamma: found no series in '.*' that can have gamma noise"):
        rival(read("krauter2011-published"), ModelSettings(), "gamma")
    with pytest.raises(ExperimentError, match="model '': unknown"):
        rival(EXPERIMENT, ModelSettings(), "gamma+")
    xi = replace(EXPERIMENT.series[0], noise="gaussian", spread=np.full(len(EXPERIMENT.series[0].x), 0.02))
    offset = replace(EXPERIMENT, series=(replace(xi, offset_uncertainty=0.01),))
    with pytest.raises(ExperimentError, match=r"model gamma: .* found 0\.01, expected 0 with gamma-sigma noise"):
        rival(offset, ModelSettings(), "gamma")


def test_a_model_of_ones_own(registry):
    @inference.rival_model
    def weak_drive(experiment, settings):
        """dΓ is small."""
        return experiment, inference.with_priors(settings, collective_rate="lognormal(0.01, 0.5)")

    assert RIVAL_MODELS["weak-drive"].about == "dΓ is small."
    assert rival(EXPERIMENT, ModelSettings(), "weak-drive")[1].priors == {"collective_rate": "lognormal(0.01, 0.5)"}

    def silent(experiment, settings):
        return experiment, settings

    with pytest.raises(ExperimentError, match="rival model silent: found no docstring"):
        inference.rival_model(silent)
    silent.__doc__ = "Forgets to return."
    inference.rival_model(silent)
    RIVAL_MODELS["silent"] = replace(RIVAL_MODELS["silent"], change=lambda *pair: None)
    with pytest.raises(ExperimentError, match=r"model silent: found NoneType, expected \(experiment, settings\)"):
        rival(EXPERIMENT, ModelSettings(), "silent")


def test_a_model_that_fails_is_named(registry):
    @inference.rival_model
    def broken_one(experiment, settings):
        """Looks for a series that is not there."""
        return {}["xi"], settings

    with pytest.raises(ExperimentError, match="model broken-one: KeyError: 'xi'"):
        rival(EXPERIMENT, ModelSettings(), "broken-one")


def test_a_forward_model_without_a_file(registry):
    space = {"forward_model": inference.forward_model}
    text = "@forward_model()\ndef typed(evolve, stages, times, initial, parameters, xp):\n    'A.'\n    return {}\n"
    exec(text.format("evolve(stages, times)"), space)
    first = VERSIONS["typed"]
    exec(text.format("evolve(stages[:1], times)"), space)
    assert VERSIONS["typed"] != first


def test_a_file_of_models_may_hold_anything(registry, tmp_path):
    file = tmp_path / "json.py"
    file.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n"
        "@dataclass\nclass Known:\n    value: float\n"
    )
    load_models(file)
    assert sys.modules["json"].__name__ == "json"
    file.write_text("import sys\nsys.exit(3)")
    with pytest.raises(ExperimentError, match=r"json\.py: SystemExit: 3"):
        load_models(file)


def test_parameters_of_ones_own(registry):
    row = Parameter("collision_rate", "x", "1", "positive", "something else", "here")
    with pytest.raises(ExperimentError, match=r"parameter collision_rate: found a name that is taken"):
        inference.add_parameter(row, "lognormal(1, 1)")
    with pytest.raises(PriorError, match="prior drift"):
        inference.add_parameter(Parameter("drift", "x", "1", "real", "a drift", "here"), "normal(0)")
    assert "drift" not in PARAMETERS


@pytest.mark.slow
def test_a_forward_model_of_ones_own_is_fitted_saved_and_read(registry, tmp_path, capsys):
    file = tmp_path / "own.py"
    file.write_text(OWN)
    out = tmp_path / "fit.nc"
    command = ["fit", "fig2b-d55", "--load", str(file), "--model", "slow-start", "-o", str(out), "--draws", "300"]
    code = main(command)
    assert "early_dephasing" in capsys.readouterr().out
    found = read_fit(out)
    assert code == 1 - found.attrs["healthy"]
    assert found["derived"]["xi_minimum"].shape == (4, 300, 1)
    assert 0.7 < float(found["derived"]["xi_minimum"].mean()) < 0.95
    file.write_text(OWN.replace("-at / 5.0", "-at / 6.0"))
    linecache.clearcache()
    load_models(file)
    with pytest.raises(ExperimentError, match="the forward model 'slow-start' has changed since"):
        read_fit(out)
    del FORWARD_MODELS["slow-start"]
    with pytest.raises(ExperimentError, match="forward model 'slow-start': not known"):
        read_fit(out)


def test_a_forward_model_that_is_another_one_as_a_graph(registry):
    @inference.forward_model()
    def two_faces(evolve, stages, times, initial, parameters, xp):
        """Other rates for PyTensor than for NumPy."""
        if xp is np:
            stages = [replace(stage, rates=replace(stage.rates, collision_rate=0.05)) for stage in stages]
        return evolve(stages, times)

    with pytest.raises(ExperimentError, match="forward model two-faces: found other numbers for xi from PyTensor"):
        inference.build_model("fig2b-d55", model="two-faces")


@pytest.mark.slow
def test_campaigns_and_calibration_take_a_model(registry, tmp_path, no_calibration_figure):
    quick = {"draws": 60, "tune": 150, "chains": 2}
    sources = {"pumped": EXPERIMENT, "driven": read("fig2b-d55")}
    rows = inference.campaign(sources, tmp_path / "fits", model="no-pump", cores=1, **quick)
    said = dict(zip(rows["dataset"].values, rows["verdict"].values, strict=True))
    assert "that depends on pump_rate" in said["driven"]
    settings = read_fit(tmp_path / "fits" / "fits" / "pumped.nc").attrs["settings"]
    assert '"pump_rate": "fixed(0)"' in settings
    with pytest.raises(ExperimentError, match="model 'none': unknown"):
        inference.campaign(sources, tmp_path / "fits", model="none", **quick)
    (tmp_path / "own.py").write_text(OWN)
    load_models(tmp_path / "own.py")
    ranks = inference.sbc("fig2b-d55", tmp_path / "sbc", model="slow-start", simulations=2, cores=2, **quick)
    assert "early_dephasing" in ranks["parameter"].values


def test_files_that_add_no_models(tmp_path):
    with pytest.raises(ExperimentError, match=r"none\.py: found no such file, expected a Python file that adds models"):
        load_models(tmp_path / "none.py")
    (tmp_path / "models").write_text("")
    with pytest.raises(ExperimentError, match=r"models: expected a Python file, whose name ends in \.py"):
        load_models(tmp_path / "models")
    (tmp_path / "bad.py").write_text("1 / 0")
    with pytest.raises(ExperimentError, match=r"bad\.py: ZeroDivisionError: division by zero"):
        load_models(tmp_path / "bad.py")


def test_the_verb_models(capsys):
    assert main(["models"]) == 0
    assert "two-level" in capsys.readouterr().out
    assert main(["fit", "fig2b-d55", "--model", "nonsense"]) == 2
    assert "model 'nonsense': unknown" in capsys.readouterr().err


def test_a_readout_by_the_mean_spin_couples_more_than_that_of_the_two_level_part():
    """κ²(Θ) at the start of the run by (7 n2 + p)/8 over p = 1 + 14 n3/8p, ξ(t) is the same; one undoes the other."""
    laboratory = read("laboratory-d55")
    settings = rival(laboratory, ModelSettings("microscopic"), "mean-spin-readout")[1]
    values = dict(laboratory.truth.parameters)
    usual, other = (
        prediction.expected(laboratory, values, given.dynamics).series
        for given in (ModelSettings("microscopic"), settings)
    )
    ratio = np.ravel(other["coupling"] / usual["coupling"])
    p = 0.98
    np.testing.assert_allclose(ratio, (7 + p) / (8 * p), rtol=2e-3)
    assert np.all(np.ravel(other["light_variance"]) > np.ravel(usual["light_variance"]))
    for name in ("polarization", "transverse_spin", "orientation_beat"):
        np.testing.assert_array_equal(other[name], usual[name])
    assert rival(laboratory, settings, "two-level-readout")[1].dynamics == ModelSettings("microscopic").dynamics
