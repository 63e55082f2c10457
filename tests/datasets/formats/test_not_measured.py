"""Rows and tables whose values are not measured yet: skipped, and told; what is half filled in is an error."""

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError, joint, read
from dissentangle.datasets.formats import not_measured
from dissentangle.datasets.formats.columns import ColumnNames, read_columns
from dissentangle.datasets.kinds import KINDS

from ..tables.test_spreadsheet import sheet, write


@pytest.fixture
def run(tmp_path):
    datasets.save(read("fig2b-d55"), tmp_path / "run")
    return tmp_path / "run"


def emptied(file, rows, spread=True):
    """Take the values of some rows out of a table, and their errors where `spread` is False."""
    lines = file.read_text().splitlines()
    for k in rows:
        x, _, error = lines[k].split(",")
        lines[k] = f"{x},,{error if spread else ''}"
    file.write_text("\n".join(lines) + "\n")


def test_rows_without_a_value_are_skipped_and_counted(run):
    emptied(run / "xi.csv", [2, 9, 30])
    emptied(run / "polarization.csv", [30], spread=False)
    found, whole = read(run), read("fig2b-d55")
    assert not_measured(found) == ["xi: 3 rows without a value", "polarization: 1 row without a value"]
    for one, full, rows in zip(found.series, whole.series, ([1, 8, 29], [29], []), strict=True):
        for name in ("x", "value", "spread"):
            assert getattr(one, name).tolist() == np.delete(getattr(full, name), rows).tolist()


def test_a_series_of_which_no_row_has_a_value_is_left_out(run):
    for file in ("xi.csv", "transverse_spin.csv"):
        emptied(run / file, range(1, 31))
    found = read(run)
    assert [series.name for series in found.series] == ["polarization"]
    assert not_measured(found) == [
        "xi is left out: 30 rows without a value",
        "transverse_spin is left out: 30 rows without a value",
    ]
    assert "day1.xi is left out: 30 rows without a value" in not_measured(
        joint({"day1": found, "day2": read("fig2b-d35")})
    )
    emptied(run / "polarization.csv", range(1, 31), spread=False)
    text = r"'xi' \(xi.csv\): found 30 rows without a value, expected a value in one row of one table at least"
    with pytest.raises(ExperimentError, match=text):
        read(run)
    (run / "xi.csv").write_text("time,value,repetitions\n")
    with pytest.raises(ExperimentError, match=r"'xi' \(xi.csv\): found no rows, expected at least one measurement"):
        read(run)


def test_a_formula_without_a_result_is_no_row_that_is_not_measured(run):
    """Programs other than Excel write formulas that nobody has calculated: the value would be lost unnoticed."""
    table = (run / "experiment.toml").read_text().replace("xi.csv", "xi.xlsx").replace('"gamma"', '"gaussian"')
    (run / "experiment.toml").write_text(table)
    rows = sheet([["time", "value", "sigma"], [1.0, 0.9, 0.05], [2.0, 7.0, 0.05], [3.0, "", 0.05]])
    plain = '<c r="B3"><v>7.0</v></c>'
    assert plain in rows
    for formula in ("<f>1-A3</f><v />", "<f>1-A3</f><v></v>", "<f>1-A3</f>", '<f t="shared" si="0"/>'):
        write(run / "xi.xlsx", data=rows.replace(plain, f'<c r="B3" s="1">{formula}</c>'))
        with pytest.raises(
            ExperimentError, match=r"xi.xlsx: cell B3: found a formula without a result, expected a wor"
        ):
            read(run)
    for cell in ('<c r="B3"><f>1-A3</f><v>0.8</v></c>', '<c r="B3" t="str"><f>IF(A3,"","")</f><v></v></c>'):
        write(run / "xi.xlsx", data=rows.replace(plain, cell))
        assert 3.0 not in read(run).series[0].x


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("19.5,0.9,", "column 'repetitions': found an empty cell, expected a number"),
        ("19.5,", "found 2 cells, expected 3"),
        ("19.5,,0.9,100", "found 4 cells, expected 3"),
        ("19.5,,what", "column 'value': found an empty cell, expected a number"),
        (",0.9,100", "column 'time': found an empty cell, expected a number"),
    ],
)
def test_a_row_that_is_half_filled_in_is_an_error(run, row, text):
    with (run / "xi.csv").open("a") as file:
        file.write(row)
    with pytest.raises(ExperimentError, match=f"xi.csv: line 32: {text}"):
        read(run)


def test_rows_that_belong_together_are_all_needed(run):
    """Those of an average, and of a covariance."""
    file, table = run / "xi.csv", (run / "experiment.toml").read_text()
    (run / "covariance.csv").write_text("\n".join(",".join(map(str, row)) for row in 1e-4 * np.eye(30)) + "\n")
    lines = [",".join(line.split(",")[:2]) for line in file.read_text().splitlines()]
    file.write_text("\n".join([*lines[:-1], "19.9,"]) + "\n")
    for key in ('covariance = "covariance.csv"', "average = 5"):
        text = table.replace('file = "xi.csv"', f'file = "xi.csv"\n{key}').replace(
            'noise = "gamma"', 'noise = "gaussian"'
        )
        (run / "experiment.toml").write_text(text)
        with pytest.raises(ExperimentError, match=r"xi.csv: line 31: column 'value': found an empty cell"):
            read(run)


def test_several_values_of_a_row_are_all_measured_or_none(tmp_path):
    kind, path = KINDS["orientation_beat"], tmp_path / "beat.csv"
    head = f"{kind.abscissa},in_phase,quadrature,sigma\n"
    path.write_text(f"{head}1,0.5,0.1,0.01\n2,,,0.01\n")
    found = read_columns(path, kind, ColumnNames({}, {}))
    assert (found.value.tolist(), found.note) == ([0.5, 0.1], "1 row without a value")
    path.write_text(f"{head}1,0.5,,0.01\n")
    with pytest.raises(ExperimentError, match="line 2: column 'quadrature': found an empty cell"):
        read_columns(path, kind, ColumnNames({}, {}))


def test_a_sheet_may_have_empty_cells(run):
    rows = [["time", "value", "sigma"], [1.0, 0.9, 0.05], [2.0, "", 0.05], [3.0], [4.0, 0.8, 0.05]]
    write(run / "xi.xlsx", data=rows)
    table = (run / "experiment.toml").read_text().replace("xi.csv", "xi.xlsx").replace('"gamma"', '"gaussian"')
    (run / "experiment.toml").write_text(table)
    found = read(run)
    assert found.series[0].x.tolist() == [1.0, 4.0]
    assert "xi: 2 rows without a value" in not_measured(found)
