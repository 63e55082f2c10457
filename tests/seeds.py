"""The seeds of the tests: one environment variable shifts all of them."""

import os

SHIFT = int(os.environ.get("DISSENTANGLE_TEST_SEED", "0"))


def seed(number: int) -> int:
    """The seed of this number, another one in each run of `.ci/seeds`: what a test asserts must hold for all."""
    return number + SHIFT


CHANCE = 1e-6
"""A p-value below it fails a test: with a thousand p-values and any seed, right numbers never do."""
SIGMA = 5.0
"""Standard errors by which an estimate may be off: the same chance, for a normal one."""
