"""Sections of a report that say whether it can be trusted: priors, correlations, calibration, sampling."""

from __future__ import annotations

import numpy as np

from ...datasets.experiment import Label
from ..checks import THRESHOLD, prior_sensitivity, strongest
from ..figures import plot_energy, plot_pairs, plot_pareto_k, plot_pit, plot_prior_posterior, plot_ranks, worst_mixed
from ..fits import ENERGY_LIMIT, summary_rows
from ..sampling import bfmi
from ..text import sampled_again, scaling_table
from .criticism import apart, calibration_shifts
from .fit import ReportedFit
from .page import Parts, picture

_AT_ONCE = 9
"""Parameters in one figure of prior and posterior."""


def prior_and_posterior(reported: ReportedFit) -> Parts:
    """Densities of prior and posterior of every parameter that varies."""
    fitted = reported.fit
    labels = list(fitted.by_label())
    informed = {row.label: row.informed for row in summary_rows(fitted.tree)}
    parts = []
    for k in range(0, len(labels), _AT_ONCE):
        some = labels[k : k + _AT_ONCE]
        words = "; ".join(f"{Label.parse(label).symbol}: {informed[label]}" for label in some)
        alt = f"Densities of prior and posterior. Informed by: {words}."
        parts.append(picture(plot_prior_posterior(fitted, labels=some), f"prior{k}", alt=alt))
    return [("soft", "Where both curves coincide, the data said nothing."), ("figures", parts)]


def pairs(reported: ReportedFit) -> Parts:
    """Pair plot of the rates, the strongest correlations by name."""
    fitted = reported.fit
    found = strongest(fitted)
    named = [f"{Label.parse(one).symbol} and {Label.parse(other).symbol}: {r:+.2f}" for one, other, r in found[:8]]
    text = "Rank correlations beyond ± 0.5, the strongest first:" if named else "No rank correlation is beyond ± 0.5."
    if len(fitted.by_label()) < 2:
        return []
    alt = f"Scatter plots of pairs of parameters. {'; '.join(named)}."
    note = "Quote correlated parameters together: the file of the fit holds their joint draws."
    made = picture(plot_pairs(fitted), "pairs", alt=alt, caption=note, tight=True)
    return [("paragraph", text), ("items", named), ("figures", [made])]


def calibration(reported: ReportedFit) -> Parts:
    """LOO-PIT and Pareto k̂."""
    fitted, left_out = reported.fit, reported.left_out
    failed = left_out.failed
    said = (
        f"Leave-one-out prediction of all data: elpd {left_out.elpd:.1f} ± {left_out.se:.1f},"
        f" effective parameters {left_out.p_loo:.1f}. "
    )
    if failed:
        said += f"Not to be trusted for {len(failed)} of {len(left_out.units)} points: {', '.join(failed[:6])}."
    else:
        said += "No point has an influence that the estimate could not follow."
    influence = picture(
        plot_pareto_k(fitted, found=left_out),
        "pareto",
        title="Influence of single points",
        alt=f"Pareto k̂ of {len(left_out.units)} points, at most {float(np.max(left_out.pareto_k)):.2f}.",
        caption=f"A point above the line ({left_out.limit:.2f}) pulls the fit to itself.",
    )
    if not fitted.tree["observed_data"].dataset.data_vars:  # of records
        return [("paragraph", said), ("figures", [influence])]
    pit = picture(
        plot_pit(fitted),
        "pit",
        title="LOO-PIT",
        alt="LOO-PIT of each series: its ECDF minus that of uniform values, near zero where calibrated.",
        caption="Is each point where the others predict it? ECDF of LOO-PIT minus uniform: above zero on the left, data"
        " lie lower than predicted; an S shape, the errors are too large or too small."
        " p: the chance of a greater departure.",
    )
    return [("paragraph", said), ("figures", [pit, influence])]


def sampling(reported: ReportedFit) -> Parts:
    """Ranks and energy."""
    fitted = reported.fit
    statistics = fitted.tree["sample_stats"].dataset
    said = [
        f"{statistics.sizes['chain']} chains of {statistics.sizes['draw']} draws,"
        f" {int(statistics['diverging'].sum())} divergent."
    ]
    if fitted.tree.attrs["attempts"] > 1:
        said.append(sampled_again(fitted.tree))
    ranks = picture(
        plot_ranks(fitted),
        "ranks",
        title="Ranks",
        alt=f"Ranks of each chain for {', '.join(Label.parse(label).symbol for label in worst_mixed(fitted))}.",
        caption="ECDF of the ranks of each chain minus uniform, for the parameters with the largest R-hat: chains that"
        " agree wander about zero. p: the chance of a greater departure.",
    )
    if "energy" not in statistics:
        return [("paragraph", " ".join(said)), ("figures", [ranks])]
    least = float(np.min(fitted.tree.attrs.get("bfmi", bfmi(statistics["energy"].values))))
    energy = picture(
        plot_energy(fitted),
        "energy",
        title="Energy",
        alt=f"Distributions of the energy and of its changes; least E-BFMI {least:.2f}.",
        caption=f"Both curves alike: the sampler moves freely. Least E-BFMI {least:.2f}, limit {ENERGY_LIMIT}.",
    )
    return [("paragraph", " ".join(said)), ("figures", [ranks, energy])]


def weight_of_the_priors(reported: ReportedFit) -> Parts:
    """Power scaling of all priors and of each, and what an error of the calibration would do."""
    note = (
        "How much the posterior moves when all priors, or the likelihood, are made a little stronger (power scaling,"
        f" change per doubling); below {THRESHOLD} it is of no account. Priors that both count: look whether they say"
        " what you mean."
    )
    together: Parts = [("soft", note), ("table", scaling_table(prior_sensitivity(reported.fit)))]
    return [*together, *apart(reported.fit), *calibration_shifts(reported.fit)]
