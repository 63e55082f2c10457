"""From options to settings."""

from __future__ import annotations

import argparse

from ..priors import PriorError
from ..unknowns import ModelSettings


def model_settings(given: argparse.Namespace) -> ModelSettings:
    """The model settings that --closure, --free-dephasing, --prior and --fix ask for."""
    priors = dict(pair("--prior", text) for text in given.prior)
    priors |= {name: f"fixed({value})" for name, value in (pair("--fix", text) for text in given.fix)}
    return ModelSettings(given.closure, given.free_dephasing, priors)


def pair(option: str, text: str) -> tuple[str, str]:
    """NAME=VALUE in two; PriorError where there is no '='."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise PriorError(f"{option} {text!r}: expected NAME=VALUE")
    return name.strip(), value.strip()
