"""What the texts of the repository name is there."""

import re
from pathlib import Path

import pytest

from dissentangle.inference.model.defaults import DEFAULTS

ROOT = Path(__file__).parent.parent
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md", *(ROOT / "docs").glob("*.md")]
FOLDERS = "forward_models|datasets|inference|tests|benchmarks|examples|docs"
STATED_OTHERWISE: set[str] = set()
"""Parameters whose default prior the table describes in words."""
WRITTEN_BY_THE_READER = {"datasets/kinds/absorption.py", "forward_models/noise/logistic.py"}


def test_the_table_of_priors_holds_every_default_prior():
    """Each parameter by its name, and its default prior, in one row; or what takes its place."""
    rows = [line for line in (ROOT / "docs" / "model.md").read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    for name, prior in DEFAULTS.items():
        row = next((row for row in rows if f"`{name}`" in row), None)
        assert row is not None, f"docs/model.md: no row for {name}"
        assert prior in row or name in STATED_OTHERWISE, f"docs/model.md: {name}: {prior} is not in {row}"


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_text_names_exist(text):
    found = text.read_text(encoding="utf-8")
    for name in set(re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w/.-]*\.(?:py|md|toml|png|html|css)", found)):
        assert (ROOT / name).is_file() or name in WRITTEN_BY_THE_READER, name
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", found):
        assert (text.parent / link).exists(), link
