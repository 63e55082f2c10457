"""LabVIEW's TDMS files, read by npTDMS where it is installed."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import violation
from .sliced import Sliced


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
        f"/{group.name}/{channel.name}": _sliced(channel) for group in file.groups() for channel in group.channels()
    }


class _Whole(logging.Filter):
    """Raises what npTDMS would print: it would read a part of a file that is cut off."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "nptdms.types":  # a text that is not UTF-8, as LabVIEW writes them on some computers
            return False
        raise ValueError(record.getMessage())


def _sliced(channel: Any) -> Sliced:
    kind = getattr(channel, "dtype", np.dtype("V"))  # one without data has none
    unit = channel.properties.get("unit_string")
    attributes = {"units": unit} if unit else {}
    return Sliced((len(channel),), kind, lambda rows: channel[:] if rows is Ellipsis else channel[rows], attributes)
