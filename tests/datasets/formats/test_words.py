"""What is wrong in a folder is said at once, each with its place and the line to write."""

import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.errors import MOST_FAULTS, Faults, violation
from dissentangle.datasets.experiment import by_label

WRONG = """\
format_version = 1
titel = "x"
simulated = "no"
[apparatus]
d = 55
Theta = "14"
squeezing_limit = { value = 0.16, sgima = 0.1 }
eta = 84
[[stage]]
duration = "20 ms"
pump = "on"
[[stage]]
drive = true
[[series]]
kind = "xi"
file = "Xi.csv"
scale_uncertainty = "4 %"
[[series]]
kind = "polarisation"
file = "p.csv"
[[series]]
kind = "transverse_spin"
file = "spin.csv"
tiem_unit = "s"
[[series]]
kind = "orientation"
file = "o.csv"
scale_uncertainty = 4
day = "  "
[[observation]]
quantity = "orientation"
time = 15
value = 0.9
sigma = 0.01
[prior]
dGamma = 0.1
"""
SAID = (
    "experiment.toml: key 'titel' (did you mean 'title'?): found an unknown key",
    'title: found nothing, expected a line like title = "…" (a text)',
    "simulated: found no, expected true or false: simulated = false",
    "apparatus: faraday_angle: found '14' without a unit, expected a number with a unit, such as \"14 deg\"",
    "apparatus: squeezing_limit: key 'sgima' (did you mean 'sigma'?)",
    "prior: collective_rate: found 0.1, expected a text such as 'lognormal(0.1, 1)'",
    'observation 1: time: found 15 without a unit, expected a number with a unit, such as "15 ms"',
    "stage 1: pump: found 'on', expected true, false",
    'stage 2: duration: found nothing, expected a line like duration = "20 ms"',
    "series 1: scale_uncertainty: found 4 %, expected a number: scale_uncertainty = 0.04",
    "Xi.csv: found no such file, expected a file (did you mean 'xi.csv'?)",
    "series 2: kind: found 'polarisation' (did you mean 'polarization'?)",
    "series 3: key 'tiem_unit' (did you mean 'time_unit'?)",
    "spin.csv: line 1: column 'err': found an unknown column",
    "apparatus: detection_efficiency: found 84, expected a number in [0, 1]",
    "series 'orientation' (o.csv): sigma: row 2: found 0, expected a positive number (and 1 more such rows)",
    "series 'orientation' (o.csv): scale_uncertainty: found 4.0, expected a fraction: 0.04 for 4 %",
    "series 'orientation' (o.csv): day: found '  ', expected a text such as '2026-03-01'",
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "experiment.toml").write_text(WRONG, encoding="utf-8")
    for name in ("xi", "p"):
        (tmp_path / f"{name}.csv").write_text("time,value,sigma\n1,0.9,0.01\n")
    (tmp_path / "spin.csv").write_text("time,value,err\n1,0.9,0.01\n")
    (tmp_path / "o.csv").write_text("time,value,sigma\n1,0.9,0.01\n2,0.9,0\n3,0.8,0\n")
    return tmp_path


def test_all_that_is_wrong_is_said_at_once(folder):
    with pytest.raises(ExperimentError) as found:
        datasets.read(folder)
    first, *lines = str(found.value).splitlines()
    assert first == f"{len(SAID)} errors:"
    assert "\n".join(found.value.faults).splitlines() == lines
    for text in SAID:
        assert sum(text in line for line in lines) == 1, text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("duration = 20 ms", 'in: duration = 20 ms, expected the line duration = "20 ms"'),
        ("sigma = 0,03  # of xi", "expected the line sigma = 0.03"),
        ("simulated = False", "expected the line simulated = false"),
        ('file = "C:\\data\\xi.csv"', r"expected the line file = 'C:\data\xi.csv'"),
        ('Θ = "14 deg"', 'in: Θ = "14 deg", expected the line "Θ" = "14 deg"'),
        ("initial_xi[main] = 'fixed(1)'", "expected the line \"initial_xi[main]\" = 'fixed(1)'"),
        ("sigma = 5\nsigma = 5", "(Cannot overwrite a value (at line 3, column 10)) in: sigma = 5, expected text in"),
        (
            'columns = { time = "t", sigma = … }',
            'expected a column or a number in place of …: sigma = "NAME", of a col',
        ),
        ("tail = ...", 'expected a value in place of …: tail = "…" is a text'),
        ("title = drive", 'expected the line title = "drive"'),
        ('title "x"', "expected text in UTF-8: lines like key = value, texts and '20 ms' in quotation marks"),
        ("a = [1", "expected text in UTF-8: lines like"),
    ],
)
def test_lines_that_are_no_toml(line, expected, tmp_path):
    (tmp_path / "experiment.toml").write_text(f"format_version = 1\n{line}\n", encoding="utf-8")
    with pytest.raises(ExperimentError) as found:
        datasets.read(tmp_path)
    assert expected in str(found.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('title = "t"', "title = 5", "title: found 5, expected a text: title = \"5\""),
        ("simulated = true", "simulated = 'true'", "simulated: found true, expected true or false: simulated = true"),
        ("simulated = true", "simulated = 1", "simulated: found 1, expected true or false"),
        ('"20 ms"', '"20,5 ms"', "duration: found '20,5 ms', expected \"20.5 ms\""),
        ('"20 ms"', '"twenty ms"', 'found \'twenty ms\', expected a number with a unit, such as "1.0 ms"'),
        ("drive = true", "[[series]]\nkind='xi'\nfile='a.csv'\nscale_uncertainty='0,04'", "scale_uncertainty = 0.04"),
        ("drive = true", "[[series]]\nkind='xi'\nfile='a.csv'\nscale_uncertainty='much'", "much, expected a number"),
        ("drive = true", "[[run]]\nname = 'main'", 'expected a line like relative_depth = 0.6, or populations = "st'),
        ("drive = true", "[apparatus]\nd = { sigma = 3 }", "expected a line like optical_depth = { value = …, sigma"),
        ("drive = true", "[apparatus]\nd = 55\nOD = 55", "found optical_depth twice, as d and as OD, expected each"),
        ("drive = true", "[sharing]\nday_depth = 'shared'",
         'sharing: day_depth: found series of one day, expected series of several days: a line like day = "2026'),
    ],
)  # fmt: skip
def test_the_line_to_write(old, new, expected, tmp_path):
    toml = 'format_version = 1\ntitle = "t"\nsimulated = true\n[[stage]]\nduration = "20 ms"\ndrive = true\n'
    assert old in toml
    (tmp_path / "experiment.toml").write_text(toml.replace(old, new), encoding="utf-8")
    (tmp_path / "a.csv").write_text("time,value,sigma\n1,0.9,0.1\n")
    with pytest.raises(ExperimentError) as found:
        datasets.read(tmp_path)
    assert expected in str(found.value)


def test_a_folder_without_experiment(tmp_path):
    with pytest.raises(ExperimentError, match=r"found a folder without experiment\.toml, expected one: `diss"):
        datasets.read(tmp_path)
    for name in ("38C", "44C"):
        datasets.save(datasets.read("krauter2011-published"), tmp_path / name)
    with pytest.raises(ExperimentError, match=r"expected one of its folders, or several for a joint fit: 38C, 44C"):
        datasets.read(tmp_path)


def test_what_lies_beside_a_wrong_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    datasets.save(datasets.read("krauter2011-published"), "mine")
    (tmp_path / "xi.csv").touch()
    for path, meant in (("mines", "mine"), ("mine/experiment.tml", "mine/experiment.toml")):
        with pytest.raises(ExperimentError, match=rf"bundled experiment \(did you mean '{meant}'\?\)"):
            datasets.read(path)
    with pytest.raises(ExperimentError, match=r"xi.csv: found a table, expected the folder of an experiment.toml that"):
        datasets.read("xi.csv")


def test_other_files_are_named(tmp_path):
    (tmp_path / "monday.nc").touch()
    with pytest.raises(ExperimentError, match=r"no such file, expected a file \(did you mean 'monday.nc'\?\)"):
        datasets.files.check_size(tmp_path / "mondy.nc")
    with pytest.raises(ExperimentError, match=r"expected a file \(.* has monday.nc\)"):
        datasets.files.check_size(tmp_path / "xyz.nc")
    with pytest.raises(ExperimentError, match=r"expected a file$"):
        datasets.files.check_size(tmp_path / "xyz.csv")


@pytest.mark.parametrize(
    ("missing", "there", "said"),
    [
        ("Jy.csv", "P.csv", r"\(.* has P.csv\)"),
        ("Jy.csv", "jy.CSV", r"\(did you mean 'jy.CSV'\?\)"),
        ("transverse.csv", "transvers.csv", r"\(did you mean 'transvers.csv'\?\)"),
        ("xi.csv", "xi.txt", r"\(did you mean 'xi.txt'\?\)"),
    ],
)
def test_only_names_that_are_alike_are_suggested(missing, there, said, tmp_path):
    (tmp_path / there).touch()
    with pytest.raises(ExperimentError, match=rf"no such file, expected a file {said}"):
        datasets.files.check_size(tmp_path / missing)


def test_a_long_path_makes_no_names_alike(tmp_path):
    (tmp_path / "P.nc").touch()
    with pytest.raises(ExperimentError, match=r"no such folder, file or bundled experiment, expected"):
        datasets.read(tmp_path / "Jy.nc")


def test_names_of_parameters_in_files(tmp_path):
    (tmp_path / "experiment.toml").write_text(
        'format_version = 1\ntitle = "t"\nsimulated = true\n[apparatus]\nd = 55\n"Θ" = "14 deg"\n'
        '[prior]\ndGamma = "lognormal(0.1, 1)"\n"Γ̃[drive]" = "fixed(0.2)"\n'
        '[[stage]]\nduration = "20 ms"\ndrive = true\n',
        encoding="utf-8",
    )
    found = datasets.read(tmp_path)
    assert list(found.apparatus) == ["optical_depth", "faraday_angle"]
    assert list(found.priors) == ["collective_rate", "dephasing_rate[drive]"]


def test_labels_by_symbol():
    assert by_label({"Γ̃ [drive]": 1, "scale[xi]": 2, "nothing": 3}, "prior") == {
        "dephasing_rate[drive]": 1, "scale[xi]": 2, "nothing": 3,
    }  # fmt: skip


def test_many_errors_are_cut_off():
    faults = Faults()
    for k in range(MOST_FAULTS + 3):
        with faults:
            raise violation(f"row {k}", 1, "2")
    with faults:
        raise violation("row 0", 1, "2")
    with pytest.raises(ExperimentError) as found:
        faults.settle()
    assert str(found.value).endswith("\n… and 3 more")
    assert len(found.value.faults) == MOST_FAULTS + 3
    with pytest.raises(KeyError), faults:
        raise KeyError
    Faults().settle()
