"""Values that are known while the graph is built, and tensors as messages."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.builder import as_tensor
from graphc.ir.dtype import as_dtype
from graphc.ir.shape_values import dims_of
from graphc.protocol import tensor_array, tensor_message


def get_static_value(tensor: Any, partial: bool = False) -> np.ndarray | None:
    """What a constant holds, or what arithmetic of known shapes gives; None where only a run can
    tell.  With ``partial`` the unknown sizes of a vector are None."""
    known = as_tensor(tensor)
    if known is None:
        return None if tensor is None else np.asarray(tensor)
    if known.node.op.name == "const":
        return known.node.op.value.array
    sizes = dims_of(known)
    if sizes is None:
        return None
    parts = sizes if isinstance(sizes, tuple) else (sizes,)
    if all(isinstance(part, int) for part in parts):
        return np.asarray(sizes, known.dtype.numpy)
    if partial and isinstance(sizes, tuple):
        return np.array([part if isinstance(part, int) else None for part in parts], object)
    return None


def make_tensor_proto(
    values: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False,
    allow_broadcast: bool = False,
) -> Any:  # fmt: skip
    """Values as a ``TensorProto``, of the shape given (a value that is alone fills it).

    Needs the tensorboard package.

    >>> tf.make_ndarray(tf.make_tensor_proto([1.0, 2.0]))
    """
    array = _array(values, dtype)
    if shape is not None:
        sizes = tuple(int(size) for size in shape)
        if array.shape != sizes:
            if verify_shape or (array.size != 1 and array.size != np.prod(sizes)):
                raise ValueError(f"the values have shape {array.shape}, not {sizes}")
            filled = np.full(sizes, array.ravel()[0]) if array.size == 1 else array.reshape(sizes)
            array = filled.astype(array.dtype)
    return tensor_message(array, as_dtype(dtype) if dtype is not None else as_dtype(array.dtype))


def _array(values: Any, dtype: Any) -> np.ndarray:
    if dtype is not None:
        wanted = as_dtype(dtype)
        return np.asarray(values, object if wanted.is_string else wanted.numpy)
    array = np.asarray(values)
    if array.dtype.kind in "SU":
        return np.asarray(values, object)
    plain = not isinstance(values, np.ndarray | np.generic)
    if plain and array.dtype == np.float64:
        return array.astype(np.float32)
    if plain and array.dtype == np.int64 and not array.size:
        return array.astype(np.float32)
    if plain and array.dtype == np.int64 and np.all(array == array.astype(np.int32)):
        return array.astype(np.int32)
    return array


def make_ndarray(tensor: Any) -> np.ndarray:
    """The array of a ``TensorProto``; text as bytes."""
    return tensor_array(tensor)
