"""Simulation-based calibration: a right model passes, wrong ones are caught and named."""

import json
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import xarray as xr
from cachetools import LRUCache
from scipy.special import ndtr

from dissentangle import inference
from dissentangle.datasets import Experiment, ExperimentError, StageEntry, read
from dissentangle.datasets.prediction import fitted_data
from dissentangle.inference.campaigns import simulated_ranks
from dissentangle.inference.campaigns.sbc import calibration_of, run_sbc
from dissentangle.inference.campaigns.simulated_ranks import Ranked, simulate_and_rank
from dissentangle.inference.campaigns.uniformity import FIRST, common_band
from dissentangle.inference.cli import main
from dissentangle.inference.engine import native
from dissentangle.inference.model import pymc_model
from dissentangle.inference.model.problem import Problem
from dissentangle.inference.model.settings import ModelSettings, SamplerSettings

from ...seeds import SIGMA, seed

pytestmark = pytest.mark.slow

# The rooms have functions of these names.
campaigns_sbc = import_module("dissentangle.inference.campaigns.sbc")
prepared = import_module("dissentangle.inference.sampling.prepared")
straightening = import_module("dissentangle.inference.sampling.straightening")


@pytest.fixture(autouse=True)
def drawn_once(request):
    """Only the test of the command has the figure."""
    if request.node.name != "test_command_and_going_on":
        request.getfixturevalue("no_calibration_figure")


PROBLEM, SAMPLER = Problem(read("fig2b-d55")), SamplerSettings(seed(1), 100, 200, 2, cores=1)
COUNT = 150


def verdict_of(distort):
    """Of ranks that are exactly uniform, and of those that a wrong posterior gives for them."""
    uniform = (np.arange(COUNT) + 0.5) / COUNT
    pairs = zip(uniform, np.clip(distort(uniform), 0, 1), strict=True)
    ranks = [Ranked({"good": int(101 * u), "tested": round(100 * f)}, {"good": 1}) for u, f in pairs]
    return calibration_of(ranks, [], PROBLEM, SAMPLER)


@pytest.mark.parametrize(
    ("distort", "fault"),
    [
        (lambda u: u, ""),
        (lambda u: u**2, "posterior too high"),
        (lambda u: np.sqrt(u), "posterior too low"),
        (lambda u: 0.5 + 0.5 * np.sign(u - 0.5) * np.cbrt(abs(2 * u - 1)), "posterior too narrow"),
        (lambda u: 0.3 + 0.4 * u, "posterior too wide"),
    ],
)
def test_verdict_says_what_is_wrong(distort, fault):
    result = verdict_of(distort)
    assert result.attrs["calibrated"] == (not fault)
    assert f"tested ({fault})" in result.attrs["verdict"] if fault else "Calibrated" in result.attrs["verdict"]
    assert list(result["inside"].values) == [1, int(not fault)]


def ranked(table, names=None):
    names = [str(k) for k in range(table.shape[1])] if names is None else names
    return [Ranked(dict(zip(names, map(int, row), strict=True)), {}) for row in table]


def correlated_ranks(rng, count, quantities):
    """Uniform ranks of quantities that follow from three: much the same in each third, some of them turned round."""
    common = rng.standard_normal((count, 3))[:, np.arange(quantities) % 3]
    load = np.linspace(0.3, 0.99, quantities)
    sign = np.where(np.arange(quantities) % 2, 1, -1)
    own = np.sqrt(1 - load**2) * rng.standard_normal((count, quantities))
    return np.floor(101 * ndtr(sign * (load * common + own)))


@pytest.mark.parametrize("correlated", [False, True])
def test_the_band_holds_for_all_quantities_at_once(correlated):
    """A right model leaves it in 5 % of calibrations, whatever the quantities have to do with each other."""
    rng = np.random.default_rng(seed(6))
    outside = 0
    for _ in range(200):
        table = correlated_ranks(rng, 40, 12) if correlated else np.floor(rng.uniform(0, 101, (40, 12)))
        ranks = (table + rng.uniform(size=table.shape)) / 101
        outside += not common_band(ranks, FIRST, rng, trials=500).holds(ranks).all()
    assert 0 < outside < 200 * FIRST + SIGMA * np.sqrt(200 * FIRST)


def test_the_band_knows_what_quantities_have_in_common():
    """Many names of one quantity need no wider band than one; independent ones do, as Šidák's level says."""
    rng = np.random.default_rng(seed(7))
    one = rng.uniform(size=(2000, 1))
    widths = []
    for ranks in (one, np.repeat(one, 10, axis=1), rng.uniform(size=(2000, 10))):
        band = common_band(ranks, FIRST, np.random.default_rng(seed(8)))
        widths.append((band.upper - band.lower).max() * np.sqrt(2000))
    assert widths[1] < 1.14 * widths[0]
    assert 1.15 * widths[0] < widths[2] < 1.4 * widths[0]


def test_the_second_seed_decides():
    """Suspect with the first, and once more, or not; the others are not looked at again."""
    uniform, rng = np.arange(101).repeat(2), np.random.default_rng(seed(9))
    low = np.floor(101 * (uniform / 101) ** 2)
    table = np.stack([uniform, low, rng.permutation(low)], axis=1)
    first, names = ranked(table, ["good", "chance", "wrong"]), ["chance", "wrong"]
    plain = np.stack([rng.permutation(uniform), uniform, low], axis=1)
    found = calibration_of(first, [], PROBLEM, SAMPLER, (ranked(plain, ["good", *names]), []))
    assert list(found["inside"].values) == [1, 0, 0]
    assert list(found["suspect"].values) == names
    assert list(found["inside_again"].values) == [1, 0]
    assert not found.attrs["calibrated"]
    assert found.attrs["verdict"] == (
        "Not calibrated over 202 simulations: 2 of 3 quantities leave the 95 % band that they share: chance"
        " (posterior too high), wrong (posterior too high). Over 202 simulations with another seed again: wrong (80 %"
        " band; a right model fails twice in 1 % of calibrations)."
    )
    plain[:, 2] = uniform
    found = calibration_of(first, [], PROBLEM, SAMPLER, (ranked(plain, ["good", *names]), []))
    assert found.attrs["calibrated"]
    assert found.attrs["verdict"].endswith("another seed none of these leaves its 80 % band: they left it by chance.")
    assert (
        calibration_of(first, [], PROBLEM, SAMPLER, (ranked(plain, ["good", *names]), ["no"])).attrs["calibrated"] == 0
    )


def test_suspects_are_simulated_again_with_another_seed(tmp_path, monkeypatch):
    """Twice as many, in a folder of their own; what is there is not done again. Where a fit failed it is no use."""
    made = []

    def of_seed(problem, sampler, k):
        made.append((sampler.seed, k))
        return Ranked({"a": 0 if sampler.seed == SAMPLER.seed else 101 * k // 40, "b": 101 * (k % 20) // 20}, {"a": 1})

    monkeypatch.setattr(campaigns_sbc, "simulate_and_rank", of_seed)
    found = run_sbc(PROBLEM, SAMPLER, 20, tmp_path, cores=1)
    assert found.attrs["calibrated"]
    assert "a (posterior too high). Over 40 simulations with another seed none of these" in found.attrs["verdict"]
    assert made == [(SAMPLER.seed, k) for k in range(20)] + [(SAMPLER.seed + 1, k) for k in range(40)]
    assert len(list((tmp_path / "again" / "simulations").iterdir())) == 40
    assert (tmp_path / "sbc.png").is_file()
    assert run_sbc(PROBLEM, SAMPLER, 20, tmp_path, cores=1).identical(found)
    assert len(made) == 60

    def failing(problem, sampler, k):
        if k == 3:
            raise ExperimentError("no")
        return of_seed(problem, sampler, k)

    monkeypatch.setattr(campaigns_sbc, "simulate_and_rank", failing)
    assert not run_sbc(PROBLEM, SAMPLER, 20, tmp_path / "other", cores=1).attrs["calibrated"]
    assert not (tmp_path / "other" / "again").exists()


def test_a_failed_simulation_is_no_calibration():
    result = calibration_of([Ranked({"a": 50, "b": 50}, {})] * 3, ["ExperimentError: no"], PROBLEM, SAMPLER)
    assert not result.attrs["calibrated"]
    assert result.attrs["verdict"].startswith("Not calibrated over 3 simulations, which show only gross errors:")
    assert (
        "1 simulations could not be fitted, which alone can bias ranks: ExperimentError: no." in result.attrs["verdict"]
    )


def calibrated(folder):
    with xr.open_dataset(folder / "sbc.nc", engine="h5netcdf") as stored:
        return stored.attrs["calibrated"]


def test_command_and_going_on(tmp_path, capsys, monkeypatch):
    words = ["sbc", "fig2b-d55", "-o", str(tmp_path), "--draws", "60", "--tune", "200", "--chains", "2", "--cores", "1"]
    words += ["--seed", str(seed(1))]
    assert main([*words, "--simulations", "3"]) == 1 - calibrated(tmp_path)
    assert "over 3 simulations" in capsys.readouterr().out
    assert (tmp_path / "sbc.png").read_bytes()[:4] == b"\x89PNG"
    stamps = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "simulations").iterdir()}
    (tmp_path / "simulations" / "00001.json").write_text("{")
    assert main([*words, "--simulations", "4"]) == 1 - calibrated(tmp_path)
    again = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "simulations").iterdir()}
    assert [name for name in again if again[name] != stamps.get(name)] == ["00001.json", "00003.json"]
    stored = json.loads((tmp_path / "simulations" / "00000.json").read_text())
    ranks, covered = stored["ranks"], stored["covered"]
    sampler = SamplerSettings(seed(1), 60, 200, 2, cores=1)
    assert simulate_and_rank(PROBLEM, sampler, 0) == Ranked(ranks, covered, stored["healthy"], stored["problem"])
    assert {"collective_rate", "dephasing_rate[drive]", "radiative_rate"} <= set(covered)
    assert {"collective_rate", "scale[xi]", "entanglement_duration[main]"} <= set(ranks)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main([*words, "--simulations", "3", "--seed", str(seed(2))]) == 2
    assert f"{tmp_path}: found the simulations of another calibration" in capsys.readouterr().err
    assert files == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main([*words, "--simulations", "2", "--draws", "20"]) == 2
    assert "40 draws: expected at least 100 to rank in" in capsys.readouterr().err


@pytest.fixture
def quick(monkeypatch):
    """Simulations that take no time; the list of those made."""
    made = []

    def ranked(problem, sampler, k):
        made.append(k)
        return Ranked({"a": 10 + 25 * k, "b": 90 - 25 * k}, {"a": 1})

    monkeypatch.setattr(campaigns_sbc, "simulate_and_rank", ranked)
    return made


@pytest.mark.parametrize(
    "damage",
    [
        {"ranks": [1, 2]},
        {"ranks": {"a": 3}},
        {"ranks": {"a": "3", "b": 4}},
        {"ranks": {"a": 101, "b": 4}},
        {"covered": {"a": None}},
        {"covered": {}},
        {"healthy": None},
        {"problem": 1},
    ],
)
def test_damaged_simulations_are_made_again(damage, tmp_path, quick):
    run_sbc(PROBLEM, SAMPLER, 4, tmp_path, cores=1)
    file = tmp_path / "simulations" / "00002.json"
    whole = file.read_text()
    file.write_text(json.dumps(json.loads(whole) | damage))
    run_sbc(PROBLEM, SAMPLER, 4, tmp_path, cores=1)
    assert quick == [0, 1, 2, 3, 2]
    assert file.read_text() == whole


def test_whose_simulations_they_are(tmp_path, quick, monkeypatch):
    """Measured values do not count; another version and another plan do, whatever their files hold."""
    run_sbc(PROBLEM, SAMPLER, 2, tmp_path, cores=1)
    moved = tuple(replace(series, value=1.01 * series.value) for series in PROBLEM.experiment.series)
    run_sbc(Problem(replace(PROBLEM.experiment, series=moved)), SAMPLER, 2, tmp_path, cores=1)
    assert quick == [0, 1]
    with pytest.raises(ExperimentError, match="found the simulations of another calibration"):
        run_sbc(replace(PROBLEM, settings=ModelSettings("fixed-number")), SAMPLER, 2, tmp_path, cores=1)
    with monkeypatch.context() as patch, pytest.raises(ExperimentError, match="or by another version"):
        patch.setattr("importlib.metadata.version", lambda name: "9.9")
        run_sbc(PROBLEM, SAMPLER, 2, tmp_path, cores=1)
    (tmp_path / "simulations" / "00000.json").write_text('{"plan": "older", "rank": {}}')
    with pytest.raises(ExperimentError, match="found the simulations of another calibration"):
        run_sbc(PROBLEM, SAMPLER, 2, tmp_path, cores=1)


def test_too_few_to_compare(tmp_path, quick, monkeypatch):
    with pytest.raises(ExperimentError, match="simulations: found 1, expected at least 2"):
        run_sbc(PROBLEM, SAMPLER, 1, tmp_path, cores=1)

    def only_the_first(problem, sampler, k):
        if k:
            raise ExperimentError("no")
        return Ranked({"a": 1}, {"a": 1})

    monkeypatch.setattr(campaigns_sbc, "simulate_and_rank", only_the_first)
    with pytest.raises(ExperimentError, match="one alone of 3 simulated experiments could be"):
        run_sbc(PROBLEM, SAMPLER, 3, tmp_path, cores=1)


def test_nothing_that_could_be_simulated(tmp_path):
    dark = Experiment("dark", False, (StageEntry(10.0, frozenset()),))
    with pytest.raises(ExperimentError, match="dark: found no data to fit"):
        inference.sbc(dark, tmp_path)
    settings = ModelSettings(priors={"light_loss_rate": "fixed(0.02)"}, free_dephasing=True)
    impossible = Problem(read("fig2b-d55"), settings)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ExperimentError, match="none of 2 simulated experiments"):
        patch.setattr(simulated_ranks, "_MOST_TRIES", 0)
        run_sbc(impossible, SAMPLER, 2, tmp_path, cores=1)


@pytest.fixture
def nothing_kept(monkeypatch):
    """No model from memory or disk is used, and those of the test are forgotten."""
    monkeypatch.setattr(prepared, "KEPT", LRUCache(1))
    monkeypatch.setenv(prepared.FOLDER, "")


SEEDED = (
    Problem(read("fig2b-d55"), ModelSettings(closure="microscopic")),
    SamplerSettings(seed(3), 600, 200, 2, cores=1),
)
"""With the closure unknown half of the simulations are sampled twice; docs/evidence/closure.md has a hundred."""


def test_a_few_unhealthy_samplings_are_told_and_no_reason():
    ranks = [Ranked({"a": k, "b": k}, {}, int(k > 0), "" if k else "The chains disagree.") for k in range(0, 100, 7)]
    result = calibration_of(ranks, [], PROBLEM, SAMPLER)
    assert result.attrs["calibrated"]
    assert result.attrs["verdict"].endswith("unhealthy in 1 of them. The first: The chains disagree.")


def uniformity(found):
    """Mean and variance of the ranks of each quantity less those of uniform ones, in their standard errors."""
    ranks = (found["rank"].values + 0.5) / (found.attrs["ranks"] + 1)
    count = len(ranks)
    return (ranks.mean(axis=0) - 0.5) * np.sqrt(12 * count), (ranks.var(axis=0) - 1 / 12) * np.sqrt(180 * count)


def test_the_right_model_is_calibrated(tmp_path):
    """Small and seeded; benchmarks/calibration.py does it 500 times for every bundled protocol."""
    found = run_sbc(*SEEDED, 24, tmp_path, cores=1)
    shift, width = uniformity(found)
    assert abs(shift).max() < SIGMA
    assert abs(width).max() < SIGMA
    assert {"collective_rate", "xi_minimum[main]", "entanglement_duration[main]"} <= set(found["quantity"].values)
    assert int(found["healthy"].sum()) >= 22  # of 120 with six seeds, all; with 300 draws R-hat fails by chance


def test_a_wrong_likelihood_is_caught(tmp_path, monkeypatch, nothing_kept):
    """The model takes the noise for 0.2 of what it is."""

    def too_quiet(noise):
        return type("TooQuiet", (type(noise),), {
            "scatter": lambda self, mean, spread: 0.2 * super(type(self), self).scatter(mean, spread),
            "shape": lambda self, mean, spread: super(type(self), self).shape(mean, spread) / 0.2**2,
        })(noise.name, noise.spread, noise.quadratures)  # fmt: skip

    def quiet(experiment):
        return [replace(data, noise=too_quiet(data.noise)) for data in fitted_data(experiment)]

    monkeypatch.setattr(pymc_model, "fitted_data", quiet)
    problem, sampler = SEEDED
    found = run_sbc(problem, replace(sampler, draws=200), 16, tmp_path, cores=1)  # more would be sampled anew in vain
    assert not found.attrs["calibrated"]
    assert found.attrs["verdict"].startswith("Not calibrated over 16 simulations")
    assert "(posterior too narrow)" in found.attrs["verdict"]
    assert uniformity(found)[1].max() > SIGMA


def test_a_wrong_gradient_is_caught(tmp_path, monkeypatch, nothing_kept):
    """The density decides on draws: by a wrong gradient they would be right in the end, but the sampling fails."""
    here = "  %k.next = add i64 %k, 1"
    assert here in native._LOGP
    spoilt = "  %wrong = fmul double %slope, 0.5\n  store double %wrong, ptr %k.at\n"
    monkeypatch.setattr(native, "_LOGP", native._LOGP.replace(here, spoilt + here))
    monkeypatch.setattr(straightening, "_LEAST", ((20, 20), (20, 40)))  # which take a thousand steps each
    problem, sampler = SEEDED
    few = replace(sampler, draws=100, tune=100)  # with the right gradient all are healthy, see above
    found = run_sbc(problem, few, 2, tmp_path, cores=1)
    assert not found.attrs["calibrated"]
    assert "The sampling was unhealthy in 2 of them, more than one in twenty. The first: " in found.attrs["verdict"]
