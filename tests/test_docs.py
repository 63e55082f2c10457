"""What the texts of the repository name is there, links lead somewhere, and pages stay short."""

import ast
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from dissentangle.datasets.experiment import APPARATUS, shown_unit
from dissentangle.forward_models import PARAMETERS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "generated" not in path.parts]
TEXTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")] + PAGES
FOLDERS = "forward_models|datasets|inference|tests|benchmarks|examples|docs"
WRITTEN_BY_THE_READER = {"datasets/kinds/absorption.py", "forward_models/noise/logistic.py"}
GENERATED = {"cli.md", "parameters.md", "gallery.md", "inference", "datasets", "forward_models"}
"""Pages that the build makes, in `docs/generated`."""
MOST_WORDS, LONGEST_LINE, MOST_OF_README = 900, 100, 600
HEADING = re.compile(r"^#+ (.*)$", re.M)


def _prose(text: str) -> str:
    """A page without code, tables and the head of a notebook."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    text = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.S | re.M)
    return "\n".join(line for line in text.splitlines() if not line.startswith(("|", "    ", ":", "![")))


def _anchor(heading: str) -> str:
    """As GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_places_that_a_text_names_exist(text):
    found = text.read_text(encoding="utf-8")
    for name in set(re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w/.-]*\.(?:py|md|toml|png|html|css)", found)):
        assert (ROOT / name).is_file() or name in WRITTEN_BY_THE_READER, name
    for link, anchor in re.findall(r"\]\(([^)#:\s]*)(#[^)]*)?\)", found):
        target = (text.parent / link).resolve() if link else text
        if target.parent == DOCS / "generated":
            assert target.name in GENERATED, link
            continue
        assert target.exists(), link
        if anchor:
            headings = HEADING.findall(target.read_text(encoding="utf-8"))
            assert anchor[1:] in {_anchor(heading) for heading in headings}, f"{link}{anchor}"


@pytest.mark.parametrize("text", [ROOT / "README.md", *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_text_imports_is_there(text):
    for block in re.findall(
        r"^```(?:\{code-block\} )?python\n(.*?)^```", text.read_text(encoding="utf-8"), re.M | re.S
    ):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dissentangle."):
                module = import_module(node.module)
                assert all(hasattr(module, name.name) for name in node.names), ast.unparse(node)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_a_page_is_short_and_its_lines_are(page):
    text = page.read_text(encoding="utf-8")
    prose = _prose(text)
    assert page.parent.name == "reference" or len(prose.split()) <= MOST_WORDS
    assert max(map(len, prose.splitlines())) <= LONGEST_LINE


def test_the_page_lists_every_entry_of_the_apparatus():
    """With its unit."""
    text = (DOCS / "reference" / "experiment.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?`) \| (.*?) ?\| .+ \| .+ \|$", text.partition("## Entries of")[2], re.M)
    units = {name: unit for names, unit in rows for name in re.findall("`(.+?)`", names)}
    assert units == {name: shown_unit(PARAMETERS[name].unit).replace("**2", "²") for name in APPARATUS}


def test_the_readme_is_one_screen():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) <= MOST_OF_README
    assert max(map(len, _prose(text).splitlines())) <= LONGEST_LINE


def test_every_page_is_on_its_shelf():
    """The entrance or the index of its folder lists each page."""
    for page in PAGES:
        index = page.parent / "index.md"
        if page != index:
            assert re.search(rf"^{page.stem}$", index.read_text(encoding="utf-8"), re.M), page


def test_code_names_pages_that_exist():
    for package in ("forward_models", "datasets", "inference"):
        for path in (*(ROOT / package).rglob("*.py"), *(ROOT / package).rglob("*.toml")):
            text = path.read_text(encoding="utf-8")
            on_site = [f"docs/{name}.md" for name in re.findall(r"docs: ([\w/-]+)\.html", text)]  # as a message has it
            for name in (*re.findall(r"docs/[\w/.-]+\.md", text), *on_site):
                assert (ROOT / name).is_file(), f"{path.relative_to(ROOT)}: {name}"


def test_the_citation_has_the_version_of_the_package():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
