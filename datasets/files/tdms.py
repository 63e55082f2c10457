"""LabVIEW's TDMS files, read by npTDMS where it is installed."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import violation


def open_tdms(path: Path, stack: contextlib.ExitStack) -> Mapping[str, Any]:
    """Channels as `/group/channel`, read when sliced."""
    try:
        from nptdms import TdmsFile
        from nptdms.log import log_manager
    except ImportError as error:
        raise violation(str(path), "no npTDMS", "pip install 'dissentangle[tdms]' to read TDMS files") from error
    whole = _Whole()
    log_manager.console_handler.addFilter(whole)
    stack.callback(log_manager.console_handler.removeFilter, whole)
    file = stack.enter_context(TdmsFile.open(stack.enter_context(path.open("rb"))))
    return {
        f"/{group.name}/{channel.name}": _Channel(channel) for group in file.groups() for channel in group.channels()
    }


class _Whole(logging.Filter):
    """Raises what npTDMS would print: it would read a part of a file that is cut off."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "nptdms.types":  # a text that is not UTF-8, as LabVIEW writes them on some computers
            return False
        raise ValueError(record.getMessage())


@dataclass(frozen=True)
class _Channel:
    """A TDMS channel as an array."""

    inner: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.inner),)

    @property
    def dtype(self) -> Any:
        return self.inner.dtype

    def __getitem__(self, rows: Any) -> np.ndarray:
        return np.asarray(self.inner[:] if rows is Ellipsis else self.inner[rows])
