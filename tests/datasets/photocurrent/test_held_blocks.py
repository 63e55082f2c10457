"""Blocks that a digitiser dropped, held or bridged: found in every kind of samples, named, their records left out."""

import h5py
import numpy as np
import pytest

from dissentangle.datasets import ExperimentError, demodulate
from dissentangle.datasets.photocurrent.held_blocks import HeldBlocks, _persistence, touched

from ...seeds import seed

COUNT, TRIGGERS = 100_000, 200.0 + 2500 * np.arange(39)
SETTINGS = {"larmor": "322 kHz", "sample_rate": "1 MHz", "length": "2 ms", "shot_noise": 2.0, "triggers": TRIGGERS}
BLOCKS = ((20_300, 21_300), (60_250, 60_290))
"""Inside the records 8 and 24."""
GOOD = np.delete(TRIGGERS, [8, 24])


def noise(spread=1000.0):
    return np.random.default_rng(seed(1)).normal(0, spread, COUNT)


def with_blocks(samples, kind):
    broken = samples.copy()
    for a, b in BLOCKS:
        broken[a:b] = {
            "zeros": np.zeros(b - a),
            "held": np.full(b - a, samples[a]),
            "bridged": np.linspace(samples[a], samples[b - 1], b - a),
            "toggling": 7 + np.arange(b - a) % 2,
        }[kind]
    return broken


@pytest.mark.parametrize("kind", ["zeros", "held", "bridged", "toggling"])
@pytest.mark.parametrize("dtype", ["i2", "i4", "f4", "f8"])
def test_blocks_are_found_and_their_records_left_out(kind, dtype):
    """What is left is as if the spoilt records had had no trigger."""
    if (kind, dtype[0]) == ("toggling", "f"):
        pytest.skip("by the step of a digitiser, which these have not")
    samples = noise().astype(dtype)
    found = demodulate(with_blocks(noise(), kind).round(0 if dtype[0] == "i" else 12).astype(dtype), **SETTINGS)
    (words,) = found.warnings
    assert words.startswith("104")  # a sample more where a neighbour lies on the line by chance
    assert "samples of the records stay equal or follow a straight line in 2 stretches, the longest of 100" in words
    assert words.endswith("dropped or held them; 2 of 39 records, which hold some of them, are left out")
    np.testing.assert_array_equal(found.started, GOOD / 1e6)
    if dtype == "f8":
        expected = demodulate(samples, **SETTINGS | {"triggers": GOOD})
        np.testing.assert_array_equal(found.cos, expected.cos)
        assert expected.warnings == ()


def test_in_a_file_and_in_pieces(tmp_path):
    broken = with_blocks(noise(), "zeros")
    for piece in (1, 700, 10**6):
        found = demodulate(broken, output=tmp_path / "a.h5", piece=piece, **SETTINGS)
        assert found.cos.shape == (37, 20)
        assert found.warnings[0].startswith("1040 samples of the records stay equal or follow a straight line in 2 str")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["cos"].shape == (37, 20)
        assert file.attrs["warnings"] == found.warnings[0]
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_where_no_record_is_left():
    broken = noise()
    for k in range(1000, COUNT - 100, 2500):
        broken[k : k + 100] = 3.0
    message = r"samples that stay equal or follow a straight line in every record, 3900 in all, expected a photocurrent"
    with pytest.raises(ExperimentError, match=message):
        demodulate(broken, **SETTINGS)


def test_the_reference_is_looked_at_too():
    found = demodulate(noise(), **SETTINGS | {"shot_noise": with_blocks(noise(), "held")})
    (words,) = found.warnings
    assert words.startswith("photocurrent: 1040 samples of the records stay equal")
    assert words.endswith("2 of 49 records, which hold some of them, are left out")  # of 2 ms, back to back
    assert found.shot_noise.level == pytest.approx(2e-6 * 1000**2, rel=0.1)


@pytest.mark.parametrize("spread", [0.3, 0.8, 3.0, 10.0, 100.0])
@pytest.mark.parametrize("slow", [False, True])
def test_coarse_and_slow_noise_makes_no_blocks(spread, slow):
    """Of a digitiser with few steps in its noise, and of noise that is correlated from sample to sample."""
    samples = np.random.default_rng(seed(2)).normal(size=400_003)
    if slow:
        samples = (samples[3:] + samples[2:-1] + samples[1:-2] + samples[:-3]) / 2
    blocks = HeldBlocks()
    blocks.add(np.rint(spread * samples), 0, 1.0, 0.0)
    assert not len(blocks.found(1.0, spread))


def test_which_records_are_touched():
    begins = np.array([0, 10, 20, 30])
    runs = np.array([[5, 10], [25, 26], [29, 31]])
    assert touched(begins, begins + 10, runs).tolist() == [True, False, True, True]
    assert touched(begins, begins + 10, runs[:0]).tolist() == [False] * 4


@pytest.mark.parametrize("chance", [0.01, 0.3, 0.7, 0.9])
def test_persistence_from_short_runs(chance):
    runs = np.random.default_rng(seed(3)).geometric(1 - chance, 20_000)
    assert _persistence(np.bincount(runs[runs < 15], minlength=15)[1:]) == pytest.approx(chance, abs=0.02)
