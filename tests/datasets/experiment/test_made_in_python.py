"""Experiments made in Python: what is easily meant is taken, all else is refused in words, with arguments to give."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, StageEntry, read
from dissentangle.datasets.errors import as_python, in_python

DRIVEN = read("fig2b-d55")
DRIVE = frozenset({"drive"})


@pytest.mark.parametrize(
    ("lights", "meant"),
    [("drive", {"drive"}), ("drive+pump", {"drive", "pump"}), ("dark", set()), (["drive"], {"drive"}), ((), set())],
)
def test_lights_in_words_and_lists(lights, meant):
    assert StageEntry(20.0, lights) == StageEntry(20.0, frozenset(meant))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("20 ms", DRIVE), r"duration: found 20 ms, expected a number of ms, such as StageEntry\(20.0, frozenset"),
        ((True, DRIVE), "duration: found True, expected a number of ms"),
        ((20.0, 1), "lights: found 1, expected those of drive, pump, repump that are on"),
        ((20.0, [1]), r"lights: found \[1\], expected those of drive, pump, repump that are on"),
    ],
)
def test_a_stage_that_is_none(arguments, said):
    with pytest.raises(ExperimentError, match=f"StageEntry: {said}"):
        StageEntry(*arguments)


def test_single_parts_and_lists_become_tuples():
    (stage,), xi = DRIVEN.stages, DRIVEN.series[0]
    assert replace(DRIVEN, stages=stage, series=xi).series == (xi,)
    made = replace(DRIVEN, stages=[stage], series=[*DRIVEN.series], observations=iter(DRIVEN.observations))
    assert (made.stages, made.series, made.observations) == (DRIVEN.stages, DRIVEN.series, DRIVEN.observations)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            {"series": {"time": [1.0]}},
            r"series: found dict: {'time': \[1.0\]}, expected one Series or several in a tuple, s",
        ),
        ({"series": "xi"}, "series: found str: 'xi', expected one Series"),
        (
            {"stages": 20.0},
            r"stages: found float: 20.0, expected one StageEntry .* such as StageEntry\(20.0, frozenset",
        ),
        ({"records": DRIVEN.series}, "records: found Series: .* expected one RecordSeries or several in a tuple$"),
    ],
)
def test_parts_that_are_something_else(parts, said):
    with pytest.raises(ExperimentError, match=f"Experiment: {said}"):
        replace(DRIVEN, **parts)


def test_numbers_of_a_series_may_be_lists():
    xi = DRIVEN.series[0]
    made = replace(xi, x=xi.x.tolist(), value=tuple(xi.value), spread=xi.spread.tolist())
    np.testing.assert_array_equal((made.x, made.value, made.spread), (xi.x, xi.value, xi.spread))
    with pytest.raises(ExperimentError, match=r"Series 'xi': value: found list: .*, expected an array of numbers"):
        replace(xi, value=["a"])


@pytest.mark.parametrize(
    ("toml", "python"),
    [
        ("columns = { sigma = 0.01 }; or average = 50", 'columns={"sigma": 0.01}; or average=50'),
        ('units = { value = "dB" }', 'units={"value": "dB"}'),
        ('in s (time_unit = "s" in its [[series]])?', 'in s (units={"time": "s"} in its series_of)?'),
        ('(of µs: time_unit = "us")', '(of µs: units={"time": "us"})'),
        ('of volts: amplitude = "free" in its [[series]]', 'of volts: amplitude="free" in its series_of'),
        ('a line like name = "xi_2"', 'name="xi_2"'),
        (
            "(a line scale_uncertainty = … in its [[series]] gives it)",
            "(scale_uncertainty=… in its series_of gives it)",
        ),
        (
            'in the table [prior] of experiment.toml: a = "lognormal(1, 1)" "b[drive]" = "fixed(1)"',
            'as an argument: priors={"a": "lognormal(1, 1)", "b[drive]": "fixed(1)"}',
        ),
    ],
)
def test_lines_of_toml_as_arguments(toml, python):
    assert as_python(toml) == python
    with pytest.raises(ExperimentError) as found, in_python():
        raise ExperimentError(toml)
    assert str(found.value) == python


def test_answers_to_python_are_python():
    with pytest.raises(ExperimentError, match=r'one sigma for all rows: columns={"sigma": 0.01}; or, .* average=50'):
        datasets.series_of({"time": [1.0, 2.0], "value": [0.9, 0.8]}, "xi")
