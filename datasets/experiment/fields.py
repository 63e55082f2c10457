"""The one table of what is said of series, records, observations and runs besides their numbers.

It is read off the dataclasses: name, type and default of each field, and its metadata,

unit : of a number that is given with its unit ("20 ms")
key : its name in experiment.toml, where that is another one; "" where it is no key
first : it stands before the others in files
always : it is written also where it is the default
stored : False where it belongs to one fit only
choices : the only texts that it can be
later : it came after files of fits were written, whose hashes are without it where it is the default

Reading and writing, simulating and the check of unknown keys follow from it: a new field needs no other line.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any

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
