"""What is said of an experiment that was made in Python, and of all series that have times in another unit."""

from dataclasses import replace

import pytest

from dissentangle import inference
from dissentangle.datasets import ExperimentError, read
from dissentangle.inference.model import Problem, require_time_scale

from ...seeds import seed

DRIVEN = read("fig2b-d55")
IN_SECONDS = replace(DRIVEN, series=tuple(replace(one, x=one.x / 1000) for one in DRIVEN.series))
NAMES = ", ".join(one.name for one in DRIVEN.series)


def test_all_series_are_named_in_lines_for_a_file():
    with pytest.raises(ExperimentError) as found:
        require_time_scale(Problem(IN_SECONDS))
    text = str(found.value)
    assert text.startswith(f"series {NAMES}: the last point (that of ")
    assert 's (time_unit = "s" in its [[series]])? ' in text
    assert (
        'in the table [prior] of experiment.toml: "pure_dephasing_rate' in text
        or "toml: pure_dephasing_rate = " in text
    )


def test_a_fit_of_what_was_made_in_python_answers_in_python():
    for source in (IN_SECONDS, [IN_SECONDS]):
        with pytest.raises(ExperimentError, match="nothing could have happened") as found:
            inference.fit(source, seed=seed(1))
        assert 'units={"time": "s"} in its series_of' in str(found.value)
        assert 'as an argument: priors={"pure_dephasing_rate' in str(found.value)
    with pytest.raises(
        ExperimentError, match=r'no data to fit, expected series=series_of\(data, "xi"\) or observations='
    ):
        inference.fit(replace(DRIVEN, series=(), observations=()), seed=seed(1))
    with pytest.raises(ExperimentError, match=r"found no stage, expected at least one StageEntry\(20.0, frozenset"):
        inference.build_model(replace(DRIVEN, stages=()))
