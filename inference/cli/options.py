"""From options to settings."""

from __future__ import annotations

import argparse

from ...datasets import Experiment, ExperimentError, read_sharing
from ..model import ModelSettings, PriorError


def model_settings(given: argparse.Namespace) -> ModelSettings:
    """The model settings that --closure, --free-dephasing, --prior and --fix ask for."""
    return ModelSettings(given.closure, given.free_dephasing, prior_texts(given))


def modelled(given: argparse.Namespace) -> tuple[Experiment, ModelSettings]:
    """The experiment that the arguments name and its settings, as --model sees them."""
    from ..model import rival

    data, settings = experiment(given), model_settings(given)
    if not given.model:
        return data, settings
    changed = rival(data, settings, given.model)
    if changed[1].closure != given.closure != ModelSettings().closure:
        raise ExperimentError(
            f"--closure {given.closure}: found --model {given.model}, expected models of that closure"
        )
    return changed


def prior_texts(given: argparse.Namespace) -> dict[str, str]:
    """The priors that --prior and --fix ask for."""
    priors = dict(pair("--prior", text) for text in given.prior)
    return priors | {name: f"fixed({value})" for name, value in (pair("--fix", text) for text in given.fix)}


def experiment(given: argparse.Namespace) -> Experiment:
    """The experiment, or the joint one, that the arguments name."""
    from ..model import experiment_of

    ways = read_sharing(given.sharing) if given.sharing else {}
    ways |= dict(pair("--share", text) for text in given.share)
    return experiment_of(given.experiments, ways)


def pair(option: str, text: str) -> tuple[str, str]:
    """NAME=VALUE in two; PriorError where there is no '='."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise PriorError(f"{option} {text!r}: expected NAME=VALUE")
    return name.strip(), value.strip()


def number_pair(option: str, text: str) -> tuple[str, float]:
    """NAME=NUMBER in two; ExperimentError where it is no number."""
    name, value = pair(option, text)
    try:
        return name, float(value)
    except ValueError as error:
        raise ExperimentError(f"{option} {text}: found {value!r}, expected a number") from error
