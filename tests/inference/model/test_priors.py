"""Priors: read from text, their quantiles, scores and PyMC variables agree."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from scipy import stats

from dissentangle.datasets import ExperimentError, Known, joint, read, save
from dissentangle.inference.model.defaults import DEFAULTS
from dissentangle.inference.model.priors import PriorError, parse_prior, vector_variable
from dissentangle.inference.model.problem import Problem, experiment_of, pose
from dissentangle.inference.model.settings import ModelSettings

from ...graphs import PLAIN

EXACT = {
    "lognormal(0.1, 1)": stats.lognorm(1.0, scale=0.1),
    "halfnormal(0.3)": stats.halfnorm(scale=0.3),
    "uniform(0.05, 0.4)": stats.uniform(0.05, 0.35),
    "normal(0.1, 0.06)": stats.truncnorm(-0.1 / 0.06, np.inf, 0.1, 0.06),
    "normal(3, 0.1)": stats.norm(3, 0.1),
}
PROBABILITIES = np.array([0.03, 0.25, 0.5, 0.9])


@pytest.mark.parametrize("text", EXACT)
def test_quantiles_scores_and_variables(text):
    prior = parse_prior("collective_rate", text)
    quantiles = prior.quantile(PROBABILITIES)
    np.testing.assert_allclose(quantiles, EXACT[text].ppf(PROBABILITIES), rtol=1e-9)
    np.testing.assert_allclose(prior.z_score(quantiles), stats.norm.ppf(PROBABILITIES), atol=1e-6)
    with pm.Model():
        variable = vector_variable("x", [prior], None)
    np.testing.assert_allclose(pm.logp(variable, quantiles).eval(mode=PLAIN), EXACT[text].logpdf(quantiles), rtol=1e-7)


def test_defaults_are_readable():
    for name, text in DEFAULTS.items():
        assert str(parse_prior(name, text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lognormal", r"prior collective_rate = 'lognormal': expected lognormal\(median, sd of the logarithm\) \|"),
        ("cauchy(1)", r"expected lognormal\(median"),
        ("lognormal(a, 1)", r"expected numbers, as in lognormal\(median"),
        ("lognormal(1)", r"expected 2 finite number\(s\)"),
        ("normal(1, nan)", r"expected 2 finite number\(s\)"),
        ("normal(1, -1)", r"expected a standard deviation > 0"),
        ("lognormal(-1, 1)", r"expected a median > 0"),
        ("uniform(2, 1)", r"expected low < high"),
        ("fixed(-1)", r"expected values in \[0, inf\], where collective_rate is defined"),
        ("uniform(-1, 1)", r"expected values in \[0, inf\]"),
    ],
)
def test_unreadable_priors(text, message):
    with pytest.raises(PriorError, match=message):
        parse_prior("collective_rate", text)


def test_everything_fixed_or_mixed_forms():
    every = dict.fromkeys(labels("fig2b-d55"), "fixed(0.1)")
    with pytest.raises(PriorError, match="all parameters are fixed"):
        Problem(read("fig2b-d55"), ModelSettings(priors=every)).check()
    mixed = {"pure_dephasing_rate[dark]": "normal(0.1, 0.1)"}
    with pytest.raises(PriorError, match="found lognormal and normal, expected one form for all its entries"):
        Problem(read("fig2c-dark"), ModelSettings(priors=mixed)).check()


def labels(name, **settings):
    return [u.label for u in Problem(read(name), ModelSettings(**settings)).free]


def test_only_what_the_data_depend_on_is_unknown():
    assert not [label for label in labels("fig2b-d55") if "pump" in label]
    assert "pump_rate[drive+pump]" in labels("fig2c-pump")
    assert "pure_dephasing_rate[dark]" in labels("fig2c-dark")
    assert "dephasing_rate[dark]" in labels("fig2c-dark", free_dephasing=True)
    assert "detection_efficiency" not in labels("krauter2011-published")


def test_a_label_takes_precedence_and_experiment_priors_are_overridden():
    chosen = Problem(read("fig2c-dark"), ModelSettings(priors={"pure_dephasing_rate[dark]": "fixed(0.04)"})).parameters
    values = {u.label: str(u.prior) for u in chosen}
    assert values["pure_dephasing_rate[dark]"] == "fixed(0.04)"
    assert values["pure_dephasing_rate[drive+pump]"] == "lognormal(0.2, 1)"


def test_all_that_is_wrong_with_priors_is_said_at_once(tmp_path):
    save(read("fig2b-d55"), tmp_path / "run")
    with (tmp_path / "run" / "experiment.toml").open("a") as file:
        file.write('[prior]\ncollision_rate = "0.002 ± 0.001"\ngamma = "normal(1, 1)"\npump_rate = "fixed(1)"\n')
    (tmp_path / "run" / "xi.csv").write_text("t,xi,err\n1,0.9,0.1\n")
    with pytest.raises(ExperimentError) as found:
        experiment_of(tmp_path / "run")
    one, other, columns = found.value.faults
    assert one.endswith("experiment.toml: prior collision_rate = '0.002 ± 0.001': expected normal(0.002, 0.001)")
    assert "gamma: unknown parameter (Γ is radiative_rate, γs is swap_rate, γextra is extra_decay_rate); exp" in other
    assert 'columns = { time = "t", value = "xi", sigma = "err" }' in columns
    priors = {"collision_rate": "1", "gama": "fixed(1)", "pump_rate": "fixed(1)"}
    with pytest.raises(PriorError) as found:
        Problem(read("fig2b-d55"), ModelSettings(priors=priors)).check()
    assert [text.partition(":")[0].partition(" =")[0] for text in found.value.faults] == [f"prior {p}" for p in priors]


def test_a_prior_of_what_is_not_measured_yet_waits(tmp_path):
    """ξ(0) of a run of which no value is filled in is no parameter yet: its prior is no fault of the file."""
    save(read("fig2d-dissipation"), tmp_path / "run")
    file = tmp_path / "run" / "xi-noisy.csv"
    head, *rows = file.read_text().splitlines()
    file.write_text("\n".join([head, *(f"{row.split(',')[0]},,1500" for row in rows)]) + "\n")
    found = read(tmp_path / "run")
    assert found.priors.keys() == {"initial_xi[coherent]", "initial_xi[noisy]"}
    labels = {p.label for p in Problem(found, ModelSettings()).parameters}
    assert "initial_xi[coherent]" in labels
    assert "initial_xi[noisy]" not in labels
    with pytest.raises(PriorError, match="prior pump_rate: this experiment has no such parameter"):
        Problem(found, ModelSettings(priors={"pump_rate": "fixed(1)"})).check()
    with pytest.raises(PriorError, match=r"prior initial_xi\[noisy\]: this experiment has no such parameter"):
        Problem(replace(found, series=found.series[1:]), ModelSettings()).check()


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({"colective_rate": "fixed(1)"}, r"colective_rate: unknown parameter \(did you mean 'collective_rate'\?\)"),
        ({"pump_rate": "fixed(1)"}, r"prior pump_rate: this experiment has no such parameter"),
        ({"initial_nh": "lognormal(0.5, 1)"}, r"expected a prior inside \[0, 1\], where initial_nh is defined"),
        ({"initial_nh": "uniform(0, 1)"}, r"found a sum up to 1.\d+, expected at most 1"),
        ({"initial_excess_variance": "normal(0, 2)"}, r"found values down to -9.51, expected above -0.9"),
        ({"squeezing_limit": "fixed(0.001)"}, r"expected values in \[0.005, 1\]"),
        (
            {"dephasing_rate[drive]": "fixed(1)"},
            r"\(Γ̃ follows from pure_dephasing_rate .*; --free-dephasing, in Python",
        ),
    ],
)
def test_priors_that_do_not_fit(priors, message):
    with pytest.raises(PriorError, match=message):
        Problem(read("fig2b-d55"), ModelSettings(priors=priors)).check()


@pytest.mark.parametrize(
    ("unit", "median"), [(1.0, 1.0), (0.6, 1.0), (1.9, 1.0), (0.0042, 4.0**-4), (3.7e-12, 4.0**-19), (370.0, 256.0)]
)
def test_the_prior_of_the_shot_noise_has_the_unit_of_its_run(unit, median):
    laboratory = read("laboratory-d55")
    series = tuple(replace(s, value=s.value * unit) if s.kind == "shot_noise" else s for s in laboratory.series)
    problem = Problem(replace(laboratory, series=series))
    prior = next(u.prior for u in problem.parameters if u.name == "shot_noise_level")
    assert (prior.form, prior.numbers[1]) == ("lognormal", 0.3)
    assert prior.numbers[0] == pytest.approx(median)
    assert abs(prior.z_score(unit)) < 2.4
    assert (problem.form == Problem(laboratory).form) == (median == 1.0)  # one compiled model serves one prior


@pytest.mark.parametrize(("unit", "steps"), [(1.0, 0), (20.0, 0), (1e-12, -2)])
def test_the_prior_of_the_projection_noise_has_the_unit_of_its_run(unit, steps):
    laboratory = read("laboratory-d55")
    series = tuple(replace(s, value=s.value * unit) if s.kind == "projection_noise" else s for s in laboratory.series)
    parameters = Problem(replace(laboratory, series=series)).parameters
    prior = next(u.prior for u in parameters if u.name == "projection_noise_slope")
    assert prior.numbers == pytest.approx((0.1 * 4.0 ** (10 * steps), 3.0))


def test_what_the_user_says_of_the_shot_noise_comes_first():
    problem = pose("laboratory-d55", priors={"shot_noise_level": "lognormal(2, 0.1)"})
    assert next(u.prior for u in problem.parameters if u.name == "shot_noise_level").numbers == (2.0, 0.1)


def test_priors_by_symbol_and_several_wrong_ones():
    settings = ModelSettings(priors={"dΓ": "fixed(0.1)", "Gamma_tilde[drive]": "fixed(0.2)"}, free_dephasing=True)
    assert list(settings.priors) == ["collective_rate", "dephasing_rate[drive]"]
    assert Problem(read("fig2b-d55"), settings).fixed["dephasing_rate[drive]"] == 0.2
    with pytest.raises(ExperimentError, match="prior: found collective_rate twice, as dΓ and as collective_rate"):
        ModelSettings(priors={"dΓ": "fixed(0.1)", "collective_rate": "fixed(0.2)"})
    with pytest.raises(PriorError) as found:
        Problem(read("fig2b-d55"), ModelSettings(priors={"dΓ": "0.1 +- 0.02", "eta": "much", "x": "fixed(1)"})).check()
    assert [line.partition(":")[0] for line in found.value.faults] == [
        "prior collective_rate = '0.1 +- 0.02'", "prior detection_efficiency = 'much'", "prior x",
    ]  # fmt: skip
    assert "expected normal(0.1, 0.02)" in found.value.faults[0]


def test_the_prior_of_a_shared_depth_is_what_both_files_say():
    """Not the default one: of d itself, or of d = 4 Θ where only the Faraday angle is known."""
    a, b = read("fig2b-d55"), read("fig2b-d35")
    for name, known, prior in (
        ("optical_depth", Known(55.0, 3.0), "normal(55, 3)"),
        ("faraday_angle", Known(14.0, 0.1), "normal(56, 2.82843)"),
    ):
        members = {key: replace(one, apparatus={name: known}) for key, one in (("a", a), ("b", b))}
        for way in ("shared", "population"):
            problem = Problem(joint(members, {"optical_depth": way}))
            assert {u.label: str(u.prior) for u in problem.parameters}["optical_depth"] == prior
