"""What the texts of the repository name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md", *(ROOT / "docs").glob("*.md")]
FOLDERS = "forward_models|datasets|inference|tests|benchmarks|examples|docs"
WRITTEN_BY_THE_READER = {"datasets/kinds/absorption.py", "forward_models/noise/logistic.py"}


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_text_names_exist(text):
    found = text.read_text(encoding="utf-8")
    for name in set(re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w/.-]*\.(?:py|md|toml|png|html|css)", found)):
        assert (ROOT / name).is_file() or name in WRITTEN_BY_THE_READER, name
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", found):
        assert (text.parent / link).exists(), link
