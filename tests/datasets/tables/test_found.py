"""Files as laboratories have them: what is said of none of them is found, and told; else the line to write is."""

import re

import numpy as np
import pytest

from dissentangle.datasets import ExperimentError
from dissentangle.datasets.tables import Form, Table, read_form

TIME, XI, ERROR = [0.5, 1.25, 2.0], [0.95, 0.875, 1.0], [0.05, 0.025, 0.05]
ROWS = list(zip(TIME, XI, ERROR, strict=True))
NAMES = {"time": "T (µs)", "value": "xi", "sigma": "err"}
NUMBERED = {"time": "#1", "value": "#2", "sigma": "#3"}


def lines(separator=",", decimal=".", end=""):
    return "".join(separator.join(str(x).replace(".", decimal) for x in row) + f"{end}\n" for row in ROWS)


EXCEL = "T (µs);xi;err\n" + lines(";", ",")
PREAMBLE = "IGOR Pro 9, run 12\nSample rate\t1000\nGain\t5.5\n" + "Comment: 1, 2, 3\n" * 8 + "\n"
LVM = (
    "LabVIEW Measurement\t\nWriter_Version\t2\nSeparator\tTab\n***End_of_Header***\t\n\t\nChannels\t2\t\t\n"
    "Samples\t3\t3\t\nX0\t0.0\t0.0\t\n***End_of_Header***\t\t\t\nX_Value\txi\terr\tComment\n" + lines("\t")
)
TEKTRONIX = "Record Length,2500,,0.5,0.95,0.05\nSample Interval,4e-6,,1.25,0.875,0.025\n,,,2.0,1.0,0.05\n"
RIGOL = "X,CH1,CH2,Start,Increment,\nSequence,Volt,Volt,-6.0e-4,1.0e-6,\n" + lines(end=",,")
INDENTED = "".join(f"\t{line}\n" for line in lines("\t").splitlines())
ORIGIN = "Long Name\tT (µs)\txi\terr\nUnits\tus\t\t\nComments\t\t\t\n" + INDENTED
ITX = "IGOR\nWAVES/D\tt, xi, err\nBEGIN\n" + INDENTED + 'END\nX SetScale/P x 0,1,"", t; SetScale y 0,0,"", t\n'
T_XI = {"time": "t", "value": "xi", "sigma": "err"}
OURS = {"time": "time", "value": "value", "sigma": "sigma"}
MOVED = {"time": "#2", "value": "#3", "sigma": "#4"}
FOUND = {
    "Excel, German": (EXCEL, NAMES, "semicolons, decimal commas"),
    "Excel, sep=": ("sep=;\n" + EXCEL, NAMES, "semicolons, decimal commas, names in line 2"),
    "empty cells below": (EXCEL + ";;\n;;\n", NAMES, "semicolons, decimal commas"),
    "NumPy": ("# t xi err\n" + lines(" "), T_XI, "blanks, names in line 1"),
    "NumPy, commas": ("# t, xi, err\n" + lines(), T_XI, "names in line 1"),
    "our names behind #": ("# made by us\n# time value sigma\n" + lines(" "), None, "blanks, names in line 2"),
    "aligned columns": ("time    value  sigma\n" + lines("   ", end="  "), None, "blanks"),
    "blanks and decimal commas": ("time value sigma\n" + lines("  ", ","), None, "blanks, decimal commas"),
    "preamble": (PREAMBLE + "T (µs)\txi\terr\n" + lines("\t"), NAMES, "tabulators, names in line 13"),
    "preamble, no names": (PREAMBLE + lines("\t"), NUMBERED, "tabulators, numbers from line 13"),
    "Moku": ("% Moku\n% more, of it\ntime,value,sigma\n" + lines(), None, ""),
    "LabVIEW": (LVM, T_XI | {"time": "X_Value"}, "tabulators, names in line 10"),
    "empty first cells": (LVM[: LVM.rindex("Comment") + 8] + INDENTED, MOVED, "tabulators, names in line 10"),
    "Tektronix": (TEKTRONIX, {"time": "#4", "value": "#5", "sigma": "#6"}, ""),
    "Rigol": (RIGOL, {"time": "X", "value": "CH1", "sigma": "CH2"}, "line 2 skipped"),
    "Origin": (ORIGIN, NAMES, "tabulators, line 2, 3 skipped"),
    "Igor": (ITX, T_XI, "blanks, names in line 2, line 3 skipped"),
    "numbers alone": (lines(), NUMBERED, ""),
    "text in a column": ("time,value,sigma,note\n" + lines(end=",warm up; ok"), OURS, ""),
}


def read(path, text, columns, form=None, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return Table(path, ("time", "value", "sigma"), columns, form)


@pytest.mark.parametrize("name", FOUND)
def test_what_nobody_says_is_found(name, tmp_path):
    text, columns, note = FOUND[name]
    table = read(tmp_path / "x.csv", text, columns)
    np.testing.assert_array_equal(np.transpose(list(table.read().values())), ROWS)
    separated = "" if note.startswith(("names", "line")) else "cells separated by "
    assert table.note == (f"x.csv: found {separated}{note}" if note else "")


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("utf-16", ", text in utf-16"), ("utf-16-le", ", text in utf-16-le"), ("cp1252", ", text in cp1252"),
     ("utf-8-sig", ""), ("utf-8", "")],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings(encoding, words, end, tmp_path):
    table = read(tmp_path / "x.csv", EXCEL.replace("\n", end), NAMES, encoding=encoding)
    np.testing.assert_array_equal(np.transpose(list(table.read().values())), ROWS)
    assert table.note == "x.csv: found cells separated by semicolons, decimal commas" + words


@pytest.mark.parametrize(
    ("text", "columns", "form", "message"),
    [
        ("time;value;sigma\n1,234;1,500;2,250\n", None, {},
         r"x.csv: found numbers such as 1,234, expected the line decimal = ','"),
        ("time;value;sigma\n1,5;0.9;0,1\n1,5;0,9;0,1\n", None, {},
         r"line 2: column 'value': found '0.9', expected a number, with a decimal comma, or the line decimal = '.'"),
        ("t xi\n1 0.9\n", {"time": "t", "value": "y"}, {}, r"line 1: column 'y': found no such .* one of t, xi"),
        ("1 0.9\n", {"time": "t", "value": "xi"}, {}, r"line 1: found numbers, expected a header line"),
        ("time (us),xi,err\n" + lines(), None, {}, r"line 1: column 'time \(us\)' \(did you mean 'time'\?\): found"),
        ("time,value,sigma\n1,n/a,0.1\n", None, {}, r"line 2: column 'value': found 'n/a', expected a number"),
        ("time,value,sigma\n1 ms,0.98 au,0.02 au\n", None, {}, r"line 2: column 'time': found '1 ms', expected a"),
        ("run 1\ntime;value;sigma\n1;n/a;0,1\n2;0,9;0,1\n", None, {}, r"line 3: column 'value': found 'n/a'"),
        ("run 1\n1;0,9;0,1\n2;n/a;0,1\n3;0,8;0,1\n4;0,8;0,1\n", NUMBERED, {}, r"line 3: column 'value': found 'n/a'"),
        ("run 1\n1;0,9;0,1\npause\n2;0,9;0,1\n3;0,8;0,1\n", NUMBERED, {}, r"line 3: found 1 cells, expected 3"),
        ("time;value;sigma\n1;0,9;0,1\n--- lamp, cf. p. 41 ---;;\n2;0,9;0,1\n", None, {},
         r"line 3: column 'time': found '--- lamp, cf. p. 41 ---', expected a number; of a remark, a # before it, or "
         r"the line comment = '---'$"),
        ("time;value;sigma\n1;0,9;0,1\nlamp off.\n", None, {},
         r"line 3: found 1 cells, expected 3: time, value, sigma; of a remark, a # before it$"),
        ("time;value;sigma\n1;0,9\n", None, {}, r"line 2: found 2 cells, expected 3: time, value, sigma"),
        ("time;value;sigma\n1;0,9;0,1;7\n", None, {}, r"line 2: found 4 cells, expected 3"),
        (EXCEL, NAMES, {"encoding": "utf-16"}, r"found bytes that are not utf-16, expected text in the encoding"),
        (EXCEL, NAMES, {"separator": ","}, r"column 'T \(.s\)': found no such column"),
        ("time,value,sigma\n$1,0.9,0.1\n", None, {}, r"column 'time': found '\$1'"),
    ],
)  # fmt: skip
def test_what_is_not_found_is_asked_for(text, columns, form, message, tmp_path):
    with pytest.raises(ExperimentError, match=message):
        read(tmp_path / "x.csv", text, columns, Form(**form)).read()


@pytest.mark.parametrize(
    ("text", "columns", "form"),
    [
        ("time;value;sigma\n1,250;1,500;2,250\n", None, {"decimal": ","}),
        ("a|b|c\n1.25|1.5|2.25\n", NUMBERED, {"separator": "|"}),
        ('time,value,sigma\n"1,25","1,5","2,25"\n', None, {"decimal": ","}),
        ("time,value,sigma\n$ first\n1.25,1.5,2.25\n$ last, 1\n", None, {"comment": "$"}),
        ("time,value,sigma\n1.25,1.5,2.25\n--- lamp, off\n", None, {"comment": "---"}),
        ("time,value,sigma\n1,2,3\ntime,value,sigma\n1.25,1.5,2.25\n", None, {"skip_rows": 2}),
        ("time,value,sigma\n9,9,9\n1.25,1.5,2.25\n", NUMBERED, {"skip_rows": 2}),
        ("\u0084,xi,err\n1.25,1.5,2.25\n", T_XI | {"time": "ä"}, {"encoding": "cp850"}),
    ],
)  # fmt: skip
def test_what_is_said_counts(text, columns, form, tmp_path):
    table = read(tmp_path / "x.csv", text, columns, Form(**form), "latin-1" if "encoding" in form else "utf-8")
    assert [column.tolist() for column in table.read().values()] == [[1.25], [1.5], [2.25]]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"separator": "ab"}, "s: separator: found 'ab', expected one character"),
        ({"separator": "."}, "s: separator: found '.', expected one character"),
        ({"decimal": ";"}, "s: decimal: found ';', expected '.' or ','"),
        ({"comment": "x"}, "s: comment: found 'x', expected a sign"),
        ({"skip_rows": -1}, "s: skip_rows: found -1, expected how many lines"),
        ({"cells": "B4"}, "s: cells: found 'B4', expected a range, such as 'B4:E60'"),
        ({"encoding": "klingon"}, "s: encoding: found 'klingon', expected a name such as 'utf-8'"),
        ({"encoding": "rot13"}, "s: encoding: found 'rot13', expected a name such as 'utf-8'"),
    ],
)
def test_what_cannot_be_said(said, message):
    with pytest.raises(ExperimentError, match=re.escape(message)):
        read_form("s", said, ".csv" if "cells" not in said else ".xlsx")


@pytest.mark.parametrize(("key", "suffix"), [("sheet", ".csv"), ("separator", ".h5"), ("encoding", ".xlsx")])
def test_a_key_that_a_format_does_not_have(key, suffix):
    with pytest.raises(ExperimentError, match=f"s: {key}: found 'x', expected no such key for a file that ends in"):
        read_form("s", {key: "x"}, suffix)


def test_both_letters_mu_are_one(tmp_path):
    table = read(tmp_path / "x.csv", EXCEL, NAMES | {"time": "T (\u03bcs)"})
    assert table.read()["time"].tolist() == TIME


def test_a_preamble_longer_than_what_is_looked_at(tmp_path):
    text = "".join(f"line {k}: 1, 2, 3\n" for k in range(20_000)) + EXCEL
    with pytest.raises(ExperimentError, match=r"or the line skip_rows = …, if the names are farther down"):
        read(tmp_path / "x.csv", text, NAMES)
    table = read(tmp_path / "x.csv", text, NAMES, Form(skip_rows=20_000))
    assert table.read()["time"].tolist() == TIME
    assert table.note == "x.csv: found cells separated by semicolons, decimal commas"
