"""Records through the whole inference: model, fit, checks, comparison, figures and pages."""

import re
from dataclasses import replace

import numpy as np
import pymc as pm
import pytensor
import pytest

from dissentangle import datasets, inference
from dissentangle.datasets import ConstantRun, ExperimentError, Observation, feedback_series
from dissentangle.datasets.simulation.make_bundled import FIG2D
from dissentangle.inference.campaigns.simulated_ranks import simulate_and_rank
from dissentangle.inference.checks.criticism import criticize
from dissentangle.inference.checks.goodness import goodness
from dissentangle.inference.checks.information import expected_information
from dissentangle.inference.checks.verdict import assess
from dissentangle.inference.comparison.data_points import data_points, data_units, without
from dissentangle.inference.engine.compile import compile_model, natural_variables, start_of
from dissentangle.inference.figures.catalogue import plot
from dissentangle.inference.figures.continuous_measurement import plot_record
from dissentangle.inference.fits.derived import derived_quantities, excluded_observations
from dissentangle.inference.fits.predictive import total_log_likelihood
from dissentangle.inference.fits.record_checks import checks_in
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.model.problem import Problem
from dissentangle.inference.model.pymc_model import build_model, model_of
from dissentangle.inference.model.settings import ModelSettings, SamplerSettings
from dissentangle.inference.reports import fit_page
from dissentangle.inference.sampling.coordinates import coordinates

from ...graphs import PLAIN
from ...seeds import seed

HYBRID, DISSIPATION = datasets.read("fig2d-hybrid"), datasets.read("fig2d-dissipation")
LIGHTS = "drive+pump+repump"
FEW = replace(
    HYBRID,
    records=tuple(replace(r, samples=r.samples[:, :60, :40]) for r in HYBRID.records),
    series=(*DISSIPATION.series[:1], replace(feedback_series(HYBRID.records[1], 0.83, 0.27, 2.0), name="other")),
)
"""Of every kind of data a little; that some light is in it twice does not matter to these tests."""


@pytest.fixture(scope="module")
def fit_hybrid():
    return inference.fit("fig2d-hybrid", seed=seed(2))


def test_model_and_numpy_agree():
    """The log-likelihood of the PyMC model against the one in NumPy, at two points."""
    model = model_of(Problem(FEW))
    terms = (*model.logp(vars=model.observed_RVs, sum=False), *(p.sum() for p in model.potentials))
    (total,) = model.replace_rvs_by_values([sum(term.sum() for term in terms)])
    natural = natural_variables(model)
    function = pytensor.function(model.value_vars, [total, *natural], mode=PLAIN, on_unused_input="ignore")
    experiment_labels = {u.label for u in Problem(FEW).free}
    for number in (1, 2):
        rng = np.random.default_rng(seed(number))
        start = model.initial_point()
        point = [np.asarray(start[v.name] + 0.01 * rng.normal(size=np.shape(start[v.name]))) for v in model.value_vars]
        found, *numbers = function(*point)
        values = {}
        for variable, array in zip(natural, numbers, strict=True):
            dims = model.named_vars_to_dims.get(variable.name)
            entries = [""] if not dims else [f"[{entry}]" for entry in model.coords[dims[0]]]
            labels = [variable.name + entry for entry in entries]
            values |= {label: np.array([v]) for label, v in zip(labels, np.ravel(array), strict=True)}
        assert set(values) == experiment_labels
        assert found == pytest.approx(total_log_likelihood(Problem(FEW), values, accuracy=1e-9)[0], rel=1e-10)


def test_the_fast_engine_takes_it_with_the_right_gradient():
    model = model_of(Problem(FEW))
    start = start_of(model)
    chosen = coordinates(Problem(FEW), start.labels, start.centre)
    compiled = compile_model(model, start, chosen)

    def density(x):
        return compiled.density(x, compiled.data)

    x = 0.1 * np.random.default_rng(seed(3)).normal(size=compiled.density.dimension)
    value, gradient = density(x)
    step = 1e-4
    differences = [(density(x + step * e)[0] - density(x - step * e)[0]) / (2 * step) for e in np.eye(len(x))]
    assert np.isfinite(value)
    np.testing.assert_allclose(gradient, differences, rtol=1e-4, atol=1e-3)


def test_unknowns():
    labels = {u.label for u in Problem(HYBRID).parameters}
    rates = {f"{name}[{LIGHTS}]" for name in ("swap_rate", "extra_decay_rate", "bath_noise")}
    common = rates | {"squeezing_limit", "initial_xi[coherent]", "initial_xi[noisy]"}
    assert labels == common | {"detection_efficiency", "shot_noise_level"}
    assert {u.label for u in Problem(DISSIPATION).parameters} == common
    steady = replace(HYBRID, constant=dict.fromkeys(HYBRID.constant, ConstantRun("steady", "steady")), priors={})
    found = {u.label for u in Problem(steady).parameters}
    assert found >= {"collective_rate", "repump_rate", f"pump_rate[{LIGHTS}]", f"pure_dephasing_rate[{LIGHTS}]"}
    assert not found & {"initial_n3", "initial_xi[coherent]", *rates}


def test_the_fit_knows_the_truth(fit_hybrid):
    assert fit_hybrid.attrs["healthy"]
    by_label = Fit(fit_hybrid).by_label()
    for label, draws in by_label.items():
        assert abs(draws.mean() - FIG2D[label]) < 3.5 * draws.std(), label
    derived = fit_hybrid["derived"].dataset
    for name, true in (("unconditional_xi", 1.048), ("transverse_decay_rate", 0.27), ("optimal_mode_rate", 0.829),
                       ("steady_conditional_xi", 0.596)):  # fmt: skip
        assert abs(float(derived[name].mean()) - true) < 3.5 * float(derived[name].std()), name
    assert (derived["optimal_mode_rate"] > derived["transverse_decay_rate"]).all()
    assert fit_hybrid["log_likelihood"].dataset.sizes["record-noisy_group"] == 20


@pytest.mark.slow
@pytest.mark.parametrize("free_dephasing", [False, True])
def test_steady_populations_alone(free_dephasing):
    """All runs in the steady state of dΓ, Γcol, Γpump, …: nothing has a start, and everything can be fitted."""
    steady = replace(HYBRID, constant=dict.fromkeys(HYBRID.constant, ConstantRun("steady", "steady")), priors={},
                     truth=None)  # fmt: skip
    fit = inference.fit(datasets.to_tree(steady), seed=seed(2), draws=200, free_dephasing=free_dephasing)
    assert np.isfinite(fit["derived"]["steady_state_xi"]).all()
    np.testing.assert_allclose(
        fit["derived"]["steady_state_xi"].values.ravel(), fit["derived"]["unconditional_xi"].values.ravel(), rtol=1e-9
    )


@pytest.mark.slow
def test_a_steady_beginning_samples_well():
    """Records of a steady state tell γ, γm and the shot noise; the third rate is the prior's."""
    steady = replace(HYBRID, constant=dict.fromkeys(HYBRID.constant, ConstantRun("unmodelled", "steady")), priors={})
    fit = inference.fit(datasets.to_tree(steady), seed=seed(2))
    assert fit.attrs["healthy"]


def test_rates_of_each_run_with_constant_rates():
    half = replace(HYBRID, run_depth={"noisy": 0.5})
    values = {label: np.full(3, v) for label, v in FIG2D.items()}
    dim, entries, rates = derived_quantities(Problem(half), values)["transverse_decay_rate"]
    assert (dim, entries) == ("measured_lights", [LIGHTS, f"{LIGHTS}, noisy"])
    np.testing.assert_allclose(rates[0], [0.27, 0.061 + 0.148])


def test_excluded_numbers_are_predicted_where_everything_is_known():
    numbers = tuple(
        Observation(quantity, 1.0, 0.1, 1.0 if "xi" in quantity else 0.0, run="coherent", excluded="to be predicted")
        for quantity in ("xi", "conditional_xi", "optimal_mode_rate", "transverse_spin_decay_time")
    )
    values = {label: np.full(3, v) for label, v in FIG2D.items()}
    known = replace(HYBRID, observations=numbers)
    assert excluded_observations(known, values) == numbers
    bare = {label: v for label, v in values.items() if label not in ("detection_efficiency", "initial_xi[coherent]")}
    assert excluded_observations(known, bare) == numbers[3:]
    assert excluded_observations(known, {"shot_noise_level": np.ones(3)}) == ()


def test_joint_fits_keep_what_is_known_of_each_beginning():
    both = datasets.joint({"A": HYBRID, "B": DISSIPATION}, {"swap_rate": "shared"})
    assert both.priors["initial_xi[A.coherent]"] == HYBRID.priors["initial_xi[coherent]"]
    labels = {u.label: str(u.prior) for u in Problem(both).parameters}
    assert labels["initial_xi[B.noisy]"] == "lognormal(2, 0.5)"
    assert {f"swap_rate[{LIGHTS}]", f"bath_noise[A: {LIGHTS}]", f"bath_noise[B: {LIGHTS}]"} <= set(labels)
    assert both.truth.parameters["initial_xi[A.noisy]"] == 2.5
    published = datasets.joint({"a": datasets.read("krauter2011-hybrid"), "b": DISSIPATION})
    assert "initial_xi[b.noisy]" in {u.label for u in Problem(published).parameters}


def test_without_light_nothing_is_said_of_the_record():
    values = {label: np.full(3, v) for label, v in FIG2D.items() if not label.startswith("detection")}
    assert "steady_conditional_xi" not in derived_quantities(Problem(DISSIPATION), values)
    assert "unconditional_xi" in derived_quantities(Problem(DISSIPATION), values)


def test_records_of_the_model_are_white(fit_hybrid):
    checks = checks_in(fit_hybrid)
    assert list(checks) == ["record-coherent", "record-noisy"]
    assert not any(one.misfit for one in goodness(fit_hybrid))
    assert goodness(fit_hybrid)[0].text.endswith("for 16 checks of its innovations")
    found = criticize(fit_hybrid)
    assert len(found.rows) == 32
    assert assess(fit_hybrid).status == "healthy"


def test_a_disturbance_is_seen():
    """An offset that differs from record to record, half as large as the shot noise of a bin."""
    rng = np.random.default_rng(seed(4))
    spoiled = replace(
        HYBRID.records[0], samples=(HYBRID.records[0].samples + 0.5 * rng.normal(size=(2, 200, 1))).astype(np.float32)
    )
    fit = inference.fit(datasets.to_tree(replace(HYBRID, records=(spoiled, HYBRID.records[1]))), seed=seed(2))
    judged = assess(fit)
    assert judged.status == "misfit"
    assert "Do not use these rates" in judged.headline


def test_units_that_are_wrong_are_no_healthy_fit():
    """Bins of 0.1 ms taken for bins of 0.1 µs: everything fits, at rates that nobody believes."""
    fast = replace(HYBRID, records=tuple(replace(r, interval=1e-4) for r in HYBRID.records))
    judged = assess(inference.fit(datasets.to_tree(fast), seed=seed(2)))
    assert judged.status != "healthy"
    assert judged.headline.startswith("Do not use")


def test_what_contradicts_the_prior_is_said_first(fit_hybrid):
    """A shot noise thought to be twice as large: the records tell it to half a per cent."""
    odd = replace(HYBRID, priors=HYBRID.priors | {"shot_noise_level": "lognormal(2, 0.05)"})
    judged = assess(inference.fit(datasets.to_tree(odd), seed=seed(2)))
    assert judged.contradicted
    assert judged.headline == "Do not use these rates: the data contradict what was known beforehand."
    assert any("Data and prior disagree about" in step for step in judged.next_steps)


@pytest.mark.slow
def test_a_page_of_the_three_numbers_alone():
    series = tuple(feedback_series(r, 0.83, 0.27, 2.0, name=f"feedback-{r.run}") for r in HYBRID.records)
    fit = inference.fit(datasets.to_tree(replace(HYBRID, records=(), series=series)), seed=seed(2))
    page = fit_page(fit)
    assert "moments of y_read and y_feed" in page
    assert [one.values for one in goodness(fit)] == [3, 3]


def test_expected_information_is_what_a_fit_finds(fit_hybrid):
    """Before the fit, at the medians of priors that are near the truth."""
    near = {f"swap_rate[{LIGHTS}]": "lognormal(0.122, 1)", f"extra_decay_rate[{LIGHTS}]": "lognormal(0.148, 1)",
            f"bath_noise[{LIGHTS}]": "lognormal(1.78, 0.5)", "initial_xi[noisy]": "lognormal(2.5, 0.5)"}  # fmt: skip
    expected = expected_information(Problem(HYBRID, ModelSettings(priors=near)))
    draws = Fit(fit_hybrid).by_label()
    for label in near:
        k = expected.labels.index(label)
        spread = np.log(draws[label]).std() / (0.5 if "bath" in label or "initial" in label else 1.0)
        assert np.sqrt(1 - expected.together[k]) == pytest.approx(spread, rel=0.35), label


def test_groups_are_points_that_can_be_left_out():
    points = data_points(HYBRID)
    assert (len(points), points[0].place, points[0].row) == (40, "records 1–10", 0)
    assert len(data_units(HYBRID, "series")) == 2
    rest = without(HYBRID, points[1:2])
    assert rest.records[0].fitted.sum() == 190
    assert data_points(rest)[1].row == 2


@pytest.mark.slow
def test_models_of_records_are_compared(fit_hybrid):
    other = inference.fit("fig2d-hybrid", seed=seed(2), priors={f"bath_noise[{LIGHTS}]": "fixed(1)"})
    found = inference.compare({"free": fit_hybrid, "bath at 1": other})
    best, worse = found.models
    assert (best.name, worse.name) == ("free", "bath at 1")
    assert worse.difference < -3 * worse.difference_se
    assert best.evidence.log_evidence > worse.evidence.log_evidence + 10


@pytest.mark.slow
def test_the_rest_predicts_a_group(fit_hybrid):
    from dissentangle.inference.comparison.leave_one_out import leave_one_out
    from dissentangle.inference.comparison.refit import log_predictive_density

    found = leave_one_out(fit_hybrid)
    exact, _ = log_predictive_density(Problem(HYBRID), SamplerSettings(seed(2)), data_points(HYBRID)[5:6])
    assert found.pointwise[5] == pytest.approx(exact, abs=0.1)


def test_a_joint_model_learns_the_collective_rate():
    """Records of the steady state and rates of moving populations are about the same dΓ and Γ̃."""
    base = datasets.read("fig2b-d55")
    lights = frozenset({"drive"})
    record = replace(HYBRID.records[0], run="record")
    both = replace(
        base, records=(record,), stages=(*base.stages, datasets.StageEntry(12.0, lights, "record")),
        constant={"record": ConstantRun("steady")},
    )  # fmt: skip
    alone, together = (expected_information(Problem(e)) for e in (base, datasets.from_tree(datasets.to_tree(both))))

    def known(found, label):
        return found.together[found.labels.index(label)]

    assert known(together, "collective_rate") > known(alone, "collective_rate")


def test_simulation_based_calibration_makes_records():
    found = simulate_and_rank(Problem(FEW), SamplerSettings(seed(1), 100, 200, 2, cores=1), 0)
    assert f"swap_rate[{LIGHTS}]" in found.ranks
    assert f"steady_conditional_xi[{LIGHTS}]" in found.ranks


@pytest.mark.slow
def test_published_rates_of_the_hybrid():
    """γm = 0.83 and γ = 0.27 ± 10 %: a ridge in γs and n_b, along which ξ_cond goes from 0.4 to above 1."""
    fit = inference.fit("krauter2011-hybrid", seed=seed(1))
    assert fit.attrs["healthy"]
    draws = Fit(fit).by_label()
    swap, bath = (draws[f"{name}[{LIGHTS}]"].ravel() for name in ("swap_rate", "bath_noise"))
    extra = draws[f"extra_decay_rate[{LIGHTS}]"].ravel()
    xi = fit["derived"]["steady_conditional_xi"].values.ravel()
    limit, eta = draws["squeezing_limit"].ravel(), draws["detection_efficiency"].ravel()
    best = np.sqrt((swap + extra) ** 2 + 4 * eta * swap * extra * (bath - limit) / limit)
    assert np.median(best) == pytest.approx(0.80, abs=0.05)
    np.testing.assert_allclose(xi, limit + (best - swap - extra) * limit / (2 * eta * swap), rtol=1e-8)
    low, middle, high = np.quantile(xi, [0.03, 0.5, 0.97])
    assert low < 0.45 < middle < 0.75 < high


def test_figures(fit_hybrid, tmp_path):
    figure = plot(fit_hybrid, "fig2d", tmp_path / "fig2d.png")
    text = " ".join(t.get_text() for t in figure.legends[0].get_texts())
    assert "coherent, dissipation alone" in text
    assert "noisy, with the record" in text
    assert figure.get_suptitle() == "simulated data"
    assert len(plot(fit_hybrid, "fig2d", run="noisy").axes[0].lines) < len(figure.axes[0].lines)
    made = plot_record(Fit(fit_hybrid), HYBRID.records[0])
    assert made.get_suptitle() == "record-coherent, simulated"
    with pytest.raises(ExperimentError, match="run: found 'other', expected one of coherent, noisy"):
        plot(fit_hybrid, "fig2d", run="other")
    with pytest.raises(ExperimentError, match="found records only, expected series for LOO-PIT"):
        plot(fit_hybrid, "pit")


def test_no_fig2d_without_constant_rates(fit_d55):
    with pytest.raises(ExperimentError, match=r"found no run with constant rates, expected one for Fig\. 2d"):
        plot(fit_d55, "fig2d")


@pytest.mark.slow
def test_page(fit_hybrid):
    page = fit_page(fit_hybrid)
    assert "400 records of the light with 96000 samples" in page
    assert "by dissipation alone, with probability" in page
    assert page.count("for 16 checks of its innovations") == 2


def test_predictions_of_constant_runs(fit_hybrid):
    found = inference.predict(fit_hybrid, run="noisy", times=[0.0, 5.0, 50.0])
    assert set(found.data_vars) == {"xi", "conditional_xi", "transverse_spin", "stage_lights"}
    np.testing.assert_allclose(found["conditional_xi"][:, 0], found["xi"][:, 0])
    assert (found["conditional_xi"][:, 2] < found["xi"][:, 2]).all()
    with pytest.raises(
        ExperimentError, match="found stages for the run 'noisy', expected none where rates are constant"
    ):
        inference.predict(fit_hybrid, run="noisy", stages=[(5.0, "drive")])
    with pytest.raises(ExperimentError, match=r"found 'swap_rate', expected one of swap_rate\[drive\+pump\+repump\]"):
        inference.predict(fit_hybrid, changes={"swap_rate": 0.2})
    with pytest.raises(ExperimentError, match="found the duration '15 ms', expected a number, in ms"):
        inference.predict(inference.fit("fig2b-d55", seed=seed(3), draws=200), stages=[("15 ms", "drive")])
    with pytest.raises(ExperimentError, match="found the quantity 'polarization', expected one of xi, conditional_xi"):
        inference.predict(fit_hybrid, run="noisy", quantities=["polarization"])


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"priors": {"larmor_mismatch": "lognormal(0.01, 1)"}}, "found larmor_mismatch, expected none"),
        ({"model": "student-t"}, "found no series in"),
        ({"priors": {"collective_rate": "fixed(0.1)"}}, "this experiment has no such parameter"),
    ],
)
def test_what_runs_with_constant_rates_cannot_have(given, text):
    with pytest.raises(ValueError, match=text):
        build_model("fig2d-hybrid", **given)


def test_own_forward_models_have_no_place_here(registry):
    @inference.forward_model()
    def mine(evolve, stages, times, initial, parameters, xp):
        """Nothing new."""
        return evolve(stages, times)

    with pytest.raises(ExperimentError, match=re.escape("found the forward model 'mine', expected none of your own")):
        build_model("fig2d-hybrid", model="mine")


def test_least_squares_refuses_records():
    with pytest.raises(ExperimentError, match="record-noisy, which need a likelihood of their noise"):
        inference.least_squares("fig2d-hybrid")


def test_a_plain_pymc_model():
    model = build_model("fig2d-hybrid")
    assert isinstance(model, pm.Model)
    assert {potential.name for potential in model.potentials} == {"record-coherent", "record-noisy"}
