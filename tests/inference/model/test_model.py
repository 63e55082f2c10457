"""The PyMC model against SciPy, its dims, and its translation to machine code."""

import functools
from dataclasses import replace

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.graph.rewriting.db import RewriteDatabaseQuery

from dissentangle import datasets, inference
from dissentangle.datasets import ExperimentError, Known, StageEntry, joint, read
from dissentangle.datasets.formats.calibration import CalibrationFile, with_calibration
from dissentangle.datasets.prediction.expected import expected
from dissentangle.forward_models import NOISES
from dissentangle.inference.engine.compile import compile_model, start_of
from dissentangle.inference.engine.coordinate_map import plain
from dissentangle.inference.engine.translation import NotTranslatable
from dissentangle.inference.fits.predictive import log_likelihood
from dissentangle.inference.model.likelihood import LIKELIHOODS
from dissentangle.inference.model.problem import Problem, experiment_of
from dissentangle.inference.model.pymc_model import model_of
from dissentangle.inference.model.settings import ModelSettings
from dissentangle.inference.sampling.coordinates import coordinates

from ...seeds import SIGMA, seed

INLINE = RewriteDatabaseQuery(include=["inline_ofg_expansion"])
PLAIN = pytensor.compile.mode.Mode(linker="py", optimizer=INLINE)  # no rewrites: the graph as it was written
VARIANTS = [
    ("fig2b-d55", {}),
    ("fig2c-dark", {"closure": "fixed-number"}),
    ("fig2c-dark", {"free_dephasing": True}),
    ("krauter2011-published", {}),
    ("laboratory-d55", {}),
    ("fig2b-d35", {"priors": {"collective_rate": "halfnormal(0.2)", "collision_rate": "uniform(0, 0.05)"}}),
    ("fig2b-d35", {"priors": {"squeezing_limit": "normal(0.02, 0.01)", "light_loss_rate": "normal(0.01, 0.01)"}}),
]


def student_and_efficiency():
    experiment = read("fig2b-d55")
    xi = replace(
        experiment.series[0],
        noise="student-t",
        spread=np.full(30, 0.02),
        efficiency_in_scale=False,
        offset_uncertainty=0.01,
    )
    apparatus = experiment.apparatus | {"detection_efficiency": Known(0.84, 0.03)}
    return replace(experiment, series=(xi, *experiment.series[1:]), apparatus=apparatus)


def hierarchical():
    """Two members with d ∝ Θ, Γdeph from a population, and a calibration whose constants are correlated."""
    members = {}
    for name, angle in (("a", 14.0), ("b", 8.75)):
        experiment = shorter(read("fig2b-d55" if name == "a" else "fig2b-d35"), 6)
        apparatus = experiment.apparatus | {"faraday_angle": Known(angle, 0.1)}
        members[name] = replace(experiment, apparatus=apparatus)
    together = joint(members, {"pure_dephasing_rate": "population", "optical_depth": "tied", "initial_n3": "shared"})
    priors = {"initial_n3": "lognormal(0.01, 0.1)", "squeezing_limit": "normal(0.16, 0.004)"}
    correlation = np.array([[1.0, -0.6], [-0.6, 1.0]])
    return with_calibration(together, CalibrationFile("c", True, priors, tuple(priors), correlation))


def shorter(experiment, points=8):
    """Fewer points, where it is the model that matters: the unoptimised graph is slow."""
    series = tuple(
        replace(s, x=s.x[:points], value=s.value[:points], spread=s.spread[:points]) if s.component is None else s
        for s in experiment.series
    )
    return replace(experiment, series=series)


def with_nuisances():
    """Errors of the clock, of gain and background and their drifts, and a pump that leaks."""
    experiment = shorter(read("fig2b-d55"), 5)
    sizes = {
        "xi": {"offset_drift_uncertainty": 0.03, "time_offset_uncertainty": 0.3},
        "polarization": {"gain_drift_uncertainty": 0.05, "offset_uncertainty": 0.01},
        "transverse_spin": {"time_offset_uncertainty": 0.2, "gain_drift_uncertainty": 0.03},
    }
    series = tuple(replace(s, **sizes[s.name]) for s in experiment.series)
    clock = {"common_time_offset": Known(0.1, 0.2), "pump_leak_rate": Known(0.01, 0.01)}
    return replace(experiment, series=series, apparatus=experiment.apparatus | clock)


def with_correlated_noise():
    """Noise that is correlated in the order of time, in that of taking, and as a matrix says; a discrepancy of ξ."""
    experiment = shorter(read("fig2b-d55"), 6)
    p = experiment.series[1]
    covariance = np.outer(p.spread, p.spread) * np.exp(-abs(p.x[:, None] - p.x) / 2)
    said = {
        "xi": {"discrepancy_uncertainty": 0.03, "noise": "gaussian-repetitions", "noise_correlation": "time"},
        "polarization": {"covariance": covariance},
        "transverse_spin": {"noise_correlation": "taken", "taken": np.array([2.0, 1.0, 4.0, 3.0, 7.0, 5.0])},
    }
    series = tuple(replace(s, **said[s.name]) for s in experiment.series)
    return replace(experiment, series=series)


def _cases():
    for name, settings in VARIANTS:
        yield shorter(read(name)) if "priors" in settings else read(name), ModelSettings(**settings)
    yield student_and_efficiency(), ModelSettings()
    yield hierarchical(), ModelSettings()
    yield with_nuisances(), ModelSettings()
    yield with_correlated_noise(), ModelSettings()


CASES = list(_cases())
GRADIENT_OF_PYTENSOR = (0,)
"""The cases for which the graph of PyTensor's gradient is built, too: that takes up to a quarter of a minute."""


@functools.cache
def posed(case):
    """Problem and model of a case, which no test changes."""
    problem = Problem(*CASES[case])
    return problem, model_of(problem)


EIGHTH_ORDER = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}


def differences(function, u, step=1e-4):
    """Gradient by central differences of eighth order: within 5e-11 of the largest component, in all cases."""
    terms = [(k * step, weight / step) for k, weight in EIGHTH_ORDER.items()]
    return np.array([sum(w * (function(u + h * e) - function(u - h * e)) for h, w in terms) for e in np.eye(len(u))])


@pytest.mark.slow
@pytest.mark.parametrize("case", range(len(CASES)))
def test_machine_code_is_the_model(case):
    """The value is that of the graph as it was written; the gradient is its derivative, and PyTensor's."""
    _, model = posed(case)
    start = start_of(model)
    centre, shapes = start.centre, start.shapes
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    wanted = [model.logp(), model.dlogp()] if case in GRADIENT_OF_PYTENSOR else [model.logp()]
    exact = pytensor.function(model.value_vars, wanted, mode=PLAIN, on_unused_input="ignore")
    fast = compile_model(model, coordinates=plain(np.zeros(len(centre)))).density
    rng = np.random.default_rng(seed(2))
    for _ in range(3):
        u = centre + 0.3 * rng.normal(size=len(centre)) * np.where(abs(centre) > 0.9, 0.02, 0.05)
        parts = [part.reshape(shape) for part, shape in zip(np.split(u, ends[:-1]), shapes, strict=True)]
        value, *gradient = exact(*parts)
        found, slope = fast(u)
        assert found == pytest.approx(float(value), rel=1e-10)
        by_value = differences(lambda x: fast(x)[0], u)
        np.testing.assert_allclose(slope, by_value, rtol=0, atol=1e-9 * abs(slope).max())
        for one in gradient:
            np.testing.assert_allclose(slope, one, rtol=1e-10, atol=1e-10 * abs(one).max())


@pytest.mark.parametrize("case", range(len(CASES)))
def test_coordinates_have_constant_jacobian(case):
    problem, model = posed(case)
    start = start_of(model)
    labels, centre = start.labels, start.centre
    assert set(labels) == {u.label for u in problem.free}
    chosen = coordinates(problem, labels, centre)
    np.testing.assert_allclose(chosen.apply(list(np.zeros(len(centre)))), centre, atol=1e-12)
    rng = np.random.default_rng(seed(3))
    logs = []
    for _ in range(3):
        z, h = rng.normal(size=len(centre)), 1e-5
        jacobian = [
            (np.array(chosen.apply(list(z + h * e))) - np.array(chosen.apply(list(z - h * e)))) / (2 * h)
            for e in np.eye(len(z))
        ]
        volume = chosen.log_volume(chosen.apply(list(z))) if chosen.log_volume else 0.0
        logs.append(np.linalg.slogdet(np.array(jacobian))[1] - volume)
    np.testing.assert_allclose(logs, np.log(chosen.scale).sum(), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("case", range(len(CASES)))
def test_log_likelihood_in_numpy_is_that_of_pymc(case):
    problem, model = posed(case)
    # Between the quartiles of the priors, for which the grid is made.
    quartiles = np.random.default_rng(seed(4)).uniform(-0.67, 0.67, (len(problem.free), 4))
    values = problem.complete({u.label: u.prior.from_z_score(z) for u, z in zip(problem.free, quartiles, strict=True)})
    values |= {"light_loss_rate": np.full(4, 0.02)}
    means = expected(problem.experiment, values, problem.settings.dynamics)
    found = log_likelihood(problem, means, values)
    terms = model.logp(vars=model.observed_RVs, sum=False)
    free_rvs = model.free_RVs
    function = pytensor.function(model.value_vars, terms, mode=PLAIN, on_unused_input="ignore")
    for k in range(4):
        point = []
        for rv in free_rvs:
            entries = [u.label for u in problem.free if u.name == rv.name]
            natural = np.array([values[label][k] for label in entries])
            natural = natural if model.named_vars_to_dims.get(rv.name) else natural[0]
            transform = model.rvs_to_transforms[rv]
            if transform is not None:
                natural = transform.forward(pt.as_tensor(natural), *rv.owner.inputs).eval(mode=PLAIN)
            point.append(natural)
        for rv, term in zip(model.observed_RVs, function(*point), strict=True):
            np.testing.assert_allclose(found[rv.name][k], term, rtol=1e-4, atol=2e-3)


def test_plain_model_with_named_dims():
    model = inference.build_model("fig2c-dark")
    assert isinstance(model, pm.Model)
    assert list(model.coords["lights"]) == ["drive+pump", "dark"]
    assert model.named_vars_to_dims["pure_dephasing_rate"] == ("lights",)
    assert model.named_vars_to_dims["dephasing_rate"] == ("lights",)
    assert model.named_vars_to_dims["xi"] == ("xi_time",)
    logs = np.log(pm.draw(model["collective_rate"], 4000, random_seed=seed(1)))
    assert logs.mean() == pytest.approx(np.log(0.1), abs=SIGMA / np.sqrt(4000))
    assert logs.std() == pytest.approx(1, rel=SIGMA / np.sqrt(2 * 4000))


def test_excluded_points_do_not_count():
    experiment = read("fig2b-d55")
    xi = experiment.series[0]
    left_out = np.arange(30) >= 28
    wrong = np.where(left_out, 9.0, xi.value)
    changed = replace(experiment, series=(replace(xi, value=wrong, excluded=left_out), *experiment.series[1:]))
    model = inference.build_model(changed)
    np.testing.assert_array_equal(model.rvs_to_values[model["xi"]].get_value(), xi.value[:28])


def test_a_series_named_like_a_parameter():
    experiment = read("fig2b-d55")
    taken = replace(experiment, series=(replace(experiment.series[0], name="scale"),))
    with pytest.raises(datasets.ExperimentError, match="series 'scale': name: found a name that is taken"):
        datasets.to_tree(datasets.from_tree(datasets.to_tree(taken)))


def test_a_term_without_translation_is_reported():
    with pm.Model() as model:
        x = pm.Normal("x")
        pm.Potential("odd", pt.psi(pt.exp(x)))
    with pytest.raises(NotTranslatable, match="psi"):
        compile_model(model)


def test_every_family_of_noise_has_a_likelihood():
    assert set(LIKELIHOODS) == {noise.family for noise in NOISES.values()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"apparatus": {"d": Known(55, 2.75)}}, "apparatus: d: found 'd', expected one of optical_depth"),
        ({"apparatus": {"optical_depth": 55}}, r"optical_depth: found 55, expected Known\(value, sigma\)"),
        ({"apparatus": {"faraday_angle": Known("14 deg", 0.1)}}, r"expected Known\(value, sigma\), numbers in deg"),
        ({"stages": (StageEntry(20.0, frozenset({"driv"})),)}, r"found 'driv' \(did you mean 'drive'\?\)"),
    ],
)
def test_an_experiment_made_in_python_is_checked_like_a_folder(change, words):
    with pytest.raises(ExperimentError, match=words):
        Problem(experiment_of(replace(read("fig2b-d55"), **change)))


def test_a_prior_is_a_text():
    with pytest.raises(ExperimentError, match=r"expected a text such as 'normal\(0.1, 0.02\)' or 'fixed\(0.1\)'"):
        inference.build_model("fig2b-d55", priors={"collective_rate": 0.1})
