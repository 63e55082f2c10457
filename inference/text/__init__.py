"""Results as numbers, words and tables.

`__init__.pyi` lists the names. A name is imported when it is first used: what a fit says needs no designs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
