"""A plain DataTree as NetCDF-4, in one pass over the tree: groups, dimension scales, variables and attributes of HDF5.

xarray's own writer and reader look up every dimension again for each variable: a second for a fit, against 35 ms here.
The layout is that of the NetCDF-4 specification
(https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html); tests hold the content to what
xarray writes and reads.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

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


def read_groups(file: Any) -> DataTree | None:
    """The whole tree in an open h5py.File; None where it holds more than `write_groups` writes, for xarray to read."""
    import xarray as xr

    found, waiting = {}, [("/", file)]
    try:
        while waiting:
            path, group = waiting.pop()
            members = dict(group.items())
            arrays = {name: one for name, one in members.items() if hasattr(one, "dtype")}
            found[path] = _read_dataset(arrays, dict(group.attrs))
            waiting += [(f"{path}{name}/", one) for name, one in members.items() if name not in arrays][::-1]
    except _NotPlainError:
        return None
    return xr.DataTree.from_dict({path.rstrip("/") or "/": data for path, data in found.items()})


class _NotPlainError(Exception):
    """There is more in a file than plain values."""


def _read_dataset(arrays: dict[str, Any], attributes: dict[str, Any]) -> Dataset:
    import xarray as xr

    variables, coordinates = {}, str(attributes.pop("coordinates", "")).split()
    for name, array in arrays.items():
        of_array = dict(array.attrs)
        if _NO_VARIABLE in str(of_array.get("NAME", "")):
            continue
        if np.all(np.isnan(of_array.get("_FillValue", [0.0]))):
            del of_array["_FillValue"]  # as xarray writes it, and means nothing
        if any(key in of_array for key in _DECODED) or " since " in str(of_array.get("units", "")):
            raise _NotPlainError
        scales = of_array.get("DIMENSION_LIST", ())
        dims = [name] if "CLASS" in of_array else [_name_of(refs[0], array) for refs in scales]
        if len(dims) != array.ndim or array.dtype.kind not in "iufO" or array.dtype == np.float16:
            raise _NotPlainError
        values = np.array(array.asstr()[()].tolist(), str) if array.dtype.kind == "O" else array[()]
        if of_array.pop("dtype", "") == "bool":
            values = np.asarray(values, bool)
        coordinates += str(of_array.pop("coordinates", "")).split()
        variables[name] = (dims, values, _read_attributes(of_array))
    data = xr.Dataset(variables, attrs=_read_attributes(attributes))
    return data.set_coords([name for name in dict.fromkeys(coordinates) if name in variables])


def _name_of(reference: Any, array: Any) -> str:
    """Of the array that is referred to."""
    from h5py import h5r

    return str((h5r.get_name(reference, array.id) or b"").decode().rpartition("/")[2])


def _read_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """Numbers that are alone as such."""
    kept = {name: value for name, value in attributes.items() if name not in _OF_HDF5}
    return {name: value[0] if isinstance(value, np.ndarray) and value.shape == (1,) else value
            for name, value in kept.items()}  # fmt: skip


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
    from h5py import h5ds

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
    from h5py import h5s

    values = _as_stored(values)
    array = _new_array(group, name, values.dtype, values.shape)
    array.write(h5s.ALL, h5s.ALL, values, _type_in_memory(values.dtype))
    return array


def _write_attribute(owner: Any, name: str, value: Any) -> None:
    """Texts as scalars, numbers as arrays of one dimension: so does every NetCDF library."""
    from h5py import h5a

    values = _as_stored(np.array(value) if isinstance(value, str) else np.atleast_1d(value))
    attribute = h5a.create(owner, name.encode(), _type_in_file(values.dtype), _space(values.shape))
    attribute.write(values, _type_in_memory(values.dtype))


def _as_stored(values: np.ndarray) -> np.ndarray:
    """Texts of any length, flags as int8 0 or 1, numbers as they are; contiguous."""
    if values.dtype.kind in "UO":
        from h5py import string_dtype

        return values.astype(string_dtype())
    return np.asarray(values, np.int8 if values.dtype.kind == "b" else None, order="C")


def _new_array(group: Any, name: str, dtype: np.dtype, shape: tuple[int, ...]) -> Any:
    from h5py import h5d

    made = _properties("DATASET_CREATE")
    return h5d.create(group, name.encode(), _type_in_file(dtype), _space(shape), made, _properties("LINK_CREATE"))


def _new_group(group: Any, name: str) -> Any:
    from h5py import h5g

    return h5g.create(group, name.encode(), _properties("LINK_CREATE"), _properties("GROUP_CREATE"))


@cache
def _properties(kind: str) -> Any:
    """What NetCDF-4 asks of groups, variables and names: to remember the order in which things were made; UTF-8."""
    from h5py import h5p, h5t

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
    from h5py import h5t

    return h5t.py_create(dtype, logical=True)


@cache
def _type_in_memory(dtype: np.dtype) -> Any:
    """For h5py: a text is a Python object in memory, characters of any length in the file."""
    from h5py import h5t

    return h5t.py_create(dtype)


def _space(shape: tuple[int, ...]) -> Any:
    from h5py import h5s

    return h5s.create_simple(shape) if shape else h5s.create(h5s.SCALAR)
