"""Machine code of a density in the coordinates of a triangular map, and of its gradient.

One small function for all maps, whose numbers it reads through a pointer; it calls the density's own code in between.
Compiled once per process, in some milliseconds.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..engine import MachineCode, NativeDensity, elementary, machine_code
from .triangular_map import TriangularMap

_TABLE = ("logp", "expand", "data", "order", "first", "factors", "coefficients",
          "first_width", "width_of", "widenings", "scale", "skew",
          "slope", "bend", "growth", "shift", "stretch")  # fmt: skip
"""What the table that the code reads holds: addresses."""
_FIELDS = "\n".join(
    f"  %at.{name} = getelementptr i64, ptr %table, i64 {k}\n  %{name} = load ptr, ptr %at.{name}"
    for k, name in enumerate(_TABLE)
)


@cache
def _code() -> MachineCode:
    """Both functions."""
    text = Path(__file__).with_suffix(".ll").read_text(encoding="utf-8")
    return machine_code(elementary() + "\n" + text.replace("\n; fields\n", f"\n{_FIELDS}\n"))


@dataclass(frozen=True)
class MappedDensity:
    """A density in the coordinates w of a map, as nutpie takes it; but for the constant Π σ_i of its Jacobian.

    density, data : that of v and what its code reads
    """

    density: NativeDensity
    data: np.ndarray
    map: TriangularMap

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.density.dimension

    @property
    def expanded(self) -> int:
        """Length of what a draw reports."""
        return self.density.expanded

    @property
    def logp_address(self) -> int:
        """Of the C function of the density and its gradient."""
        return _code().address("mapped_logp")

    @property
    def expand_address(self) -> int:
        """Of the C function of what a draw reports."""
        return _code().address("mapped_expand")

    @cached_property
    def table(self) -> np.ndarray:
        """What the code reads: addresses of the density's code, of its data and of the numbers of the map."""
        code = [self.density.logp_address, self.density.expand_address]
        return np.array([*code, *(array.ctypes.data for array in (self.data, *self._numbers))], np.int64)

    @cached_property
    def _numbers(self) -> list[np.ndarray]:
        m = self.map
        terms = [(m.first, np.int64), (m.factors, np.int64), (m.coefficients, float)]
        widths = [(m.first_width, np.int64), (m.width_of, np.int64), (m.widenings, float)]
        numbers = [(array, float) for array in (m.scale, m.skew, m.slope, m.bend, m.growth, m.shift, m.stretch)]
        kinds = [(m.order, np.int64), *terms, *widths, *numbers]
        return [np.ascontiguousarray(array, kind) for array, kind in kinds]

    @cached_property
    def _function(self) -> Any:
        return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)(self.logp_address)

    def __call__(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Log-density and gradient at a point (dimension,)."""
        point, gradient, value = np.ascontiguousarray(w, float), np.empty(self.dimension), np.empty(1)
        self._function(self.dimension, *(array.ctypes.data for array in (point, gradient, value, self.table)))
        return float(value[0]), gradient

    def expand(self, w: np.ndarray, result: np.ndarray) -> None:
        """What a draw at w (dimension,) reports, into `result` (expanded,)."""
        function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_uint64] * 2, *[ctypes.c_void_p] * 3)(self.expand_address)
        function(self.dimension, self.expanded, *(array.ctypes.data for array in (w, result, self.table)))
