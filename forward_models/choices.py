"""Names of closures and observables, for options and files. Light to import: `dissentangle --help` lists them."""

from typing import Literal, get_args

Closure = Literal["microscopic", "fixed-number"]
"""Whether an atom that leaves takes its projection noise along, see `three_state/spin_variance.py`."""
CLOSURES: tuple[str, ...] = get_args(Closure)
OBSERVABLES = ("xi", "polarization", "transverse_spin", "orientation", "epr_variance")
"""The fields of `Trajectory` that can be measured."""
