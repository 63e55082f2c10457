"""From atoms to records: a simulated photocurrent demodulated shows the physics and the Larmor frequency."""

from dataclasses import replace
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import Disturbances, ExperimentError, Mode, PhotocurrentPlan, demodulate, larmor_frequency
from dissentangle.datasets.bundled_files import BUNDLED
from dissentangle.datasets.larmor.frequency import search
from dissentangle.datasets.simulation.make_bundled import PHOTOCURRENT, write_bundled_photocurrent
from dissentangle.datasets.simulation.photocurrent import write_photocurrent
from dissentangle.forward_models.light.conditional import feedback_mode

from ...seeds import SIGMA, seed

LEVEL = 2e-10  # one-sided, V²/Hz, of 10 mV a sample at 1 MHz
PAPER = PhotocurrentPlan(1).measurement
GAMMA, RATE = PAPER.decay_rate, 2 * 0.84 * 0.122 / 0.16
EXCESS = (0.122 * 0.16 + 0.148 * 1.78) / 0.27 - 0.16


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    """600 records of atoms in their steady state, 40 Hz faster than the reference would be."""
    path = tmp_path_factory.mktemp("raw") / "steady.h5"
    plan = PhotocurrentPlan(600, initial_xi=PAPER.unconditional_xi, length=8.0, period=8.5, offset=40.0)
    write_photocurrent(path, plan, seed=seed(1))
    return path


def test_the_autocovariance_of_records_is_that_of_the_physics(steady):
    """b (v_u − Z) e^{−γτ} Δ beside the shot noise, of each quadrature, b = 2ηγs/Z."""
    z = demodulate(steady, larmor="322040 Hz", length="8 ms", shot_noise=LEVEL).complex()
    for lag in (1, 3, 10, 30):
        products = (z[:, lag:] * z[:, :-lag].conj()).real.mean(axis=1) / 2
        expected = RATE * EXCESS * np.exp(-GAMMA * lag * 0.1) * 0.1 + (0.0027 if lag == 1 else 0)
        assert products.mean() == pytest.approx(
            expected, abs=SIGMA * products.std() / np.sqrt(len(z)) + 0.01 * expected
        )
    variances = (abs(z) ** 2).mean(axis=1) / 2
    assert variances.mean() == pytest.approx(1 + RATE * EXCESS * 0.1, abs=SIGMA * variances.std() / np.sqrt(len(z)))
    squares = (z**2).mean(axis=1)
    assert abs(squares.mean()) < SIGMA * squares.std() / np.sqrt(len(z)) < 0.1


def test_modes_of_records_are_those_of_the_forward_model(steady):
    records = demodulate(steady, larmor="322040 Hz", length="8 ms", shot_noise=LEVEL)
    feed, read = Mode(0.0, 5.0, 0.8, falling=False), Mode(5.0, 8.0, GAMMA)
    expected = feedback_mode(PAPER, 0.8, 5.0, PAPER.unconditional_xi)
    found = datasets.two_modes(records, read, feed)
    assert found.feed == pytest.approx(expected.variance, abs=SIGMA * found.errors[1])
    kernel = RATE * EXCESS * 0.1 * np.exp(-GAMMA * abs(np.subtract.outer(records.time, records.time)))
    covariance = feed.weights(records) @ kernel @ read.weights(records)
    assert found.covariance == pytest.approx(covariance, abs=SIGMA * found.errors[2])
    assert found.conditional < found.read
    assert found.repetitions == 600
    y = datasets.quadratures(records, read)
    assert y.shape == (600, 2)
    assert y.var() == pytest.approx(found.read, rel=0.02)


def test_a_mode_has_the_variance_of_shot_noise():
    noise = np.random.default_rng(seed(3)).normal(size=1_000_000)
    records = demodulate(noise, larmor="322 kHz", sample_rate="1 MHz", period="1 ms", length="0.9 ms", shot_noise=2e-6)
    weights = Mode(0.2, 0.8, 1.5).weights(records)
    assert weights @ weights == pytest.approx(1)
    np.testing.assert_array_equal(np.nonzero(weights)[0], range(2, 8))
    assert np.diff(np.log(weights[2:8])) == pytest.approx(-0.15)
    y = datasets.quadratures(records, Mode(0.0, 0.9, 0.83, falling=False))
    assert y.var() == pytest.approx(1, abs=SIGMA * np.sqrt(2 / y.size))


def test_offset_and_width_from_noise(steady):
    found = larmor_frequency(demodulate(steady, length="8 ms", shot_noise=LEVEL))
    assert found.method == "noise"
    assert found.offset == pytest.approx(40, abs=SIGMA * found.offset_error)
    assert found.width == pytest.approx(GAMMA / np.pi * 1e3, abs=SIGMA * found.width_error)
    assert abs(found.drift) < SIGMA * found.drift_error
    assert found.mismatch is None
    assert 0 < found.mismatch_bound < 150
    assert 1 < found.offset_error < 6


@pytest.mark.parametrize("mismatch", [0.0, 90.0])
def test_offset_drift_and_mismatch_from_the_ring_down(mismatch, tmp_path):
    plan = PhotocurrentPlan(
        120, length=8.0, period=100.0, sample_rate=5e5, larmor_frequency=161e3, pulse=40.0, phase=1.0,
        offset=-30.0, drift=4.0, mismatch=mismatch, noise_volts=0.01 * np.sqrt(0.5),
    )  # fmt: skip
    write_photocurrent(tmp_path / "a.h5", plan, seed=seed(2))
    records = demodulate(tmp_path / "a.h5", length="8 ms", shot_noise=LEVEL, interval="0.2 ms")
    found = larmor_frequency(records, segments=6)
    assert found.method == "ring-down"
    middle = -30 + 4 * records.started.mean()
    assert found.offset == pytest.approx(middle, abs=SIGMA * found.offset_error)
    assert found.drift == pytest.approx(4, abs=SIGMA * found.drift_error)
    assert found.drift_error < 0.5
    if mismatch:
        assert found.mismatch == pytest.approx(90, abs=SIGMA * found.mismatch_error)
        assert found.mismatch_error < 5
    else:
        assert found.mismatch is None
        assert found.mismatch_bound < 25
        assert found.width == pytest.approx(GAMMA / np.pi * 1e3, abs=SIGMA * found.width_error)


def made(z, source="made"):
    """Records from complex numbers, in bins of 0.1 ms."""
    count, bins = z.shape
    return SimpleNamespace(
        cos=z.real, sin=-z.imag, complex=lambda a=0, b=None, step=1, n=None: z[a:b:step, :n],
        time=np.arange(bins) * 0.1, interval=0.1, started=np.arange(count) * 0.02, source=source,
        larmor_frequency=322e3,
    )  # fmt: skip


def _noise(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


@pytest.mark.slow
def test_two_lines_of_different_strength_and_two_lines_of_noise():
    rng, t = np.random.default_rng(seed(5)), np.arange(100) * 0.1
    lines = 6 * np.exp((2j * np.pi * 0.1 - 0.2) * t) + 3 * np.exp((-2j * np.pi * 0.1 - 0.2) * t)
    found = larmor_frequency(made(lines + _noise(rng, 100, 100)))
    assert found.mismatch == pytest.approx(200, abs=SIGMA * found.mismatch_error)
    assert found.offset == pytest.approx(0, abs=SIGMA * found.offset_error)
    decay = np.exp(-0.3 * abs(np.subtract.outer(t, t)))
    drawn = _noise(rng, 400, 100) + np.sqrt(0.3) * sum(
        (_noise(rng, 400, 100) @ np.linalg.cholesky(decay).T) * np.exp(2j * np.pi * f * t) for f in (-0.08, 0.12)
    )
    noise = larmor_frequency(made(drawn))
    assert noise.method == "noise"
    assert noise.mismatch == pytest.approx(200, abs=SIGMA * noise.mismatch_error)
    assert noise.offset == pytest.approx(20, abs=SIGMA * noise.offset_error)


def _ring(count=100, offset=0.0, mismatch=0.0, size=3.0):
    """Mean of such records, in bins of 0.1 ms: decay rate and amplitude of a pulse of 6 with the paper's rates; Hz."""
    t = np.arange(count) * 0.1
    return size * np.exp((2j * np.pi * offset * 1e-3 - GAMMA) * t) * np.cos(np.pi * mismatch * 1e-3 * (t + 0.05))


@pytest.mark.slow
def test_two_lines_of_equal_strength_are_not_taken_for_two_of_any():
    """Of overlapping lines of any strengths the ratio, the middle and the distance are nearly exchangeable."""
    deviations = []
    for number in range(20):
        drawn = np.random.default_rng(seed(number))
        found = larmor_frequency(made(_ring(offset=-30, mismatch=40) + _noise(drawn, 1000, 100)), segments=1)
        assert found.offset_error < 0.7
        assert found.mismatch_error < 4
        deviations.append([(found.offset + 30) / found.offset_error, (found.mismatch - 40) / found.mismatch_error])
    assert abs(np.array(deviations)).max() < SIGMA
    assert 0.5 < np.sqrt(np.mean(np.square(deviations))) < 1.6


@pytest.mark.slow
def test_what_does_not_decay_is_pick_up():
    """With the same phase in each record, or any; alone, beside a ring-down, beside the atoms' noise."""
    rng, t = np.random.default_rng(seed(8)), np.arange(100) * 0.1
    white, any_phase = _noise(rng, 200, 100), np.exp(2j * np.pi * rng.uniform(size=(200, 1)))
    kernel = np.linalg.cholesky(np.exp(-GAMMA * abs(np.subtract.outer(t, t))))
    atoms = np.sqrt(0.7) * (_noise(rng, 200, 100) @ kernel.T) * np.exp(2j * np.pi * 0.02 * t)
    tone = 2 * np.exp(2j * np.pi * 1.03 * t)
    for mean, noise, method in (
        (tone, 0, None),
        (0, tone * any_phase, None),
        (tone + _ring(offset=20, size=5), 0, "ring-down"),
        (_ring(offset=20, size=5), tone * any_phase, "ring-down"),
        (tone, atoms, "noise"),
        (0, atoms + tone * any_phase, "noise"),
    ):
        found = search(made(mean + noise + white))
        assert [round(one / 10) for one in found.pick_up] == [103]
        text = "narrower than the records resolve: pick-up, not atoms; left out"
        assert found.warnings[0].startswith("a line at +10")
        assert found.warnings[0].endswith(text)
        assert (found.line and found.line.method) == method
        if found.line:
            assert found.line.offset == pytest.approx(20, abs=SIGMA * found.line.offset_error)
            assert found.line.width == pytest.approx(GAMMA / np.pi * 1e3, abs=SIGMA * found.line.width_error)
            assert found.line.offset_error < 8
            assert found.line.warnings == found.warnings


@pytest.mark.slow
def test_a_reader_is_told_to_move_the_reference():
    drawn = made(_ring(offset=39, size=30) + _noise(np.random.default_rng(seed(9)), 100, 100))
    (warning,) = larmor_frequency(drawn).warnings
    assert warning.startswith("the atoms are 39 Hz (")
    assert warning.endswith(
        "errors) from the reference: a fit of the records would mistake that for decay; repeat with"
        " --larmor '322.039 kHz'"
    )
    turn = np.exp(2j * np.pi * 0.02 * np.linspace(-0.5, 0.5, 100)[:, None] * drawn.time)
    moved = larmor_frequency(made(_ring(size=30) * turn + _noise(np.random.default_rng(seed(9)), 100, 100)))
    (warning,) = moved.warnings
    assert warning.startswith("the atoms' frequency drifts by ")
    assert "demodulate shorter parts" in warning


def test_records_without_a_line():
    rng = np.random.default_rng(seed(6))
    assert larmor_frequency(made(_noise(rng, 100, 60))) is None
    decaying = 8 * np.exp(-0.05 * np.arange(60))
    assert larmor_frequency(made(_noise(rng, 10, 60) + decaying), segments=1).drift is None
    with pytest.raises(ExperimentError, match=r"made: found 7 records of 60 bins, expected at least 8 of each"):
        larmor_frequency(made(_noise(rng, 7, 60)))
    with pytest.raises(ExperimentError, match=r"made: found one record, expected at least two, for a variance"):
        datasets.two_modes(made(_noise(rng, 1, 60)), Mode(0, 1, 1), Mode(1, 2, 1))
    with pytest.raises(ExperimentError, match=r"found a mode of rate 1 from 1 to 1.05 ms, expected a rate ≥ 0"):
        Mode(1.0, 1.05, 1.0).weights(made(_noise(rng, 1, 60)))


def test_disturbances_and_a_reference_of_light(tmp_path):
    """Offset, drift and a line at 50 kHz change the records by less than a thousandth of the shot noise."""
    plan = PhotocurrentPlan(4, length=5.0, period=5.5)
    spoiled = replace(plan, disturbances=Disturbances(0.02, 1.0, 0.01, 50e3))
    for name, one in (("a.h5", plan), ("b.h5", spoiled), ("ref.h5", replace(plan, atoms=False, records=40))):
        write_photocurrent(tmp_path / name, one, seed=seed(4))
    clean, same = (
        demodulate(tmp_path / name, length="5 ms", shot_noise=tmp_path / "ref.h5") for name in ("a.h5", "b.h5")
    )
    assert same.offset == pytest.approx(0.02 + 1.0 * 0.0112, abs=2e-3)
    assert abs(clean.complex() - same.complex()).max() < 3e-3  # rounding to whole counts, too
    assert clean.simulated
    assert clean.shot_noise.level == pytest.approx(LEVEL, abs=SIGMA * clean.shot_noise.error)
    assert clean.shot_noise.error < 0.03 * LEVEL


def test_the_bundled_slice_is_that_of_the_recorded_seed(tmp_path):
    """The same bytes when written twice; the same counts, up to rounding on another processor, as those bundled."""
    for name in ("a.h5", "b.h5"):
        write_bundled_photocurrent(tmp_path / name)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    with h5py.File(tmp_path / "a.h5") as made_now, h5py.File(BUNDLED / PHOTOCURRENT) as bundled:
        difference = made_now["samples"][...].astype(int) - bundled["samples"][...]
        assert abs(difference).max() <= 1
        assert np.count_nonzero(difference) < 10
        assert bundled.attrs["simulated"] == 1
        assert "simulated" in bundled.attrs["title"]
    assert (BUNDLED / PHOTOCURRENT).stat().st_size < 300_000
    assert demodulate("photocurrent-slice", shot_noise=LEVEL).simulated


def test_plans_that_cannot_be():
    with pytest.raises(ExperimentError, match=r"photocurrent: found 0 records of 12.0 ms in 15.0 ms, expected at"):
        PhotocurrentPlan(0)
