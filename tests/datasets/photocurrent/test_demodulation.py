"""Demodulation against tones of known phase, white noise, explicit weights, and files of every kind."""

import h5py
import numpy as np
import pytest
import scipy.io
import xarray as xr

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, demodulate
from dissentangle.datasets.photocurrent.bin_filter import bin_filter
from dissentangle.datasets.photocurrent.bins import _integrated, cut, mixed
from dissentangle.datasets.photocurrent.digitiser import Digitisation
from dissentangle.datasets.photocurrent.held_blocks import HeldBlocks
from dissentangle.datasets.photocurrent.photocurrent import Photocurrent, open_photocurrent

from ...seeds import SIGMA, seed

RATE, LARMOR = 1e6, 322_000
SETTINGS = {"larmor": "322 kHz", "sample_rate": "1 MHz", "interval": "0.1 ms", "length": "2 ms"}
TRIGGERS = np.array([500.0, 3217.0, 6001.25])
WHITE = 2 / RATE  # level of white samples of variance 1


def tone(count, amplitude=1.0, phase=0.4, frequency=LARMOR):
    return amplitude * np.cos(2 * np.pi * (frequency * np.arange(count) % RATE) / RATE + phase)


def white(count, number=1, spread=1000.0):
    return np.rint(np.random.default_rng(seed(number)).normal(0, spread, count)).astype(np.int16)


def gain(samples=100):
    """Of amplitude, that of the shot noise's normalisation included: √(Δ/2)/√(shot noise), Δ in samples."""
    return np.sqrt(samples / 2)


def test_a_tone_has_its_amplitude_and_phase():
    stream = demodulate(tone(9000, 3.0), triggers=TRIGGERS, shot_noise=WHITE, phase="stream", **SETTINGS)
    np.testing.assert_allclose(stream.cos[:, 1:-1], 3 * gain() * np.cos(0.4), rtol=1e-4)
    np.testing.assert_allclose(stream.sin[:, 1:-1], -3 * gain() * np.sin(0.4), rtol=1e-4)
    np.testing.assert_allclose(stream.cos, 3 * gain() * np.cos(0.4), rtol=2e-3)  # the outer bins have one neighbour
    begun = demodulate(tone(9000, 3.0), triggers=TRIGGERS, shot_noise=WHITE, **SETTINGS)
    phases = 2 * np.pi * LARMOR * TRIGGERS / RATE + 0.4  # at the trigger, between two samples too
    inner = begun.complex()[:, 1:-1]
    np.testing.assert_allclose(inner, (3 * gain() * np.exp(1j * phases))[:, None] * np.ones(18), rtol=1e-4)
    assert begun.time.tolist() == pytest.approx(np.arange(20) * 0.1)
    assert (begun.interval, begun.simulated, begun.skipped) == (0.1, False, 0)


def test_faster_atoms_turn_forwards():
    records = demodulate(tone(9000, frequency=LARMOR + 500), triggers=TRIGGERS, shot_noise=WHITE, **SETTINGS)
    turn = np.angle(records.complex()[:, 1:] / records.complex()[:, :-1])
    np.testing.assert_allclose(turn, 2 * np.pi * 500 * 1e-4, atol=5e-4)


@pytest.fixture
def without_noise(monkeypatch):
    """Signals without noise, which are held blocks to the package."""
    monkeypatch.setattr(HeldBlocks, "found", lambda self, step, spread: np.zeros((0, 2), int))


def test_bins_begin_and_end_where_they_should(without_noise):
    """A tone that begins with the 8th bin and ends with the 13th: delay of the filter compensated."""
    pulse = tone(9000)
    pulse[: 500 + 800] = pulse[500 + 1300 :] = 0
    records = demodulate(pulse, triggers=TRIGGERS[:1], shot_noise=WHITE, **SETTINGS)
    size = abs(records.complex()[0]) / gain()
    np.testing.assert_allclose(size[9:12], 1, rtol=3e-3)
    np.testing.assert_allclose(size[[7, 13]], size[[7, 13]][::-1], atol=0.01)
    np.testing.assert_allclose(size[8] + size[7], 1, atol=0.05)
    assert (size[[6, 14]] < 1e-4).all()
    assert (size[[7, 13]] < 0.03).all()


def test_phase_and_pieces_of_a_stream_longer_than_memory():
    """Samples made when they are read, at the end of 2·10⁹ of them; the cycle is a fraction of whole numbers."""

    def made(start, end):
        return np.cos(2 * np.pi * (322 * np.arange(start, end) % 1000) / 1000 + 0.4)

    length = 2_000_000_000
    triggers = np.array([1000.0, length - 400_000])
    stream = Photocurrent("made", length, RATE, 1.0, np.dtype(float), triggers, True, {}, made)
    plan = cut(stream, "322 kHz", "0.1 ms", "300 ms", None, "stream")
    values = {}
    for piece in (10_000, 1 << 20):
        values[piece] = np.zeros(plan.shape, complex)
        for place, bins in mixed(stream, plan, Digitisation(stream.dtype, "made"), piece):
            values[piece][place] = bins
    np.testing.assert_allclose(values[10_000], np.sqrt(50) * np.exp(-0.4j), rtol=2e-4)
    np.testing.assert_allclose(values[10_000], values[1 << 20], atol=1e-10)
    assert abs(np.angle(values[10_000][1].mean() / values[10_000][0].mean())) < 1e-9


def test_results_do_not_depend_on_the_pieces():
    first, *others = (
        demodulate(white(9000), triggers=TRIGGERS, shot_noise=1.0, piece=piece, **SETTINGS) for piece in (1, 700, 10**6)
    )
    for other in others:
        np.testing.assert_array_equal(first.cos, other.cos)
        np.testing.assert_array_equal(first.sin, other.sin)


@pytest.mark.parametrize(("samples", "rate"), [(100, 1e6), (50, 1e6), (62, 1.25e6), (400, 1e6)])
def test_shot_noise_of_bins_is_independent(samples, rate):
    """From the weight of every sample in every bin: the exact covariance of bins of white noise."""
    weights = bin_filter(rate, LARMOR, samples, "")
    assert abs(weights.neighbour_correlation) < 0.005
    stream = Photocurrent("s", 10**6, rate, 1.0, np.dtype(float), np.array([9000.0]), True, {}, lambda a, b: None)
    plan = cut(stream, "322 kHz", f"{samples / rate * 1e3} ms", f"{4.01 * samples / rate * 1e3} ms", None, "stream")
    response = _integrated(np.eye(4 * samples + 2 * weights.margin), plan, rate, 4)
    both = np.concatenate([response.real, response.imag], axis=1)
    covariance = both.T @ both / weights.noise[0]
    np.testing.assert_allclose(np.diag(covariance), 1, atol=0.3 / samples)  # the mirror image at 2Ω
    mean = (covariance[:4, :4] + covariance[4:, 4:]) / 2  # of the quadratures, where the mirror image cancels
    lags = np.array([1, weights.neighbour_correlation, weights.noise[2] / weights.noise[0], 0])
    np.testing.assert_allclose(mean, lags[abs(np.subtract.outer(range(4), range(4)))], atol=1e-9)
    assert abs(covariance - np.diag(np.diag(covariance))).max() < 0.005 + (0.1 / samples if samples < 100 else 0)


def test_white_noise_becomes_white_records():
    records = demodulate(white(3_000_000), period="2 ms", shot_noise=WHITE * 1000**2, **SETTINGS)
    z = records.complex()
    bins = 2 * z.size
    assert (abs(z) ** 2).mean() / 2 == pytest.approx(1, abs=4 * np.sqrt(2 / bins))
    neighbours = (z[:, 1:] * z[:, :-1].conj()).mean() / 2
    assert abs(neighbours - records.neighbour_correlation) < 4 / np.sqrt(bins)
    assert abs((z**2).mean()) / 2 < 4 / np.sqrt(bins)  # cos and sin are independent
    assert records.sin_over_cos[0] == pytest.approx(1, abs=4 * records.sin_over_cos[1])
    assert records.sin_over_cos[1] == pytest.approx(np.sqrt(4 / z.size), rel=0.15)
    assert records.warnings == ()


@pytest.mark.parametrize(
    ("disturbance", "decibels"),
    [
        (np.full(9000, 1.0), 110),
        (np.linspace(-1, 1, 9000), 95),
        (tone(9000, frequency=50_000), 90),
        (tone(9000, frequency=95_000), 80),
        (tone(9000, frequency=LARMOR - 30_000), 29),  # in the passband only the integral over the bin keeps it away
    ],
)
def test_what_is_not_at_the_larmor_frequency_is_rejected(disturbance, decibels, without_noise):
    records = demodulate(disturbance, triggers=TRIGGERS, shot_noise=WHITE, **SETTINGS)
    assert 20 * np.log10(abs(records.complex()).max() / gain()) < -decibels


def test_shot_noise_from_a_reference_its_level_or_the_wings():
    """The level of white samples of variance σ² is 2σ²/rate; errors are those of so many Gaussian numbers."""
    triggers = 500 + 2500.0 * np.arange(400)
    stream, true = white(1_010_000, 2) + 5 * tone(1_010_000, 100).round(), WHITE * (1000**2 + 1 / 12)
    found = [
        demodulate(stream, triggers=triggers, shot_noise=given, **SETTINGS)
        for given in (white(1_000_000, 3), true, None)
    ]
    for records in found:
        assert records.shot_noise.level == pytest.approx(true, abs=4 * records.shot_noise.error + 1e-9 * true)
        np.testing.assert_allclose(
            np.asarray(records.cos) * np.sqrt(records.shot_noise.level), found[1].cos * np.sqrt(true), rtol=1e-5
        )
    reference, given, wings = (records.shot_noise for records in found)
    assert reference.origin == "photocurrent, without atoms, cut back to back into 499 records"
    assert reference.error / true == pytest.approx(1 / np.sqrt(499 * 19), rel=0.2)
    assert reference.ratio == pytest.approx(1, abs=4 * reference.ratio_error)
    assert (given.error, given.origin) == (0.0, "given")
    assert 1 < wings.error / true * np.sqrt(400 * 11) < 1.7  # 11 of 20 ordinates, not independent under the window
    assert "a reference without atoms is better" in found[2].warnings[0]


def test_lines_in_a_reference_are_left_out_and_named():
    """Of 0.3 of the samples' noise, 3 times the shot noise in all; and noise that is not white is no line."""
    options = SETTINGS | {"triggers": TRIGGERS[:1], "length": "8 ms"}
    line = 300 * tone(1_000_000, np.sqrt(2), frequency=LARMOR + 1013)
    found = demodulate(white(9000), shot_noise=white(1_000_000, 3) + line, **options)
    level = found.shot_noise
    assert level.level == pytest.approx(WHITE * (1000**2 + 1 / 12), abs=4 * level.error)
    scatter = 1 / np.sqrt(2 * 124)  # of an error that 124 records tell; with the line it would be three times as large
    assert level.error / level.level < 1.5 * (1 + SIGMA * scatter) / np.sqrt(124 * 79)
    assert level.ratio == pytest.approx(1, abs=4 * level.ratio_error)
    (warning,) = found.warnings
    assert warning.startswith("photocurrent: a line at +10")
    assert warning.endswith(" Hz from the reference: left out of the shot noise")
    assert float(warning.split("+")[1].split()[0]) == pytest.approx(1013, abs=20)
    slow = np.repeat(np.random.default_rng(seed(4)).normal(0, 1e4, 4000), 250) * tone(1_000_000)
    assert "is not white about the reference" in str(demodulate(white(9000), shot_noise=slow, **options).warnings)


def test_records_are_printed_without_their_numbers():
    assert len(repr(demodulate(SAMPLES, triggers=TRIGGERS, shot_noise=2.0, **SETTINGS))) < 800


def test_what_the_digitiser_did_is_reported():
    clipped = np.clip(white(9000), -2000, 2000)
    clipped[8040:] = 0
    options = {"triggers": np.array([-5.0, *TRIGGERS, 8990.0]), "shot_noise": WHITE * 1e6, **SETTINGS}
    records = demodulate(clipped, **options)
    assert records.skipped == 2
    clip, skipped = records.warnings
    assert "samples are clipped (range 2000 and -2000): lower the gain" in clip
    windows = np.concatenate([clipped[round(t) - 36 : round(t) + 2036] for t in TRIGGERS])
    assert int(clip.split()[0]) == np.count_nonzero(abs(windows.astype(int)) == 2000)
    assert skipped == "2 triggers without a complete record in the file: left out"
    rails = white(9000, spread=9000)
    rails[3300] = 32767
    assert "clipped (range 32767" in demodulate(rails, **options).warnings[0]
    assert "steps of the digitiser: raise the gain" in demodulate(white(9000, spread=0.8), **options).warnings[0]
    offset = demodulate(white(9000, spread=500) + np.int16(9000), **options)
    assert "the offset is 18 times the spread" in offset.warnings[0]
    assert offset.offset == pytest.approx(9000, abs=30)
    assert offset.spread == pytest.approx(500, rel=0.05)


def test_different_noise_of_cos_and_sin_is_reported():
    """Noise in one quadrature only, of atoms that do not precess freely."""
    lopsided = white(200_000) + 800 * tone(200_000, phase=0) * np.repeat(
        np.random.default_rng(seed(1)).normal(0, 1, 400), 500
    )
    records = demodulate(lopsided, triggers=500.0 * np.arange(5, 380, 5), shot_noise=2.0, phase="stream", **SETTINGS)
    assert records.warnings[0].startswith("variances of sin and cos in the records differ: ratio 0.")


@pytest.mark.parametrize("samples", [20, 100])
def test_the_correlation_that_the_filter_makes_is_taken_out(samples):
    """Of bins whose covariance the taps give: what is left, inside and at the ends of a record."""
    weights = bin_filter(RATE, LARMOR, samples, "")
    lags = np.concatenate([weights.noise / weights.noise[0], np.zeros(7)])
    covariance = lags[abs(np.subtract.outer(range(10), range(10)))]
    linear = weights.independent(np.eye(10))
    left = linear.T @ covariance @ linear - np.eye(10)
    assert abs(left).max() < 2 * weights.neighbour_correlation**2 + abs(lags[2])
    assert left[4, 5] == pytest.approx(weights.remaining_correlation, rel=0.01)
    assert abs(weights.remaining_correlation) < 1e-4
    assert weights.neighbour_correlation > 1e-3


SAMPLES = white(9000)


def write_h5(path):
    with h5py.File(path, "w") as file:
        file["samples"], file["triggers"] = SAMPLES, TRIGGERS
        file.attrs["sample_rate"] = RATE


def write_hdf5(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("samples", data=SAMPLES, chunks=(1000,), compression="gzip").attrs["sample_rate"] = RATE
        file["triggers"] = TRIGGERS / RATE * 1e3
        file["triggers"].attrs["units"] = "ms"


def write_nc(path):
    xr.Dataset({"samples": ("n", SAMPLES, {"sample_rate": RATE}), "triggers": ("r", TRIGGERS)}).to_netcdf(
        path, engine="h5netcdf"
    )


def write_mat(path):
    scipy.io.savemat(path, {"samples": SAMPLES, "triggers": TRIGGERS})


def write_mat73(path):
    """A row and a column of MATLAB."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file["samples"], file["triggers"] = SAMPLES[:, None], TRIGGERS[None, :]
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def write_tdms(path):
    nptdms = pytest.importorskip("nptdms")
    with nptdms.TdmsWriter(path) as file:
        file.write_segment([nptdms.ChannelObject("g", n, v) for n, v in (("s", SAMPLES), ("t", TRIGGERS))])


FILES = [
    ("a.h5", write_h5, {}),
    ("a.hdf5", write_hdf5, {}),
    ("a.nc", write_nc, {}),
    ("v5.mat", write_mat, {"sample_rate": "1 MHz"}),
    ("v73.mat", write_mat73, {"sample_rate": "1 MHz"}),
    ("a.tdms", write_tdms, {"sample_rate": "1 MHz", "samples": "/g/s", "triggers": "/g/t"}),
    ("a.npy", lambda path: np.save(path, SAMPLES), {"sample_rate": "1 MHz", "triggers": TRIGGERS}),
]


@pytest.mark.parametrize(("name", "write", "options"), FILES, ids=[name for name, _, _ in FILES])
def test_every_format_gives_the_same_records(name, write, options, tmp_path):
    write(tmp_path / name)
    common = {"larmor": "322 kHz", "length": "2 ms", "shot_noise": 2.0}
    records = demodulate(tmp_path / name, output=tmp_path / "out.h5", **common, **options)
    expected = demodulate(SAMPLES, triggers=TRIGGERS, sample_rate="1 MHz", **common)
    np.testing.assert_array_equal(records.cos, expected.cos)
    np.testing.assert_array_equal(records.sin[:2], expected.sin[:2])
    np.testing.assert_allclose(records.started, TRIGGERS / RATE)
    assert records.source == name


def test_the_file_of_records(tmp_path):
    write_h5(tmp_path / "a.h5")
    records = demodulate(
        tmp_path / "a.h5", output=tmp_path / "out.h5", simulated=True, shot_noise=2.0, larmor="322 kHz", length="2 ms"
    )
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.h5", "out.h5"]
    with h5py.File(tmp_path / "out.h5") as file:
        assert set(file) == {"cos", "sin", "time"}
        assert file["cos"].shape == file["sin"].shape == (3, 20)
        assert file["cos"].dtype == np.float32
        np.testing.assert_array_equal(file["time"], records.time)
        assert file["time"].attrs["units"] == "ms"
        found = dict(file.attrs)
    assert (found["interval_ms"], found["simulated"], found["larmor_frequency_hz"]) == (0.1, 1, 322e3)
    assert (found["shot_noise_level"], found["shot_noise_level_error"]) == (2.0, 0.0)
    assert found["source"] == "a.h5"


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        (SAMPLES, {"larmor": "600 kHz"}, r"found a Larmor frequency of 600000 Hz, expected one between 0 and half the"),
        (SAMPLES, {"larmor": "499 kHz"}, r"found an interval of 0.1 ms at 1e\+06 samples/s, expected an interval"),
        (SAMPLES, {"larmor": "322"}, r"Larmor frequency: found '322' without a unit"),
        (SAMPLES, {"larmor": None}, r"photocurrent: found no Larmor frequency, expected one given, such as '322 kHz'"),
        (SAMPLES, {"interval": "0.12345 ms"}, r"found 123.45 samples, expected a whole number of them: 0.123 or 0.124"),
        (SAMPLES, {"interval": "0.1 us"}, r"interval '0.1 us': found 0.1 samples, expected a whole number of them"),
        (SAMPLES, {"length": "0.1 ms"}, r"length '0.1 ms': found 1 intervals of 0.1 ms, expected 2 to 1000000"),
        (SAMPLES, {"length": "10 ms"}, r"found 3 triggers in 9000 samples, expected one with 10000 samples after it"),
        (SAMPLES, {"triggers": None}, r"photocurrent: found no triggers, expected an array 'triggers'"),
        (SAMPLES, {"triggers": np.array([9.0, 5.0])}, r"triggers: entry 2: found 5 after 9, expected .* ascending"),
        (SAMPLES, {"triggers": np.array([np.nan])}, r"triggers: found 1 numbers of shape \(1,\), expected finite"),
        (SAMPLES, {"period": "1 ms"}, r"period '1 ms': found 1000 samples a period, 2000 a record, expected a period"),
        (SAMPLES, {"sample_rate": None}, r"photocurrent: found no sample rate, expected an attribute sample_rate"),
        (SAMPLES, {"sample_rate": "0 Hz"}, r"photocurrent: sample rate: found 0 Hz, expected a number > 0"),
        (SAMPLES, {"phase": "free"}, r"phase: found free, expected 'trigger' or 'stream'"),
        (SAMPLES, {"shot_noise": 0.0}, r"shot noise: found 0, expected a level > 0"),
        (SAMPLES, {"shot_noise": SAMPLES[:900]}, r"found 900 samples, expected at least 2072, a record's"),
        (SAMPLES, {"shot_noise": None, "length": "1 ms"}, r"found records of 10 bins, expected at least 16 to take"),
        (SAMPLES, {"shot_noise": "none.h5"}, r"none.h5: found no such file, expected a file of samples"),
        (0 * SAMPLES, {"shot_noise": None}, r"found samples that stay equal .* every record, 6216 in all, expected"),
        (SAMPLES, {"shot_noise": 0 * SAMPLES}, r"photocurrent: found samples that .* in every record, 8072 in all"),
        (SAMPLES, {"triggers": np.array([500.0, 540, 3217, 6001])}, r"triggers \(1 of 4 too close\): found 540, 40"),
        (SAMPLES.reshape(3, -1), {}, r"found an array of shape \(3, 3000\) and type int16, expected one row of real"),
        (np.where(np.arange(9000) == 700, np.nan, 1.0), {}, r"photocurrent: sample 700: found nan, expected a finite"),
        (SAMPLES, {"output": "records.txt"}, r"records.txt: output must end in .h5"),
        (SAMPLES, {"output": "folder.h5"}, r"folder.h5: found something that is not a regular file, expected the name"),
    ],
)  # fmt: skip
def test_what_cannot_be(samples, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.h5").mkdir()
    with pytest.raises(ExperimentError, match=message):
        demodulate(samples, **SETTINGS | {"triggers": TRIGGERS, "shot_noise": 2.0} | options)


def test_too_many_bins(monkeypatch):
    monkeypatch.setattr("dissentangle.datasets.photocurrent.bins.MOST_BINS", 50)
    with pytest.raises(ExperimentError, match=r"photocurrent: found 60 bins, expected at most 50"):
        demodulate(SAMPLES, triggers=TRIGGERS, **SETTINGS)


def _h5(path, samples=SAMPLES, **attributes):
    with h5py.File(path, "w") as file:
        file["samples"] = samples
        file.attrs.update(attributes)
    return path


def test_files_that_cannot_be(tmp_path):
    good = _h5(tmp_path / "a.h5", sample_rate=RATE, volts_per_count=1e-5)
    options = {"larmor": "322 kHz", "length": "2 ms", "triggers": TRIGGERS}
    (tmp_path / "a.csv").write_text("1\n")
    (tmp_path / "b.npy").write_text("1\n")
    np.save(tmp_path / "c.npy", SAMPLES)
    for name, more, message in (
        (_h5(tmp_path / "b.h5", sample_rate="fast"), {}, r"attribute sample_rate: found .*'fast'.*, expected one"),
        (_h5(tmp_path / "c.h5", SAMPLES.reshape(2, -1), sample_rate=RATE), {}, r"array of shape \(2, 4500\), exp"),
        (tmp_path / "a.csv", {}, r"a.csv: found an unknown kind of file, expected one of .npy"),
        (tmp_path / "b.npy", {"sample_rate": "1 MHz"}, r"b.npy: found ValueError: .*, expected a .npy file"),
        (tmp_path / "c.npy", {"samples": "x"}, r"c.npy: found names of arrays \(x\), expected none: a .npy file"),
        (good, {"samples": "sample"}, r"'sample' \(did you mean '/samples'\?\): found no such array"),
        (good, {"output": good}, r"a.h5: found the raw data themselves, expected the name of another file"),
        (good, {"shot_noise": tmp_path / "c.npy"}, r"c.npy: found samples in 1, expected V, as in"),
        (good, {"shot_noise": _h5(tmp_path / "d.h5", sample_rate=2e6)}, r"found 2e\+06 samples/s, expected 1e\+06"),
    ):  # fmt: skip
        with pytest.raises(ExperimentError, match=message):
            demodulate(name, **options | more)
    with open_photocurrent(good) as stream:
        assert (stream.unit, stream.triggers, stream.length) == ("V", None, 9000)
    assert datasets.names() == sorted(datasets.names())
    assert "photocurrent-slice.h5" not in datasets.names()


def test_a_clipped_reference_is_reported():
    reference = np.clip(white(50_000, 5), -1500, 1500)
    records = demodulate(SAMPLES, triggers=TRIGGERS, shot_noise=reference, **SETTINGS)
    assert records.warnings[0].startswith("photocurrent: ")
    assert len(records.warnings) == 1
    assert "samples are clipped" in records.warnings[0]
