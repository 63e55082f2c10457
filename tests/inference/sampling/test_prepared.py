"""Models kept in memory: which experiments share one, and that none is ever served to another."""

import signal
from dataclasses import fields, replace
from importlib import import_module

import numpy as np
import pytest
from cachetools import LRUCache

from dissentangle import inference
from dissentangle.datasets import Known, Observation, StageEntry, read
from dissentangle.forward_models import add_forward_model
from dissentangle.inference.fits.groups import PRIORS
from dissentangle.inference.model.fingerprint import data_hash, fingerprint
from dissentangle.inference.model.problem import Problem
from dissentangle.inference.model.pymc_model import model_of
from dissentangle.inference.model.settings import ModelSettings, SamplerSettings

from ...seeds import seed

# the room has functions of these names
prepared = import_module("dissentangle.inference.sampling.prepared")
sampling = import_module("dissentangle.inference.sampling.sample")

D55 = read("fig2b-d55")
XI = D55.series[0]
OBSERVED = replace(D55, observations=(Observation("orientation", 0.98, 0.01, 15.0),))


def with_xi(**changes):
    return replace(D55, series=(replace(XI, **changes), *D55.series[1:]))


def test_measured_values_errors_and_texts_do_not_change_the_form():
    other = with_xi(value=XI.value * 1.1, spread=XI.spread + 3)
    for same in (other, replace(D55, title="x", description="y", simulated=False, truth=None)):
        assert Problem(same).form == Problem(D55).form
    assert data_hash(other) != data_hash(D55)
    moved = replace(OBSERVED, observations=(replace(OBSERVED.observations[0], value=0.9, sigma=0.1, source="z"),))
    assert Problem(moved).form == Problem(OBSERVED).form
    assert data_hash(moved) != data_hash(OBSERVED)


CHANGES = {
    "times": with_xi(x=XI.x * 0.999),
    "fewer points": with_xi(x=XI.x[:-1], value=XI.value[:-1], spread=XI.spread[:-1]),
    "excluded": with_xi(excluded=np.arange(30) == 3),
    "noise": with_xi(noise="gaussian"),
    "tail": with_xi(tail=7.0),
    "scale": with_xi(scale_uncertainty=0.05),
    "offset": with_xi(offset_uncertainty=0.01),
    "efficiency": with_xi(efficiency_in_scale=False),
    "kind": with_xi(kind="epr_variance"),
    "name": with_xi(name="other"),
    "a series less": replace(D55, series=D55.series[:2]),
    "stages": replace(D55, stages=(StageEntry(21.0, frozenset({"drive"})),)),
    "apparatus": replace(D55, apparatus=D55.apparatus | {"squeezing_limit": Known(0.17, 0.005)}),
    "prior of the file": replace(D55, priors={"collision_rate": "lognormal(0.004, 1)"}),
    "depth of a run": replace(D55, run_depth={"main": 2.0}),
    "observation": OBSERVED,
}


@pytest.mark.parametrize("change", CHANGES)
def test_everything_else_does(change):
    assert Problem(CHANGES[change]).form != Problem(D55).form
    assert data_hash(CHANGES[change]) != data_hash(D55)


@pytest.mark.parametrize(
    "settings",
    [
        ModelSettings(closure="fixed-number"),
        ModelSettings(free_dephasing=True),
        ModelSettings(priors={"collision_rate": "lognormal(0.004, 1)"}),
        ModelSettings(resolution=4.0),
        ModelSettings(transverse_spin="quasi-static"),
        ModelSettings(forward_model="mine"),
        ModelSettings(coupled_spin="mean-spin"),
        ModelSettings(atoms="sixteen-level"),
        ModelSettings(atoms="sixteen-level", collisions="uniform"),
    ],
)
def test_every_setting_does(settings, registry):
    add_forward_model("mine", lambda *given: None)
    assert Problem(D55, settings).form != Problem(D55).form
    assert len(fields(ModelSettings)) == 11
    assert Problem(D55, replace(settings, name="a model")).form == Problem(D55, settings).form


def test_a_fingerprint_does_not_depend_on_the_order_of_sets_and_dicts():
    assert fingerprint({"a": 1, "b": frozenset("xyz")}) == fingerprint({"b": frozenset("zyx"), "a": 1})
    assert len({fingerprint(v) for v in (1, 1.0, "1", (1,), [1, 1], np.ones(1), np.ones(1, int), {"1": 1}, None)}) == 9


@pytest.mark.slow
def test_the_data_of_a_kept_model_are_those_asked_for():
    """The same fit from what was made for other data first, and from what was made for these."""
    other = replace(D55, series=tuple(replace(s, value=s.value * 0.9, spread=s.spread) for s in D55.series))
    for kept in (prepared.KEPT, PRIORS):
        kept.clear()
    inference.fit(other, seed=seed(5), draws=50, tune=100, chains=2)
    second = inference.fit(D55, seed=seed(5), draws=50, tune=100, chains=2)
    assert (len(prepared.KEPT), len(PRIORS)) == (1, 1)
    for kept in (prepared.KEPT, PRIORS):
        kept.clear()
    first = inference.fit(D55, seed=seed(5), draws=50, tune=100, chains=2)
    for group in ("posterior", "log_likelihood", "derived", "prior", "prior_predictive", "observed_data"):
        assert second[group].dataset.identical(first[group].dataset)


@pytest.mark.slow
def test_a_changed_prior_or_error_is_not_answered_from_memory():
    known = {"collision_rate": "normal(0.01, 0.00001)"}
    noisier = replace(D55, series=(XI, replace(D55.series[1], spread=D55.series[1].spread * 100), *D55.series[2:]))
    plain, changed, noisy = (
        inference.fit(e, seed=seed(5), draws=50, tune=100, chains=2, priors=p)
        for e, p in ((D55, {}), (D55, known), (noisier, {}))
    )
    for group in ("posterior", "prior"):
        assert float(changed[group]["collision_rate"].mean()) == pytest.approx(0.01, rel=0.01)
        assert float(plain[group]["collision_rate"].mean()) < 0.008
    spread = [float(fit["prior_predictive"]["polarization"].std()) for fit in (plain, noisy)]
    assert spread[1] > 2 * spread[0]
    other = inference.fit(D55, seed=seed(6), draws=50, tune=100, chains=2)
    assert not np.array_equal(other["prior"]["collision_rate"], plain["prior"]["collision_rate"])


def test_only_so_many_models_are_kept_and_each_engine_has_its_own(monkeypatch):
    made = []

    class Ready:
        def with_data(self, new):
            return self

    monkeypatch.setenv(prepared.FOLDER, "")
    monkeypatch.setattr(prepared, "KEPT", LRUCache(2))
    monkeypatch.setattr(prepared, "_made", lambda problem, engine: made.append(engine) or Ready())
    found = [prepared.prepared(Problem(D55), engine) for engine in (None, "fast", None, "general", None, "fast")]
    assert made == [None, "fast", "general", "fast"]
    assert found[0] is found[2] is found[4]
    assert len(prepared.KEPT) == 2


def test_a_fit_does_not_share_its_prior_with_the_next():
    first = inference.fit(D55, seed=seed(5), draws=50, tune=100, chains=2)
    before = float(first["prior"]["collision_rate"].mean())
    first["prior"]["collision_rate"].values[:] = 0.0
    again = inference.fit(D55, seed=seed(5), draws=50, tune=100, chains=2)
    assert float(again["prior"]["collision_rate"].mean()) == before


def test_the_general_engine_spreads_only_starts_that_can_come_back(monkeypatch):
    """PyMC's jitter of ±1 puts Z = 0.16 ± 0.005 below zero, where chains get stuck (R-hat 1.7, no divergence)."""
    from nutpie import compile_pymc

    asked = {}
    monkeypatch.setattr(compile_pymc, "compile_pymc_model", lambda model, **options: asked.update(options))
    sampling.prepare(model_of(Problem(D55)), "general")
    names = {rv.name for rv in asked["jitter_rvs"]}
    assert "collective_rate" in names
    assert "squeezing_limit" not in names


def test_ctrl_c_while_the_chains_start_stops_them(monkeypatch, ctrl_c):
    """Before `sample` returns there is nothing by which to stop its threads, and Python must not end before them."""
    done = []

    class Running:
        def cancel(self):
            done.append("cancelled")

        def wait(self):
            done.append("waited for")
            return self

    class Nutpie:
        @staticmethod
        def sample(compiled, **options):
            signal.raise_signal(signal.SIGINT)
            done.append("started")
            return Running()

    monkeypatch.setattr(sampling.nutpie_sampler, "import_nutpie", lambda: Nutpie)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        sampling.nutpie_sampler.nuts(None, SamplerSettings(seed(1)), None, "diag")
    assert done == ["started", "cancelled"]
    assert signal.getsignal(signal.SIGINT) is before
