"""Every number that a test draws can be drawn with another seed."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
EXACT = {
    "datasets/formats/test_bad_input.py",
    "inference/campaigns/test_campaign.py",
    "inference/cli/test_cli.py",
    "inference/cli/test_demodulate_cli.py",
    "whole/test_browser.py",
    "whole/test_examples.py",
    "whole/test_fuzzing.py",
    "whole/test_interruptions.py",
}
"""Files that assert nothing of the numbers drawn, but that two runs draw the same, or what is written of them."""
DRAWING = {"fit": 0, "calibrate": 0, "default_rng": 1, "SamplerSettings": 1}
"""Functions that draw, and how many positional arguments may hold the seed."""


def _without_seed(call: ast.Call) -> bool:
    """Whether the seed of a call is a number, or missing where it is needed."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = [k.value for k in call.keywords if k.arg and k.arg.endswith("seed")]
    given += call.args[: DRAWING.get(name, 0)]
    if name in ("fit", "calibrate") and getattr(getattr(call.func, "value", None), "id", "") == "inference":
        return not given and all(k.arg for k in call.keywords)
    if name == "default_rng":
        return not (given and isinstance(given[0], ast.Call))
    return any(isinstance(value, ast.Constant) and value.value is not None for value in given)


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_seeds_are_shifted(path):
    if path.relative_to(TESTS).as_posix() in EXACT:
        return
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not [call.lineno for call in calls if _without_seed(call)], f"{path}: expected seed(…) of tests/seeds.py"
