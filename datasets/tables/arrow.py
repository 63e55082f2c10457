"""A block of text as columns of numbers, by Arrow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def finite_columns(
    text: str, width: int, places: Mapping[str, int], separator: str, decimal: str
) -> dict[str, np.ndarray] | None:
    """Columns by name, (T,) each, of rows of `width` cells; None where a cell is quoted, or no finite number.

    places : name → the column
    """
    import pyarrow as pa
    import pyarrow.csv as pc

    if '"' in text:
        return None
    wanted = {name: f"c{place}" for name, place in places.items()}
    types = dict.fromkeys(wanted.values(), pa.float64())
    try:
        table = pc.read_csv(
            pa.BufferReader(text.encode(errors="surrogateescape")),
            read_options=pc.ReadOptions(column_names=[f"c{k}" for k in range(width)], use_threads=False),
            parse_options=pc.ParseOptions(delimiter=separator, quote_char=False),
            convert_options=pc.ConvertOptions(include_columns=list(types), column_types=types, decimal_point=decimal),
            memory_pool=pa.system_memory_pool(),  # Arrow's own keeps what it no longer needs
        )
    except pa.ArrowException:
        return None
    found = {name: table.column(column).to_numpy() for name, column in wanted.items()}
    return found if all(np.isfinite(column).all() for column in found.values()) else None
