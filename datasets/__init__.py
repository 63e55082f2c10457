"""What an experiment is: reading, checking, converting, writing, simulating; the bundled examples.

`__init__.pyi` lists the names and where each is; a name is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
