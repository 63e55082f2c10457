"""A power that changes within a stage in the model's graph: the numbers of NumPy, and a rate that it moves."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import ExperimentError, from_tree, read, simulate_like
from dissentangle.datasets.experiment import Known, LightPower, known_by_power
from dissentangle.datasets.prediction import expected
from dissentangle.inference.fits import Fit
from dissentangle.inference.model import PriorError, unused_entries, unused_knowledge
from dissentangle.inference.model.defaults import DEFAULTS
from dissentangle.inference.model.problem import pose
from dissentangle.inference.model.pymc_model import rate_bounds

from ...graphs import PLAIN
from ...seeds import SIGMA, seed

DRIVEN = read("fig2b-d55")
FALLING = LightPower("drive", (0.0, 20.0), (1.0, 0.6))
RAMP = replace(DRIVEN, stages=tuple(replace(stage, power=(FALLING,)) for stage in DRIVEN.stages))


def test_the_graph_has_the_numbers_of_numpy():
    """Of a power that falls a little: in fewer pieces, which compile faster."""
    import pytensor
    import pytensor.tensor as pt

    little = replace(FALLING, values=(1.0, 0.95))
    stages = tuple(replace(stage, power=(little,)) for stage in DRIVEN.stages)
    ramp = replace(DRIVEN, stages=stages, series=DRIVEN.series[:1])
    problem = pose(ramp)
    labels = [p.label for p in problem.free]
    medians = [float(p.prior.quantile(0.5)) for p in problem.free]
    inside = [pt.dscalar(label) for label in labels]
    symbols, numbers = (problem.complete(dict(zip(labels, of, strict=True))) for of in (inside, medians))
    bounds = rate_bounds(problem)
    graph = expected(ramp, symbols, problem.dynamics, rate_bounds=bounds, accuracy=1e-6, xp=pt).series
    found = pytensor.function(inside, list(graph.values()), mode=PLAIN, on_unused_input="ignore")(*medians)
    wanted = expected(ramp, numbers, problem.dynamics).series
    for name, values in zip(graph, found, strict=True):
        np.testing.assert_allclose(values, wanted[name], atol=1e-5)


def test_the_quasi_static_decay_is_of_one_power():
    """(Γ̃ + dΓ p) t is another number for a stage in pieces: 12 % of Jy at 20 ms, however little the power changes."""
    found = "model quasi-static: found drive at 1 of its power at 0 ms, .*, expected a power that stays in a stage"
    with pytest.raises(ExperimentError, match=found):
        pose(RAMP, model="quasi-static")
    half = replace(FALLING, times=(0.0,), values=(0.5,))
    stages = tuple(replace(stage, power=(half,)) for stage in DRIVEN.stages)
    assert pose(replace(DRIVEN, stages=stages), model="quasi-static").dynamics.transverse_spin == "quasi-static"


def priors_with(experiment, **known):
    apparatus = {name: entry for name, entry in experiment.apparatus.items() if name != "quadratic_zeeman"} | known
    problem = pose(replace(experiment, apparatus=apparatus))
    assert not unused_knowledge(problem.experiment, problem.parameters)
    return {p.label: p.prior for p in problem.parameters}


def test_the_power_of_the_drive_gives_the_prior_of_its_rates():
    """5.6 mW and d = 55: the paper's fit found dΓ = 0.11, Γ = 0.002."""
    prior = priors_with(DRIVEN, drive_power=Known(5.6, 0.3))["collective_rate"]
    assert prior.form == "lognormal"
    assert prior.numbers == pytest.approx((0.1175, np.sqrt(0.2**2 + (0.3 / 5.6) ** 2 + 0.05**2)), rel=1e-3)
    wide = priors_with(DRIVEN, drive_power=Known(5.6), cell_area=Known(2 * 2.2**2))["collective_rate"]
    assert wide.numbers[0] == pytest.approx(0.1175 / 2, rel=1e-3)
    joint = {u.label: u.prior for u in pose({"a": replace(DRIVEN, apparatus={**DRIVEN.apparatus, "drive_power":
                                             Known(5.6)}), "b": DRIVEN}).parameters}  # fmt: skip
    assert joint["radiative_rate"].numbers == pytest.approx((0.00235, 0.2), rel=2e-3)


@pytest.mark.parametrize("of", ["drive_detuning", "drive_power"])
def test_members_with_another_detuning_or_power_have_no_rate_in_common_that_follows_from_it(of):
    """The prior of each own Γ is that of its experiment alone; of one that they share there is none, which is said."""
    given = {"a": {"drive_power": Known(5.6), "drive_detuning": Known(850.0)}}
    given["b"] = given["a"] | {"drive_detuning": {of: Known(1500.0)}, "drive_power": {of: Known(2.8)}}[of]
    both = {name: replace(DRIVEN, apparatus=DRIVEN.apparatus | known) for name, known in given.items()}
    own = {u.label: u.prior for u in pose(both, {of: "separate", "radiative_rate": "separate"}).parameters}
    for name, one in both.items():
        known = known_by_power(one, "radiative_rate")
        assert own[f"radiative_rate[{name}]"].numbers == pytest.approx((known[0], known[1] / known[0]), rel=1e-4)
    shared = pose(both, {of: "separate", "radiative_rate": "shared"})
    assert {u.label: str(u.prior) for u in shared.parameters}["radiative_rate"] == DEFAULTS["radiative_rate"]
    assert "drive_power" in unused_knowledge(shared.experiment, shared.parameters)


def test_the_faraday_angle_gives_the_depth_of_the_prior_of_the_collective_rate():
    """4 per degree, 5 %."""
    other = {name: entry for name, entry in DRIVEN.apparatus.items() if name != "optical_depth"}
    by_angle = replace(DRIVEN, apparatus={**other, "faraday_angle": Known(55 / 4, 0.0)})
    exact = replace(DRIVEN, apparatus={**other, "optical_depth": Known(55.0)})  # of which 5 % are taken, too
    known, *others = (priors_with(e, drive_power=Known(5.6))["collective_rate"] for e in (DRIVEN, by_angle, exact))
    assert all(prior.numbers == pytest.approx(known.numbers) for prior in others)


def test_errors_at_the_ends_of_what_is_computed():
    """Of the probe between lines, of the drive near the least detuning: said in the numbers of the file."""
    near = {"drive_power": Known(5.6), "drive_detuning": Known(725.0, 5.0)}
    upwards, downwards = (
        priors_with(DRIVEN, **near, temperature=Known(300.0 if up else 301.0, 0.0 if up else 4.0))["collective_rate"]
        for up in (True, False)
    )
    assert upwards.numbers[1] == pytest.approx(downwards.numbers[1], rel=0.01)
    with pytest.raises(ExperimentError, match=r"apparatus: temperature: found 300 ± 400, expected a smaller sigma"):
        priors_with(DRIVEN, drive_power=Known(5.6), temperature=Known(300.0, 400.0))
    for value, sigma in ((350.0, 50.0), (-800.0, 2000.0), (4980.0, 50.0), (300.0, 0.0)):
        error = f" ± {sigma:g}" if sigma else ""
        found = f"apparatus: probe_detuning: found {value:g}{error} MHz, expected all of it outside"
        probed = replace(DRIVEN, apparatus={**DRIVEN.apparatus, "probe_detuning": Known(value, sigma)})
        with pytest.raises(ExperimentError, match=found):
            _ = pose(probed, model="sixteen-level").parameters


def test_a_power_that_gives_no_rate_is_an_error_of_the_file_that_says_why_three_states_need_the_detuning():
    found = r"apparatus: drive_detuning \(MHz\) = 500: expected a number in .*, or no power of a light"
    with pytest.raises(ExperimentError, match=found):
        priors_with(DRIVEN, drive_power=Known(5.6), drive_detuning=Known(500.0))


def test_three_states_are_fitted_where_sixteen_levels_cannot_be():
    """Without a power they need neither a temperature nor the detuning of a probe."""
    hot = {"temperature": Known(600.0), "probe_detuning": Known(-1000.0)}
    assert unused_entries(pose(replace(DRIVEN, apparatus={**DRIVEN.apparatus, **hot}))) == dict.fromkeys(hot, "")
    with pytest.raises(ExperimentError, match=r"apparatus: temperature \(K\) = 600: expected a number in \[0, 500\]"):
        _ = pose(replace(DRIVEN, apparatus={**DRIVEN.apparatus, **hot}), model="sixteen-level").parameters


def test_the_light_shift_of_the_probe_moves_the_prior_of_the_quadratic_zeeman_splitting():
    laboratory = read("laboratory-d55")
    priors = [priors_with(laboratory, probe_power=Known(power))["quadratic_zeeman"] for power in (1e-6, 2.0)]
    assert priors[0].numbers == pytest.approx((0.0226, 0.002), rel=1e-4)
    assert priors[1].numbers[0] == pytest.approx(0.0226 - 52.89 * 2 * 4.203e-4 / (2 * np.pi), rel=1e-3)
    assert priors[1].numbers[1] == pytest.approx(np.hypot(0.002, 0.2 * (0.0226 - priors[1].numbers[0])), rel=1e-3)
    found = r"probe_power: found ν₂ = 4.9 ± 4.1 Hz in the light shift of this probe, expected a weaker probe"
    with pytest.raises(PriorError, match=found):
        priors_with(laboratory, probe_power=Known(5.0))


@pytest.mark.slow
def test_a_falling_power_biases_and_the_file_says_it():
    made = from_tree(simulate_like(RAMP, seed=seed(1)))
    z = []
    for experiment in (replace(made, stages=DRIVEN.stages), made):
        fit = Fit.of(inference.fit(experiment, seed=seed(2), draws=300, chains=2, cores=1, closure="microscopic"))
        draws = fit.by_label(derived=True)["light_loss_rate"]
        z.append(float((draws.mean() - made.truth.parameters["light_loss_rate"]) / draws.std()))
    assert abs(z[0]) > 2
    assert abs(z[1]) < SIGMA
