"""Shared fixtures: three fits, made once. How the tests are shared out, and which are `sampled`."""

import gc
import json
import os
import shutil
import signal
import tempfile
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from dissentangle import inference
from dissentangle.inference.choices import ONE_THREAD

from .seeds import seed

REFERENCE = json.loads((Path(__file__).parent / "reference" / "forward_model.json").read_text())
FITS = {"fit_d55", "fit_open", "page_d55", "fit_published"}
MOST_PROCESSES = 4
"""Each takes up to a gigabyte and makes its own fits."""


def pytest_configure(config):
    """Look for cycles less often: graphs of models are many objects, of which few are garbage; an eighth of the time.

    Each process does. And no test depends on how fast the machine is. PyTensor's graphs are run here to be compared
    with: compiled in C, where there is a compiler, they take minutes more. Each process has a core, and linear algebra
    on several would wait for the others.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:  # of this run, for all of its processes: machine code, threads
        os.environ |= {name: os.environ.get(name, "1") for name in ONE_THREAD}
        os.environ["DISSENTANGLE_CACHE"] = kept = tempfile.mkdtemp()
        config.add_cleanup(partial(shutil.rmtree, kept, ignore_errors=True))
    flags = [os.environ.get("PYTENSOR_FLAGS"), "cxx=", "traceback__limit=0"]  # nor is noted where a node was made
    os.environ["PYTENSOR_FLAGS"] = ",".join(filter(None, flags))
    gc.set_threshold(50_000, 10, 10)
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


def pytest_xdist_auto_num_workers(config):
    """One process, this one, for a single file or tests by name; else one per core."""
    names = config.args
    single = all("::" in name for name in names) or (len(names) == 1 and names[0].endswith(".py"))
    return 0 if single or config.option.collectonly else min(MOST_PROCESSES, len(os.sched_getaffinity(0)))


def pytest_itemcollected(item):
    """A test is `sampled` where its file has seeds, or where it takes one of the fits below."""
    if getattr(item.module, "seed", None) is seed or FITS & set(item.fixturenames):
        item.add_marker("sampled")


def pytest_collection_modifyitems(items):
    """Files with slow tests first, so that no process is left with one of them in the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def reference():
    return REFERENCE


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """A fit, read from its file where another process of this run has made it already."""
    shared = tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else None

    def fit(name, **options):
        file = shared and shared / f"{'-'.join([name, *options.values()])}.nc"
        if file and file.exists():
            return inference.read_fit(file)
        made = inference.fit(name, seed=seed(3), **options)
        if file:
            inference.save_fit(made, file)
        return made

    return fit


@pytest.fixture(scope="session")
def fit_d55(made_once):
    """By the closure that made the data."""
    return made_once("fig2b-d55", closure="microscopic")


@pytest.fixture(scope="session")
def fit_open(made_once):
    """By default: the closure is unknown."""
    return made_once("fig2b-d55")


@pytest.fixture(scope="session")
def page_d55(fit_d55):
    """The report of that fit, as HTML."""
    from dissentangle.inference.reports import fit_page

    return fit_page(fit_d55, "fig2b-d55.nc")


@pytest.fixture(scope="session")
def fit_published(made_once):
    return made_once("krauter2011-published")


@pytest.fixture
def ctrl_c():
    """SIGINT raises KeyboardInterrupt, also where the shell that started the tests in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def no_calibration_figure(monkeypatch):
    """The figure of an SBC takes longer than the small ones of the tests."""
    from dissentangle.inference import figures

    monkeypatch.setattr(figures, "plot_calibration", lambda _, file: file.write_bytes(b"a figure"))


@pytest.fixture
def registry():
    """Rival models, forward models and parameters that a test adds are taken away again."""
    from dissentangle.forward_models import PARAMETERS
    from dissentangle.forward_models.user_models import FORWARD_MODELS
    from dissentangle.inference.model.defaults import DEFAULTS
    from dissentangle.inference.model.rivals import RIVAL_MODELS

    tables = (RIVAL_MODELS, FORWARD_MODELS, PARAMETERS, DEFAULTS)
    before = [dict(table) for table in tables]
    yield
    for table, old in zip(tables, before, strict=True):
        table.clear()
        table.update(old)
