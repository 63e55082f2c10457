"""Many fits: campaigns, simulation-based calibration, a fit that follows its files."""

from .campaign import campaign, run_campaign
from .sbc import run_sbc, sbc
from .sources import sources
from .watch import watch
