"""Files written whole or not at all, and checked before they are read."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..bundled_files import listed
from ..errors import nearest_file, violation

LARGEST_TABLE, LARGEST = 1 << 25, 1 << 34
"""Bytes of a table in memory; of a file that is read in pieces, and of an array in it."""
_MOST_NAMED = 8
"""Files that an error lists."""


def _others(path: Path) -> str:
    """What may be meant by the name of a file that is not there."""
    names = [name for name in listed(path.parent) if (path.parent / name).is_file()]
    alike = ", ".join([name for name in names if Path(name).suffix.lower() == path.suffix.lower()][:_MOST_NAMED])
    return nearest_file(path.name, names) or (f" ({path.parent} has {alike})" if alike else "")


def check_size(path: Path, largest: int = LARGEST_TABLE) -> None:
    """Raise ExperimentError where the file is missing, is no regular file, or has more than `largest` bytes."""
    if not path.is_file():
        raise violation(str(path), "no such file", f"a file{_others(path)}")
    size = path.stat().st_size
    if size > largest:
        raise violation(str(path), f"{size / 2**20:.0f} MB", f"at most {largest >> 20} MB")


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file atomically, as `replace_file` does."""
    replace_file(path, lambda temporary: temporary.write_bytes(content))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a temporary file beside the target, then rename it: the old file is there, or all of the new.

    A folder that is not there, or not any more, is made. OSError names the target, not the temporary file;
    ExperimentError where the target is something else than a file.
    """
    if path.exists() and not path.is_file():
        raise violation(str(path), "something that is not a regular file", "the name of a file to write")
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path, _new_file) as temporary:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        temporary.replace(path)


def make_folder(path: Path, fill: Callable[[Path], object], last: str) -> None:
    """Let `fill` fill a temporary folder beside the target, then rename it: the folder is there whole, or not at all.

    A folder that is there, perhaps the one in which the user is, gets the files of a temporary one in it, each whole,
    that called `last` at the end.
    """
    if path.is_dir():
        with _beside(path / last, tempfile.mkdtemp) as temporary:
            fill(temporary)
            for part in sorted(temporary.iterdir(), key=lambda part: part.name == last):
                part.rename(path / part.name)
            temporary.rmdir()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path, tempfile.mkdtemp) as temporary:
        fill(temporary)
        os.chmod(temporary, 0o777 & ~_umask())
        temporary.rename(path)


def _new_file(*, prefix: str, suffix: str, dir: Path) -> str:
    handle, found = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=dir)
    os.close(handle)
    return found


@contextlib.contextmanager
def _beside(path: Path, make: Callable[..., str]) -> Iterator[Path]:
    """A temporary file or folder of this process alone, gone where the block fails; errors name the target."""
    temporary: Path | None = None
    try:
        temporary = Path(make(prefix=_prefix(path), suffix=".part", dir=path.parent))
        yield temporary
    except BaseException as error:
        if temporary is not None:
            _remove(temporary)
        if isinstance(error, OSError) and _is_ours(error.filename, path):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _remove(temporary: Path) -> None:
    with contextlib.suppress(OSError):  # its folder may be gone or read-only by now: the first error is the one to tell
        shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink()


def _is_ours(name: Any, path: Path) -> bool:
    """Whether the file that an error names is the temporary one, or in it, or none."""
    return name is None or f"{os.sep}{_prefix(path)}" in str(name)


def _prefix(path: Path) -> str:
    return f".{path.name[:40]}."


def require_space(path: Path, size: int) -> None:
    """Raise ExperimentError where a file of so many bytes has no room: for those too large to be made in memory."""
    free = shutil.disk_usage(path.parent).free
    if free < size:
        raise violation(str(path), f"{free / 2**20:.1f} MB free", f"{size / 2**20:.1f} MB for this file")


@contextlib.contextmanager
def streamed_file(path: Path, size: int, **layout: Any) -> Iterator[Any]:
    """A new h5py.File for data too large for memory, whose `size` bytes on the disk are taken before HDF5 writes any:
    where the disk is full, or files must not be so large, HDF5 itself ends in a crash.
    """
    import h5py

    empty = io.BytesIO()
    h5py.File(empty, "w", **layout).close()
    with path.open("wb") as file:
        file.write(empty.getvalue())
        file.flush()
        if hasattr(os, "posix_fallocate"):  # not on macOS
            os.posix_fallocate(file.fileno(), 0, size)
    with h5py.File(path, "r+", **layout) as opened:
        yield opened


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
