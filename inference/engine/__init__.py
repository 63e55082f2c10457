"""Any PyMC model as machine code: log-density and gradient. Imports nothing of this package.

How it works: docs/reference/engine.md.
"""

from .compile import CompiledModel, Start, compile_model, natural_variables, start_of
from .coordinate_map import Coordinates, exponential, logarithm, softplus
from .native import MachineCode, NativeDensity, elementary, loaded, machine_code, processor
from .translation import NotTranslatable
