"""Machine code on disk: the same draws, without PyMC, for other data too; for another model it is not found."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dissentangle.datasets import read
from dissentangle.forward_models import add_forward_model
from dissentangle.inference.model import ModelSettings, Problem, SamplerSettings
from dissentangle.inference.sampling.prepared import FOLDER, KEPT, path_of, prepared, stored

from ...seeds import seed

D55 = read("fig2b-d55")
ON_DISK = sys.modules[stored.__module__]
SETTINGS = SamplerSettings(seed(5), draws=50, tune=100, chains=2)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "code"))
    KEPT.clear()
    return tmp_path / "code"


def changed(one):
    """The experiment with other values and errors, or numbers of repetitions."""
    series = [replace(s, value=s.value * 1.01, spread=s.spread + 3) for s in one.series]
    records = [replace(r, samples=r.samples * 1.01) for r in one.records]
    observations = [replace(o, value=o.value * 1.01, sigma=2 * o.sigma) for o in one.observations]
    return replace(one, series=tuple(series), records=tuple(records), observations=tuple(observations))


@pytest.mark.parametrize("name", ["fig2b-d55", "fig2d-hybrid", "krauter2011-published"])
def test_what_was_made_for_other_data_reads_these_as_what_was_made_for_them(name, folder):
    """Variances and spins, records, quoted numbers; and no file is needed for each."""
    first, second = Problem(read(name)), Problem(changed(read(name)))
    assert path_of(first) == path_of(second)
    ours = prepared(first).compiled
    KEPT.clear()
    theirs = prepared(second)
    assert len(list(folder.iterdir())) == 1
    KEPT.clear()
    path_of(first).unlink()
    made = prepared(second)
    np.testing.assert_array_equal(theirs.compiled.data, made.compiled.data)
    assert not np.array_equal(theirs.compiled.data, ours.data)
    point = np.linspace(-0.1, 0.1, made.compiled.density.dimension)
    value, slope = theirs.compiled.density(point, theirs.compiled.data)
    again, slope_again = made.compiled.density(point, made.compiled.data)
    assert value == again
    np.testing.assert_array_equal(slope, slope_again)


def test_the_draws_are_the_same(folder):
    made = prepared(Problem(D55)).draw(SETTINGS, None)
    KEPT.clear()
    again = stored(path_of(Problem(D55))).draw(SETTINGS, None)
    assert list(made.variables) == list(again.variables)
    for name, values in made.variables.items():
        np.testing.assert_array_equal(values, again.variables[name])


def test_who_fits_such_data_needs_no_pymc(folder):
    prepared(Problem(D55))
    script = """
import sys
from dissentangle import inference
fit = inference.fit("fig2b-d55", draws=50, tune=100, chains=2)
assert fit.attrs["engine"] == "fast"
print(sorted({"pymc", "pytensor", "casadi"} & set(sys.modules)))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, check=True)
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    "other",
    [
        Problem(D55, ModelSettings(closure="fixed-number")),
        Problem(D55, ModelSettings(priors={"collision_rate": "lognormal(0.004, 1)"})),
        Problem(read("fig2b-d35")),
    ],
)
def test_others_are_not_found(other, folder):
    prepared(Problem(D55))
    assert stored(path_of(Problem(replace(D55, title="another")))) is not None
    assert stored(path_of(other)) is None


def test_it_is_found_as_long_as_nothing_that_made_it_has_changed(folder, monkeypatch):
    before = path_of(Problem(D55))
    for name, change in (("processor", lambda: "another"), ("version", lambda name: "0.0")):
        ON_DISK._makers.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(ON_DISK, name, change)
            assert path_of(Problem(D55)) != before
    ON_DISK._makers.cache_clear()
    assert path_of(Problem(D55)) == before
    with monkeypatch.context() as patch:
        patch.setattr(ON_DISK, "_IMPORTED", "other sources")
        assert path_of(Problem(D55)) != before


def test_nothing_is_kept_of_a_process_whose_sources_have_changed_since(folder, monkeypatch):
    monkeypatch.setattr(ON_DISK, "_sources", lambda: "other sources")
    prepared(Problem(D55))
    assert not folder.exists()


def test_models_of_users_and_the_general_engine_are_not_kept(folder, registry, monkeypatch):
    add_forward_model("mine", lambda *given: None)
    assert path_of(Problem(D55, ModelSettings(forward_model="mine"))) is None
    monkeypatch.setattr(sys.modules[prepared.__module__], "_made", lambda problem, engine: Ready())
    prepared(Problem(D55), "general")
    KEPT.clear()
    assert not folder.exists()


class Ready:
    def with_data(self, new):
        return self


def test_nothing_is_kept_where_that_is_not_wanted_or_not_possible(folder, monkeypatch):
    monkeypatch.setenv(FOLDER, "")
    assert path_of(Problem(D55)) is None
    blocked = folder.parent / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv(FOLDER, str(blocked))
    prepared(Problem(D55))
    assert blocked.read_text() == "no folder"
    monkeypatch.delenv(FOLDER)

    def homeless(*given, **more):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr("platformdirs.user_cache_dir", homeless)
    assert path_of(Problem(D55)) is None
    monkeypatch.setenv(FOLDER, "~/code")
    assert path_of(Problem(D55)).parent == Path.home() / "code"


def test_a_folder_that_can_only_be_read_is_used(folder, monkeypatch):
    prepared(Problem(D55))

    def refused(path):
        raise PermissionError(path)

    monkeypatch.setattr(os, "utime", refused)
    assert stored(path_of(Problem(D55))) is not None


def test_a_damaged_file_is_made_again(folder):
    prepared(Problem(D55))
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    flipped = [whole[:k] + bytes([whole[k] ^ 1]) + whole[k + 1 :] for k in range(0, len(whole), 997)]
    for damaged in (b"", b"text", whole[: len(whole) // 2], *flipped):
        file.write_bytes(damaged)
        assert stored(file) is None
    KEPT.clear()
    prepared(Problem(D55))
    assert stored(file) is not None
    assert list(folder.iterdir()) == [file]


def test_only_the_newest_are_kept(folder, monkeypatch):
    monkeypatch.setattr(ON_DISK, "KEPT_FILES", 2)
    for k, name in enumerate(("fig2b-d55", "fig2b-d35", "fig2c-dark")):
        problem = Problem(read(name))
        prepared(problem)
        os.utime(path_of(problem), (k, k))
    found = [stored(path_of(Problem(read(name)))) is not None for name in ("fig2b-d55", "fig2b-d35", "fig2c-dark")]
    assert found == [False, True, True]
