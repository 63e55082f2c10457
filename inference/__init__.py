"""Priors, the PyMC model, sampling, diagnostics, the fit and the command line.

`__init__.pyi` lists the names and where each is. A name is imported when it is first used: PyMC and ArviZ take
seconds, and an error in a file should not.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
