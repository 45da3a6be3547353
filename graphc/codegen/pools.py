"""The words pools are made of: windows that slide along a line, channel by channel.

``x`` is a picture of rank 3 and a call says where the window stands as in
:mod:`graphc.codegen.channels`; what lies outside the picture is not there.

``slide_maximum(x, y, WHERE, places, channels)`` gives ``y``, of rank 1, the largest of what the
window sees at each place, NaN where there is one, ``slide_mean(x, y, ...)`` the mean.

``spread_chosen(x, m, y, WHERE, number, n0, n1, n2, place, every, places, channels)``: ``x`` and
``m`` are of the same shape.  Gives ``y``, of rank 1, at place ``place``, ``place + every``, ... the
sum over the window of those ``x`` whose ``m`` is the tap's number.  The first tap's is ``number``;
from one to the next along an axis are ``n0``, ``n1`` and ``n2``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.codegen.channels import WHERE, window


def _slide_maximum(x: Any, y: Any, *numbers: int) -> None:
    where, (places, channels) = numbers[: len(WHERE)], numbers[len(WHERE) :]
    for k in range(places):
        inside = [at for _, at in window(where, k) if at is not None]
        for c in range(channels):
            best = y.dtype.computed.numpy.type(-np.inf)
            for a, b, column in inside:
                best = np.maximum(best, x[a, b, column * channels + c])
            y[k * channels + c] = best


def _slide_mean(x: Any, y: Any, *numbers: int) -> None:
    where, (places, channels) = numbers[: len(WHERE)], numbers[len(WHERE) :]
    of = y.dtype.computed.numpy.type
    for k in range(places):
        inside = [at for _, at in window(where, k) if at is not None]
        for c in range(channels):
            total = of(0)
            for a, b, column in inside:
                total += x[a, b, column * channels + c]
            y[k * channels + c] = total * (of(1) / of(len(inside)))


def _spread_chosen(x: Any, m: Any, y: Any, *numbers: int) -> None:
    where, rest = numbers[: len(WHERE)], numbers[len(WHERE) :]
    number, n0, n1, n2, place, every, places, channels = rest
    for k in range(places):
        taps = [(tap, at) for tap, at in window(where, k) if at is not None]
        for c in range(channels):
            total = y.dtype.computed.numpy.type(0)
            for (u, v, w), (a, b, column) in taps:
                at = a, b, column * channels + c
                if m[at] == number + u * n0 + v * n1 + w * n2:
                    total += x[at]
            y[(place + k * every) * channels + c] = total


# name -> (number of operands, operands that are views, meaning)
POOL_WORDS: dict[str, tuple[int, int, Callable[..., None]]] = {
    "slide_maximum": (17, 2, _slide_maximum),
    "slide_mean": (17, 2, _slide_mean),
    "spread_chosen": (24, 3, _spread_chosen),
}
