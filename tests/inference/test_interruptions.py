"""Verbs that are killed at random moments lose nothing and end with the same numbers: a few kills of the study."""

import runpy
from pathlib import Path

import pytest

from dissentangle import datasets

STUDY = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "interruptions.py"))


@pytest.mark.parametrize(("verb", "kills"), [("fit", 3), ("campaign", 2)])
def test_a_few_kills(verb, kills, tmp_path):
    for k in range(2):
        like = datasets.simulate_like(datasets.read("fig2b-d35"), seed=k)
        datasets.save(like, tmp_path / "data" / f"run{k}")
    row = STUDY["interrupted"](verb, kills, tmp_path, seed=3)
    assert "the same" in row
