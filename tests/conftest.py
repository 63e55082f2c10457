"""Shared fixtures: two fits, made once."""

import json
import signal
from pathlib import Path

import pytest

from dissentangle import inference

REFERENCE = json.loads((Path(__file__).parent / "reference" / "forward_model.json").read_text())


@pytest.fixture(scope="session")
def reference():
    return REFERENCE


@pytest.fixture(scope="session")
def fit_d55():
    return inference.fit("fig2b-d55", seed=3)


@pytest.fixture(scope="session")
def page_d55(fit_d55):
    """The report of that fit, as HTML."""
    from dissentangle.inference.reports.fit import fit_page

    return fit_page(fit_d55, "fig2b-d55.nc")


@pytest.fixture(scope="session")
def fit_published():
    return inference.fit("krauter2011-published", seed=3)


@pytest.fixture
def ctrl_c():
    """SIGINT raises KeyboardInterrupt, also where the shell that started the tests in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def registry():
    """Rival models, forward models and parameters that a test adds are taken away again."""
    from dissentangle.forward_models import PARAMETERS
    from dissentangle.forward_models.user_models import FORWARD_MODELS
    from dissentangle.inference.model.priors import DEFAULTS
    from dissentangle.inference.model.registry import RIVAL_MODELS

    tables = (RIVAL_MODELS, FORWARD_MODELS, PARAMETERS, DEFAULTS)
    before = [dict(table) for table in tables]
    yield
    for table, old in zip(tables, before, strict=True):
        table.clear()
        table.update(old)
