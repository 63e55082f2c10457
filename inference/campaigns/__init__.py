"""Many fits: campaigns, simulation-based calibration."""

from .campaign import campaign, run_campaign, sources
from .sbc import run_sbc, sbc
from .simulated_ranks import Plan

__all__ = ["Plan", "campaign", "run_campaign", "run_sbc", "sbc", "sources"]
