"""What the kinds of series say of themselves holds together, and is what the physics allows."""

from dataclasses import fields

import numpy as np
import pytest

from dissentangle.datasets import Series, read
from dissentangle.datasets.experiment import POPULATIONS
from dissentangle.datasets.kinds import ABSCISSAS, KINDS, SHOTS
from dissentangle.datasets.prediction import expected
from dissentangle.forward_models import NOISES, OBSERVABLES, PARAMETERS, Dynamics

LABORATORY = read("laboratory-d55")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_words_are_those_of_their_tables(kind):
    assert KINDS[kind.name] is kind
    assert kind.abscissa in ABSCISSAS
    assert {*kind.needs, *kind.takes} <= {field.name for field in fields(Series)}
    assert set(kind.populations) <= set(POPULATIONS) and kind.populations
    assert {*kind.constants, *kind.if_known} <= set(PARAMETERS)
    assert kind.without is None or kind.without[0] in kind.constants
    assert {NOISES[name].components for name in kind.noises} <= {1, len(kind.components)}


def test_where_kinds_are_possible():
    """Without a model of the populations, what needs them is not; and the past light tells something in steady runs."""
    by_populations = {p: {k.name for k in KINDS.values() if p in k.populations} for p in POPULATIONS}
    steady, unmodelled = by_populations["steady"], by_populations["unmodelled"]
    assert unmodelled == {"xi", "transverse_spin", "light_variance", "conditional_xi", "feedback", "shot_noise"}
    assert steady - unmodelled == {"orientation"}
    assert set(KINDS) - by_populations["moving"] == {"conditional_xi", "feedback"}


def test_single_numbers_are_quantities_of_the_atoms():
    assert {k.name for k in KINDS.values() if k.quantity} == {*OBSERVABLES, "conditional_xi"}
    assert SHOTS == {"light_variance": "time", "shot_noise": "number"}


@pytest.mark.parametrize("series", LABORATORY.series, ids=lambda series: series.name)
def test_parameters_of_a_kind_are_those_that_its_expectation_reads(series):
    """Of the constants that a kind declares none can be missing, and nothing else that is not of the atoms matters."""
    alone = {"experiment": LABORATORY.__class__(**{**vars(LABORATORY), "series": (series,)}), "dynamics": Dynamics()}
    truth = LABORATORY.truth.parameters
    mean = expected(values=truth, **alone).series[series.name]
    constants = {"detection_efficiency", "shot_noise_level", "projection_noise_slope", "quadratic_zeeman"}
    for name in constants:
        changed = expected(values=truth | {name: 1.1 * truth[name]}, **alone).series[series.name]
        matters = name in (*series.about.constants, *series.about.if_known)
        assert (not np.allclose(changed, mean, rtol=1e-6)) == matters, name
