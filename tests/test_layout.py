"""The rooms: imports go one way, and the package list is that of the tree."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("forward_models", "datasets", "inference")


def _imported(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    depth = len(path.relative_to(ROOT).parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "") if node.level < depth else f"room:{node.module or ''}"


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("forward_models", ("room:datasets", "room:inference", "pymc", "pytensor", "casadi", "xarray")),
        ("datasets", ("room:inference", "pymc", "pytensor", "nutpie", "arviz")),
    ],
)
def test_imports_go_one_way(room, forbidden):
    for path in (ROOT / room).rglob("*.py"):
        for name in _imported(path):
            assert not name.startswith(forbidden), f"{path} imports {name}"


def test_package_list_is_that_of_the_tree():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {
        path.parent.relative_to(ROOT)
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if "bundled" not in path.parts
    }
    assert set(settings["packages"]) == {"dissentangle." + ".".join(folder.parts) for folder in folders}
    assert set(settings["package-dir"].values()) == {folder.as_posix() for folder in folders}


def test_no_lazy_name_is_that_of_a_module():
    """Importing such a module would put it in place of the function."""
    from dissentangle import inference

    modules = {path.stem for path in (ROOT / "inference").glob("*.py")} | {
        path.name for path in (ROOT / "inference").iterdir() if path.is_dir()
    }
    assert not modules & set(inference._HOMES)
    assert set(inference.__all__) == set(inference._HOMES)
    assert all(getattr(inference, name) is not None for name in inference.__all__)
