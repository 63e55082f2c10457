"""What is possible, but hardly right, of a series or a power: it is said with its likely cause."""

import re
from dataclasses import replace

import numpy as np
import pytest

from dissentangle.datasets import ExperimentError, joint, read
from dissentangle.datasets.experiment import Known, doubts
from dissentangle.datasets.experiment.check import check_experiment

DRIVEN = read("fig2b-d55")


def experiment(kind, value, sigma=0.01, **said):
    """fig2b-d55 with one series of these values, from 0.5 ms on."""
    of = next(s for s in DRIVEN.series if s.kind == kind)
    times = 0.5 + 10.0 * np.arange(len(value)) / len(value)
    given = {"noise": "gaussian", "scale_uncertainty": 0.0, "excluded": None, "x": times} | said
    series = replace(of, value=np.array(value), spread=np.full(len(value), sigma), **given)
    return replace(DRIVEN, series=(series,))


@pytest.mark.parametrize("name", ["fig2b-d55", "fig2c-dark", "laboratory-d55", "fig2d-hybrid"])
def test_bundled_data_are_not_doubted(name):
    assert doubts(read(name)) == []


@pytest.mark.parametrize(
    ("kind", "value", "said", "text"),
    [
        ("xi", [0.95, 0.9, -0.1], {"scale_uncertainty": 0.04}, r"xi: -0.1 ± 0.01 at 7.16667 ms is below 0, .*dB"),
        ("xi", [0.02, 0.3, 0.4, 0.5], {"scale_uncertainty": 0.04}, r"xi: begins at 0.02, .* value = \"dB\""),
        ("xi", [1.98, 1.8, 1.7], {"scale_uncertainty": 0.04}, r"xi: begins at 1.98, .* projection_noise = 2"),
        ("xi", [0.95, 0.9, 0.9], {}, r"xi: has no scale_uncertainty: .* scale_uncertainty = 0.04"),
        ("polarization", [1.08, 0.9, 0.8], {}, r"1.08 ± 0.01 at 0.5 ms is above 1, .* amplitude = \"free\""),
        (
            "transverse_spin",
            [0.8, 0.3, -0.1],
            {},
            r"-0.1 ± 0.01 at 7.16667 ms is below 0, .* offset_uncertainty = 0.01",
        ),
        ("transverse_spin", [0.8, 0.8, 0.1], {"x": np.array([1.0, 1.0, 2.0])}, r"the same row twice at 1 ms"),
    ],
)
def test_what_is_hardly_right_is_said_with_its_cause(kind, value, said, text):
    doubted = doubts(experiment(kind, value, **said))
    assert len(doubted) == 1
    assert re.search(text, doubted[0])


def test_noise_and_what_is_free_are_no_reason():
    assert doubts(experiment("polarization", [1.03, 0.9, -0.02])) == []
    (short,) = doubts(experiment("polarization", [1.0, 0.9, 0.8], x=np.array([0.001, 0.002, 0.02])))
    said = "polarization: its times end at 0.02 ms in a run of 20 ms. Are they in another unit?"
    assert short == said + ' If they are in seconds, write time_unit = "s" in its [[series]]'
    (short,) = doubts(experiment("polarization", [1.0, 0.9, 0.8], x=np.array([0.001, 0.002, 0.1])))
    assert short.endswith("in another unit?")  # 100 s are longer than the run
    assert doubts(experiment("polarization", [1.08, 0.9, 0.8], scale_uncertainty=0.03)) == []
    assert doubts(experiment("polarization", [5.1, 4.0, -0.4], amplitude="free", offset="free")) == []
    assert doubts(experiment("xi", [2.1, 1.0, 0.9], amplitude="free")) == []
    late = np.array([15.0, 16.0, 17.0])
    assert doubts(experiment("xi", [1.9, 1.9, 1.9], scale_uncertainty=0.04, x=late)) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("xi", r"found values of size -0.5, expected a variance > 0 \(for decibels: units = \{ value = \"dB\" \}\)"),
        ("transverse_spin", r"found values of size -0.5, .*other sign: factor = \{ value = -1 \}\)"),
    ],
)
def test_what_is_impossible_is_refused(kind, text):
    with pytest.raises(ExperimentError, match=text):
        check_experiment(experiment(kind, [-0.1, -0.5, -0.6]))
    check_experiment(experiment(kind, [-0.1, -0.5, -0.6], sigma=0.3))


def test_all_series_with_times_in_another_unit_are_named():
    series = [replace(one, x=one.x / 1000, scale_uncertainty=0.04) for one in DRIVEN.series]
    said = doubts(replace(DRIVEN, series=tuple(series)))
    names = ", ".join(one.name for one in series)
    ends = [one.fitted_x.max() for one in series]
    span = f"{min(ends):.3g}" if len({*ends}) == 1 else f"{min(ends):.3g} to {max(ends):.3g}"
    short = f"{names}: their times end at {span} ms in a run of 20 ms. Are they in another unit?"
    assert said == [f'{short} If they are in seconds, write time_unit = "s" in each [[series]]']


def test_series_that_read_the_same_column():
    xi, spin = (next(s for s in DRIVEN.series if s.kind == kind) for kind in ("xi", "transverse_spin"))
    twice = replace(spin, x=xi.x, value=xi.value, spread=xi.spread, excluded=xi.excluded, noise=xi.noise)
    (said,) = doubts(replace(DRIVEN, series=(xi, twice)))
    assert (
        said
        == "transverse_spin: has the values of xi at the same times: does it read the same column of the same file?"
    )


def test_equal_doubts_are_said_once():
    (one,) = experiment("xi", [1.98, 1.8, 1.7], scale_uncertainty=0.04).series
    other = replace(one, name="xi_2", value=np.array([1.98, 1.7, 1.6]))
    (said,) = doubts(replace(DRIVEN, series=(one, other)))
    assert said.startswith("xi, xi_2: begins at 1.98, ")


def test_a_drive_of_watts_is_doubted():
    """It would take the spins along at once; 5.6 mW in the cell of the paper are Γ = 0.0024 ms⁻¹."""
    weak, strong = (
        replace(DRIVEN, apparatus=DRIVEN.apparatus | {"drive_power": Known(power)}) for power in (5.6, 5600.0)
    )
    assert doubts(weak) == []
    assert doubts(strong) == ["drive_power: 5600 mW are a Γ of 2.4 ms⁻¹. Is it in another unit?"]
    both = joint({"a": weak, "b": strong}, {"drive_power": "separate", "radiative_rate": "separate"})
    assert doubts(both) == ["drive_power[b]: 5600 mW are a Γ of 2.4 ms⁻¹. Is it in another unit?"]
