"""The atoms' Larmor frequency in demodulated records, from a ring-down or from their noise; pick-up."""

from .frequency import FEWEST, LarmorFrequency, Search, larmor_frequency, search
