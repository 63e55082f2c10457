"""The last few results of something slow, in memory: never on disk, so nothing can be stale."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import RLock


class Recent[T]:
    """At most `most` results by key; the one longest unused goes first. Threads wait for each other."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._lock = RLock()

    def get(self, key: str, make: Callable[[], T]) -> T:
        """The result for this key, made now if it is not there."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
                while len(self._kept) > self.most:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)
