"""Shared fixtures: two fits, made once."""

import json
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
def fit_published():
    return inference.fit("krauter2011-published", seed=3)
