"""The lines that name the columns of a file: complete, of its own names, with what they say of units."""

import tomllib

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError
from dissentangle.datasets.kinds import KINDS, are_named, arguments_for, lines_for

from ..driven import DRIVEN

T_XI_P = ["t", "xi", "dxi", "P", "dP"]
LINES = {
    "xi of several": ("xi", T_XI_P, {"time": "t", "value": "xi", "sigma": "dxi"}, {"time_unit": "ms"}),
    "P of several": ("polarization", T_XI_P, {"time": "t", "value": "P", "sigma": "dP"}, {"time_unit": "ms"}),
    "German, dB": ("xi", ["T (µs)", "Squeezing (dB)", "Fehler (dB)"],
                   {"time": "T (µs)", "value": "Squeezing (dB)", "sigma": "Fehler (dB)"}, {"units": {"value": "dB"}}),
    "per cent": ("polarization", ["t_ms", "P (%)", "error of P"],
                 {"time": "t_ms", "value": "P (%)", "sigma": "error of P"}, {"factor": {"value": 0.01}}),
    "repetitions": ("xi", ["T/us", "EPR", "N"], {"time": "T/us", "value": "EPR", "repetitions": "N"}, {}),
    "other order": ("transverse_spin", ["sigma_Jy", "Jy", "time [s]"],
                    {"time": "time [s]", "value": "Jy", "sigma": "sigma_Jy"}, {}),
    "unknown names": ("xi", ["a in ms", "b", "c"], {"time": "a in ms", "value": "b"}, {}),
    "numbers": ("xi", ["#1", "#2", "#3"], {"time": "#1", "value": "#2", "sigma": "#3"}, {"time_unit": "ms"}),
    "a matrix": ("xi", ["m#1", "m#2", "m#3"], {"time": "m#1", "value": "m#2", "sigma": "m#3"}, {"time_unit": "ms"}),
    "HDF5": ("xi", ["/run/err", "/run/t_us", "/run/xi"],
             {"time": "/run/t_us", "value": "/run/xi", "sigma": "/run/err"}, {}),
    "light": ("light_variance", ["T_ms", "var_c", "var_s", "N"],
              {"time": "T_ms", "cos": "var_c", "sin": "var_s", "repetitions": "N"}, {}),
    "angles": ("coupling", ["Theta (deg)", "kappa^2", "err"],
               {"faraday_angle": "Theta (deg)", "value": "kappa^2", "sigma": "err"}, {}),
    "fields": ("xi", ["scan.err", "scan.T", "scan.xi"], {"time": "scan.T", "value": "scan.xi", "sigma": "scan.err"},
               {"time_unit": "ms"}),
    "a sign": ("transverse_spin", ["t/ms", "Jy/Jy(0)", "±"], {"time": "t/ms", "value": "Jy/Jy(0)", "sigma": "±"}, {}),
    "words": ("xi", ["stat. err", "t (ms)", "EPR"], {"time": "t (ms)", "value": "EPR", "sigma": "stat. err"}, {}),
    "shots": ("xi", ["Delay (ms)", "N shots", "EPR"],
              {"time": "Delay (ms)", "value": "EPR", "repetitions": "N shots"}, {}),
    "of another": ("transverse_spin", ["t_ms", "Jx", "Jy", "err_Jx"], {"time": "t_ms", "value": "Jy"}, {}),
    "another value": ("polarization", ["t_ms", "P", "Jy"], {"time": "t_ms", "value": "P"}, {}),
    "a beat": ("orientation_beat", ["delay (ms)", "X", "Y", "sd"],
               {"delay": "delay (ms)", "in_phase": "X", "quadrature": "Y", "sigma": "sd"}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_lines_of_the_own_names(name):
    kind, names, columns, rest = LINES[name]
    lines = lines_for(KINDS[kind], names, {})
    missing = "sigma" not in columns and "repetitions" not in columns
    text = "\n".join(lines).replace("sigma = …", "sigma = 0.01") if missing else "\n".join(lines)
    columns = columns | {"sigma": 0.01} if missing else columns
    assert tomllib.loads(text) == {"columns": columns} | rest
    assert f"# of {kind}" in lines[0]


def test_what_the_file_does_not_have_is_no_toml():
    (line,) = lines_for(KINDS["polarization"], ["t_us", "pol"], {})
    assert line.endswith("sigma = … }    # of polarization; sigma = …: a column, or a number for all rows")
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(line)


def test_what_is_said_stays():
    lines = lines_for(KINDS["xi"], ["a", "b", "c"], {"value": "c", "sigma": 0.02}, units=["time", "value"])
    assert tomllib.loads("\n".join(lines)) == {"columns": {"time": "a", "value": "c", "sigma": 0.02}}


def test_of_shots_no_errors_are_asked_for():
    lines = lines_for(KINDS["light_variance"], ["delay", "ys", "yc"], {}, ("time", "cos", "sin"))
    assert tomllib.loads(lines[0])["columns"] == {"time": "delay", "cos": "yc", "sin": "ys"}


def test_names_of_damaged_files_and_thousands_of_columns_are_left_aside():
    (columns,) = lines_for(KINDS["xi"], ["t_ms", " " * 10**6 + "x", *(f"dy{k}" for k in range(10**5))], {})
    assert columns.startswith('columns = { time = "t_ms", value = "dy0", sigma = … }')
    assert arguments_for(KINDS["xi"], ["t_ms", "x" * 10**6], {}) == 'columns={"time": "t_ms", "value": …, "sigma": …}'


TOML = f"""\
{DRIVEN}kind = "xi"
file = "{{file}}"
scale_uncertainty = 0.04
"""
TIMES, XI, ERROR = np.array([0.5, 1.0, 2.0]), np.array([0.9, 0.8, 0.7]), np.full(3, 0.02)


def text(table, header=""):
    return (header + "\n".join(",".join(map(str, row)) for row in table) + "\n").encode()


def written(folder, name):
    """A file whose columns have names of their own, or none."""
    table = np.stack([TIMES * 1000, XI, ERROR], axis=-1)
    path = folder / name
    {
        "names.csv": lambda: path.write_bytes(text(table, "T (us),epr,err\n")),
        "numbers.csv": lambda: path.write_bytes(text(table)),
        "m.npy": lambda: np.save(path, table),
        "m.npz": lambda: np.savez(path, m=table),
        "t.npz": lambda: np.savez(path, t_us=TIMES * 1000, xi=XI, xi_err=ERROR),
        "unit.npz": lambda: np.savez(path, t=TIMES * 1000, xi=XI, xi_err=ERROR),
    }[name]()
    return path


@pytest.mark.parametrize("name", ["names.csv", "numbers.csv", "m.npy", "m.npz", "t.npz", "unit.npz"])
def test_the_lines_of_the_message_are_enough(name, tmp_path):
    written(tmp_path, name)
    toml = TOML.format(file=name)
    (tmp_path / "experiment.toml").write_text(toml)
    with pytest.raises(
        ExperimentError, match=r"unknown column|found numbers, expected a header|no such array"
    ) as found:
        datasets.read(tmp_path)
    lines = [line.strip() for line in str(found.value).splitlines() if line.startswith("    ")]
    lines = [line.replace('"ms"', '"us"') if line.startswith("time_unit") else line for line in lines]
    (tmp_path / "experiment.toml").write_text(toml + "\n".join(lines), encoding="utf-8")
    (series,) = datasets.read(tmp_path).series
    np.testing.assert_allclose((series.x, series.value, series.spread), (TIMES, XI, ERROR))


def test_arrays_are_named_with_their_shapes(tmp_path):
    np.savez(tmp_path / "s.npz", delay=TIMES, yc=np.ones((3, 40)), ys=np.ones((3, 40)))
    toml = TOML.format(file="s.npz").replace('"xi"', '"quadratures"')
    (tmp_path / "experiment.toml").write_text(toml)
    with pytest.raises(ExperimentError, match=r"(?s)one of delay \(3\), yc \(3 × 40\), .*cos = \"yc\", sin = \"ys\" }"):
        datasets.read(tmp_path)


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_a_unit_in_the_name_counts_in_every_form(suffix, tmp_path):
    columns = {"T (us)": TIMES * 1000, "v": XI, "e": ERROR}
    np.savez(tmp_path / "a.npz", **columns)
    (tmp_path / "a.csv").write_bytes(text(np.stack(list(columns.values()), axis=-1), "T (us),v,e\n"))
    line = 'columns = { time = "T (us)", value = "v", sigma = "e" }'
    (tmp_path / "experiment.toml").write_text(TOML.format(file=f"a.{suffix}") + line)
    (series,) = datasets.read(tmp_path).series
    made = datasets.series_of(columns, "xi", columns={"time": "T (us)", "value": "v", "sigma": "e"})
    for one in (series, made):
        np.testing.assert_allclose(one.x, TIMES)
        assert "time in us, as the name of its" in one.note
    said = datasets.series_of(
        columns, "xi", columns={"time": "T (us)", "value": "v", "sigma": "e"}, units={"time": "s"}
    )
    np.testing.assert_allclose(said.x, TIMES * 1e6)


def test_arguments_for_what_is_in_memory():
    data = {"t": TIMES, "xi": XI, "xi_err": ERROR}
    with pytest.raises(
        ExperimentError, match=r'such as columns={"time": "t", "value": "xi", "sigma": "xi_err"}, units='
    ):
        datasets.series_of(data, "xi")
    with pytest.raises(
        ExperimentError, match=r'xi_err: such as columns={"time": "t", "value": "xi", "sigma": "xi_err"}'
    ):
        datasets.series_of(data, "xi", columns={"time": "time", "value": "xi"})


SERIES = {"xi": XI, "polarization": XI + 0.01, "transverse_spin": XI + 0.02}
SEVERAL = TOML.partition("[[series]]")[0] + "".join(
    f'[[series]]\nkind = "{kind}"\nfile = "d.txt"\n{{{kind}}}\n' for kind in SERIES
)


def lines_of_all(folder, comment, unit=1.0, errors=True):
    """The lines that `read` offers for three series of one file without a header line of its own; kind → lines."""
    columns = [unit * 9 * TIMES, *(column for value in SERIES.values() for column in (value, ERROR)[: 1 + errors])]
    np.savetxt(folder / "d.txt", np.stack(columns, axis=-1), header=comment, comments="")
    (folder / "experiment.toml").write_text(SEVERAL.format(**dict.fromkeys(SERIES, "")))
    with pytest.raises(ExperimentError) as found:
        datasets.read(folder)
    parts = [part.partition("\n") for part in found.value.faults]
    lines = ("\n".join(map(str.strip, below.split("\n"))) for *_, below in parts)
    return str(found.value), dict(zip(SERIES, lines, strict=True))


@pytest.mark.parametrize(
    ("comment", "unit", "said"),
    [
        (
            "# t_ms xi dxi P dP Jy dJy   (simulated)",
            1.0,
            "line 1: found a comment with more words than the 7 columns, e",
        ),
        ("# t (ms) xi dxi P dP Jy dJy", 1.0, "line 1: column 't (ms)': found an unknown column"),
        ("# measured on a Monday by Peter at noon, in the lab", 1e-3, "line 2: found numbers, expected a header line"),
        ("", 1e3, "found numbers, expected a header line"),
    ],
)
def test_each_series_of_a_file_gets_its_own_columns(comment, unit, said, tmp_path):
    text, lines = lines_of_all(tmp_path, comment, unit)
    assert said in text
    (tmp_path / "experiment.toml").write_text(SEVERAL.format(**lines), encoding="utf-8")
    for series in datasets.read(tmp_path).series:
        np.testing.assert_allclose((series.x, series.value, series.spread), (9 * TIMES, SERIES[series.kind], ERROR))


def test_the_unit_that_fits_the_run_is_offered(tmp_path):
    for unit, offered in ((1e-3, 's"    # ends at 18 ms in a run of 20 ms'), (1e3, 'us"    # ends at 18 ms in a run')):
        _, lines = lines_of_all(tmp_path, "", unit)
        assert all(f'time_unit = "{offered}' in line for line in lines.values())
    for unit in (1.0, 1e-5, 1e12):
        _, lines = lines_of_all(tmp_path, "", unit)
        assert all('time_unit = "ms"    # or "us", "s"' in line for line in lines.values())
        none = "in none of them does 0.00018 fit a run of 20 ms" if unit == 1e-5 else ""
        assert all(none in line for line in lines.values())


def test_a_remark_among_the_numbers_does_not_change_the_unit(tmp_path):
    """The junk line is refused later, where the columns are named; the guess passes it over."""
    text = "delay;EPR;err\n500;0,94;0,02\n9000;0,83;0,02\n--- lamp refilled, cf. p. 41 ---;;\n18000;0,9;0,02\n"
    (tmp_path / "x.csv").write_text(text)
    (tmp_path / "experiment.toml").write_text(TOML.format(file="x.csv"))
    with pytest.raises(ExperimentError, match=r'time_unit = "us"    # ends at 18 ms in a run of 20 ms: no name of a c'):
        datasets.read(tmp_path)


def test_values_without_errors_follow_each_other(tmp_path):
    _, lines = lines_of_all(tmp_path, "", errors=False)
    for k, line in enumerate(lines.values(), 2):
        assert line.startswith(f'columns = {{ time = "#1", value = "#{k}", sigma = … }}')


def test_words_of_a_comment_that_are_no_names():
    assert are_named(KINDS["xi"], ["t_ms", "xi", "dxi"])
    assert not are_named(KINDS["xi"], ["measured", "on", "Monday"])
    assert not are_named(KINDS["xi"], ["t_ms", "foo", "bar"])


def test_of_a_template_the_column_of_one_file_may_be_renamed(tmp_path):
    written(tmp_path, "names.csv")
    (tmp_path / "template.toml").write_text(TOML.format(file="names.csv") + 'columns = { value = "xi" }')
    with pytest.raises(ExperimentError, match=r"(?s)no such column.*\(or rename the column in this file: the template"):
        datasets.read(tmp_path, template=tmp_path / "template.toml")
