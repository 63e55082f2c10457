"""Series with correlated noise and with a discrepancy: in files, when simulated, and what cannot be."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, SeriesPlan, StageEntry, from_tree, read, simulate
from dissentangle.datasets.experiment import check_experiment
from dissentangle.datasets.prediction import data_of_series, expected, fitted_data, whitened
from dissentangle.datasets.prediction.discrepancy import LENGTH, discrepancy_terms
from dissentangle.forward_models import Dynamics
from dissentangle.inference.model import data_hash

from ...seeds import CHANCE, seed

TIMES = np.linspace(1.0, 19.0, 10)
STAGES = (StageEntry(20.0, frozenset({"drive"})),)
PLANS = (
    SeriesPlan("xi", TIMES, 3000, "gamma"),
    SeriesPlan("polarization", TIMES, 0.005),
    SeriesPlan("transverse_spin", TIMES, 0.01),
    SeriesPlan("light_variance", TIMES, 3000, probe_duration=1.0),
)
SHUFFLED = np.array([2.0, 1, 4, 3, 6, 5, 8, 7, 10, 9])


def changed(experiment, name, **said):
    series = tuple(replace(s, **said) if s.name == name else s for s in experiment.series)
    return replace(experiment, series=series)


PLAIN = from_tree(simulate(STAGES, PLANS, seed=seed(1)))
SIGMA = PLAIN.series[1].spread
COVARIANCE = np.outer(SIGMA, SIGMA) * np.exp(-abs(TIMES[:, None] - TIMES) / 3)
RICH = changed(PLAIN, "xi", discrepancy_uncertainty=0.03)
RICH = changed(RICH, "polarization", covariance=COVARIANCE)
RICH = changed(RICH, "transverse_spin", noise_correlation="taken", taken=SHUFFLED)
RICH = changed(RICH, "light_variance", noise_correlation="time", noise="gaussian-repetitions-single")


@pytest.mark.parametrize("place", ["folder", "file.nc"])
def test_it_is_written_and_read(tmp_path, place):
    datasets.save(RICH, tmp_path / place)
    found = read(tmp_path / place)
    assert data_hash(found) == data_hash(RICH)
    for new, old in zip(found.series, RICH.series, strict=True):
        assert (new.noise_correlation, new.discrepancy_uncertainty) == (
            old.noise_correlation,
            old.discrepancy_uncertainty,
        )
    np.testing.assert_array_equal(found.series[2].taken, SHUFFLED)
    np.testing.assert_array_equal(found.series[1].covariance, COVARIANCE)


def test_a_covariance_stands_in_place_of_sigma(tmp_path):
    datasets.save(RICH, tmp_path / "run")
    table = (tmp_path / "run" / "polarization.csv").read_text()
    assert table.startswith("time,value\n")
    matrix = tmp_path / "run" / "polarization.covariance.csv"
    rows = matrix.read_text().splitlines()
    matrix.write_text("\n".join(rows[1:]) + "\n")  # without names of columns
    np.testing.assert_array_equal(read(tmp_path / "run").series[1].covariance, COVARIANCE)
    matrix.write_text("\n".join(rows[:-1]) + "\n")
    with pytest.raises(ExperimentError, match=r"covariance.csv: found 9 rows, expected 10 × 10 numbers: a row and a"):
        read(tmp_path / "run")
    matrix.write_text("\n".join(row.rpartition(",")[0] for row in rows) + "\n")
    with pytest.raises(
        ExperimentError, match=r"covariance.csv: line 1: column #10: found 9 columns, .*, in 10 × 10 numbers"
    ):
        read(tmp_path / "run")
    matrix.write_text("\n".join(rows).replace(rows[1].split(",")[0], "much", 1) + "\n")
    with pytest.raises(ExperimentError, match=r"covariance.csv: line 2: .*found 'much', expected a number"):
        read(tmp_path / "run")
    (tmp_path / "run" / "polarization.csv").write_text(table.replace("value", "sigma").replace("time", "value"))
    with pytest.raises(ExperimentError, match=r"covariance: found a column of errors in "):
        read(tmp_path / "run")


def test_shots_have_no_covariance(tmp_path):
    datasets.save(RICH, tmp_path / "run")
    said = (tmp_path / "run" / "experiment.toml").read_text()
    (tmp_path / "run" / "experiment.toml").write_text(said + '\n[[series]]\nkind = "light_variance"\nname = "more"\n'
        'file = "xi.csv"\nshots = true\ncovariance = "xi.csv"\nprobe_duration = "1 ms"\n')  # fmt: skip
    with pytest.raises(ExperimentError, match="covariance: found one of shots, expected none: their variances"):
        read(tmp_path / "run")


def test_hashes_tell_them_apart():
    other = changed(RICH, "transverse_spin", taken=SHUFFLED[::-1].copy())
    assert len({data_hash(one) for one in (PLAIN, RICH, other)}) == 3


def test_noise_that_is_simulated_is_correlated():
    """Whitened with the truth it is standard normal, as far as a thousand points can tell."""
    from scipy import stats

    times = np.linspace(0.05, 19.95, 500)
    plans = [SeriesPlan(kind, times, 0.01, noise_correlation="time") for kind in ("polarization", "transverse_spin")]
    rho = {f"noise_correlation[{plan.name}]": 0.8 for plan in plans}
    made = from_tree(simulate(STAGES, plans, rho, seed=seed(2)))
    truth = made.truth.parameters
    assert truth["noise_correlation[polarization]"] == 0.8
    means = expected(made, truth, Dynamics()).series
    scaled = {s.name: (s.value - np.ravel(means[s.name])) / s.spread for s in made.series}
    white = np.concatenate(list(whitened(made, scaled, truth).values()))
    assert stats.kstest(white, stats.norm.cdf).pvalue > CHANCE
    pairs = np.concatenate([one[1:] * one[:-1] for one in scaled.values()])
    assert pairs.mean() > 0.4
    again = from_tree(datasets.simulate_like(made, seed=seed(3)))
    assert again.truth.parameters["noise_correlation[polarization]"] == 0.8
    assert again.series[0].noise_correlation == "time"


def test_what_is_not_given_is_drawn():
    series = [changed(PLAIN, "xi", noise_correlation="time", noise="gaussian-repetitions",
                      discrepancy_uncertainty=0.03).series[0]]  # fmt: skip
    drawn = [from_tree(simulate(STAGES, series, seed=seed(k))).truth.parameters for k in (4, 5)]
    assert 0 < drawn[0]["noise_correlation[xi]"] < 0.95
    assert drawn[0]["discrepancy[xi: 5]"] != drawn[1]["discrepancy[xi: 5]"]
    like = from_tree(datasets.simulate_like(from_tree(simulate(STAGES, series, seed=seed(4))), seed=seed(6)))
    assert like.truth.parameters["discrepancy[xi: 1]"] != drawn[0]["discrepancy[xi: 1]"]
    assert like.truth.parameters["noise_correlation[xi]"] == drawn[0]["noise_correlation[xi]"]


def test_points_that_are_not_fitted_leave_a_gap():
    spin = changed(RICH, "transverse_spin", excluded=SHUFFLED == 5).series[2]
    found = data_of_series(spin, spin.fitted).correlation
    assert sorted(found.steps.tolist()) == [1.0] * 8 + [2.0]
    spin = changed(RICH, "polarization", excluded=TIMES > 10)
    matrix = next(one for one in fitted_data(spin) if one.name == "polarization").correlation.matrix
    np.testing.assert_allclose(matrix, (COVARIANCE / np.outer(SIGMA, SIGMA))[:5, :5])


def test_a_variance_without_positive_mean_has_no_density():
    light = next(one for one in fitted_data(RICH) if one.name == "light_variance")
    mean = np.where(np.arange(20) == 4, -1.0, light.value)
    density = light.log_density(mean, {"noise_correlation[light_variance]": 0.5})
    assert density[4] == -np.inf
    assert np.isfinite(density[:4]).all()


def test_a_discrepancy_is_a_gaussian_process():
    xi = changed(PLAIN, "xi", discrepancy_uncertainty=0.03).series[0]
    at = np.linspace(1.0, 19.0, 50)
    terms = discrepancy_terms(xi, at)
    kernel = 0.03**2 * np.exp(-0.5 * ((at[:, None] - at) / (LENGTH * 18.0)) ** 2)
    np.testing.assert_allclose(terms.T @ terms, kernel, atol=3e-3 * 0.03**2)
    weights = {f"discrepancy[xi: {k}]": np.array([float(k), -1.0]) for k in range(1, 6)}
    values = PLAIN.truth.parameters
    changes = (expected(RICH, values | weights, Dynamics()).series["xi"]
               - expected(PLAIN, values, Dynamics()).series["xi"])  # fmt: skip
    stacked = np.stack(list(weights.values()), axis=-1)
    np.testing.assert_allclose(changes, stacked @ discrepancy_terms(xi, TIMES), atol=1e-12)


ASYMMETRIC = COVARIANCE.copy()
ASYMMETRIC[0, 1] *= 0.5
INDEFINITE = np.outer(SIGMA, SIGMA) * (0.5 * np.eye(10) + 0.5 - 1.2 * (abs(TIMES[:, None] - TIMES) > 15))


@pytest.mark.parametrize(
    ("series", "said", "text"),
    [
        (
            "polarization",
            {"noise_correlation": "tame"},
            r"noise_correlation: found 'tame' .*, expected one of time, taken",
        ),
        (
            "xi",
            {"noise_correlation": "time"},
            "found 'time' with gamma noise, expected gaussian or gaussian-rep.* noise",
        ),
        (
            "polarization",
            {"noise_correlation": "time", "noise": "student-t"},
            "found 'time' with student-t noise, expected gaussian noise: no other is correlated here",
        ),
        ("polarization", {"noise_correlation": "taken"}, "found 'taken' without a column taken, expected that column"),
        (
            "polarization",
            {"noise_correlation": "taken", "taken": np.ones(10)},
            "found points at the same taken, or one, expected several",
        ),
        ("polarization", {"taken": np.full(10, np.nan)}, "taken: row 1: found nan, expected a finite number"),
        ("polarization", {"taken": np.ones(3)}, "found columns of different length"),
        ("one", {"noise_correlation": "time"}, "found points at the same time, or one, expected several"),
        (
            "slope",
            {"noise_correlation": "time", "noise": "gaussian"},
            "found 'time', expected 'taken' for projection_noise",
        ),
        ("xi", {"discrepancy_uncertainty": -1.0}, "discrepancy_uncertainty: found -1.0, expected a number ≥ 0"),
        ("xi", {"discrepancy_uncertainty": 0.5}, "discrepancy_uncertainty: found 0.5, expected at most .* gamma noise"),
        ("one", {"discrepancy_uncertainty": 0.1}, "discrepancy_uncertainty: found 0.1, expected 0 for a single point"),
        ("light_variance", {"discrepancy_uncertainty": 0.1}, "found 0.1, expected 0 for light_variance: one curve"),
        ("xi", {"covariance": COVARIANCE}, "covariance: found one with gamma noise of xi, expected Gaussian noise"),
        (
            "polarization",
            {"covariance": COVARIANCE, "noise_correlation": "time"},
            "covariance: found noise_correlation beside it, expected one of the two",
        ),
        ("polarization", {"covariance": np.eye(3)}, "covariance: found 3 × 3 numbers, expected 10 × 10"),
        ("polarization", {"covariance": np.eye(10)}, "found a diagonal that is not sigma², expected the variance"),
        ("polarization", {"covariance": ASYMMETRIC}, "covariance: found a matrix that is not symmetric, expected fin"),
        ("polarization", {"covariance": INDEFINITE}, "found a matrix that is not positive definite, expected the cov"),
        ("long", {"covariance": np.eye(301)}, "covariance: found one of 301 points, expected at most 300"),
    ],
)
def test_what_cannot_be(everything, series, said, text):
    with pytest.raises(ExperimentError, match=text):
        check_experiment(changed(everything, series, **said))


@pytest.fixture(scope="module")
def everything():
    """An experiment with a single point, many points, and a calibration against the Faraday angle besides."""
    plans = (
        *PLANS,
        SeriesPlan("polarization", [3.0], 0.02, name="one"),
        SeriesPlan("polarization", np.linspace(0.1, 19, 301), 1.0, name="long"),
        SeriesPlan("projection_noise", [10.0, 12.0], 0.02, noise="gaussian", name="slope"),
    )
    apparatus = PLAIN.apparatus | {"faraday_angle": datasets.Known(14.0, 0.1)}
    return from_tree(simulate(STAGES, plans, seed=seed(1), apparatus=apparatus))
