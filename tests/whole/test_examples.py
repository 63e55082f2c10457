"""The scripts in examples/ run, and say what they promise."""

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import curve_fit

from dissentangle import datasets

EXAMPLES = Path(__file__).parents[2] / "examples"


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("registry")]


def test_compare_closures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["compare_closures.py", "fig2b-d55", str(tmp_path)])
    runpy.run_path(str(EXAMPLES / "compare_closures.py"), run_name="__main__")
    assert "microscopic: dΓ = 0.11" in capsys.readouterr().out
    assert (tmp_path / "comparison.html").is_file()


def test_own_forward_model_is_small_and_runs(capsys):
    source = (EXAMPLES / "own_forward_model.py").read_text()
    body = source[source.index("EXTRA =") : source.index("if __name__")]
    assert len([line for line in body.splitlines() if line.strip()]) <= 20
    runpy.run_path(str(EXAMPLES / "own_forward_model.py"), run_name="__main__")
    assert "these data cannot tell" in capsys.readouterr().out


def test_own_observable_runs(capsys):
    runpy.run_path(str(EXAMPLES / "own_observable.py"), run_name="__main__")
    assert "microscopic+wide-closure" in capsys.readouterr().out


def test_relaxation_of_liquids_is_small_and_agrees_with_least_squares(capsys):
    """T1 and T2 of measured data, against SciPy's fit of A e^{−t/T} to the same points."""
    folder = EXAMPLES / "relaxation"
    source = (folder / "relaxation.py").read_text()
    body = source[source.index("@inference") : source.index("if __name__")]
    assert len([line for line in body.splitlines() if line.strip()]) <= 10
    runpy.run_path(str(folder / "relaxation.py"), run_name="__main__")
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4
    for line in printed:
        liquid, symbol, mean, error = re.fullmatch(r"(\w+): (T[12]) = ([\d.]+) ± ([\d.]+) s", line).groups()
        points = datasets.read(folder / liquid).series[int(symbol[1]) - 1]
        use = points.fitted

        def decay(t, amplitude, time):
            return amplitude * np.exp(-t / time)

        found, covariance = curve_fit(
            decay, points.x[use] / 1000, points.value[use], (500, 3), points.spread[use], absolute_sigma=True
        )
        assert abs(float(mean) - found[1]) < 0.3 * float(error)
        assert float(error) == pytest.approx(np.sqrt(covariance[1, 1]), rel=0.15)


def test_power_study():
    example = runpy.run_path(str(EXAMPLES / "power_study.py"))
    factor = example["bayes_factor"]("fixed-number", example["TIMES"]["all, to 20 ms"], 100_000, 1)
    assert factor > example["STRONG"]


def test_from_the_photocurrent(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["from_the_photocurrent.py", str(tmp_path), "150"])
    runpy.run_path(str(EXAMPLES / "from_the_photocurrent.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert "The sampling is healthy" in printed
    conditional = float(printed.partition("steady_conditional_xi: ")[2].split()[0])
    assert 0.3 < conditional < 1.2
    assert (tmp_path / "fig2d.pdf").is_file()
