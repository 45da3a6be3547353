"""Values as text, as TF1 writes them: in messages, in what is printed, in templates."""

from __future__ import annotations

from typing import Any

import numpy as np


def number_text(value: Any) -> str:
    """An element: a string quoted; a float in few digits where they read back as the same, else in
    as many as always do."""
    if isinstance(value, bytes):
        return f'"{value.decode(errors="replace")}"'
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if not isinstance(value, np.floating):
        return str(value)
    few, many = (15, 17) if isinstance(value, np.float64) else (6, 9)
    text = f"%.{few}g" % value
    return text if type(value)(text) == value or np.isnan(value) else f"%.{many}g" % value


def summary(array: np.ndarray, summarize: int) -> str:
    """A tensor as text: nested brackets, the first and last ``summarize`` of each axis (all if
    negative)."""
    return _nested(array, summarize, 1) if array.ndim else number_text(array[()])


def _nested(array: np.ndarray, summarize: int, depth: int) -> str:
    size = len(array)
    whole = summarize < 0 or size <= 2 * summarize
    chosen = range(size) if whole else (*range(summarize), *range(size - summarize, size))
    if array.ndim == 1:
        parts = [number_text(array[k]) for k in chosen]
        between = " "
    else:
        parts = [_nested(array[k], summarize, depth + 1) for k in chosen]
        between = "\n" * (array.ndim - 1) + " " * depth
    if not whole:
        parts.insert(summarize, "...")
    return f"[{between.join(parts)}]"


def format_values(array: np.ndarray, summarize: int) -> str:
    """The first ``summarize`` elements (all if negative), rows in brackets, with ``...`` where some
    are left out."""
    array = np.asarray(array)
    limit = array.size if summarize < 0 else summarize
    left = limit
    pieces: list[str] = []

    def write(part: np.ndarray, inner: bool) -> None:
        nonlocal left
        if part.ndim > 1:
            for row in part:
                if left > 0:
                    pieces.append("[")
                    write(row, True)
                    pieces.append("]")
            return
        for k, value in enumerate(part):
            if left <= 0:
                pieces.append("..." if inner else "")
                return
            text = value.decode(errors="replace") if isinstance(value, bytes) else None
            pieces.append((" " if k else "") + (number_text(value) if text is None else text))
            left -= 1

    write(array.reshape(1) if array.ndim == 0 else array, False)
    return "".join(pieces) + ("..." if array.size > limit else "")
