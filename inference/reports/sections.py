"""The report of a fit: its sections in their order. A new section is one function and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..fits import Fit
from .checks import calibration, pairs, prior_and_posterior, sampling, weight_of_the_priors
from .continuous_measurement import continuous_measurement
from .criticism import could_be_wrong, criticism
from .fit import ReportedFit, opening, reproduction, rivals, verdict
from .page import Parts, page
from .results import derived, posterior, series

if TYPE_CHECKING:
    from xarray import DataTree

SECTIONS: dict[str, Callable[[ReportedFit], Parts]] = {
    "Verdict": verdict,
    "Posterior": posterior,
    "Series: data, model, residuals": series,
    "Continuous measurement": continuous_measurement,
    "What follows: entanglement": derived,
    "Prior and posterior": prior_and_posterior,
    "Pairs of parameters": pairs,
    "Calibration of the predictions": calibration,
    "Criticism": criticism,
    "What could still be wrong": could_be_wrong,
    "Rival models": rivals,
    "Sampling": sampling,
    "Weight of the priors": weight_of_the_priors,
    "To make it again": reproduction,
}
"""Heading of a section, and what gives its parts; one without any is left out."""


def fit_page(fit: DataTree, file: str = "", compared: Mapping[str, Any] | str | None = None) -> str:
    """The report of a fit as one HTML page, which needs neither network nor scripts.

    file : name of the fit's file, for the commands that reproduce it
    compared : facts of a comparison with rival models, shown where this fit is one of them; or why there are none
    """
    reported = ReportedFit(Fit(fit), file, compared)
    return page(**opening(reported), sections={title: section(reported) for title, section in SECTIONS.items()})
