"""From the raw photocurrent to records of the light's quadratures: demodulation, shot noise, and what follows.

The paper's y_c and y_s (main text, p. 3), bin by bin; its y_read and y_feed are in `feedback.py`.
"""

from .demodulate import demodulate
from .feedback import feedback_series
from .records import Records, record_series
from .shot_noise import ShotNoise
