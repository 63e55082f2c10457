"""Records and runs with constant rates: files back and forth, every error, what is made of them."""

import re
from dataclasses import replace

import h5py
import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import (
    ConstantRun,
    ExperimentError,
    Observation,
    RecordSeries,
    feedback_series,
    prediction,
    record_series,
)
from dissentangle.datasets.experiment.check import check_experiment
from dissentangle.datasets.prediction.reconstruct import reconstructed_from_records
from dissentangle.datasets.simulation.make_bundled import FIG2D
from dissentangle.datasets.simulation.records import simulate_records
from dissentangle.forward_models import Dynamics, steady_state
from dissentangle.forward_models.light.conditional import ContinuousMeasurement, conditional_xi, unconditional_xi
from dissentangle.forward_models.light.record_likelihood import log_likelihood, reduce
from dissentangle.forward_models.light.steady_run import measurement_of

from ...forward_models.three_state.rates_of_the_paper import paper
from ...seeds import seed

HYBRID = datasets.read("fig2d-hybrid")
DISSIPATION = datasets.read("fig2d-dissipation")
M = ContinuousMeasurement(0.122, 0.148, 0.16, 1.78, 0.84)


def test_folder_and_netcdf_give_the_records_back(tmp_path):
    excluded = np.zeros(200, bool)
    excluded[[3, 7]] = True
    first = replace(HYBRID.records[0], excluded=excluded, note="two records have a spike")
    changed = replace(HYBRID, records=(first, HYBRID.records[1]))
    for target in (tmp_path / "folder", tmp_path / "file.nc"):
        datasets.save(changed, target)
        found = datasets.read(target)
        assert found.constant == HYBRID.constant
        for one, other in zip(found.records, changed.records, strict=True):
            np.testing.assert_array_equal(one.samples, other.samples)
            assert one.samples.dtype == np.float32
            assert (one.name, one.run, one.interval, one.start, one.note) == (
                other.name, other.run, other.interval, other.start, other.note
            )  # fmt: skip
        np.testing.assert_array_equal(found.records[0].excluded, excluded)


def test_sums_are_those_of_all_records():
    record = HYBRID.records[0]
    whole = reduce(record.centred(np.arange(200)), 2 * 199)
    assert len(record.group_labels) == 20
    assert record.group_labels[0] == "1–10"
    for name in ("products", "from_start", "from_end", "count"):
        np.testing.assert_allclose(getattr(record.sums, name), getattr(whole, name), rtol=1e-9, atol=1e-7)


def test_a_mean_is_subtracted():
    record = HYBRID.records[0]
    shifted = replace(record, samples=record.samples + np.linspace(0, 3, 120, dtype=np.float32))
    np.testing.assert_allclose(shifted.sums.products, record.sums.products, rtol=1e-4, atol=2e-2)
    single = replace(record, samples=record.samples[:, :1])
    assert not single.mean.any()
    assert single.sums.count == 2


def test_left_out_records_leave_the_sums():
    record = HYBRID.records[0]
    without = replace(record, left_out=np.arange(200) < 10)
    assert without.group_labels == record.group_labels[1:]
    alone = replace(record, samples=record.samples[:, 10:])
    np.testing.assert_allclose(without.sums.products, alone.sums.products, rtol=1e-9, atol=1e-7)
    assert without.sums.count == pytest.approx(2 * 189)


def test_simulated_experiments_are_marked_and_repeatable():
    one, two = (datasets.simulate_like(HYBRID, seed=seed(5)) for _ in range(2))
    assert one.attrs["simulated"] == 1
    np.testing.assert_array_equal(one["records/record-noisy"]["samples"], two["records/record-noisy"]["samples"])
    other = datasets.read(datasets.simulate_like(HYBRID, {"initial_xi[noisy]": 9.0}, seed=seed(5)))
    assert other.truth.parameters["initial_xi[noisy]"] == 9.0
    bare = replace(HYBRID, truth=None)
    with pytest.raises(ExperimentError, match=r"found true values of .* only, expected one of each parameter"):
        datasets.simulate_like(bare, seed=seed(5))


def test_constant_rates_in_predictions():
    found = prediction.expected(DISSIPATION, FIG2D, Dynamics())
    times = DISSIPATION.series[1].x
    np.testing.assert_allclose(found.series["xi-noisy"], unconditional_xi(M, times, 2.5), rtol=1e-12)
    decay = np.exp(-M.decay_rate * DISSIPATION.series[2].x)
    np.testing.assert_allclose(found.series["transverse_spin"], decay, rtol=1e-12)


def test_conditional_xi_with_the_whole_record_and_with_a_mode():
    series = replace(DISSIPATION.series[0], name="known", kind="conditional_xi", x=np.array([1.0, 12.0]),
                     value=np.ones(2), spread=np.full(2, 100.0))  # fmt: skip
    with_mode = replace(series, name="by mode", mode_rate=0.83)
    both = check_experiment(replace(DISSIPATION, series=(series, with_mode)))
    found = prediction.expected(both, FIG2D, Dynamics()).series
    np.testing.assert_allclose(found["known"], conditional_xi(M, series.x, 1.0), rtol=1e-12)
    assert (found["by mode"] > found["known"]).all()
    np.testing.assert_allclose(found["by mode"][1], found["known"][1], rtol=1e-3)  # at its end both are steady


def test_steady_populations_have_the_steady_state():
    rates = paper(pump_rate=0.168, repump_rate=0.1, dephasing_rate=0.433)
    found, state = measurement_of(rates, 0.84), steady_state(rates)
    assert found.unconditional_xi == pytest.approx(state.xi, rel=1e-12)
    assert found.swap_rate == pytest.approx(0.5 * rates.collective_rate * state.p)


def test_feedback_statistics_of_many_records():
    """What the model expects of the three numbers of the paper, against records that were simulated."""
    rng = np.random.default_rng(seed(11))
    record = RecordSeries("r", simulate_records(M, 2.5, 0.1, (20_000, 80), rng), 0.1, run="noisy")
    series = feedback_series(record, 0.83, 0.27, 2.0)
    assert series.x[0] == pytest.approx(6.0)
    alone = replace(DISSIPATION, series=(series,))
    expected = prediction.expected(check_experiment(alone), FIG2D, Dynamics()).series["feedback"]
    read, feed, covariance = expected
    error = np.array([read, feed, np.sqrt((read * feed + covariance**2) / 2)]) / np.sqrt(20_000)
    assert (abs(series.value - expected) / error).max() < 4


def test_reconstruction_from_records():
    values = {label: np.full(50, value) for label, value in FIG2D.items()}
    times, found = reconstructed_from_records(HYBRID, HYBRID.records[1], values, np.random.default_rng(seed(1)))
    for kind, expected in (("xi", unconditional_xi), ("conditional_xi", conditional_xi)):
        score = (found[kind].mean(axis=0) - expected(M, times, 2.5)) / found[kind].std(axis=0)
        assert abs(score[kind == "conditional_xi" :]).max() < 3.5
    single = replace(HYBRID.records[1], samples=HYBRID.records[1].samples[:, :1])
    assert reconstructed_from_records(HYBRID, single, values, np.random.default_rng(seed(1)))[1] == {}


def test_joint_experiments_keep_their_runs():
    both = datasets.joint({"A": HYBRID, "B": DISSIPATION})
    assert set(both.constant) == {"A.coherent", "A.noisy", "B.coherent", "B.noisy"}
    assert [record.name for record in both.records] == ["A.record-coherent", "A.record-noisy"]


def test_from_a_demodulation():
    class Demodulated:
        cos, sin, interval, warnings, simulated = np.ones((2, 5)), np.zeros((2, 5)), 0.1, ("a warning",), True

    found = record_series(Demodulated(), run="coherent")
    assert found.samples.shape == (2, 2, 5)
    assert (found.interval, found.note, found.run, found.simulated) == (0.1, "a warning", "coherent", True)


def changed(**more):
    return replace(HYBRID, records=(replace(HYBRID.records[0], **more), HYBRID.records[1]))


SAMPLES = HYBRID.records[0].samples
BROKEN = SAMPLES.copy()
BROKEN[1, 2, 3] = np.nan


@pytest.mark.parametrize(
    ("experiment", "text"),
    [
        (
            replace(HYBRID, constant={}),
            "populations of run 'coherent': found 'moving' (the default), expected constant rates: [[run]]",
        ),
        (changed(samples=SAMPLES[0]), "samples: found shape (200, 120), expected (2, records, samples)"),
        (changed(samples=BROKEN), "sin: record 3, sample 4: found nan, expected a finite number"),
        (changed(samples=np.zeros((2, 1, 20_001), np.float32)), "found 20001 in a record, expected at most 20000"),
        (changed(interval=0.0), "interval: found 0 ms, expected a positive time"),
        (
            changed(start=3.0),
            "start: found 3 ms to 15 ms (120 bins of 0.1 ms), expected a record inside the run 'coherent', 0",
        ),
        (changed(samples=100 * SAMPLES), "samples: found noise of variance 1e+04 from bin to bin, expected about 1"),
        (changed(excluded=np.ones(200, bool)), "excluded: found all records, expected at least one that is fitted"),
        (changed(excluded=np.ones(3, bool)), "excluded: found shape (3,), expected one flag for each record"),
        (changed(name="record-noisy"), "the same name twice"),
        (
            changed(name="record-noisy_check"),
            "expected another `name`: a fit has record-noisy_check for 'record-noisy'",
        ),
        (replace(HYBRID, simulated=False), "simulated: found simulated records, expected simulated = true in the exp"),
        (changed(run="other"), "run: found 'other'"),
        (replace(HYBRID, constant={"other": ConstantRun()}), "run: found 'other'"),
        (replace(HYBRID, constant={"coherent": ConstantRun("frozen")}), "populations: found 'frozen', expected one of"),
        (replace(HYBRID, constant={"coherent": ConstantRun(begins="cold")}), "begins: found 'cold', expected one of"),
        (
            replace(HYBRID, stages=(*HYBRID.stages, HYBRID.stages[0])),
            "stage: found 2 stages, expected one, where populations are unmodelled: give each of the others",
        ),
        (
            replace(HYBRID, stages=(replace(HYBRID.stages[0], lights=frozenset({"pump"})), HYBRID.stages[1])),
            "stage: found no drive, expected drive = true",
        ),
    ],
)
def test_what_records_cannot_be(experiment, text):
    with pytest.raises(ExperimentError, match=re.escape(text)):
        check_experiment(experiment)


def with_series(**more):
    return replace(DISSIPATION, series=(replace(DISSIPATION.series[0], **more),))


FEEDBACK = feedback_series(HYBRID.records[0], 0.83, 0.27, 2.0)


def with_feedback(**more):
    return replace(DISSIPATION, series=(replace(FEEDBACK, **more),))


@pytest.mark.parametrize(
    ("experiment", "text"),
    [
        (
            with_series(kind="polarization", noise="gaussian"),
            "kind: found 'polarization' in the run 'coherent', expected one of xi",
        ),
        (with_series(kind="orientation", noise="gaussian"), "where populations are unmodelled"),
        (replace(with_series(kind="conditional_xi"), constant={}), "conditional_xi needs constant rates"),
        (with_series(mode_rate=0.8), "mode_rate: found 0.8 1/ms, expected none for xi"),
        (
            with_series(kind="conditional_xi", mode_rate=0.8),
            "time: row 1: found 0, expected a time > 0, with light before",
        ),
        (with_feedback(mode_rate=0.0), "mode_rate: found nothing, expected the rate m of the mode"),
        (
            with_feedback(value=np.array([1.0, 2.0, 3.0])),
            "covariance: row 1: found 3, expected less than √(read × feed)",
        ),
        (with_feedback(value=np.array([-1.0, 2.0, 0.3])), "read: row 1: found -1, expected a variance > 0"),
        (with_feedback(value=np.array([1.0, 0.0, 0.3])), "feed: row 1: found 0, expected a variance > 0"),
        (with_feedback(spread=np.full(3, 2.0)), "repetitions: row 1: found 2, expected at least 3 repetitions"),
        (with_feedback(scale_uncertainty=0.1), "scale_uncertainty: found 0.1, expected 0 for feedback"),
        (
            replace(DISSIPATION, observations=(Observation("polarization", 0.9, 0.1, 1.0, run="coherent"),)),
            "quantity: found 'polarization' in the run 'coherent'",
        ),
    ],
)
def test_what_series_of_constant_runs_cannot_be(experiment, text):
    with pytest.raises(ExperimentError, match=re.escape(text)):
        check_experiment(experiment)


def test_mode_rates_need_constant_rates():
    moving = datasets.read("fig2b-d55")
    observation = Observation("optimal_mode_rate", 0.8, 0.1)
    with pytest.raises(ExperimentError, match="optimal_mode_rate needs constant rates"):
        check_experiment(replace(moving, observations=(observation,)))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"probe_duration": 20.0}, "time: found -8 ms, expected more than 0, and the pulse of 20 ms inside the record"),
        ({"probe_duration": 2.05}, "time: found 9.95 ms, expected whole bins of 0.1 ms"),
        ({"probe_duration": 2.05, "time": 6.0}, "probe_duration: found 2.05 ms, expected whole bins of 0.1 ms"),
        ({"mode_rate": 3.0}, "found modes of 3 and 0.27 1/ms in bins of 0.1 ms, expected bins shorter than 0.092 ms"),
        ({"mode_rate": -1.0}, "expected a rate ≥ 0, and a window with whole bins of 0.1 ms"),
    ],
)
def test_windows_that_are_none(arguments, text):
    given = {"mode_rate": 0.83, "decay_rate": 0.27, "probe_duration": 2.0} | arguments
    with pytest.raises(ExperimentError, match=re.escape(text)):
        feedback_series(HYBRID.records[0], **given)


def test_too_few_or_too_late_for_feedback():
    record = HYBRID.records[0]
    with pytest.raises(ExperimentError, match="found 2 fitted records, expected at least 3"):
        feedback_series(replace(record, samples=record.samples[:, :2]), 0.83, 0.27, 2.0)
    with pytest.raises(ExperimentError, match="start: found 1 ms, expected 0: y_feed begins with the run"):
        feedback_series(replace(record, start=1.0), 0.83, 0.27, 2.0)


TOML = """\
format_version = 1
title = "records of a lab"
simulated = {simulated}
[[run]]
name = "main"
populations = "unmodelled"
begins = "steady"
[[stage]]
duration = "5 ms"
drive = true
[[series]]
kind = "record"
file = "{file}"
{more}
"""


def lab(folder, arrays=None, *, simulated="true", file="lab.h5", more="", attributes=None):
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / "lab.h5", "w") as out:
        for name, array in ({"cos": SAMPLES[0, :, :50], "sin": SAMPLES[1, :, :50]} | (arrays or {})).items():
            if array is not None:
                out[name] = array
        out.attrs.update(attributes or {})
    text = TOML.format(simulated=simulated, file=file, more=more)
    (folder / "experiment.toml").write_text(text)
    return folder


def test_a_file_of_a_lab(tmp_path):
    arrays = {"cos": None, "sin": None, "raw/c": SAMPLES[0, :, :50], "raw/s": SAMPLES[1, :, :50],
              "bad": np.arange(200) == 5}  # fmt: skip
    more = 'interval = "100 us"\nname = "night"\ncolumns = { cos = "/raw/c", sin = "/raw/s", excluded = "bad" }'
    found = datasets.read(lab(tmp_path / "a", arrays, more=more)).records[0]
    assert (found.name, found.interval, found.repetitions, found.fitted.sum()) == ("night", 0.1, 200, 199)
    with_times = lab(tmp_path / "b", {"time": 0.1 * np.arange(50)})
    assert datasets.read(with_times).records[0].interval == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "interval: found nothing, expected the duration of a bin, such as '0.1 ms'"),
        ({"simulated": "false", "attributes": {"simulated": 1}}, "simulated: found 1, expected simulated = true"),
        ({"file": "lab.csv"}, "file: found 'lab.csv', expected a file of arrays: .h5"),
        (
            {"arrays": {"sin": None}},
            "found the arrays /cos, expected 'sin': name yours in `columns`, or `dissentangle dem",
        ),
        (
            {"arrays": {"sin": SAMPLES[0, :, :49]}},
            "cos and sin: found shapes (200, 50) and (200, 49), expected the same",
        ),
        ({"arrays": {"cos": SAMPLES}}, "'cos': found an array of shape (2, 200, 120), expected (records, samples)"),
        ({"arrays": {"time": np.arange(49.0)}}, "'time': found 49 entries, expected one for each of the 50 samples"),
        ({"arrays": {"time": np.arange(50.0) ** 2}}, "'time': found steps that differ, expected bins of one duration"),
        (
            {"arrays": {"time": 0.1 * np.arange(50)}, "more": 'interval = "1 ms"'},
            "interval: found 1 ms, expected 0.1 ms, as in",
        ),
        (
            {"arrays": {"excluded": np.full(200, 2)}},
            "'excluded': found other values, expected 0 or 1 for each of the 200",
        ),
        ({"more": "columns = { cos = 3 }"}, "columns: cos: found 3, expected the name of an array"),
        ({"more": "columns = { time = 'T', x = 'y' }"}, "key 'x': found an unknown key"),
        ({"more": "noise = 'gamma'"}, "key 'noise' (did you mean 'note'?): found an unknown key"),
    ],
)
def test_what_files_of_records_cannot_be(tmp_path, given, text):
    with pytest.raises(ExperimentError, match=re.escape(text)):
        datasets.read(lab(tmp_path / "lab", **given))


def test_names_and_warnings_that_a_file_brings(tmp_path):
    folder = lab(tmp_path / "lab", {"exclude": np.arange(200) < 3}, more='interval = "0.1 ms"',
                 attributes={"warnings": "shot noise from the records themselves"})  # fmt: skip
    found = datasets.read(folder).records[0]
    assert found.fitted.sum() == 197
    assert found.note == "shot noise from the records themselves"


def test_a_transposed_matrix_is_noticed(tmp_path):
    """Where as many records as samples fit into the run; a matrix of white noise has no order."""
    rng = np.random.default_rng(seed(5))
    record = RecordSeries("r", simulate_records(M, 1.0, 0.1, (100, 100), rng), 0.1, run="coherent")
    alone = replace(HYBRID, records=(record,))
    assert check_experiment(alone)
    turned = replace(record, samples=record.samples.transpose(0, 2, 1))
    with pytest.raises(ExperimentError, match=re.escape("expected a record per row: transposed?")):
        check_experiment(replace(alone, records=(turned,)))
    white = rng.normal(size=(2, 100, 100)).astype(np.float32)
    assert check_experiment(replace(alone, records=(replace(record, samples=white),)))


def test_data_in_other_files_are_refused(tmp_path):
    folder = lab(tmp_path / "lab", {"cos": None}, more='interval = "0.1 ms"')
    with h5py.File(tmp_path / "elsewhere.h5", "w") as other:
        other["cos"] = SAMPLES[0, :, :50]
    layout = h5py.VirtualLayout(shape=(200, 50), dtype="f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "elsewhere.h5"), "cos", shape=(200, 50))
    with h5py.File(folder / "lab.h5", "a") as file:
        file.create_virtual_dataset("cos", layout)
    with pytest.raises(ExperimentError, match="'cos': found data in another file, expected data in the file itself"):
        datasets.read(folder)


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda d: d.assign(samples=d["samples"] * 1j), "samples: found complex"),
        (lambda d: d.transpose("record", "quadrature", "sample"), "samples: found float32 with dimensions rec"),
        (
            lambda d: d.assign_coords(quadrature=["sin", "cos"]),
            "quadrature: found ['sin' 'cos'], expected cos and sin",
        ),
        (lambda d: d.assign(excluded=2 + 0 * d["excluded"]), "excluded: found other values, expected 0 or 1"),
        (lambda d: d.assign_attrs(interval=-1.0), "interval: found -1 ms, expected a positive time"),
        (lambda d: d.drop_vars("samples"), "found KeyError"),
    ],
)
def test_damaged_trees(spoil, text):
    tree = datasets.to_tree(HYBRID)
    tree["records/record-noisy"] = type(tree)(spoil(tree["records/record-noisy"].to_dataset()))
    with pytest.raises(ExperimentError, match=re.escape(text)):
        datasets.from_tree(tree)


def test_units_of_the_times(tmp_path):
    folder = lab(tmp_path / "lab", {"time": 0.1 * np.arange(50)})
    with h5py.File(folder / "lab.h5", "a") as file:
        file["time"].attrs["units"] = "s"
    with pytest.raises(ExperimentError, match="'time': units: found 's', expected 'ms'"):
        datasets.read(folder)


def test_too_large_records_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("dissentangle.datasets.formats.record_file.LARGEST_RECORDS", 4 * 200 * 49)
    with pytest.raises(ExperimentError, match="million samples: longer bins, or fewer records"):
        datasets.read(lab(tmp_path / "lab", more='interval = "0.1 ms"'))


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ('name = "main"', "relative_depth: found nothing, expected a line like relative_depth = 0.6"),
        ('name = "main"\nbegins = "steady"', "begins: found 'steady', expected the key populations beside it"),
        (
            'name = "main"\npopulations = "frozen"',
            "populations: found 'frozen', expected one of moving, steady, unmodelled",
        ),
    ],
)
def test_tables_of_runs(tmp_path, row, text):
    datasets.write_template(tmp_path / "run")
    file = tmp_path / "run" / "experiment.toml"
    file.write_text(f"{file.read_text()}\n[[run]]\n{row}\n")
    for table in tmp_path.glob("run/*.csv"):
        table.write_text(f"{table.read_text()}1,0.9,{'100' if table.name == 'xi.csv' else '0.1'}\n")
    with pytest.raises(ExperimentError, match=re.escape(text)):
        datasets.read(tmp_path / "run")


def test_the_likelihood_prefers_the_truth():
    sums = HYBRID.records[0].sums
    best = log_likelihood(sums, M, 0.1, 1.0)
    for other in (replace(M, swap_rate=0.18), replace(M, bath_noise=1.0), replace(M, extra_decay_rate=0.25)):
        assert log_likelihood(sums, other, 0.1, 1.0) < best - 3
