"""Where the bundled data sets are."""

from pathlib import Path

BUNDLED = Path(__file__).with_name("bundled")
