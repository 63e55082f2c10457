"""Numbers as a paper prints them, and tables of them."""

import csv
import io
import re
from dataclasses import replace

import numpy as np
import pytest

from dissentangle import inference
from dissentangle.datasets import ExperimentError, Known, joint, read
from dissentangle.forward_models import PARAMETERS
from dissentangle.inference.text import derived_rows, fit_text, sharing_text
from dissentangle.inference.text.numbers import number, plus_minus, with_error
from dissentangle.inference.text.paper_table import _escaped
from dissentangle.inference.text.rows import DerivedRow


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (0.11253, 0.00753, "0.1125(75)"),
        (0.02650, 0.000237, "0.02650(24)"),
        (55.08, 2.74, "55.1(2.7)"),
        (1.014, 0.0996, "1.01(10)"),
        (1.0137, 0.00996, "1.014(10)"),
        (328604.0, 95000.0, "329000(95000)"),
        (1234.0, 12.4, "1234(12)"),
        (-0.0123, 0.0045, "-0.0123(45)"),
        (0.5, 0.0, "0.5"),
        (float("inf"), 1.0, "inf"),
        (9.96, 9.96, "10(10)"),
    ],
)
def test_rounding(mean, sd, text):
    assert with_error(mean, sd) == text


def test_a_joint_fit_says_what_it_shares():
    assert sharing_text(read("fig2b-d55"), ["optical_depth"]) == ""
    sharing = {"pure_dephasing_rate": "separate", "collision_rate": "population"}
    parts = {name: read(name) for name in ("fig2b-d55", "fig2b-d35")}
    labels = ["radiative_rate", "squeezing_limit", "optical_depth[fig2b-d55]", "optical_depth[fig2b-d35]"]
    labels += ["pure_dephasing_rate[fig2b-d55: drive]", "collision_rate", "scale[fig2b-d55.xi]"]
    (first,) = sharing_text(joint(parts, sharing), labels).splitlines()
    assert first == (
        "joint fit: the experiments share Γ, Z; each have their own d, Γdeph; draw from one population Γcol"
        " (dΓ = d Γ; scales and offsets are those of each series)"
    )
    first, second = sharing_text(joint(parts, {"collision_rate": "population"}), labels).splitlines()
    assert "(dΓ = d Γ;" in first
    assert second.startswith("to change it: --share pure_dephasing_rate=separate, shared or population, in Python")
    again = {"a": parts["fig2b-d55"], "b": parts["fig2b-d55"]}
    said = sharing_text(joint(again, {"collision_rate": "population"}), labels).splitlines()
    assert said[1].startswith(
        "all files state the same d: for a repeat on the same apparatus add --share optical_depth"
    )
    assert len(sharing_text(joint(again, {"optical_depth": "shared"}), labels).splitlines()) == 2
    angles = {name: replace(one, apparatus={"faraday_angle": Known(14.0)}) for name, one in parts.items()}
    tied = sharing_text(joint(angles, {"optical_depth": "tied"}), ["radiative_rate", "depth_per_degree"])
    assert "share Γ, d/Θ (d ∝ Θ with one factor; dΓ" in tied


def test_every_parameter_has_a_symbol_for_latex():
    assert [row.name for row in PARAMETERS.values() if not (row.latex or row.symbol).isascii()] == []


def test_an_entanglement_that_never_ends_in_any_draw(fit_d55):
    fit = fit_d55.copy(deep=True)
    fit["derived"]["entanglement_duration"][...] = np.inf
    row = next(row for row in derived_rows(fit) if row.name == "entanglement_duration")
    assert set(row.printed) == {"> horizon"}


def test_the_threshold_with_pump_and_repump_stands_beside_that_of_the_paper(fit_d55):
    fit = fit_d55.copy(deep=True)
    derived = fit["derived"].dataset.assign_coords(driven_lights=["drive+pump+repump"])
    fit["derived"] = type(fit)(derived)
    assert [row.published for row in derived_rows(fit) if row.name == "threshold_optical_depth"] == ["100"]
    line = next(line for line in fit_text(fit).splitlines() if line.startswith("threshold_optical_depth"))
    assert line.split()[-1] == "100"
    assert not any(row.published for row in derived_rows(fit_d55))
    header = next(line for line in fit_text(fit_d55).splitlines() if line.startswith("derived quantity"))
    assert header.split()[-1] == "interval"


def test_latex(fit_d55):
    text = inference.posterior_as(fit_d55, "latex")
    assert r"$d\Gamma$ & \num{0.11" in text
    assert r"\unit{\per\milli\second} & data \\" in text
    assert "[simulated]" in text
    assert text.startswith("% microscopic closure, dissentangle ")
    assert "siunitx 3 or later" in text
    assert next(line for line in text.splitlines() if line.startswith("$d$")).endswith(r"& prior \\")
    assert text.count(r"\\") == len(fit_d55["summary"]["parameter"]) + 1


def test_names_of_the_user_are_text_in_latex():
    assert _escaped(r"\input{x} $a_b$ 100% 🐈") == (r"\textbackslash{}input\{x\} \$a\_b\$ 100\% ?")


def test_markdown_and_csv(fit_d55):
    text = inference.posterior_as(fit_d55, "markdown")
    assert "| dΓ | 0.11" in text
    assert r"Γdeph \[drive\]" in text
    assert "(microscopic closure, dissentangle " in text
    assert re.search(r"\| dΓ .*\| data[^|]* \|\n", text)
    rows = list(csv.DictReader(io.StringIO(inference.posterior_as(fit_d55, "csv"))))
    assert rows[0]["parameter"] == "collective_rate"
    assert float(rows[0]["mean"]) == pytest.approx(float(fit_d55["posterior"]["collective_rate"].mean()))
    with pytest.raises(ExperimentError, match="found the format 'word', expected one of latex, markdown, csv"):
        inference.posterior_as(fit_d55, "word")


def test_what_is_rounded_to_zero_has_no_sign():
    assert number(-0.02, 2.0) == "0.0"
    assert number(-0.06, 2.0) == "-0.1"
    assert plus_minus(-0.001, 0.2) == "0.00 ± 0.20"
    assert with_error(-0.001, 0.2) == "0.00(20)"


def test_a_steady_state_without_mean_spin_has_no_xi():
    """Of sixteen levels with the drive alone: no horizon was too short."""
    row = DerivedRow("steady_state_xi", "drive", "1", np.inf, np.inf, np.inf)
    assert row.printed == ("none", "", "")
    assert row.span == "no mean spin is left in the end"
    assert DerivedRow("entanglement_duration", "main", "ms", np.inf, np.inf, np.inf).printed[0] == "> horizon"
