"""``tf.compat``: the v1 names under their other address, and text helpers."""

from __future__ import annotations

import numbers
import os
from typing import Any

import numpy as np

import frontends.tf as v1

__all__ = [
    "as_bytes", "as_str", "as_str_any", "as_text", "bytes_or_text_types", "complex_types",
    "dimension_at_index", "dimension_value", "forward_compatible", "integral_types",
    "path_to_bytes", "path_to_str", "real_types", "v1",
]  # fmt: skip

bytes_or_text_types = (bytes, str)
integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
complex_types = (numbers.Complex, np.number)


def as_bytes(bytes_or_text: bytes | str, encoding: str = "utf-8") -> bytes:
    """Text encoded; bytes as they are."""
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes | bytearray):
        return bytes(bytes_or_text)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


def as_text(bytes_or_text: bytes | str, encoding: str = "utf-8") -> str:
    """Bytes decoded; text as it is."""
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


as_str = as_text


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Anything as text; bytes decoded."""
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> Any:
    """A path-like object as text; anything else as it is."""
    return as_str_any(path.__fspath__()) if hasattr(path, "__fspath__") else path


def path_to_bytes(path: Any) -> bytes:
    """A path as bytes."""
    return as_bytes(os.fspath(path))


def forward_compatible(year: int, month: int, day: int) -> bool:
    """Always True: one meaning is all there is."""
    return True


def dimension_value(dimension: Any) -> int | None:
    """A size of a shape as an int, None where it is unknown."""
    return getattr(dimension, "value", dimension)


def dimension_at_index(shape: Any, index: int) -> Any:
    """A size of a shape; an unknown one of a shape of unknown rank."""
    from frontends.tf.graph.shapes import Dimension

    return Dimension(None) if shape.ndims is None else shape.dims[index]


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import elsewhere

    return elsewhere("compat", name, lambda: __all__)
