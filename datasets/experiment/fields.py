"""The one table of what is said of series, records, observations and runs besides their numbers.

It is read off the dataclasses: name, type and default of each field, and its metadata,

unit : of a number that is given with its unit ("20 ms")
key : its name in experiment.toml, where that is another one; "" where it is no key
first : it stands before the others in files
always : it is written also where it is the default
stored : False where it belongs to one fit only
choices : the only texts that it can be
parts : of a tuple, the class of what is in it
later : it came after files of fits were written, whose hashes are without it where it is the default

Reading and writing, simulating and the check of unknown keys follow from it: a new field needs no other line.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any

import numpy as np

from ..errors import violation

FIRST: dict[str, Any] = {"first": True}
ALWAYS: dict[str, Any] = {"always": True}
LATER: dict[str, Any] = {"later": True}
_MEANING = re.compile(r"(?:^|;  )(\w+(?:, \w+)*) : (.*?)(?=;  \w+(?:, \w+)* :|\n(?! )|\Z)", re.M | re.S)
"""'name, name : meaning' in a docstring: a line with those that follow it further in, or a part of one."""
_TYPES = {"str": str, "bool": bool, "int": int, "float": float}


@dataclass(frozen=True)
class Entry:
    """One field: name, key in experiment.toml ("" for none), type (str, bool, float), unit ("" for plain numbers),
    default (None where it must be given), whether it is written also where it is the default, the choices of a text
    (none for a free one), and what the docstring of its class says of it.
    """

    name: str
    key: str
    kind: type
    unit: str
    default: Any
    always: bool
    choices: tuple[str, ...]
    meaning: str


_EXAMPLES = {"StageEntry": 'StageEntry(20.0, frozenset({"drive"}))', "Series": 'series_of(data, "xi")'}


def gather(made: Any) -> None:
    """Make the fields of a frozen object whose metadata name a class of `parts` tuples, of a list or of a single one.

    Raises ExperimentError for something else.
    """
    for field in fields(made):
        kind, given = field.metadata.get("parts"), getattr(made, field.name)
        if kind is None or (type(given) is tuple and all(isinstance(one, kind) for one in given)):
            continue
        several = isinstance(given, Iterable) and not isinstance(given, (str, bytes, dict))
        found = tuple(given) if several else (given,)
        for one in found:
            if not isinstance(one, kind):
                example = f", such as {_EXAMPLES[kind.__name__]}" if kind.__name__ in _EXAMPLES else ""
                expected = f"one {kind.__name__} or several in a tuple{example}"
                raise violation(
                    f"{type(made).__name__}: {field.name}",
                    f"{type(one).__name__}: {' '.join(repr(one).split())}",
                    expected,
                )
        object.__setattr__(made, field.name, found)


def require_numbers(made: Any, *names: str) -> None:
    """Make fields of a frozen object arrays of numbers, of whatever NumPy takes; ExperimentError for what it is not."""
    for name in names:
        given = getattr(made, name)
        if isinstance(given, np.ndarray):
            continue
        try:
            object.__setattr__(made, name, np.asarray(given, float))
        except (TypeError, ValueError) as error:
            where = f"{type(made).__name__} {made.name!r}: {name}"
            raise violation(where, f"{type(given).__name__}: {given!r}", "an array of numbers") from error


@cache
def _meanings(kind: type) -> dict[str, str]:
    """What the docstring of a class says of its fields; nothing where Python was told to forget docstrings."""
    found = _MEANING.findall(inspect.getdoc(kind) or "")
    return {name: " ".join(text.split()) for names, text in found for name in names.split(", ")}


def entries(kind: type) -> tuple[Entry, ...]:
    """The entries of a dataclass of this room in the order in which they are written; arrays are none."""
    found, meanings = [], _meanings(kind)
    for field in fields(kind):
        said = field.metadata
        if field.type not in _TYPES or not said.get("stored", True):
            continue
        required = field.default is MISSING
        entry = Entry(
            name=field.name,
            key=said.get("key", field.name),
            kind=_TYPES[str(field.type)],
            unit=said.get("unit", ""),
            default=None if required else field.default,
            always=required or said.get("always", False),
            choices=tuple(said.get("choices", ())),
            meaning=meanings.get(field.name, ""),
        )
        found.append((not (required and entry.kind is str), not said.get("first", False), entry))
    return tuple(entry for *_, entry in sorted(found, key=lambda row: row[:2]))
