"""The physics: rates, stages, populations, spin variance and observables, for NumPy and PyTensor alike.

`__init__.pyi` lists the names and where each is; a name is imported when it is first used (SPEC 1 of Scientific
Python), so that what is light, such as the names of the closures, stays light.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
