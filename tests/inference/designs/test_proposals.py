"""What a report proposes to measure."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import Series, from_tree
from dissentangle.inference.designs import proposals
from dissentangle.inference.fits import Fit

from ...seeds import seed

module = import_module("dissentangle.inference.designs.proposals")  # the room exports a function of this name


def test_the_next_measurement_is_where_the_data_leave_something_open(fit_published, fit_d55, all_named):
    found = proposals(Fit(fit_published))
    assert found[0].run in ("pump", "switch-off")  # alike: the draws decide, which other versions of a compiler change
    assert of_xi_while_pumped(found).gains["pure_dephasing_rate[drive+pump]"] > 0.1  # 0.29, ± 0.04 by the draws
    assert all("scale" not in label for proposal in found for label in proposal.gains)
    assert proposals(Fit(fit_d55)) == []


def of_xi_while_pumped(found):
    return next(proposal for proposal in found if (proposal.kind, proposal.run) == ("xi", "pump"))


@pytest.fixture
def all_named(monkeypatch):
    """Series of a small gain are named too: one that stands at the limit of the report is there for some seeds only."""
    monkeypatch.setattr(module, "WORTH_WHILE", 0.1)


@pytest.mark.slow
def test_the_proposed_gain_is_what_a_fit_with_such_data_finds(fit_published, all_named):
    """A simulated experiment with the proposed series narrows the parameter about as much as was said."""
    experiment = from_tree(fit_published["experiment"])
    proposal = of_xi_while_pumped(proposals(Fit(fit_published)))
    times = np.linspace(0, experiment.duration("pump"), 21)[1:]
    truth = np.median(inference.predict(fit_published, run="pump", times=times)["xi"].values, axis=0)
    noisy = truth + proposal.sigma * np.random.default_rng(seed(4)).standard_normal(20)
    new = Series("new", "xi", times, noisy, np.full(20, proposal.sigma), run="pump")
    after = inference.fit(replace(experiment, series=(new,)), seed=seed(1), draws=500)
    label = "pump_rate[drive+pump]"
    before, now = (np.var(np.log(Fit(tree).by_label()[label])) for tree in (fit_published, after))
    assert 1 - now / before > 0.3
