"""Many fits: campaigns, simulation-based calibration."""

from .campaign import campaign, run_campaign, sources
from .sbc import run_sbc, sbc
