"""Results that show themselves: words and tables in a terminal, with a figure in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame


class Shown:
    """A result that shows itself. How each `kind` does: `text.VIEWS`, and `RESULTS` of `choices.py` for figures."""

    __slots__ = ()
    kind: ClassVar[str]

    def _is_whole(self) -> bool:
        """Whether it is a result still, and not what was made of one."""
        return True

    def __repr__(self) -> str:
        from .text import VIEWS

        return VIEWS[self.kind].text(self) if self._is_whole() else super().__repr__()

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        from .reports import shown_html

        return shown_html(self) if self._is_whole() else str(super()._repr_html_())  # type: ignore[misc]

    def summary(self) -> DataFrame:
        """The table of the result as numbers, a row per parameter, model, statistic, time or data set."""
        from .text import VIEWS

        return _frame(VIEWS[self.kind].rows(self))

    def plot(self, *, path: str | Path | None = None) -> Figure:
        """The figure of the result, which a notebook shows; written to `path` if given (.pdf, .svg, .png)."""
        from .figures import plot_result

        return plot_result(self, path)


def _frame(rows: list[dict[str, Any]]) -> DataFrame:
    """Rows with the same keys; the first of these is the index."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    return frame.set_index(frame.columns[0])
