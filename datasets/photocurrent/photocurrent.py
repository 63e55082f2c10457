"""A raw photocurrent: one long stream of samples with triggers, in a file or in memory, read stretch by stretch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..bundled_files import BUNDLED
from ..errors import violation
from ..files import FORMATS, column_of, open_source, vector
from ..units import factor, quantity, text_of

SAMPLES, TRIGGERS = "samples", "triggers"
ONLY = "#1"
"""The array of a file that has no names."""
MOST_TRIGGERS = 10_000_000
SMALLEST_SCALE, LARGEST_SCALE = 1e-30, 1e9


@dataclass(frozen=True)
class Photocurrent:
    """An open stream.

    where : for errors;  length : samples;  sample_rate : Hz;  unit : what the samples are in, "V" or as in the file
    triggers : where records begin, in samples, ascending, not necessarily whole numbers; None where none are given
    simulated : whether the file says so;  attributes : of the file
    """

    where: str
    length: int
    sample_rate: float
    scale: float
    dtype: np.dtype
    triggers: np.ndarray | None
    simulated: bool
    attributes: Mapping[str, Any]
    inner: Callable[[int, int], np.ndarray] = field(repr=False)

    @property
    def unit(self) -> str:
        """Of the samples after multiplication by `scale`."""
        if "volts_per_count" in self.attributes or "units" not in self.attributes:
            return "V" if "volts_per_count" in self.attributes else "1"
        return text_of(self.attributes["units"], f"{self.where}: units") or "1"

    def number(self, name: str) -> float | None:
        """An attribute that is a number; None where there is none."""
        return _number(self.where, self.attributes, name, 0.0) if name in self.attributes else None

    def read(self, start: int, end: int) -> np.ndarray:
        """Samples from `start` to before `end`, as they are stored."""
        return np.asarray(self.inner(start, end))


@contextlib.contextmanager
def open_photocurrent(
    raw: str | Path | np.ndarray,
    *,
    samples: str | None = None,
    channel: str | int | None = None,
    sample_rate: str | None = None,
    triggers: str | np.ndarray | None = None,
    triggers_where_there: str | None = None,
    fallback_rate: float | None = None,
) -> Iterator[Photocurrent]:
    """A stream from a file of one of `FORMATS`, the bundled "photocurrent-slice", or an array in memory.

    samples : name of the array in the file ("samples");  channel : which of its columns, see `column_of`
    sample_rate : with a unit ("1 MHz"); where None the file's attribute `sample_rate`, in Hz; then `fallback_rate`, Hz
    triggers : name of an array in the file ("triggers", where there is one), or the numbers; in samples, unless the
        array has an attribute `units` of time
    triggers_where_there : name of an array of triggers, if the file has it

    Raises ExperimentError: what was found where, and what is expected.
    """
    if isinstance(raw, np.ndarray):
        where, numbers = "photocurrent", _given(triggers)
        rate = _sample_rate(where, {}, sample_rate, fallback_rate)
        row = raw if channel is None else column_of(raw, str(channel), where)[...]
        yield _stream(where, _one_row(row, where), {}, rate, numbers)
        return
    path = Path(raw)
    if not path.exists() and path.name == str(raw) and (BUNDLED / f"{raw}.h5").is_file():
        path = BUNDLED / f"{raw}.h5"
    if not path.is_file():
        raise violation(str(path), "no such file", f"a file of samples: {', '.join(FORMATS)}")
    if path.suffix.lower() not in FORMATS:
        raise violation(str(path), "an unknown kind of file", f"one of {', '.join(FORMATS)}")
    with open_source(path) as source:
        if triggers is None and triggers_where_there is not None and triggers_where_there in source:
            triggers = triggers_where_there
        if ONLY in source.arrays and (samples is not None or isinstance(triggers, str)):
            raise violation(str(path), f"names of arrays ({samples or triggers})", "none: a .npy file has one array")
        name, channel = _one_of(source, path, samples, channel)
        array = source.array(name)
        attributes = {**_attributes(array, of_file=True), **_attributes(array)}
        where = str(path) if ONLY in source.arrays else f"{path}: {name!r}"
        rate = _sample_rate(where, attributes, sample_rate, fallback_rate)
        numbers = _given(triggers) if isinstance(triggers, np.ndarray) else _triggers(source, path, triggers, rate)
        part = vector(array, where) if channel is None else column_of(array, str(channel), where)
        yield _stream(where, part, attributes, rate, numbers)


def _one_of(source: Any, path: Path, samples: str | None, channel: str | int | None) -> tuple[str, str | int | None]:
    """The name of the array of samples, and which of its columns; the columns of a .npy file have names themselves."""
    if ONLY not in source.arrays:
        return samples or SAMPLES, channel
    if len(source.arrays) == 1:
        return ONLY, channel
    if channel is None:
        found = f"an array of {len(source.arrays)} channels"
        raise violation(str(path), found, "the number of one of them (--channel 2)")
    return f"#{channel}", None


def _triggers(source: Any, path: Path, name: str | None, rate: float) -> np.ndarray | None:
    """The triggers in a file, in samples: of the array of this name, or of "triggers" where there is one."""
    if name is None and TRIGGERS not in source:
        return None
    numbers: np.ndarray = source.column(name or TRIGGERS, MOST_TRIGGERS)
    unit = source.unit(name or TRIGGERS)
    return numbers if unit is None else numbers * factor(unit, "s", f"{path}: {name or TRIGGERS!r}: units") * rate


def _stream(
    where: str, array: Any, attributes: Mapping[str, Any], rate: float, triggers: np.ndarray | None
) -> Photocurrent:
    if triggers is not None and (np.diff(triggers) <= 0).any():
        row = int(np.argmax(np.diff(triggers) <= 0)) + 2
        raise violation(f"{where}: triggers: entry {row}", f"{triggers[row - 1]:g} after {triggers[row - 2]:g}",
                        "triggers in ascending order")  # fmt: skip
    scale = _number(where, attributes, "volts_per_count", 1.0)
    if not SMALLEST_SCALE <= abs(scale) <= LARGEST_SCALE:
        expected = f"{SMALLEST_SCALE:g} to {LARGEST_SCALE:g} V"
        raise violation(f"{where}: attribute volts_per_count", f"{scale:g}", expected)
    return Photocurrent(
        where,
        int(array.shape[0]),
        rate,
        scale,
        np.dtype(array.dtype),
        triggers,
        bool(_number(where, attributes, "simulated", 0.0)),
        attributes,
        lambda start, end: array[start:end],
    )


def _sample_rate(where: str, attributes: Mapping[str, Any], given: str | None, fallback: float | None) -> float:
    """In Hz."""
    if given is not None:
        rate = quantity(given, "Hz", "sample rate")
    elif "sample_rate" in attributes:
        rate = _number(where, attributes, "sample_rate", 0.0)
    elif fallback is not None:
        rate = fallback
    else:
        raise violation(where, "no sample rate", "an attribute sample_rate in Hz, or one given, such as '1 MHz'")
    if not 0 < rate < np.inf:
        raise violation(f"{where}: sample rate", f"{rate:g} Hz", "a number > 0")
    return rate


def _number(where: str, attributes: Mapping[str, Any], name: str, default: float) -> float:
    value = attributes.get(name, default)
    try:
        return float(np.asarray(value).item())
    except (TypeError, ValueError) as error:
        raise violation(f"{where}: attribute {name}", repr(value), "one number") from error


def _attributes(array: Any, of_file: bool = False) -> dict[str, Any]:
    owner = getattr(array, "file", None) if of_file else array
    return dict(getattr(owner, "attrs", None) or {})


def _given(triggers: Any) -> np.ndarray | None:
    if triggers is None:
        return None
    values = np.atleast_1d(np.asarray(triggers, float))
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all() or len(values) > MOST_TRIGGERS:
        raise violation("triggers", f"{values.size} numbers of shape {values.shape}", "finite numbers, one per record")
    return values


def _one_row(array: np.ndarray, where: str) -> np.ndarray:
    if array.ndim != 1 or array.dtype.kind not in "iuf" or not array.size:
        raise violation(
            where, f"an array of shape {array.shape} and type {array.dtype}", "one row of real numbers, or a channel"
        )
    return array
