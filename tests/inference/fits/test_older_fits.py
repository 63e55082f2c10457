"""Fits of earlier versions, whose model had fewer parameters."""

from dataclasses import replace

from dissentangle.datasets import read
from dissentangle.datasets.experiment import Known
from dissentangle.inference.fits.result import _without_errors


def test_errors_that_an_earlier_version_ignored_are_none():
    """Of temperature and detuning in fits of sixteen levels: without its offset, a value is exact."""
    experiment = read("fig2b-d55")
    given = experiment.apparatus | {"temperature": Known(296.0, 2.0), "drive_detuning": Known(850.0, 5.0)}
    experiment = replace(experiment, apparatus=given)
    found = _without_errors(experiment, {"temperature_offset"}).apparatus
    assert found == given | {"drive_detuning": Known(850.0)}
