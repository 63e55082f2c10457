"""Fits that went wrong, made of a good one."""

import numpy as np

from dissentangle.inference.fits.groups import _summary
from dissentangle.inference.fits.result import Fit
from dissentangle.inference.fits.summary import summarise, verdict


def broken(fit):
    """One chain sits elsewhere, and some transitions diverged: what a failed sampling leaves."""
    tree = fit.copy(deep=True)
    posterior = tree["posterior"].dataset.copy(deep=True)
    rate = posterior["collective_rate"]
    rate[0] = rate[0] + 1.2 * float(rate.std())
    tree["posterior"] = type(tree)(posterior)
    statistics = tree["sample_stats"].dataset.copy(deep=True)
    statistics["diverging"][1, :7] = True
    tree["sample_stats"] = type(tree)(statistics)
    fitted = Fit(tree)
    rows = summarise(fitted.by_label(derived=True), fitted.problem.free)
    judged = verdict(rows, {name: v.values for name, v in statistics.data_vars.items()})
    tree["summary"] = type(tree)(_summary(rows))
    tree.attrs.update(healthy=int(judged.healthy), verdict=judged.text)
    return tree


def misfitted(fit, shift=5.0, scale=1.0):
    """The data of ξ lie elsewhere than those that were fitted."""
    values = fit["experiment/series/xi"]["value"].values
    late = np.arange(len(values)) > len(values) // 2
    predicted = fit["posterior_predictive"]["xi"]
    centre = predicted.mean(("chain", "draw")).values
    changed = values + shift * predicted.std(("chain", "draw")).values * late
    return with_xi(fit, centre + scale * (changed - centre))


def with_xi(fit, changed):
    """A fit with other data of ξ than those that were fitted."""
    tree = fit.copy(deep=True)
    series = tree["experiment/series/xi"].dataset.copy(deep=True)
    series["value"] = (series["value"].dims, changed)
    tree["experiment/series/xi"] = type(tree)(series)
    observed = tree["observed_data"].dataset.copy(deep=True)
    observed["xi"] = (observed["xi"].dims, changed)
    tree["observed_data"] = type(tree)(observed)
    return tree


def drifting(fit, noise=0.5, period=10):
    """The residuals of ξ go together: half the noise, and a wave of ten points; χ² is as it should be."""
    values = fit["experiment/series/xi"]["value"].values
    predicted = fit["posterior_predictive"]["xi"]
    centre, spread = (getattr(predicted, name)(("chain", "draw")).values for name in ("mean", "std"))
    wave = np.sin(2 * np.pi * np.arange(len(values)) / period)
    return with_xi(fit, centre + noise * (values - centre) + 1.2 * spread * wave)


def uninformed(fit):
    """The data said nothing: no prior became narrower."""
    tree = fit.copy(deep=True)
    summary = tree["summary"].dataset.copy(deep=True)
    summary["contraction"] = 0.02 * summary["contraction"]
    tree["summary"] = type(tree)(summary)
    return tree
