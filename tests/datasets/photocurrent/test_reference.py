"""A stream without atoms whose light is on in a part of the time, and one that is not of the data's kind."""

import re

import h5py
import numpy as np
import pytest

from dissentangle.datasets import ExperimentError, demodulate

from ...seeds import SIGMA, seed

RATE, COUNT, SPREAD = 1e6, 900_400, 1000.0
TRIGGERS = 200.0 + 15_000 * np.arange(60)
LEVEL = 2 / RATE * (SPREAD**2 + 1 / 12)
SETTINGS = {"larmor": "322 kHz", "triggers": TRIGGERS, "sample_rate": "1 MHz"}


def light(number=1):
    return np.random.default_rng(seed(number)).normal(0, SPREAD, COUNT)


def during_records(samples, dark):
    """Light for 12 ms from each trigger on, otherwise the fraction `dark` of the amplitude."""
    on = np.zeros(COUNT, bool)
    for t in TRIGGERS.astype(int):
        on[t - 60 : t + 12_060] = True
    return np.where(on, samples, dark * samples)


def written(path, samples, **triggers):
    with h5py.File(path, "w") as file:
        file["samples"] = samples.round().astype("i2")
        file.attrs["sample_rate"] = RATE
        for name, values in triggers.items():
            file[name] = values
    return path


@pytest.mark.parametrize("name", ["triggers", "shots"])
def test_its_triggers_are_used(name, tmp_path):
    reference = written(tmp_path / "light.h5", during_records(light(), 0.1), **{name: TRIGGERS})
    data = written(tmp_path / "run.h5", during_records(light(2), 0.1), **{name: TRIGGERS})
    found = demodulate(data, larmor="322 kHz", triggers=name, shot_noise=reference)
    assert found.shot_noise.origin == "light.h5, without atoms, cut at its triggers into 60 records"
    assert found.shot_noise.level == pytest.approx(LEVEL, abs=SIGMA * found.shot_noise.error)
    assert found.shot_noise.error / LEVEL == pytest.approx(1 / np.sqrt(60 * 99), rel=0.4)
    assert found.warnings == ()


def test_a_single_trigger_only_begins_the_stream(tmp_path):
    reference = written(tmp_path / "light.h5", light(), triggers=TRIGGERS[:1])
    found = demodulate(light(2), shot_noise=reference, **SETTINGS)
    assert found.shot_noise.origin == "light.h5, without atoms, cut back to back into 90 records"


@pytest.mark.parametrize(("dark", "level"), [(0.0, 5e-6), (0.1, 0.01), (0.3, 0.09)])
def test_two_levels_are_noticed(dark, level):
    noise = np.random.default_rng(seed(3)).normal(0, 1, COUNT)  # of the detector
    with pytest.raises(ExperimentError) as refused:
        demodulate(light(2), shot_noise=during_records(light(), dark) + noise, **SETTINGS)
    text = str(refused.value)
    share, lowest = re.search(r"photocurrent: found two levels of noise, (\d+) % of the time (\S+)", text).groups()
    assert 15 <= float(share) <= 25
    assert 0.3 * level < float(lowest) < 1.5 * level + 1e-3  # the darkest 2 ms
    assert text.endswith("expected light all the time, or an array 'triggers' that says when each record of it begins,"
                         " as in the data")  # fmt: skip


def test_two_levels_from_its_triggers_on(tmp_path):
    reference = written(tmp_path / "light.h5", during_records(light(), 0.1), triggers=TRIGGERS)
    with pytest.raises(ExperimentError, match=r"expected light from each trigger to the end of its record"):
        demodulate(light(2), shot_noise=reference, **SETTINGS | {"length": "14 ms"})
    close = written(tmp_path / "close.h5", light(), triggers=np.sort([*TRIGGERS, 230.0]))
    with pytest.raises(ExperimentError, match=r"close.h5: .*triggers \(1 of 61 too close\): found 230, 30 samples"):
        demodulate(light(2), shot_noise=close, **SETTINGS)
    late = written(tmp_path / "late.h5", light(), triggers=COUNT - np.array([20.0, 10]))
    with pytest.raises(ExperimentError, match=r"late.h5: .*found 2 triggers in 900400 samples, expected one with"):
        demodulate(light(2), shot_noise=late, **SETTINGS)


def fluctuation(words):
    """In per cent."""
    return float(re.match(r"photocurrent: its level fluctuates by (\d+) %", words)[1])


def test_a_level_that_fluctuates_is_a_warning():
    """Slowly, and between two values that are not far from each other."""
    (words,) = demodulate(light(2), shot_noise=during_records(light(), 0.7), **SETTINGS).warnings
    assert 10 <= fluctuation(words) <= 25
    slow = 1 + 0.25 * np.sin(2 * np.pi * np.arange(COUNT) / 2e5)
    (words,) = demodulate(light(2), shot_noise=slow * light(), **SETTINGS).warnings
    assert 25 <= fluctuation(words) <= 45
    assert words.endswith(" % beyond shot noise: was the light constant?")


def test_records_without_light_are_named():
    (words,) = demodulate(during_records(light(2), 0.1), shot_noise=LEVEL, **SETTINGS | {"length": "14 ms"}).warnings
    share = float(re.match(r"(?:5\d|60) of 60 records have far less than the shot noise in (\d+) ", words)[1])
    assert 8 <= share <= 25
    assert words.endswith("the first of them number 1: was the light on during the whole of each record?")


def test_a_simulated_reference_is_of_no_use_for_measured_data(tmp_path):
    reference = written(tmp_path / "light.h5", light())
    with h5py.File(reference, "a") as file:
        file.attrs["simulated"] = 1
    message = r"light.h5: 'samples': found a simulated reference, expected a measured one for photocurrent, or"
    with pytest.raises(ExperimentError, match=message):
        demodulate(light(2), shot_noise=reference, **SETTINGS)
    assert demodulate(light(2), shot_noise=reference, simulated=True, **SETTINGS).simulated
