"""Fits of earlier versions, whose model had fewer parameters."""

import json
from dataclasses import asdict, replace

import pytest
from xarray import Dataset, DataTree

from dissentangle.datasets import joint, read, to_tree
from dissentangle.datasets.experiment import Known
from dissentangle.inference.fits.file import problem_of
from dissentangle.inference.model import pose

GIVEN = {"temperature": Known(296.0, 2.0), "drive_detuning": Known(850.0, 5.0)}


def stored(experiment, sampled=(), **priors):
    """What a file has of a fit of sixteen levels."""
    settings = pose(experiment, model="sixteen-level").settings
    settings = asdict(replace(settings, priors=priors))
    posterior = Dataset({name: ("chain", [0.0]) for name in sampled})
    fit = DataTree.from_dict({"posterior": posterior, "experiment": to_tree(experiment)})
    fit.attrs["settings"] = json.dumps({"model": settings})
    return fit


def test_errors_that_an_earlier_version_ignored_are_none():
    """Of temperature and detuning in fits of sixteen levels: without its offset, a value is exact."""
    experiment = read("fig2b-d55")
    experiment = replace(experiment, apparatus=experiment.apparatus | GIVEN)
    found = problem_of(stored(experiment, ["temperature_offset"])).experiment.apparatus
    assert found == experiment.apparatus | {"drive_detuning": Known(850.0)}
    both = {"a": experiment, "b": replace(experiment, apparatus=experiment.apparatus | {"temperature": Known(310.0)})}
    known = problem_of(stored(joint(both, {"temperature": "separate"}))).experiment.known_of
    assert [known[member]["temperature"] for member in "ab"] == [Known(296.0), Known(310.0)]


@pytest.mark.parametrize("prior", ["normal(300.5, 2)", "fixed(300.5)"])
def test_a_normal_prior_of_the_temperature_was_its_mean(prior):
    experiment = replace(read("fig2b-d55"), priors={"drive_detuning": "normal(900, 10)"})
    problem = problem_of(stored(experiment, temperature=prior, initial_n3="normal(0.02, 0.001)"))
    assert problem.settings.priors == {"temperature": "fixed(300.5)", "initial_n3": "normal(0.02, 0.001)"}
    assert problem.experiment.priors == {"drive_detuning": "fixed(900.0)"}
    assert (problem.fixed["temperature"], problem.fixed["drive_detuning"]) == (300.5, 900.0)
