"""The sign of the quadrature of an orientation test."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle.datasets import Known, from_tree, read, simulate_like
from dissentangle.datasets.experiment import opposite_sign, reversed_beats
from dissentangle.forward_models.light import Precession, orientation_beat, sublevel_populations

from ...seeds import seed

LABORATORY = read("laboratory-d55")
DELAYS = np.linspace(0, 40, 41)


def with_beat(change, experiment=LABORATORY):
    """The experiment with other values of its orientation test, complex: change(in_phase + i quadrature)."""
    series = []
    for one in experiment.series:
        if one.kind == "orientation_beat":
            signal = change(one.value[::2] + 1j * one.value[1::2])
            one = replace(one, value=np.ravel([signal.real, signal.imag], order="F"))
        series.append(one)
    return replace(experiment, series=tuple(series))


def test_the_opposite_sign_is_recognised():
    assert reversed_beats(LABORATORY) == []
    assert reversed_beats(with_beat(np.conj)) == ["orientation_beat"]
    assert reversed_beats(with_beat(lambda s: 1j * np.conj(s))) == ["orientation_beat"]  # columns exchanged
    assert reversed_beats(with_beat(lambda s: np.exp(2j) * s)) == []


@pytest.mark.parametrize("k", range(8))
def test_no_right_test_is_called_wrong_and_no_wrong_one_right(k):
    right = from_tree(simulate_like(LABORATORY, LABORATORY.truth.parameters, seed=seed(k)))
    assert reversed_beats(right) == []
    assert reversed_beats(with_beat(np.conj, right)) == ["orientation_beat"]


def test_atoms_all_in_one_sub_level_have_no_sign():
    one_line = np.exp((2j * np.pi * 0.003 - 1 / 25) * DELAYS)
    assert opposite_sign(DELAYS, one_line, np.full(41, 0.003)) == pytest.approx(0, abs=1)


@pytest.mark.parametrize("splitting", [0.0226, 0.1])
def test_at_another_field_the_splitting_of_the_apparatus_counts(splitting):
    populations = sublevel_populations([0.02, *[0.3] * 7])
    signal = orientation_beat(DELAYS, populations, Precession(0.9, 0.3, 0.002, splitting, 25.0))
    beat = next(one for one in LABORATORY.series if one.kind == "orientation_beat")
    beat = replace(beat, x=np.repeat(DELAYS, 2), value=np.ravel(signal, order="F"), spread=np.full(82, 0.003),
                   component=np.tile([0, 1], 41), excluded=None)  # fmt: skip
    known = {"quadratic_zeeman": Known(splitting, 0.002)}
    experiment = replace(LABORATORY, series=(beat,), apparatus={**LABORATORY.apparatus, **known})
    assert reversed_beats(experiment) == []
    assert reversed_beats(with_beat(np.conj, experiment)) == ["orientation_beat"]
