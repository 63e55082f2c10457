"""The rooms: imports go one way, a room offers what its `__init__` imports, the package list is that of the tree."""

import ast
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_FILES = 12
"""Python files of a room, its `__init__` not counted."""

ALLOWED = {
    "forward_models": {
        "three_state": (),
        "sixteen_level": ("three_state",),
        "noise": (),
        "light": ("three_state", "sixteen_level"),
    },
    "datasets": {
        "files": (),
        "tables": ("files",),
        "kinds": (),
        "experiment": ("kinds", "files"),
        "prediction": ("experiment", "kinds"),
        "formats": ("prediction", "experiment", "kinds", "tables", "files"),
        "photocurrent": ("prediction", "experiment", "files"),
        "larmor": ("photocurrent",),
        "simulation": ("formats", "prediction", "experiment", "kinds", "tables", "files"),
    },
    "inference": {
        "engine": (),
        "model": (),
        "sampling": ("model", "engine"),
        "fits": ("sampling", "model"),
        "checks": ("fits", "sampling", "model"),
        "comparison": ("checks", "fits", "sampling", "model"),
        "designs": ("comparison", "checks", "fits", "model"),
        "point_fit": ("model",),
        "text": ("point_fit", "designs", "comparison", "checks", "fits", "model"),
        "figures": ("text", "point_fit", "designs", "comparison", "checks", "fits"),
        "reports": ("figures", "text", "designs", "comparison", "checks", "fits", "sampling", "model"),
        "campaigns": ("reports", "figures", "text", "designs", "checks", "fits", "sampling", "model"),
        "cli": ("campaigns", "reports", "figures", "point_fit", "text", "designs", "comparison", "checks", "fits",
                "sampling", "model"),
    },
}  # fmt: skip
"""Which room may import which rooms of its package. Every room may import the packages above its own, and the files
that stand beside the rooms (`errors.py`, …)."""
ABOVE = {"forward_models": (), "datasets": ("forward_models",), "inference": ("forward_models", "datasets")}
FOREIGN = {
    "forward_models": ("pymc", "pytensor", "casadi", "xarray"),
    "datasets": ("pymc", "pytensor", "nutpie", "arviz"),
    "inference": (),
}
"""Libraries that a package does not know."""
ROOMS = [f"{package}/{room}" for package, rooms in ALLOWED.items() for room in rooms]


def _imports(path: Path) -> Iterator[tuple[int, Path | str]]:
    """Line, and a path in the tree (own) or a name (another library's) of each import in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.ImportFrom):
            place = path.parents[node.level - 1] / (node.module or "").replace(".", "/")
            yield node.lineno, place.relative_to(ROOT)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_the_table_allows(room):
    package, name = room.split("/")
    for path in sorted((ROOT / room).glob("*.py")):
        for line, place in _imports(path):
            where = f"{path.relative_to(ROOT)}:{line}"
            if isinstance(place, str):
                assert not place.startswith(FOREIGN[package]), f"{where}: imports {place}"
                assert not place.startswith("dissentangle"), f"{where}: imports {place}, not relative to its place"
                continue
            top, *inside = place.parts
            if top != package:
                assert top in ABOVE[package], f"{where}: imports {place}"
            elif not inside or (len(inside) == 1 and inside[0] not in ALLOWED[package]):
                assert inside, f"{where}: imports the whole package"
            elif inside[0] != name:
                assert inside[0] in ALLOWED[package][name], f"{where}: {name} may not import {inside[0]}"
            if inside and inside[0] in ALLOWED[top] and (top, inside[0]) != (package, name):
                assert len(inside) == 1, f"{where}: imports a file of another room, expected the room {inside[0]}"


@pytest.mark.parametrize("package", ALLOWED)
def test_files_beside_the_rooms_know_what_the_package_may(package):
    for path in (ROOT / package).glob("*.py"):
        for line, place in _imports(path):
            where = f"{path.relative_to(ROOT)}:{line}"
            if isinstance(place, str):
                assert not place.startswith(FOREIGN[package]), f"{where}: imports {place}"
            else:
                assert place.parts[0] in (package, *ABOVE[package]), f"{where}: imports {place}"


def test_the_table_has_every_room_and_no_circle():
    found = {str(path.parent.relative_to(ROOT)) for package in ALLOWED for path in (ROOT / package).glob("*/*.py")}
    assert found == set(ROOMS)
    for package, rooms in ALLOWED.items():
        before = list(rooms)
        for room, others in rooms.items():
            assert set(others) <= set(before[: before.index(room)]), f"{package}: {room} stands before what it imports"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_small_and_says_what_it_is(room):
    files = [path for path in (ROOT / room).glob("*.py") if path.name != "__init__.py"]
    assert len(files) <= MOST_FILES
    tree = ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)


def test_package_list_is_that_of_the_tree():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {
        path.parent.relative_to(ROOT)
        for package in ALLOWED
        for path in (ROOT / package).rglob("*.py")
        if "bundled" not in path.parts
    }
    assert set(settings["packages"]) == {"dissentangle." + ".".join(folder.parts) for folder in folders}
    assert set(settings["package-dir"].values()) == {folder.as_posix() for folder in folders}


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_offers_what_its_stub_lists(package):
    """The stub is what type checkers read, and the only list; a name of a room would hide that room."""
    tree = ast.parse((ROOT / package / "__init__.pyi").read_text(encoding="utf-8"))
    listed = next(ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign))
    found = import_module(f"dissentangle.{package}")
    assert sorted(listed) == found.__all__
    assert not set(ALLOWED[package]) & set(listed)
    assert all(getattr(found, name) is not None for name in listed)
    with pytest.raises(AttributeError, match="nothing"):
        found.nothing  # noqa: B018
