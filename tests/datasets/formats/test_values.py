"""Values as a laboratory writes them: decibels, factors, projection noise, averages, ranges; their errors follow."""

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.formats.column_values import linear
from dissentangle.datasets.kinds import KINDS

from ...seeds import SIGMA, seed

TOML = """\
format_version = 1
title = "t"
simulated = false
[[stage]]
duration = "20 ms"
drive = true
[[series]]
kind = "{kind}"
file = "x.csv"
{rest}
"""
LINEAR = "time,value,sigma\n1,0.9,0.02\n2,0.8,0.03\n6,0.85,0.04\n"


def series(folder, rest, csv=LINEAR, kind="xi", **files):
    for name, text in {"x": csv, **files}.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "experiment.toml").write_text(TOML.format(kind=kind, rest=rest), encoding="utf-8")
    return datasets.read(folder).series[0]


def test_decibels_become_variances_with_their_errors(tmp_path):
    """Against the slope of 10^(x/10) by finite differences."""
    found = series(tmp_path, 'units = { value = "dB" }', "time,value,sigma\n1,0,0.1\n2,-1,0.2\n3,3,0.1\n")
    decibels, errors = np.array([0.0, -1.0, 3.0]), np.array([0.1, 0.2, 0.1])
    slope = (10 ** ((decibels + 1e-6) / 10) - 10 ** ((decibels - 1e-6) / 10)) / 2e-6
    np.testing.assert_allclose(found.value, [1.0, 0.7943282347, 1.995262315])
    np.testing.assert_allclose(found.spread, slope * errors, rtol=1e-8)


def test_each_column_has_the_unit_that_is_said(tmp_path):
    """sigma alone in decibels, values alone, and repetitions, which have none."""
    relative = series(tmp_path, 'units = { sigma = "dB" }', "time,value,sigma\n1,2,0.1\n")
    np.testing.assert_allclose([relative.value[0], relative.spread[0]], [2.0, 0.2 * np.log(10) / 10])
    apart = series(tmp_path, 'units = { value = "dB", sigma = "1" }', "time,value,sigma\n1,10,0.1\n")
    np.testing.assert_allclose([apart.value[0], apart.spread[0]], [10.0, 0.1])
    counted = series(tmp_path, 'units = { value = "dB" }', "time,value,repetitions\n1,-3,500\n")
    np.testing.assert_allclose([counted.value[0], counted.spread[0]], [10**-0.3, 500])


def test_factors_and_a_projection_noise(tmp_path):
    plain = series(tmp_path, "")
    halved = series(tmp_path, "factor = { value = 0.5 }")
    np.testing.assert_array_equal([halved.value, halved.spread], 0.5 * np.array([plain.value, plain.spread]))
    own = series(tmp_path, "factor = { value = 0.5, sigma = 2, time = 3 }")
    np.testing.assert_array_equal([own.x, own.spread], [3 * plain.x, 2 * plain.spread])
    turned = series(
        tmp_path, "factor = { value = -1 }", "time,value,sigma\n1,-0.9,0.02\n2,-0.8,0.03\n", "transverse_spin"
    )
    assert turned.value[0] == 0.9
    assert (turned.spread > 0).all()
    noise = series(tmp_path, "projection_noise = { value = 2.0, sigma = 0.06 }\nscale_uncertainty = 0.04")
    np.testing.assert_array_equal([noise.value, noise.spread], [halved.value, halved.spread])
    assert noise.scale_uncertainty == pytest.approx(0.05)
    assert series(tmp_path, "projection_noise = 2").scale_uncertainty == 0
    with_factor = series(tmp_path, "projection_noise = 2\nfactor = { value = 4, sigma = 4 }")
    np.testing.assert_array_equal([with_factor.value, with_factor.spread], [2 * plain.value, 2 * plain.spread])


def test_a_covariance_follows_its_values(tmp_path):
    table, matrix = "time,value\n1,-1\n2,-2\n", "0.04,0.01\n0.01,0.09\n"
    found = series(tmp_path, 'covariance = "c.csv"\nunits = { value = "dB" }', table, c=matrix)
    slope = np.log(10) / 10 * found.value
    expected = np.outer(slope, slope) * [[0.04, 0.01], [0.01, 0.09]]
    np.testing.assert_allclose(found.covariance, expected)
    np.testing.assert_allclose(found.spread**2, np.diag(expected))


def test_means_of_a_trace(tmp_path):
    """Of a drifting trace: the mean at the mean time, and errors as the means scatter."""
    rng, count = np.random.default_rng(seed(1)), 20_000
    time, noise = np.linspace(0.0, 20.0, count), 0.02 * rng.standard_normal(count)
    trace = {"time": time, "value": 1 - 0.03 * time + noise}
    found = datasets.series_of(trace, "polarization", average=50)
    assert len(found.x) == 400
    assert found.spread[0] == pytest.approx(0.02 / np.sqrt(50), rel=SIGMA / np.sqrt(2 * count))
    pulls = (found.value - (1 - 0.03 * found.x)) / found.spread
    assert pulls.std() == pytest.approx(1, abs=SIGMA / np.sqrt(800))
    known = datasets.series_of(trace | {"sigma": np.full(count, 0.02)}, "polarization", average=50)
    np.testing.assert_allclose(known.spread, 0.02 / np.sqrt(50))
    rows = "time,value,exclude\n" + "".join(f"{k},{v:.3f},{int(k == 1)}\n" for k, v in enumerate([0.9, 0.8] * 5))
    from_file = series(tmp_path, "average = 4", rows, "polarization")
    np.testing.assert_array_equal(from_file.x, [1.5, 5.5])
    np.testing.assert_array_equal(from_file.excluded, [True, False])


def test_a_range_beside_what_is_excluded(tmp_path):
    csv = "time,value,sigma,exclude\n" + "".join(f"{t},0.9,0.02,{int(t == 3)}\n" for t in (1, 2, 3, 4, 5))
    found = series(tmp_path, 'range = ["2000 us", "4 ms"]', csv)
    np.testing.assert_array_equal(found.excluded, [True, False, True, False, True])
    assert series(tmp_path, 'range = ["0 ms", "inf ms"]').fitted.all()
    assert list(found.within(3.5, 9.0, "range").fitted) == [False, False, False, True, False]


@pytest.mark.parametrize(
    ("rest", "text"),
    [
        ("factor = 0.5", r"factor: found 0.5, expected a table, such as \{ value = 0.5 \}"),
        ('factor = { value = "2" }', r"factor: value: found 2, expected a number"),
        ("factor = { value = 0 }", r"factor: value: found 0, expected a number"),
        ("factor = { sigma = -1 }", r"factor: sigma: found -1, expected a number > 0"),
        ("factor = { repetitions = 2 }", r"factor: key 'repetitions': found an unknown key, expected one of"),
        ("projection_noise = 0", r"projection_noise: found 0 ± 0, expected a number > 0, or \{ value = …"),
        ('units = { time = "dB" }', r"units: time: found the logarithmic unit 'dB', expected a linear unit"),
        ("average = 2", r"average: found 2 rows of 3, expected 4 or more rows, at most half of them"),
        ('range = ["5 ms"]', r"range: found .*, expected the first and the last time, such as .*12 ms"),
        ('range = ["7 ms", "9 ms"]', r"range: found a range from 7 to 9 ms, expected one that has .* 1 to 6 ms"),
        ('range = ["5", "9 ms"]', r"range: found '5' without a unit"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_of_values(rest, text, tmp_path):
    with pytest.raises(ExperimentError, match=text):
        series(tmp_path, rest)


@pytest.mark.parametrize("names", ["sigma_plus,sigma_minus", "err+,err-", "upper_error,lower_error", "dxi_hi,dxi_lo"])
def test_asymmetric_errors_are_refused_with_what_to_do(names, tmp_path):
    text = r"column .* \(for an asymmetric error give the repetitions of a variance, or the mean of both sides"
    with pytest.raises(ExperimentError, match=text):
        series(tmp_path, "", f"time,value,{names}\n1,0.9,0.02,0.03\n")
    with pytest.raises(ExperimentError, match=r"key 'sigma_up' \(for an asymmetric error"):
        series(tmp_path, 'columns = { sigma_up = "a" }')


def test_what_a_kind_cannot_have(tmp_path):
    with pytest.raises(ExperimentError, match="unit 'dB', expected a linear unit: polarization is no variance"):
        series(tmp_path, 'units = { value = "dB" }', kind="polarization")
    with pytest.raises(ExperimentError, match=r"projection_noise: found one of polarization, expected none: only ξ"):
        series(tmp_path, "projection_noise = 2", kind="polarization")
    beat = "delay,in_phase,quadrature,sigma\n1,1.1,1.1,0.1\n"
    with pytest.raises(ExperimentError, match=r"factor: sigma: found nothing, .* those of in_phase, quadrature differ"):
        series(tmp_path, "factor = { in_phase = 2 }", beat, "orientation_beat")
    both = {"cos": np.ones(1), "sin": np.ones(1), "sigma": np.ones(1)}
    with pytest.raises(ExperimentError, match=r"units: sigma: found 'dB' of several values, expected that of each"):
        linear(both, KINDS["light_variance"], {"cos": "dB"}, {}, "series")
    for key in ("factor = { cos = 2 }", "average = 4"):
        with pytest.raises(ExperimentError, match=r": (factor|average): found one of shots, expected none: variances"):
            series(tmp_path, f'probe_duration = "1 ms"\n{key}', "time,cos,sin\n1,0.1,0.2\n", "quadratures")
    with pytest.raises(ExperimentError, match=r"average: found 4, expected none beside a covariance"):
        series(tmp_path, 'covariance = "c.csv"\naverage = 4', "time,value\n1,1\n", c="1\n")
    with pytest.raises(ExperimentError, match=r"neither .*; or one sigma for all .* of a trace, average = 50"):
        series(tmp_path, "", "time,value\n1,1\n", "polarization")
