"""How tests compile graphs of PyTensor."""

import pytensor

PLAIN = pytensor.compile.mode.Mode(linker="py", optimizer=None)
"""The graph as it was written, in Python: what is evaluated a few times needs no seconds of rewriting and compiling."""
