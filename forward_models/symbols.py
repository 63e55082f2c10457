r"""How people write parameters: `dΓ`, `dGamma`, `d\Gamma`, `Gamma_tilde`, `gamma_col`, `OD`."""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches

from .parameters import PARAMETERS

_OTHER_WORDS = {"od": "optical_depth", "gammaout": "light_loss_rate"}
"""Not in the table of parameters, as `_plain` makes them."""
_CAPITAL = ("Γ", "Gamma", r"\Gamma")
"""The radiative rate: a small γ alone is none of the parameters."""
_DRESS = re.compile(r"\\(?:mathrm|text|rm)\b|[\\{}_^()\[\]/ -]")


def parameter_name(text: str) -> str:
    """The name of the parameter that a text means: a name, or a symbol in any spelling; else the text itself.

    >>> from dissentangle.forward_models import parameter_name
    >>> parameter_name("dGamma"), parameter_name("Γ"), parameter_name("eta")
    ('collective_rate', 'radiative_rate', 'detection_efficiency')
    """
    if text in PARAMETERS:
        return text
    return "radiative_rate" if text in _CAPITAL else _spellings().get(_plain(text), text)


def small_gammas(text: str) -> list[str]:
    """Names of the parameters that a small gamma alone could be; none for other words."""
    if _plain(text) != "gamma":
        return []
    return [row.name for row in PARAMETERS.values() if row.symbol == "Γ" or row.symbol.startswith("γ")]


def nearest_parameter(text: str) -> str:
    """The name of the parameter whose name or symbol is nearest to a word, in plain spelling; '' for none."""
    spellings = _spellings()
    found = get_close_matches(_plain(text), spellings, n=1, cutoff=0.75)
    return spellings[found[0]] if found else ""


def _spellings() -> dict[str, str]:
    """Plain spelling → name. Parameters of the experiment come first, those of single series have what is left."""
    found = dict(_OTHER_WORDS)
    for row in sorted(PARAMETERS.values(), key=lambda row: row.per_series):
        for text in (row.name, row.symbol, row.latex):
            plain = _plain(text)
            for word in (plain, plain.replace("gamma", "g")) if plain not in ("", "gamma") else ():
                found.setdefault(word, row.name)
    return found


def _plain(text: str) -> str:
    r"""Lower-case letters and digits: 'Γ̃' and 'Gamma_tilde' are 'gammatilde', r'\tilde\Gamma' is 'tildegamma'."""
    letters = []
    for character in unicodedata.normalize("NFKD", text):
        words = unicodedata.name(character, "").split()
        if words[:1] == ["GREEK"] and "LETTER" in words:
            letters.append(words[words.index("LETTER") + 1])
        elif words[:1] == ["COMBINING"]:
            letters.append(words[1] if words[1] != "OVERLINE" else "bar")
        else:
            letters.append(character)
    return _DRESS.sub("", "".join(letters)).lower()
