"""Which columns of a lab's file a kind of series has, by their names: the lines to paste that say so.

A guess is never taken for the answer. It stands in the message about a file whose columns have other names than ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..units import unit_in
from .kind import ABSCISSAS, Kind

_WORDS = {
    "time": ("t", "time", "times", "delay", "zeit", "temps", "tau", "xvalue"),
    "faraday_angle": ("theta", "θ", "angle", "faraday", "faradayangle", "thetaf"),
    "cos": ("cos", "cosine", "yc", "xc", "c"),
    "sin": ("sin", "sine", "ys", "xs", "s"),
    "in_phase": ("inphase", "i", "x", "re", "real"),
    "quadrature": ("quadrature", "q", "y", "im", "imag"),
    "repetitions": ("repetitions", "reps", "r", "n", "averages", "shots", "count", "counts"),
}
"""What columns are called, as `_plain` makes it; values are called as their kind says."""
_WORDS["delay"] = _WORDS["time"]
_SPREAD = ("sigma", "error", "err", "stdev", "stddev", "std", "sd", "sem", "se", "fehler", "standardabweichung",
           "uncertainty", "unc", "σ", "±")  # fmt: skip
_BEFORE = ("d", "δ", "delta", "s", "u", "e", *_SPREAD)
"""Before the name of a value, which then is its error: dxi, σξ."""
_UNIT = re.compile(r"\s*[(\[/].*$|(?:_| in | )(?:s|ms|us|µs|μs|ns|dB)$")
_FIELD = re.compile(r"\w+(\.\w+)+")
"""Of a structure: scan.T."""
_DECIBEL, _PER_CENT = re.compile(r"[(\[/_ ]\s*dB\b"), re.compile(r"[(\[/_ ]\s*%")
_SAID = re.compile(r"[(\[/]\s*ms\b|(_| in | )ms$")
"""A name that says that its times are in ms."""
_LONGEST, _MOST = 500, 50
"""Of a name that is looked at, and of names: damaged files have names of megabytes, and tables of shots thousands."""
MISSING = "…"
"""In place of what the file has no column for: no TOML, so that nobody fits with it."""


_TIMES = {"ms": 1.0, "us": 1e-3, "s": 1e3, "ns": 1e-6}
"""Units of times, in ms, the likeliest first."""
_HARDLY_BEGUN, _JUST_OVER = 0.01, 1.01
"""Of a run: a series that ends outside probably has times in another unit."""


@dataclass(frozen=True)
class Around:
    """What an experiment says around a series.

    duration : of its run, ms; 0 where it is not known
    before, total : series of the same file that stand before it, and all of that file
    template : whether the same words describe other files, too
    """

    duration: float = 0.0
    before: int = 0
    total: int = 1
    template: bool = False

    def later(self, fits: list[str], numbered: bool, width: int) -> list[str]:
        """Columns that may be its values, without those of the series before it; all where none is left."""
        each = 2 if numbered and self.with_errors(width) else 1
        return fits[self.before * each :] or fits

    def with_errors(self, width: int) -> bool:
        """Whether so many columns are enough for values and errors of all series of the file, and an abscissa."""
        return width > 2 * self.total


def lines_for(
    kind: Kind,
    names: Sequence[str],
    given: Mapping[str, Any],
    columns: Sequence[str] = (),
    units: Collection[str] = (),
    around: Around = Around(),
    end: Callable[[str], float] = lambda name: 0.0,
) -> list[str]:
    """The lines of a [[series]] that name the columns of a file.

    names : of its columns or arrays, `#1`, `#2`, … where they have none
    given : our column → theirs, or a number, as far as it is said and right
    columns : ours that are wanted; by default those of a table of this kind;  units : ours whose units are said
    end : what reads the greatest number of a column, 0 where it cannot be read

    Of many names the first are looked at, but for those of the length of a damaged file.
    """
    found, spread = _guess(kind, names, given, columns, around)
    pairs = ", ".join(f"{ours} = {MISSING if theirs is None else _toml(theirs)}" for ours, theirs in found.items())
    remark = f"; {spread} = {MISSING}: a column, or a number for all rows" if found.get(spread, "") is None else ""
    lines = [f"columns = {{ {pairs} }}    # of {kind.name}{remark}"]
    abscissa = found.get(kind.abscissa)
    said = kind.abscissa in units or not isinstance(abscissa, str) or _says_unit(abscissa)
    if ABSCISSAS[kind.abscissa] == "ms" and not said:
        lines.append(_unit_line(end(str(abscissa)) if around.duration else 0.0, around.duration))
    lines += ["(or rename the column in this file: the template is that of others, too)"] if around.template else []
    lines += [] if "value" in units else _of_values(found)
    return lines


def _unit_line(end: float, duration: float) -> str:
    """The line that says the unit of times that end there, in a run of so many ms."""
    fitting = [u for u, ms in _TIMES.items() if _HARDLY_BEGUN * duration < end * ms <= _JUST_OVER * duration]
    if end > 0 and not fitting:
        return f'time_unit = "ms"    # or "us", "s": in none of them does {end:g} fit a run of {duration:g} ms'
    if not fitting or fitting[0] == "ms":
        return 'time_unit = "ms"    # or "us", "s": no name of a column says it'
    unit = fitting[0]
    ends = f"ends at {end * _TIMES[unit]:.4g} ms in a run of {duration:g} ms"
    return f'time_unit = "{unit}"    # {ends}: no name of a column says it'


def are_named(kind: Kind, names: Sequence[str]) -> bool:
    """Whether some of these names are known to be those of what a kind is measured against, and of its values."""
    plain = {_plain(name) for name in names[:_MOST]}
    return all(plain & {*_called(ours, kind)} for ours in (kind.abscissa, *kind.components))


def _called(ours: str, kind: Kind) -> tuple[str, ...]:
    """What a column of ours is called elsewhere."""
    return (ours.replace("_", ""), *(kind.symbols if ours == "value" else _WORDS.get(ours, (ours,))))


def arguments_for(kind: Kind, names: Sequence[str], given: Mapping[str, Any]) -> str:
    """The same as arguments of `series_of`."""
    found, _ = _guess(kind, names, given, ())
    pairs = ", ".join(f'"{ours}": {MISSING if theirs is None else _toml(theirs)}' for ours, theirs in found.items())
    text = f"columns={{{pairs}}}"
    if ABSCISSAS[kind.abscissa] == "ms" and not _says_unit(str(found.get(kind.abscissa))):
        text += f', units={{"{kind.abscissa}": "ms"}} (or "us", "s")'
    return text


def _guess(
    kind: Kind, names: Sequence[str], given: Mapping[str, Any], columns: Sequence[str], around: Around = Around()
) -> tuple[dict[str, Any], str]:
    """Our column → theirs, None where there is none; and how ours of the errors is called, "" where none is wanted."""
    wanted = [kind.abscissa, *kind.components]
    wanted = [name for name in columns or wanted if name != "number" and name in wanted]
    spreads = [] if columns else [name for name in ("sigma", "repetitions") if name in kind.columns]
    names = [name for name in names[:_MOST] if len(name) <= _LONGEST]
    found: dict[str, Any] = dict(given)
    left = [name for name in names if name not in found.values()]

    def take(ours: str, fits: list[str]) -> None:
        if fits and ours not in found:
            found[ours] = fits[0]
            left.remove(fits[0])

    for ours in wanted:
        take(ours, [name for word in _called(ours, kind) for name in left if _plain(name) == word])
    numbered, width = all("#" in name for name in names), len(names)
    for ours in wanted:
        fits = [name for name in left if not _is_spread(name, names)]
        take(ours, around.later(fits, numbered, width) if ours == "value" else fits)
    if numbered and around.total > 1 and found.get("value") in names:
        after = names.index(found["value"])
        left = [name for name in left if around.with_errors(width) and names.index(name) > after]
    values = [_plain(found[name]) for name in kind.components if isinstance(found.get(name), str)]
    if not {"sigma", "repetitions"} & found.keys() and spreads:
        _take_spread(take, left, names, values, spreads)
    spread = next((name for name in ("sigma", "repetitions") if name in found), next(iter(spreads), ""))
    return {name: found.get(name) for name in dict.fromkeys([*wanted, *filter(None, [spread]), *found])}, spread


def _take_spread(take: Any, left: list[str], names: Sequence[str], values: list[str], spreads: Sequence[str]) -> None:
    """The column of errors: that of the value, one that is called an error, R, or the one after the value."""
    own = [name for name in left if any(_is_spread_of(_plain(name), value) for value in values)]
    bare = [name for name in left if _words(name) & {*_SPREAD} and not _of_another(name, names)]
    counted = [name for name in left if "repetitions" in spreads and _words(name) & {*_WORDS["repetitions"]}]
    if "sigma" in spreads and (own or bare):
        take("sigma", own or bare)
    elif counted:
        take("repetitions", counted)
    elif "sigma" in spreads and all("#" in name for name in names):
        take("sigma", left[:1])


def _is_spread(name: str, names: Sequence[str]) -> bool:
    """Whether a column looks like errors, or numbers of repetitions."""
    return bool(_words(name) & {*_SPREAD, "repetitions", "shots", "averages"}) or _of_another(name, names)


def _of_another(name: str, names: Sequence[str]) -> bool:
    """Whether a column looks like the errors of another one: dP beside P."""
    return any(_is_spread_of(_plain(name), _plain(other)) for other in names if other != name)


def _is_spread_of(plain: str, value: str) -> bool:
    before = {*_BEFORE, *(f"{word}of" for word in _SPREAD)}
    return bool(value) and plain in {f"{word}{value}" for word in before} | {f"{value}{word}" for word in _SPREAD}


def _plain(name: str) -> str:
    """A name without its unit and its place in a file, in small letters and digits."""
    name = name.rpartition("/")[2] if name.startswith("/") else name
    name = name.rpartition(".")[2] if _FIELD.fullmatch(name) else name
    return "".join(c for c in _UNIT.sub("", name).lower() if c.isalnum())


def _words(name: str) -> set[str]:
    """Its words, and all of it in plain letters."""
    return {_plain(name), *re.findall(r"[^\W\d_]+|±", _UNIT.sub("", name).lower())}


def _says_unit(name: str) -> bool:
    return bool(_SAID.search(name) or unit_in(name, "ms"))


def _of_values(found: Mapping[str, Any]) -> list[str]:
    value = str(found.get("value"))
    if _DECIBEL.search(value):
        linear = isinstance(found.get("sigma"), str) and not _DECIBEL.search(found["sigma"])
        return ['units = { value = "dB" }' + ('    # with sigma = "1" if the errors are linear' if linear else "")]
    return ["factor = { value = 0.01 }"] if _PER_CENT.search(value) else []


def _toml(value: Any) -> str:
    """A text or a number, as TOML and Python have them."""
    return json.dumps(value, ensure_ascii=False)
