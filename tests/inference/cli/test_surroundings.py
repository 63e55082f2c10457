"""What a real machine does to a process: settings of notebooks and of Python, closed streams, names in Latin-1."""

import os
import subprocess
import sys

import numpy as np
import pytest

from dissentangle import datasets
from dissentangle.datasets import ExperimentError
from dissentangle.forward_models import InvalidValue
from dissentangle.inference.campaigns.campaign import sources
from dissentangle.inference.cli.paths import writable
from dissentangle.inference.model import SamplerSettings
from dissentangle.inference.model.pymc_model import build_model

STRANGE = """
import sys
from dissentangle.inference.cli import main
found = [sys.stdout is None, main(["check", "fig2b-d55"]), main(["models"])]
import matplotlib.pyplot
import pytensor
found += [matplotlib.get_backend(), pytensor.config.floatX]
from dissentangle.datasets import experiment_schema
found.append("apparatus" in experiment_schema()["properties"])
print(found, __doc__, main.__doc__, file=sys.stderr)
"""


@pytest.mark.slow
def test_notebook_without_docstrings_and_stdout():
    """`!dissentangle …` in a cell: MPLBACKEND of the kernel; `python -OO`; stdout of a daemon."""
    environment = os.environ | {"MPLBACKEND": "module://matplotlib_inline.none", "PYTHONOPTIMIZE": "2",
                                "PYTENSOR_FLAGS": "floatX=float32"}  # fmt: skip
    done = subprocess.run(["bash", "-c", 'exec "$0" -c "$1" >&-', sys.executable, STRANGE],
                          env=environment, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.stderr == "[True, 0, 0, 'agg', 'float64', True] None None\n"


OWN = """
import sys
from dissentangle.inference.cli import main
sys.argv[0] = "dissentangle"
main()
print(sorted({"dask.array", "pint", "numba"} & set(sys.modules)), file=sys.stderr)
import contextlib, dask.array, pint, xarray
print(xarray.Dataset().chunk().sizes, file=sys.stderr)
from dissentangle.inference.sampling.nutpie import compiled_by_nutpie
with contextlib.suppress(AttributeError, TypeError):
    compiled_by_nutpie(None)
print(sys.modules["nutpie.compile_pymc"].intrinsic.__module__.partition(".")[0], file=sys.stderr)
"""


@pytest.mark.slow
def test_a_command_does_not_wait_for_what_others_import(tmp_path):
    """Which they would to see whether an array is Dask's or Pint's, or to compile models; who asks has all of them."""
    words = ["fit", "fig2b-d55", "--draws", "50", "--tune", "100", "--chains", "2", "-q", "-o", str(tmp_path / "a.nc")]
    done = subprocess.run([sys.executable, "-c", OWN, *words], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\nFrozen({})\nnumba\n"


def test_single_precision_is_not_for_rates():
    import pytensor

    with (
        pytensor.config.change_flags(floatX="float32"),
        pytest.raises(ExperimentError, match=r"found floatX = 'float32', which .*: pytensor.config.floatX = 'float64'"),
    ):
        build_model("fig2b-d55")


def test_names_that_are_no_utf_8(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"M\xe4rz.nc")
    assert writable(name).name == name
    datasets.save(datasets.read("fig2b-d55"), name)
    assert datasets.read(name).title == datasets.read("fig2b-d55").title


def test_files_of_programs_are_no_data_sets(tmp_path):
    for name in ("monday", ".ipynb_checkpoints", "~backup"):
        datasets.save(datasets.read("krauter2011-published"), tmp_path / name)
    for name in ("tuesday.nc", "._tuesday.nc", ".~lock.nc", "~$wednesday.nc"):
        (tmp_path / name).touch()
    assert list(sources(tmp_path)) == ["monday", "tuesday"]


def test_whole_numbers_of_numpy():
    settings = SamplerSettings(np.int64(3), draws=np.int32(50), cores=None)
    assert (type(settings.seed), type(settings.draws)) == (int, int)
    for seed in (2**63, -1, True, 1.0):
        with pytest.raises(ExperimentError, match=rf"sampler: seed: found {seed}, expected a whole number from 0 to 2"):
            SamplerSettings(seed)


def test_absurd_priors_take_no_memory():
    with pytest.raises(InvalidValue, match=r"rates up to 5.*e\+13 1/ms over 20 ms: expected slower ones, or shorter"):
        build_model("fig2b-d55", priors={"collective_rate": "lognormal(0.1, 50)"})


ALONE = """
import sys
from dissentangle.inference import fits
from dissentangle.inference.cli import main

def asked(*arguments, alone):
    print("alone:", alone)
    raise KeyboardInterrupt

fits.fit_problem = asked
words = ["fit", "fig2b-d55", *sys.argv[2:]]
sys.argv[1:], by_python = words, sys.argv[1] == "Python"
main(words if by_python else None)
"""


@pytest.mark.parametrize(("who", "load", "alone"), [("shell", [], True), ("Python", [], False),
                                                    ("shell", ["--load", "mine.py"], False)])  # fmt: skip
def test_a_fit_makes_copies_of_a_process_of_its_own_only(tmp_path, who, load, alone):
    """Of one that runs code of others a thread may hold a lock."""
    (tmp_path / "mine.py").touch()
    command = [sys.executable, "-c", ALONE, who, *load]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.stdout.strip() == f"alone: {alone}", said.stderr
