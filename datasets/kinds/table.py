"""The kinds of series by name: a kind exists because it is listed here."""

from __future__ import annotations

from .conditional_xi import CONDITIONAL_XI
from .coupling import COUPLING
from .feedback import FEEDBACK
from .kind import Kind
from .light_variance import LIGHT_VARIANCE
from .observables import EPR_VARIANCE, ORIENTATION, POLARIZATION, TRANSVERSE_SPIN, XI
from .orientation_beat import ORIENTATION_BEAT
from .projection_noise import PROJECTION_NOISE
from .shot_noise import SHOT_NOISE

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        XI,
        POLARIZATION,
        TRANSVERSE_SPIN,
        ORIENTATION,
        EPR_VARIANCE,
        LIGHT_VARIANCE,
        CONDITIONAL_XI,
        FEEDBACK,
        COUPLING,
        PROJECTION_NOISE,
        SHOT_NOISE,
        ORIENTATION_BEAT,
    )
}
"""By name, in the order in which they are listed to users."""
SHOTS = {kind.name: kind.abscissa for kind in KINDS.values() if kind.of_quadratures}
"""Kinds that can be given shot by shot, and the column that tells which shots belong together."""
