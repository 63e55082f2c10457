"""The numbers that machine code reads: constants, data, and what follows from data alone by functions of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Data:
    """An array that depends on data (`pm.Data`) and on no unknown.

    value : with the data that the model was made with
    function, arguments : what it is made of, if it is not data itself: a function by its name in NumPy or, with its
        module, elsewhere (which can be kept on disk), or any other
    """

    value: np.ndarray
    function: str | Callable[..., Any] = ""
    arguments: tuple[Data | np.ndarray, ...] = ()

    @cached_property
    def form_is_fixed(self) -> bool:
        """Whether its shape is that of data, or follows from it: other data have the same."""
        named = isinstance(self.function, str)
        return named and all(one.form_is_fixed for one in self.arguments if isinstance(one, Data))

    def computed(self, values: Iterable[np.ndarray]) -> np.ndarray:
        """What `function` makes of these values of its arguments."""
        function = self.function
        if isinstance(function, str):
            module, _, name = function.rpartition(".")
            function = getattr(import_module(module or "numpy"), name)
        return np.asarray(function(*values))


@dataclass(frozen=True)
class Numbers:
    """What a program reads, for data of the shapes that it was made with.

    data : by name, in each of the programs
    constants : what is read, in order
    fixed : what became an index or a shape of the program
    """

    data: tuple[dict[str, Data], ...]
    constants: list[np.ndarray | Data]
    fixed: list[Data]

    @property
    def portable(self) -> bool:
        """Whether all functions have names, so that another process can work them out."""
        return all(isinstance(one.function, str) for one in self._known({}))

    def read(self, new: Mapping[str, np.ndarray]) -> np.ndarray:
        """All numbers, one after the other, where the data called so have new values.

        Raises ValueError for an unknown name, for another shape, and for data that decide the form of the program.
        """
        old = {name: data.value for program in self.data for name, data in program.items()}
        for name, value in new.items():
            if name not in old:
                raise ValueError(f"data {name!r}: expected one of {', '.join(old)}")
            if np.shape(value) != old[name].shape:
                raise ValueError(f"data {name!r}: found the shape {np.shape(value)}, expected {old[name].shape}")
        known = self._known(new)
        if not all(np.array_equal(known[data], data.value) for data in self.fixed):
            raise ValueError("these data decide an index or a shape: they cannot be exchanged")
        arrays = [known[one] if isinstance(one, Data) else one for one in self.constants]
        return np.concatenate([np.ravel(array).astype(float) for array in arrays] or [np.zeros(1)])

    def _known(self, new: Mapping[str, np.ndarray]) -> dict[Data, np.ndarray]:
        """The values of all data that are read or fixed, and of what they are made of."""
        known = {
            data: np.asarray(new.get(name, data.value), data.value.dtype)
            for program in self.data
            for name, data in program.items()
        }

        def value(one: Data | np.ndarray) -> np.ndarray:
            if not isinstance(one, Data):
                return one
            if one not in known:
                known[one] = one.computed(map(value, one.arguments))
            return known[one]

        for one in (*self.constants, *self.fixed):
            value(one)
        return known
