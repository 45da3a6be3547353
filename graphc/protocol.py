"""TensorFlow's protocol-buffer messages, as the tensorboard package has them; imported when
needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from graphc.errors import UnimplementedError
from graphc.ir.dtype import DType, as_dtype

# TensorFlow's numbers of the element types (types.proto).
NUMBERS = {
    "float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "string": 7,
    "complex64": 8, "int64": 9, "bool": 10, "bfloat16": 14, "uint16": 17, "complex128": 18,
    "float16": 19, "uint32": 22, "uint64": 23,
}  # fmt: skip
_NAMES = {number: name for name, number in NUMBERS.items()}
REFERENCE = 100  # added to an element type's number where a variable itself is meant
_CONTENT_FROM = 2  # elements from which numbers are written as one block of bytes
# Where TensorProto keeps elements of a type that are not in that block.
_FIELDS = {
    "float32": "float_val", "float64": "double_val", "int32": "int_val", "uint8": "int_val",
    "int16": "int_val", "int8": "int_val", "string": "string_val", "int64": "int64_val",
    "bool": "bool_val", "bfloat16": "half_val", "uint16": "int_val", "float16": "half_val",
    "uint32": "uint32_val", "uint64": "uint64_val", "complex64": "scomplex_val",
    "complex128": "dcomplex_val",
}  # fmt: skip


def tensorboard_module(path: str, what: str = "summaries and graph files") -> Any:
    """A module of the tensorboard package; without the package, what to install."""
    try:
        return import_module(f"tensorboard.{path}")
    except ImportError as error:
        if error.name and not error.name.startswith(("tensorboard", "google")):
            raise
        raise UnimplementedError(
            f"{what} need the tensorboard package, which is not installed",
            hint='pip install "graphc[tensorboard]"',
        ) from None


def message(file: str, name: str) -> Any:
    """A message class: ``message("summary", "Summary")``."""
    return getattr(tensorboard_module(f"compat.proto.{file}_pb2"), name)


def text_of(given: Any) -> str:
    """A message as text."""
    return import_module("google.protobuf.text_format").MessageToString(given)


def read_text(text: str, into: Any) -> Any:
    """``into``, filled from the text of a message of its kind."""
    return import_module("google.protobuf.text_format").Parse(text, into)


def dtype_number(dtype: DType) -> int:
    return NUMBERS[dtype.name]


def dtype_of(number: int) -> DType:
    """The element type of a DataType number (reference types are their element type)."""
    plain = number - REFERENCE if number > REFERENCE else number
    if plain not in _NAMES:
        raise TypeError(f"TensorFlow's data type number {number} is not provided")
    return as_dtype(_NAMES[plain])


def shape_message(sizes: Any) -> Any:
    """A TensorShapeProto; what is no int is an unknown size, None an unknown rank."""
    made = message("tensor_shape", "TensorShapeProto")()
    if sizes is None:
        made.unknown_rank = True
        return made
    for size in sizes:
        made.dim.add(size=size if isinstance(size, int) else -1)
    return made


def shape_of(given: Any) -> tuple[int | None, ...] | None:
    """What a TensorShapeProto says; None for a size or rank that is unknown."""
    if given.unknown_rank:
        return None
    return tuple(None if d.size < 0 else int(d.size) for d in given.dim)


def tensor_message(array: np.ndarray, dtype: DType) -> Any:
    """A TensorProto of an array that holds ``dtype`` (bfloat16 as its bits, text as objects)."""
    made = message("tensor", "TensorProto")(
        dtype=dtype_number(dtype), tensor_shape=shape_message(array.shape)
    )
    flat = array.ravel()
    if dtype.is_string:
        made.string_val.extend(v.encode() if isinstance(v, str) else bytes(v) for v in flat)
    elif flat.size >= _CONTENT_FROM:
        made.tensor_content = flat.astype(dtype.numpy.newbyteorder("<")).tobytes()
    elif dtype.name in ("float16", "bfloat16"):
        made.half_val.extend(flat.view(np.uint16).tolist())
    elif dtype.is_complex:
        getattr(made, _FIELDS[dtype.name]).extend(flat.view(dtype.real.numpy).tolist())
    else:
        getattr(made, _FIELDS[dtype.name]).extend(flat.tolist())
    return made


def tensor_array(given: Any) -> np.ndarray:
    """The array of a TensorProto (bfloat16 as its bits, text as bytes objects).

    Fewer elements than the shape has mean that the last one repeats.
    """
    dtype = dtype_of(given.dtype)
    shape = tuple(int(d.size) for d in given.tensor_shape.dim)
    if given.tensor_content:
        content = np.frombuffer(given.tensor_content, dtype.numpy.newbyteorder("<"))
        return content.astype(dtype.numpy).reshape(shape)
    values = getattr(given, _FIELDS[dtype.name])
    if dtype.is_string:
        flat = np.empty(len(values), object)
        flat[:] = list(values)
    elif dtype.name in ("float16", "bfloat16"):
        flat = np.array(values, np.uint16).view(dtype.numpy)
    elif dtype.is_complex:
        flat = np.array(values, dtype.real.numpy).view(dtype.numpy)
    else:
        flat = np.array(values, dtype.numpy)
    wanted = int(np.prod(shape, dtype=np.int64))
    if flat.size < wanted:
        last = flat[-1:] if flat.size else np.zeros(1, dtype.numpy)
        flat = np.concatenate([flat, np.repeat(last, wanted - flat.size)])
    return flat.reshape(shape)
