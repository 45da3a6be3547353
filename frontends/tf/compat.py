"""``tf.compat``: the v1 names under their other address, and text helpers."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

import frontends.tf as v1

__all__ = ["as_bytes", "as_str", "as_str_any", "as_text", "v1"]

bytes_or_text_types = (bytes, str)
integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)


def as_bytes(bytes_or_text: bytes | str, encoding: str = "utf-8") -> bytes:
    """Text encoded; bytes as they are."""
    return bytes_or_text.encode(encoding) if isinstance(bytes_or_text, str) else bytes_or_text


def as_text(bytes_or_text: bytes | str, encoding: str = "utf-8") -> str:
    """Bytes decoded; text as it is."""
    return bytes_or_text if isinstance(bytes_or_text, str) else bytes_or_text.decode(encoding)


as_str = as_text


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Anything as text; bytes decoded."""
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


def __getattr__(name: str) -> Any:
    from frontends.tf.names import elsewhere

    return elsewhere("compat", name, lambda: __all__)
