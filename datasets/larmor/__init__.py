"""The atoms' Larmor frequency in the photocurrent and in records."""

from .frequency import FEWEST, LarmorFrequency, Search, larmor_frequency, search

__all__ = ["FEWEST", "LarmorFrequency", "Search", "larmor_frequency", "search"]
