"""Options that several verbs take, each declared once, and what becomes of them."""

from __future__ import annotations

import argparse
import math
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...datasets.errors import ExperimentError, nearest, violation
from ...datasets.units import quantity
from ...forward_models import CLOSURES
from ..choices import MOST_DRAWS
from .verb import Option, option

if TYPE_CHECKING:
    from ...datasets import Experiment
    from ..model import ModelSettings, SamplerSettings

_EXPERIMENTS = "a folder with experiment.toml, a .nc file, a bundled name; several: joint fit"


def whole(low: int, high: int, text: str) -> int:
    """A whole number in a range, for argparse."""
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text[:30]}: expected a whole number from {low} to {high}")
    return int(text)


positive = partial(whole, 1, MOST_DRAWS)
"""A whole number from 1 on."""
FIT = option("fit", metavar="FIT", help="a file that `dissentangle fit` wrote")
CORES = option("--cores", type=positive, default=None, help="number of processor cores (all)")
SEED = option("--seed", type=partial(whole, 0, 2**63 - 1), default=1, help="same seed, same draws (%(default)s)")
CLUSTER = option("--cluster", default=None, metavar="ADDRESS",
                 help="a running Dask scheduler (tcp://host:8786), instead of processes on this machine")  # fmt: skip
EXPERIMENT = option("experiment", help="a folder with experiment.toml, a .nc file, or a bundled name")


def figure(*names: str) -> Option:
    """A figure to write in addition."""
    return option(*names, "--figure", default=None, metavar="FILE", help="also write a figure (png, pdf, svg)")


def experiments(help: str = _EXPERIMENTS, number: str = "+") -> tuple[Option, ...]:
    """One experiment, or several for a joint fit: see `experiment_of`."""
    return (
        option("experiments", nargs=number, metavar="experiment", help=help),
        option("--sharing", default=None, metavar="FILE", help="TOML with a table [sharing], for joint fits or days"),
        option("--share", action="append", default=[], metavar="NAME=WAY",
               help="shared, separate, population or tied, e.g. 'optical_depth=tied'; several by commas; repeatable"),
        option("--range", action="append", default=[], metavar="SERIES=FROM:TO",
               help="fit only these points of a series, e.g. xi=0.5:12ms; either end may be missing; repeatable"),
    )  # fmt: skip


def experiment_of(given: Namespace) -> Experiment:
    """The experiment, or the joint one, that `experiments` names."""
    from ...datasets.bundled_files import require_source

    if len(given.experiments) == 1:
        require_source(given.experiments[0])  # a mistyped name is reported before the slower imports
    from ...datasets import read_sharing
    from ..model import experiment_of as joined

    ways = read_sharing(given.sharing) if given.sharing else {}
    ways |= dict(pair("--share", one) for text in given.share for one in text.split(","))
    return _within(joined(given.experiments, ways), given.range)


def _within(experiment: Experiment, ranges: Sequence[str]) -> Experiment:
    """The experiment with only the points of series that `--range` asks for."""
    found = {series.name: series for series in experiment.series}
    for text in ranges:
        where, (name, limits) = f"--range {text}", pair("--range", text)
        if name not in found:
            raise violation(where, f"no series {name!r}{nearest(name, found)}", "one of " + ", ".join(found))
        ends = limits.split(":")
        if len(ends) != 2 or not any(map(str.strip, ends)):
            raise violation(where, limits, "FROM:TO, such as 0.5:12ms, 0.5ms: or :12ms")
        found[name] = found[name].within(*_limits(ends, found[name].about.unit, where), where)
    return replace(experiment, series=tuple(found.values())) if ranges else experiment


def _limits(ends: list[str], unit: str, where: str) -> tuple[float, float]:
    """Both ends in a unit; one that has none has that of the other, one that is missing is infinite."""
    units = [end.strip().lstrip("+-.0123456789eE ") for end in ends]
    given = [end if own else f"{end} {''.join(units)}" for end, own in zip(ends, units, strict=True)]
    low, high = (
        quantity(text, unit, where) if end.strip() else far
        for text, end, far in zip(given, ends, (-math.inf, math.inf), strict=True)
    )
    return low, high


def closure(default: str, help: str) -> Option:
    """Of the spin variance."""
    return option("--closure", choices=CLOSURES, default=default, help=f"{help} (%(default)s)")


PRIORS = (
    option("--prior", action="append", default=[], metavar="NAME=PRIOR",
           help="set a prior, e.g. 'pump_rate=lognormal(0.1, 1)' (median, sd of the logarithm); repeatable"),
    option("--fix", action="append", default=[], metavar="NAME=VALUE", help="fix a parameter; repeatable"),
)  # fmt: skip


def priors_of(given: Namespace) -> dict[str, str]:
    """The priors that `PRIORS` asks for."""
    priors = dict(pair("--prior", text) for text in given.prior)
    return priors | {name: f"fixed({value})" for name, value in (pair("--fix", text) for text in given.fix)}


MODEL = (
    closure(CLOSURES[0], "the share of its projection noise that a lost atom takes along: unknown, 1, 0"),
    option("--free-dephasing", action="store_true", help="make Γ̃ itself the unknown, instead of Γdeph ≥ 0"),
    *PRIORS,
)


def settings_of(given: Namespace) -> ModelSettings:
    """The model settings that `MODEL` asks for."""
    from ..model import ModelSettings

    return ModelSettings(given.closure, given.free_dephasing, priors_of(given))


RIVAL = option("--model", default=None, metavar="NAMES", help="rival models joined by +; list: dissentangle models")


def modelled(given: Namespace) -> tuple[Experiment, ModelSettings]:
    """The experiment and the settings that `experiments`, `MODEL` and `RIVAL` ask for."""
    data, settings = experiment_of(given), settings_of(given)
    if not given.model:
        return data, settings
    from ..model import rival

    changed = rival(data, settings, given.model)
    if changed[1].closure != given.closure != CLOSURES[0]:
        raise ExperimentError(
            f"--closure {given.closure}: found --model {given.model}, expected models of that closure"
        )
    return changed


def theory(settings: ModelSettings) -> str:
    """'microscopic closure, model two-level'."""
    return f"{settings.closure} closure" + (f", model {settings.name}" if settings.name else "")


def sampler(draws: int) -> tuple[Option, ...]:
    """Draws, chains, cores, seed."""
    return (
        option("--draws", type=positive, default=draws, help="draws per chain (%(default)s)"),
        option("--tune", type=positive, default=300, help="warm-up per chain (%(default)s)"),
        option("--chains", type=positive, default=4, help="number of chains (%(default)s)"),
        CORES,
        SEED,
    )


def sampler_of(given: Namespace, *, cores: int | None, engine: str | None = None) -> SamplerSettings:
    """The settings that `sampler` asks for; `cores` are those of one fit."""
    from ..model import SamplerSettings

    return SamplerSettings(given.seed, given.draws, given.tune, given.chains, cores, engine=engine)


_EXAMPLES = {
    "--prior": "collision_rate=lognormal(0.003, 1)",
    "--fix": "collision_rate=0.002",
    "--set": "collective_rate=0.12",
    "--share": "optical_depth=separate",
}


def pair(name: str, text: str) -> tuple[str, str]:
    """NAME=VALUE of an option in two; PriorError where there is no '='."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip() or not value.strip():
        from ..model import PriorError

        example = f", such as {name} {_EXAMPLES[name]!r}" if name in _EXAMPLES else ""
        raise PriorError(f"{name} {text!r}: expected NAME=VALUE{example}")
    return key.strip(), value.strip()


def number_pair(name: str, text: str) -> tuple[str, float]:
    """NAME=NUMBER of an option in two; ExperimentError where it is no number."""
    key, value = pair(name, text)
    try:
        return key, float(value)
    except ValueError as error:
        raise ExperimentError(f"{name} {text}: found {value!r}, expected a number") from error
