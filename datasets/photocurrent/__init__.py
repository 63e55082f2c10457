"""From the raw photocurrent to records of the light's quadratures."""

from .demodulate import demodulate
from .feedback import feedback_series
from .records import Records, record_series
from .shot_noise import ShotNoise

__all__ = ["Records", "ShotNoise", "demodulate", "feedback_series", "record_series"]
