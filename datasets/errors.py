"""The error of this room: says where, what was found, and what is expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

MOST_FAULTS = 30
"""That are listed."""
TO_WRITE = "\n    "
"""Before each line to write, below the words of an error."""


_SIDE, _ERROR = (
    r"(\+|-|plus|minus|up|upper|down|low|lower|hi|high|lo|pos|neg)",
    r"\w*(sigma|sd|std|err|error|unc|xi)\w*?",
)
_ONE_SIDED = re.compile(rf"(?i){_ERROR}[ _.-]*{_SIDE}|{_SIDE}[ _.-]*{_ERROR}")
"""Names of columns that hold one side of an asymmetric error: sigma_plus, err-, upper_error."""

_PAIR = r'(?:"[^"]*"|[\w.]+) = (?:"[^"]*"|[^\s,"]+)'
_ARGUMENTS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (
        rf"in the table \[prior\] of experiment\.toml: ({_PAIR}(?: {_PAIR})*)",
        lambda found: f"as an argument: priors={_dict(found[1])}",
    ),
    (r'time_unit = ("\w+") in its \[\[series\]\]', r'units={"time": \1} in its series_of'),
    (r'time_unit = ("\w+")', r'units={"time": \1}'),
    (rf"(\w+) = \{{ ({_PAIR}(?:, {_PAIR})*) \}}", lambda found: f"{found[1]}={_dict(found[2])}"),
    (r'\[\[stage\]\] with a line like duration = "20 ms"', 'StageEntry(20.0, frozenset({"drive"}))'),
    (
        r'a \[\[series\]\] with lines like kind = "xi" and file = "xi.csv", or an \[\[observation\]\]',
        'series=series_of(data, "xi") or observations=Observation(…)',
    ),
    (r"\bin (its|each|a) \[\[series\]\]", r"in \1 series_of"),
    (r"\[\[(\w+)\]\]", r"\1"),
    (r"\ba line (like )?(?=\w+ = )", ""),
    (r'\b([a-z_]+) = (?=["\'…\d.-])', r"\1="),
)
"""How a line of TOML in an error is written as an argument in Python, the first that fits."""


def _dict(pairs: str) -> str:
    """'{"sigma": 0.01}' of 'sigma = 0.01'."""
    found = (pair.partition(" = ") for pair in re.findall(_PAIR, pairs))
    return "{" + ", ".join('"{}": {}'.format(key.strip('"'), value) for key, _, value in found) + "}"


class ExperimentError(ValueError):
    """An experiment that cannot be read or is invalid. `faults`: where there are several, each of them."""

    faults: tuple[str, ...] = ()


class Faults:
    """Errors of parts that can be read or checked without each other, raised together.

    A `with` block of it keeps the ExperimentError that ends the block; `settle` raises what was kept.
    """

    def __init__(self) -> None:
        self.found: list[ExperimentError] = []

    def __enter__(self) -> None:
        """Try a part."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, ExperimentError):
            self.found.append(error)
            return True
        return False

    def settle(self) -> None:
        """Raise the only error as it is, several as one that lists them in lines; nothing where there is none."""
        texts = list(dict.fromkeys(text for error in self.found for text in error.faults or (str(error),)))
        if len(texts) == 1:
            raise self.found[0]
        if texts:
            more = [f"… and {len(texts) - MOST_FAULTS} more"] if len(texts) > MOST_FAULTS else []
            kinds = {type(error) for error in self.found}
            kind = kinds.pop() if len(kinds) == 1 else ExperimentError
            together = kind("\n".join([f"{len(texts)} errors:", *texts[:MOST_FAULTS], *more]))
            together.faults = tuple(texts)
            raise together


def violation(where: str, found: Any, expected: str, lines: Sequence[str] = ()) -> ExperimentError:
    """The one form of all errors: place, what was found, what is expected; below, whole, the lines to write."""
    text = found if isinstance(found, str) else repr(found)
    if len(text) > 120:
        text = text[:117] + "…"
    if len(expected) > 600:
        expected = expected[:599] + "…"
    return ExperimentError(
        visible(TO_WRITE.join([f"{shortened(where, 300)}: found {text}, expected {expected}", *lines]))
    )


@contextmanager
def in_python() -> Iterator[None]:
    """Whatever ExperimentError ends the block says in Python what to write, for what was made there."""
    try:
        yield
    except ExperimentError as error:
        told = type(error)(as_python(str(error)))
        told.faults = tuple(as_python(text) for text in error.faults)
        raise told from error


def as_python(text: str) -> str:
    """Words about a file with lines of TOML to write, as those about objects in Python, with arguments to give."""
    for toml, python in _ARGUMENTS:
        text = re.sub(toml, python, text)
    return text


def shortened(text: str, longest: int) -> str:
    """Beginning and end of a text that is longer than that."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[: half - 1]}…{text[-half:]}"


def visible(text: str) -> str:
    """The text with control characters and halves of characters, as damaged files have them, written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def printable(text: str) -> str:
    """Text of a file, safe for a terminal: control characters become spaces."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def nearest(word: str, known: Collection[str]) -> str:
    """' (did you mean ...?)' for the nearest known word, what to do with one side of an error, or nothing."""
    if "sigma" in known and _ONE_SIDED.fullmatch(word):
        return " (for an asymmetric error give the repetitions of a variance, or the mean of both sides as sigma)"
    matches = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {matches[0]!r}?)" if matches else ""


def nearest_file(name: str, files: Collection[str]) -> str:
    """The same for a file: what it is called before its ending must be alike, capitals aside."""
    stem, ending = _stem_and_ending(name)
    for file in files:
        if _stem_and_ending(file)[0] == stem:
            return f" (did you mean {file!r}?)"
    stems = {_stem_and_ending(file)[0]: file for file in files if _stem_and_ending(file)[1] == ending}
    matches = get_close_matches(stem, list(stems), n=1, cutoff=0.6)
    return f" (did you mean {stems[matches[0]]!r}?)" if matches else ""


def _stem_and_ending(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition("/")[2].casefold().rpartition(".")
    return (stem, ending) if dot else (ending, "")


def check_keys(where: str, table: dict[str, Any], known: Collection[str]) -> None:
    """Raise for keys of `table` that are not in `known`."""
    faults = Faults()
    for key in table:
        if key not in known:
            with faults:
                place = f"{where}: key {key!r}{nearest(key, known)}"
                raise violation(place, "an unknown key", "one of " + ", ".join(known))
    faults.settle()


def check_rows(where: str, values: np.ndarray, ok: np.ndarray, expected: str, each: int = 1) -> None:
    """Raise for the first value that is not `ok`, and count the rows; `each`: how many values a row of a table has."""
    if not ok.all():
        rows = sorted({int(place) // each for place in (~ok).nonzero()[0]})
        more = f" (and {len(rows) - 1} more such rows)" if len(rows) > 1 else ""
        raise violation(f"{where}: row {rows[0] + 1}", f"{values[ok.argmin()]:g}", expected + more)
