"""What the lab knows beforehand of a simulated experiment, and what of it is true."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..experiment import Experiment, Known, known_by_power, known_depth
from .sixteen_levels import is_of_other_atoms


def known_of(experiment: Experiment, atoms: Mapping[str, float], *, sixteen: bool) -> dict[str, float]:
    """Values of the apparatus, and those that follow from the powers of lights and from the detuning of a probe.

    atoms : temperature (K) and detuning of the drive (MHz) where they are other ones than those of the apparatus
    sixteen : of atoms with so many levels; else what three states do not know is left out
    """
    known = {name: entry.value for name, entry in experiment.apparatus.items()}
    depth = None if experiment.constant else known_depth(experiment)
    if depth is not None:
        known["optical_depth"] = depth.value
        known.pop("radiative_rate", None)
    following = ("collective_rate", "radiative_rate", "quadratic_zeeman", "probe_weight")
    for name in () if experiment.constant else following:
        by_power = None if name in known else known_by_power(experiment, name, settled=atoms)
        if by_power is not None and not (name == "radiative_rate" and "collective_rate" in known):
            known[name] = by_power[0]
    gone = () if sixteen else ("temperature",)
    return {n: v for n, v in known.items() if n not in gone and not is_of_other_atoms(n, sixteen=sixteen)}


def believed(values: Mapping[str, float]) -> dict[str, Known]:
    """What a lab would know beforehand: d ± 5 % and Z ± 0.005."""
    if "optical_depth" not in values:
        return {}
    depth, limit = values["optical_depth"], values["squeezing_limit"]
    return {"optical_depth": Known(depth, 0.05 * depth), "squeezing_limit": Known(limit, 0.005)}


def believed_like(experiment: Experiment, values: Mapping[str, float], given: Collection[str]) -> dict[str, Known]:
    """What the lab knows, with another d where one is given."""
    apparatus = dict(experiment.apparatus)
    if "optical_depth" in apparatus and {"optical_depth", "radiative_rate"} & set(given):
        apparatus["optical_depth"] = Known(values["optical_depth"], apparatus["optical_depth"].sigma)
    return apparatus
