"""A plain DataTree as NetCDF-4, in one pass over the tree: groups, dimension scales, variables and attributes of HDF5.

xarray's own writer and reader look up every dimension again for each variable: a second for a fit, against 35 ms here.
The layout is that of the NetCDF-4 specification
(https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html); tests hold the content to what
xarray writes and reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from h5py import Empty, h5, h5a, h5d, h5ds, h5g, h5p, h5r, h5s, h5t, string_dtype

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

_OF_HDF5 = ("CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates",
            "_NCProperties")  # fmt: skip
"""Attributes that make an HDF5 file a NetCDF file."""
_DECODED = ("_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "calendar")
"""Attributes by which values are other ones than they are stored as."""
_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable."


def write_groups(tree: DataTree, file: Any) -> None:
    """Write all groups of a tree that `is_plain` into `file`, an empty h5py.File made with track_order=True."""
    waiting = [(file.id, tree)]
    while waiting:
        group, node = waiting.pop()
        _write_dataset(group, node.to_dataset(inherit=False))
        for name, child in node.children.items():
            waiting.append((_new_group(group, str(name)), child))


class Variable(NamedTuple):
    """What xarray.Dataset takes for a variable."""

    dims: tuple[str, ...]
    values: np.ndarray
    attrs: dict[str, Any]


class Group(dict[str, Variable]):
    """Variables by name, with `attrs` and `sizes`, as an xarray.Dataset, which takes ten times as long to make."""

    def __init__(self, attrs: dict[str, Any]) -> None:
        super().__init__()
        self.attrs, self.sizes = attrs, dict[str, int]()

    def __missing__(self, name: str) -> Variable:
        raise KeyError(f"no variable {name!r}, only {', '.join(self)}")


def read_groups(found: Mapping[str, Any]) -> dict[str, Group] | None:
    """All that `open_checked` found; None where it is more than `write_groups` writes, for xarray to read."""
    groups, named = dict[str, Group](), {item: path.rpartition("/")[2] for path, item in found.items()}
    try:
        for path, item in found.items():
            above, _, name = path.rpartition("/")
            if isinstance(item, h5g.GroupID):
                groups[path] = Group(_kept(_attributes(item)))
            else:
                _read_variable(groups[above or "."], name, item, named)
    except _NotPlainError:
        return None
    return groups


class _NotPlainError(Exception):
    """There is more in a file than plain values."""


def _read_variable(group: Group, name: str, array: Any, named: Mapping[Any, str]) -> None:
    """Into its group. named : whatever there is in the file, with its name, to which arrays refer."""
    attributes = _attributes(array)
    if array.shape is None or _NO_VARIABLE in str(attributes.get("NAME", "")):  # there is nothing in it
        return
    if "_FillValue" in attributes and np.all(np.isnan(attributes["_FillValue"])):
        del attributes["_FillValue"]  # as xarray writes it, and means nothing
    if any(key in attributes for key in _DECODED) or " since " in str(attributes.get("units", "")):
        raise _NotPlainError
    scales = [named.get(h5r.dereference(refs[0], array), "") for refs in attributes.get("DIMENSION_LIST", ())]
    dims, shape, dtype = (name,) if "CLASS" in attributes else tuple(scales), array.shape, array.dtype
    if len(dims) != len(shape) or dtype.kind not in "iufO" or dtype == np.float16:
        raise _NotPlainError
    for dim, size in zip(dims, shape, strict=True):
        if group.sizes.setdefault(dim, size) != size:
            raise ValueError(f"conflicting sizes for dimension {dim!r}: {group.sizes[dim]}, and {size} of {name!r}")
    values = np.zeros(shape, dtype)
    array.read(h5s.ALL, h5s.ALL, values)
    if dtype.kind == "O":
        values = np.array([text.decode() for text in values.flat], str).reshape(shape)
    if attributes.pop("dtype", "") == "bool":
        values = np.asarray(values, bool)
    group[name] = Variable(dims, values, _kept(attributes))


def _kept(attributes: dict[str, Any]) -> dict[str, Any]:
    """Those that do not make it a NetCDF file; numbers that are alone as such."""
    if "coordinates" in attributes:  # names of more than those of dimensions
        raise _NotPlainError
    return {name: value[0] if isinstance(value, np.ndarray) and value.shape == (1,) else value
            for name, value in attributes.items() if name not in _OF_HDF5}  # fmt: skip


def _attributes(item: Any) -> dict[str, Any]:
    """As h5py's `attrs` give them, in a fifth of the time; without those that only say where a scale is used."""
    names: list[bytes] = []
    in_order = item.get_create_plist().get_attr_creation_order() & h5p.CRT_ORDER_TRACKED
    h5a.iterate(item, names.append, index_type=h5.INDEX_CRT_ORDER if in_order else h5.INDEX_NAME)
    return {name.decode(errors="surrogateescape"): _attribute(h5a.open(item, name))
            for name in names if name != b"REFERENCE_LIST"}  # fmt: skip


def _attribute(attribute: Any) -> Any:
    shape, dtype = attribute.shape, attribute.dtype
    if shape is None:
        return Empty(dtype)
    values = np.zeros(shape, dtype)
    attribute.read(values, h5t.py_create(dtype))
    if (text := h5t.check_string_dtype(dtype)) and text.length is None:
        for place, one in np.ndenumerate(values):
            values[place] = one.decode(errors="surrogateescape")
    return values if values.ndim else values[()]


def is_plain(tree: DataTree) -> bool:
    """Whether the tree is of what this package makes: numbers, flags and texts, coordinates of one dimension."""
    return all(_is_plain(node.to_dataset(inherit=False)) for node in tree.subtree)


def _is_plain(data: Dataset) -> bool:
    for name, variable in data.variables.items():
        plain = variable.dtype.kind in "iufb" or _are_texts(variable.values)
        is_index = variable.dims == (name,)
        if not plain or 0 in variable.shape or is_index != (name in data.sizes) or is_index != (name in data.coords):
            return False
        if not _are_plain(variable.attrs):
            return False
    return _are_plain(data.attrs)


def _are_texts(values: np.ndarray) -> bool:
    return values.dtype.kind == "U" or (values.dtype.kind == "O" and all(isinstance(v, str) for v in values.flat))


def _are_plain(attributes: Any) -> bool:
    for value in attributes.values():
        if not isinstance(value, str):
            array = np.asarray(value)
            if array.dtype.kind not in "iuf" or array.ndim > 1 or not array.size:
                return False
    return True


def _write_dataset(group: Any, data: Dataset) -> None:
    scales = {}
    for dim, size in data.sizes.items():
        label = str(dim)
        if dim in data.variables:
            scale = _write_values(group, label, data.variables[dim].values)
        else:  # as other NetCDF libraries write it: nobody reads the values
            scale = _new_array(group, label, np.dtype(">f4"), (size,))
            label = f"{_NO_VARIABLE}{size:10}"
        h5ds.set_scale(scale, label.encode())
        scales[dim] = scale
    for name, variable in data.variables.items():
        array = scales.get(name)
        if array is None:
            array = _write_values(group, str(name), variable.values)
            for axis, dim in enumerate(variable.dims):
                h5ds.attach_scale(array, scales[dim], axis)
            if variable.dtype.kind == "b":
                _write_attribute(array, "dtype", "bool")  # how xarray marks them
        for key, value in variable.attrs.items():
            _write_attribute(array, key, value)
    for key, value in data.attrs.items():
        _write_attribute(group, str(key), value)


def _write_values(group: Any, name: str, values: np.ndarray) -> Any:
    values = _as_stored(values)
    array = _new_array(group, name, values.dtype, values.shape)
    array.write(h5s.ALL, h5s.ALL, values, _type_in_memory(values.dtype))
    return array


def _write_attribute(owner: Any, name: str, value: Any) -> None:
    """Texts as scalars, numbers as arrays of one dimension: so does every NetCDF library."""
    values = _as_stored(np.array(value) if isinstance(value, str) else np.atleast_1d(value))
    attribute = h5a.create(owner, name.encode(), _type_in_file(values.dtype), _space(values.shape))
    attribute.write(values, _type_in_memory(values.dtype))


def _as_stored(values: np.ndarray) -> np.ndarray:
    """Texts of any length, flags as int8 0 or 1, numbers as they are; contiguous."""
    if values.dtype.kind in "UO":
        return values.astype(string_dtype())
    return np.asarray(values, np.int8 if values.dtype.kind == "b" else None, order="C")


def _new_array(group: Any, name: str, dtype: np.dtype, shape: tuple[int, ...]) -> Any:
    made = _properties("DATASET_CREATE")
    return h5d.create(group, name.encode(), _type_in_file(dtype), _space(shape), made, _properties("LINK_CREATE"))


def _new_group(group: Any, name: str) -> Any:
    return h5g.create(group, name.encode(), _properties("LINK_CREATE"), _properties("GROUP_CREATE"))


@cache
def _properties(kind: str) -> Any:
    """What NetCDF-4 asks of groups, variables and names: to remember the order in which things were made; UTF-8."""
    properties, order = h5p.create(getattr(h5p, kind)), h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED
    if kind == "LINK_CREATE":
        properties.set_char_encoding(h5t.CSET_UTF8)
    else:
        properties.set_attr_creation_order(order)
    if kind == "GROUP_CREATE":
        properties.set_link_creation_order(order)
    return properties


@cache
def _type_in_file(dtype: np.dtype) -> Any:
    return h5t.py_create(dtype, logical=True)


@cache
def _type_in_memory(dtype: np.dtype) -> Any:
    """For h5py: a text is a Python object in memory, characters of any length in the file."""
    return h5t.py_create(dtype)


@cache
def _space(shape: tuple[int, ...]) -> Any:
    return h5s.create_simple(shape) if shape else h5s.create(h5s.SCALAR)
