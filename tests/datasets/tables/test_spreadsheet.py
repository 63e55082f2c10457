"""Excel files: sheet, range, text that is a number, and what cannot be read."""

import zipfile

import numpy as np
import pytest

from dissentangle.datasets import ExperimentError
from dissentangle.datasets.tables import Form, Table

NAMES = {"time": "T (us)", "value": "xi", "sigma": "err"}
ROWS = [
    ["run 12"],
    [],
    ["T (us)", "xi", "err", "note"],
    [1.0, 0.9, 0.05, "ok"],
    [0.0, 0.0, 0.0],
    [3, "0,8", "0,05", "ok"],
]


def cell(place, value):
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def sheet(rows):
    lines = "".join(
        f'<row r="{k}">' + "".join(cell(f"{chr(65 + j)}{k}", v) for j, v in enumerate(row)) + "</row>"
        for k, row in enumerate(rows, 1)
    )
    office = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{office}"><sheetData>{lines}</sheetData></worksheet>'


def write(path, **sheets):
    office = "http://schemas.openxmlformats.org"
    related = f"{office}/officeDocument/2006/relationships"
    main = f'<workbook xmlns="{office}/spreadsheetml/2006/main" xmlns:r="{related}"><sheets>'
    links = {"_rels/.rels": ["officeDocument"], "xl/_rels/workbook.xml.rels": ["worksheet"] * len(sheets)}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for k, (name, rows) in enumerate(sheets.items(), 1):
            main += f'<sheet name="{name}" sheetId="{k}" r:id="r{k}"/>'
            file.writestr(f"xl/worksheets/sheet{k}.xml", rows if isinstance(rows, str) else sheet(rows))
        for name, kinds in links.items():
            text = f'<Relationships xmlns="{office}/package/2006/relationships">'
            for k, kind in enumerate(kinds, 1):
                target = f"worksheets/sheet{k}.xml" if kind == "worksheet" else "xl/workbook.xml"
                text += f'<Relationship Id="r{k}" Type="{related}/{kind}" Target="{target}"/>'
            file.writestr(name, text + "</Relationships>")
        file.writestr("xl/workbook.xml", main + "</sheets></workbook>")
        file.writestr("[Content_Types].xml", f'<Types xmlns="{office}/package/2006/content-types"/>')
    return path


def table(path, columns=NAMES, **form):
    return Table(path, ("time", "value", "sigma"), columns, Form(**form))


def test_the_one_sheet_with_cells(tmp_path):
    """Texts with a decimal comma are numbers where all are; a row of zeros is a row."""
    rows = [*ROWS[:4], ROWS[4]]
    found = table(write(tmp_path / "a.xlsx", Empty=[], Run=rows))
    np.testing.assert_array_equal(np.transpose(list(found.read().values())), [[1, 0.9, 0.05], [0, 0, 0]])
    assert found.note == "a.xlsx: found sheet 'Run', names in row 3"
    found = table(write(tmp_path / "b.xlsx", Run=[["T (us)", "xi", "err"], [3, "0,8", "0,05"]]))
    assert [column.tolist() for column in found.read().values()] == [[3], [0.8], [0.05]]
    assert found.note == "b.xlsx: found sheet 'Run', decimal commas"


def test_a_sheet_and_a_range(tmp_path):
    path = write(
        tmp_path / "a.xlsx", Summary=ROWS, Run=[["x", "T (us)", "xi", "err"], *([k, k, 1, 0.1] for k in range(9))]
    )
    with pytest.raises(ExperimentError, match=r"a.xlsx: found sheets with cells: Summary, Run, expected sheet ="):
        table(path)
    with pytest.raises(
        ExperimentError, match=r"a.xlsx \(did you mean 'Run'\?\): found sheets with cells: Summary, Run"
    ):
        table(path, sheet="run")
    assert table(path, sheet="Run").read()["time"].tolist() == list(range(9))
    assert table(path, sheet="Run", cells="B1:D4").read()["time"].tolist() == [0, 1, 2]
    assert table(path, sheet="Run", cells="B:D").read()["time"].tolist() == list(range(9))
    numbered = table(path, {"time": "#1", "value": "#2", "sigma": "#3"}, sheet="Run", cells="B8:D10")
    assert numbered.read()["time"].tolist() == [6, 7, 8]
    assert table(path, sheet="Summary").read()["value"].tolist() == [0.9, 0, 0.8]
    with pytest.raises(ExperimentError, match=r"row 6: column 'value': found '0,8', expected a number, with a decimal"):
        table(path, sheet="Summary", decimal=".").read()


def test_a_remark_among_the_rows(tmp_path):
    rows = [["time", "value", "sigma"], [0, 0.9, 0.1], ["lamp off", "", ""], [1, 0.8, 0.1]]
    with pytest.raises(ExperimentError, match=r"row 3: column 'time': found 'lamp off', expected a number; the row of"):
        table(write(tmp_path / "a.xlsx", Run=rows), None).read()


def test_files_that_are_none(tmp_path, monkeypatch):
    (tmp_path / "a.xlsx").write_bytes(b"PK no")
    with pytest.raises(ExperimentError, match=r"a.xlsx: found BadZipFile: .*, expected an Excel file \(.xlsx\)"):
        table(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as file:
        file.writestr("x", "y")
    with pytest.raises(ExperimentError, match=r"b.xlsx: found .*, expected an Excel file \(.xlsx\)"):
        table(tmp_path / "b.xlsx")
    with pytest.raises(ExperimentError, match=r"c.xlsx: found sheets with cells: none, expected sheet = 'Sheet1'"):
        table(write(tmp_path / "c.xlsx", Run=[]))
    far = sheet([]).replace("<sheetData>", f'<sheetData><row r="1">{cell("A1", 1)}{cell("XFD1048576", 1)}</row>')
    with pytest.raises(ExperimentError, match=r"d.xlsx: xl/worksheets/sheet1.xml: found 17179869184 cells"):
        table(write(tmp_path / "d.xlsx", Run=far))
    monkeypatch.setattr("dissentangle.datasets.tables.spreadsheet._LARGEST_UNPACKED", 100)
    with pytest.raises(ExperimentError, match=r"c.xlsx: found 0 MB unpacked, expected at most"):
        table(tmp_path / "c.xlsx")
