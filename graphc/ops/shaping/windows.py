"""Windows that slide over the axes of a tensor: where they stand, and what they see in NumPy.

Along one axis a window of ``window`` elements, ``dilation`` apart, takes steps of ``stride``; it
stands at ``count`` places, the first ``before`` elements before the tensor.  What lies outside the
tensor is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.types import Mismatch

Padding = str | tuple[tuple[int, int], ...]  # "SAME", "VALID", or zeros before and after each axis


@dataclass(frozen=True)
class Slide:
    """One window along one axis of ``size`` elements."""

    size: Dim
    window: Any
    stride: int
    dilation: int
    before: Any  # a dim, as is the count
    count: Any

    @property
    def reach(self) -> Any:
        """From the first element a window sees to the last, both counted."""
        return (self.window - 1) * self.dilation + 1


def slides(
    sizes: Sequence[Dim],
    windows: Sequence[Dim],
    strides: Sequence[int],
    dilations: Sequence[int],
    padding: Padding,
) -> tuple[Slide, ...]:
    """How a window slides along each axis.

    ``"SAME"`` has ``size / stride`` places (rounded up) and as many zeros before as after, or one
    less; ``"VALID"`` stays inside.  A window that cannot fit is a :class:`Mismatch`; where sizes
    are not known, it stands nowhere.
    """
    pads: Sequence[Any] = [padding] * len(sizes) if isinstance(padding, str) else padding
    rows = zip(sizes, windows, strides, dilations, pads, strict=True)
    return tuple(_slide(axis, *row) for axis, row in enumerate(rows))


def _slide(
    axis: int, size: Dim, window: Dim, stride: int, dilation: int, pad: str | tuple[int, int]
) -> Slide:
    reach = (window - 1) * dilation + 1
    if pad == "SAME":
        count = dims.ceildiv(size, stride)
        missing = (count - 1) * stride + reach - size
        before = 0 if window == 1 else dims.floordiv(dims.maximum(missing, 0), 2)
        return Slide(size, window, stride, dilation, before, count)
    first, last = (0, 0) if isinstance(pad, str) else pad
    left = size + first + last - reach
    if isinstance(left, int) and left < 0:
        raise Mismatch(
            f"a window of {reach} does not fit into {size + first + last} elements "
            f"(spatial axis {axis})"
        )
    count = dims.floordiv(left, stride) + 1
    if dims.lower_bound(count) < 0:
        count = dims.maximum(count, 0)
    return Slide(size, window, stride, dilation, first, count)


def seen(x: np.ndarray, along: Sequence[Slide], gaps: Sequence[int] | None = None) -> np.ndarray:
    """What the windows see: [n, *counts, *windows, channels] of ``x`` [n, *sizes, channels].

    ``gaps``: the elements of ``x`` stand that far apart, with zeros between.
    """
    spans = [max(0, (s.count - 1) * s.stride + s.reach) if s.count else 0 for s in along]
    padded = np.zeros((x.shape[0], *spans, x.shape[-1]), x.dtype)
    source, target = [slice(None)], [slice(None)]
    for size, span, slide, gap in zip(
        x.shape[1:-1], spans, along, gaps or [1] * len(spans), strict=True
    ):
        first = -(-max(0, -slide.before) // gap)
        start = first * gap + slide.before
        count = max(0, min(size - first, -(-(span - start) // gap)))
        source.append(slice(first, first + count))
        target.append(slice(start, start + count * gap, gap) if count else slice(0, 0))
    padded[tuple(target)] = x[tuple(source)]
    steps = padded.strides
    inner = range(1, len(spans) + 1)
    return np.lib.stride_tricks.as_strided(
        padded,
        (x.shape[0], *(s.count for s in along), *(s.window for s in along), x.shape[-1]),
        (
            steps[0],
            *(steps[k] * along[k - 1].stride for k in inner),
            *(steps[k] * along[k - 1].dilation for k in inner),
            steps[-1],
        ),
        writeable=False,
    )


def correlated(patches: np.ndarray, filter: np.ndarray) -> np.ndarray:
    """Every window multiplied with ``filter`` [*windows, inputs, outputs] and added up.

    The channels of ``patches`` are in groups of ``inputs``; the outputs are in as many groups.
    """
    inputs, axes = filter.shape[-2], filter.ndim - 1
    groups = patches.shape[-1] // inputs if inputs else 1
    parts = [
        np.tensordot(
            patches[..., g * inputs : (g + 1) * inputs],
            part,
            (list(range(axes, 2 * axes)), list(range(axes))),
        )
        for g, part in enumerate(np.split(filter, groups, axis=-1))
    ]
    return np.concatenate(parts, axis=-1).astype(patches.dtype, copy=False)


def correlated_with(patches: np.ndarray, ct: np.ndarray, inputs: int) -> np.ndarray:
    """What :func:`correlated` passes back to its filter: [*windows, inputs, outputs]."""
    axes = ct.ndim - 1
    groups = patches.shape[-1] // inputs if inputs else 1
    parts = [
        np.tensordot(
            patches[..., g * inputs : (g + 1) * inputs], part, (list(range(axes)),) * 2
        )
        for g, part in enumerate(np.split(ct, groups, axis=-1))
    ]  # fmt: skip
    return np.concatenate(parts, axis=-1).astype(patches.dtype, copy=False)


def turned(filter: Any, groups: int) -> np.ndarray:
    """The filter that takes outputs back to inputs: turned round, its channels exchanged in each
    group."""
    *windows, inputs, outputs = filter.shape
    rank = len(windows)
    flipped = np.flip(filter, tuple(range(rank)))
    split = flipped.reshape(*windows, inputs, groups, outputs // groups)
    swapped = np.moveaxis(split, (rank, rank + 1, rank + 2), (rank + 2, rank + 1, rank))
    return swapped.reshape(*windows, outputs // groups, groups * inputs)


def passed_back(ct: np.ndarray, filter: np.ndarray, along: Sequence[Slide]) -> np.ndarray:
    """Every place's ``ct`` times ``filter`` [outputs, *windows, channels], added to what its window
    sees: [n, *sizes, channels]."""
    product = np.tensordot(ct, filter, 1)
    axes = len(along)
    spans = [max(s.before + s.size, (s.count - 1) * s.stride + s.reach) for s in along]
    total = np.zeros((ct.shape[0], *spans, filter.shape[-1]), ct.dtype)
    for tap in np.ndindex(*filter.shape[1:-1]):
        where = tuple(
            slice(k * s.dilation, k * s.dilation + max((s.count - 1) * s.stride + 1, 0), s.stride)
            for k, s in zip(tap, along, strict=True)
        )
        part = total[(slice(None), *where)]
        part += product[(slice(None),) * (axes + 1) + tap][tuple(slice(0, n) for n in part.shape)]
    inside = (slice(s.before, s.before + s.size) for s in along)
    return total[(slice(None), *inside)]
