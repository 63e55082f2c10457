"""Tables and eight cases of the sixteen-level model, twelve digits, from another implementation."""

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sixteen_levels():
    return json.loads((Path(__file__).parents[2] / "reference" / "cs16.json").read_text())
