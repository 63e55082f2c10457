"""Many fits: campaigns, simulation-based calibration."""

from .campaign import campaign, run_campaign
from .sbc import run_sbc, sbc
from .sources import sources
