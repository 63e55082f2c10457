"""The seeds of the tests: one environment variable shifts all of them."""

import os

SHIFT = int(os.environ.get("DISSENTANGLE_TEST_SEED", "0"))


def seed(number: int) -> int:
    """The seed of this number, another one in each run of `.ci/seeds`: what a test asserts must hold for all."""
    return number + SHIFT
