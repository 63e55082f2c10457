"""Loading and saving: a bundled name, a folder or a NetCDF file in, a folder or a NetCDF file out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..bundled_files import BUNDLED
from ..errors import ExperimentError, nearest, violation
from ..experiment import Experiment
from ..files import check_size, open_tree, write_tree
from .folder import FILE, read_folder
from .folder_write import write_folder
from .tree import to_tree
from .tree_read import from_tree

if TYPE_CHECKING:
    from xarray import DataTree


def names() -> list[str]:
    """Names of the bundled experiments."""
    return sorted(folder.name for folder in BUNDLED.iterdir() if (folder / FILE).is_file())


def read(source: str | Path | DataTree) -> Experiment:
    """The experiment behind a bundled name, a folder, an experiment.toml, a NetCDF file or a DataTree.

    Raises ExperimentError: what was found where, and what is expected.
    """
    if not isinstance(source, (str, Path)):
        return from_tree(source)
    path = Path(source)
    if path.is_dir():
        return read_folder(path)
    if path.is_file():
        return read_folder(path.parent) if path.name == FILE else _in_file(path)
    if str(source) in names():
        return read_folder(BUNDLED / str(source))
    raise violation(
        f"{source}",
        f"no such folder, file or bundled experiment{nearest(str(source), names())}",
        f"a folder with {FILE}, a .nc file, or one of {', '.join(names())}",
    )


def _in_file(path: Path) -> Experiment:
    """The experiment in a NetCDF file; that of a fit where the file is one."""
    check_size(path)
    tree = open_tree(path)
    if "experiment" in tree.children and "posterior" in tree.children:
        return from_tree(tree["experiment"], f"{path}: experiment")
    return from_tree(tree, str(path))


def load(source: str | Path | DataTree) -> DataTree:
    """The experiment behind whatever `read` takes, as an xarray.DataTree; see `to_tree` for its layout.

    Raises ExperimentError, as `read` does.
    """
    return to_tree(read(source))


def save(experiment: Experiment | DataTree, path: str | Path) -> None:
    """Write an experiment so that `read` gives it back without loss: a NetCDF file (.nc), else a new folder.

    Raises ExperimentError where something is there already, for a tree that is no experiment, and for a joint
    experiment that is to be a folder.
    """
    checked = experiment if isinstance(experiment, Experiment) else from_tree(experiment)
    target = Path(path)
    if target.suffix == ".nc":
        if target.exists():
            raise ExperimentError(f"{target}: exists already; expected the name of a new file")
        write_tree(to_tree(checked), target)
    else:
        write_folder(checked, target)
