"""Names of closures and observables, for options and files. Light to import: `dissentangle --help` lists them."""

from typing import Literal, get_args

Closure = Literal["open", "microscopic", "fixed-number"]
"""Which share c of its projection noise a lost atom takes along: unknown, 1, 0; see `three_state/spin_variance.py`."""
CLOSURES: tuple[str, ...] = get_args(Closure)
CoupledSpin = Literal["two-level", "mean-spin"]
"""Which spin couples to the light of a probe, see `light.coupled_spin`."""
COUPLED_SPINS: tuple[str, ...] = get_args(CoupledSpin)
OBSERVABLES = ("xi", "polarization", "transverse_spin", "orientation", "epr_variance")
"""The fields of `Trajectory` that can be measured."""
