"""Whatever can be said of a part of an experiment is written, read and known as a key, because it is a field."""

from dataclasses import fields, replace

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, Observation, RecordSeries, Series, StageEntry
from dissentangle.datasets.experiment import ConstantRun, entries
from tests.datasets.simulation.test_simulate import experiment, said_otherwise

PARTS = [Series, RecordSeries, Observation, StageEntry, ConstantRun]
OF_ONE_FIT = "left_out"


def whole():
    """An experiment in which everything that can be said of series, records, observations and stages is said."""
    hybrid = datasets.read("fig2d-hybrid")
    samples, excluded = hybrid.records[0].samples[:, :9, :30], np.arange(9) == 4
    record = said_otherwise(
        RecordSeries, name="record", samples=samples, interval=0.3, run="noisy", excluded=excluded, simulated=True
    )
    feedback = datasets.SeriesPlan("feedback", [1.0, 2.0], 99, probe_duration=0.5, mode_rate=0.4, run="noisy")
    first = experiment()
    return replace(
        first,
        simulated=True,
        stages=(*first.stages, *hybrid.stages),
        constant={"noisy": said_otherwise(ConstantRun, populations="steady", begins="steady")},
        records=(record,),
        series=(*first.series, replace(feedback, value=np.tile([2.0, 1.5, 0.3], 2))),
    )


@pytest.mark.parametrize("form", ["folder", "file.nc"])
def test_all_that_is_said_is_written_and_read(form, tmp_path):
    like = whole()
    datasets.save(like, tmp_path / form)
    found = datasets.read(tmp_path / form)
    assert found.stages == like.stages
    assert found.constant == like.constant
    for old, new in zip((*like.parts, *like.observations), (*found.parts, *found.observations), strict=True):
        for field in fields(old):
            if field.name != OF_ONE_FIT:
                np.testing.assert_array_equal(getattr(new, field.name), getattr(old, field.name), err_msg=field.name)


@pytest.mark.parametrize("part", PARTS)
def test_every_field_is_an_entry_or_an_array(part):
    """A field of another type would be neither written nor read, without a word."""
    entered = {entry.name for entry in entries(part)}
    others = {field.name: field.type for field in fields(part) if field.name not in (*entered, OF_ONE_FIT)}
    assert set(others.values()) <= {"np.ndarray", "np.ndarray | None", "frozenset[str]", "tuple[LightPower, ...]"}


def test_units_and_unknown_keys(tmp_path):
    datasets.save(datasets.read("laboratory-d55"), tmp_path / "a")
    file = tmp_path / "a" / "experiment.toml"
    text = file.read_text()
    file.write_text(text.replace('probe_duration = "1.0 ms"', 'probe_duration = "1000 us"'))
    assert datasets.read(tmp_path / "a").series[0].probe_duration == pytest.approx(1.0)
    for wrong, message in (
        ("probe_duration = 1.0", r"probe_duration: found 1.0 without a unit, expected a number with a unit"),
        ('probe_durations = "1 ms"', r"key 'probe_durations' \(did you mean 'probe_duration'\?\)"),
    ):
        file.write_text(text.replace('probe_duration = "1.0 ms"', wrong))
        with pytest.raises(ExperimentError, match=message):
            datasets.read(tmp_path / "a")
