"""The words that windows sliding along a line are made of, where every channel is on its own.

``x`` is a picture of rank 3, ``x[a, b, column * channels + c]``.  A window has ``taps0`` planes,
``taps1`` lines and ``taps2`` columns, ``step0``, ``step1`` and ``step2`` apart; its first element
is at plane ``z``, line ``i`` and, at the first place, column ``j``.  From one of the ``places`` to
the next are ``stride`` columns.  ``in0``, ``in1`` and ``in2`` are the picture's sizes: what lies
outside is 0 in a product, and is not there in a fold.  Twelve numbers of a call say this,
:data:`WHERE`; places and channels follow.

``slide_channels(x, f, y, WHERE, tap, t0, t1, t2, place, every, places, channels, row, rows, down)``
gives row ``row`` of ``y`` at place ``place``, ``place + every``, ... the sum over the window of
``x * f``, and so on for ``rows`` rows, the window ``down`` lines further for each.  The rows of
``f`` are the window's taps: the first is ``tap``, and ``t0``, ``t1``, ``t2`` the steps from one to
the next along each axis.  ``slide_channels_M`` makes M outputs of each channel: column ``c`` of
``f`` and ``y`` belongs to channel ``c // M``, and ``channels`` counts these columns.

``channel_products(x, d, y, WHERE, above, places, channels)`` adds to ``y[tap, c]`` the sum over all
places of ``x * d``, tap by tap; row ``above`` of ``d`` belongs to the first place, the next row to
the next.  ``channel_products_M`` as above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

MULTIPLIERS = (1, 2, 4, 8)  # outputs of a channel there are words for
WHERE = (
    "z", "step0", "taps0", "in0", "i", "step1", "taps1", "in1", "j", "stride", "step2", "taps2",
    "in2",
)  # fmt: skip
SPELT_OUT = ("stride", "step2", "taps2")


def channel_word(name: str, multiplier: int) -> str:
    """The name of the word that makes ``multiplier`` outputs of a channel."""
    return name if multiplier == 1 else f"{name}_{multiplier}"


def window(where: tuple[int, ...], place: int) -> Iterator[tuple[tuple[int, int, int], Any]]:
    """A window's taps, each with the plane, line and column it stands at; None for outside."""
    z, step0, taps0, in0, i, step1, taps1, in1, j, stride, step2, taps2, in2 = where
    for u in range(taps0):
        for v in range(taps1):
            for w in range(taps2):
                a, b, e = z + u * step0, i + v * step1, j + place * stride + w * step2
                inside = 0 <= a < in0 and 0 <= b < in1 and 0 <= e < in2
                yield (u, v, w), (a, b, e) if inside else None


def _slide(multiplier: int) -> Callable[..., None]:
    def slide_channels(x: Any, f: Any, y: Any, *numbers: int) -> None:
        where, rest = list(numbers[: len(WHERE)]), numbers[len(WHERE) :]
        tap, t0, t1, t2, place, every, places, channels, row, rows, down = rest
        zero, line = y.dtype.computed.numpy.type(0), WHERE.index("i")
        for r in range(rows):
            for k in range(places):
                taps = list(window(tuple(where), k))
                for c in range(channels):
                    total = zero
                    for (u, v, w), at in taps:
                        seen = zero if at is None else _seen(x, at, c, channels, multiplier)
                        total += seen * f[tap + u * t0 + v * t1 + w * t2, c]
                    y[row + r, (place + k * every) * channels + c] = total
            where[line] += down

    return slide_channels


def _products(multiplier: int) -> Callable[..., None]:
    def channel_products(x: Any, d: Any, y: Any, *numbers: int) -> None:
        where, (above, places, channels) = numbers[: len(WHERE)], numbers[len(WHERE) :]
        zero = y.dtype.computed.numpy.type(0)
        for k in range(places):
            for tap, (_, at) in enumerate(window(where, k)):
                for c in range(channels):
                    seen = zero if at is None else _seen(x, at, c, channels, multiplier)
                    y[tap, c] = y[tap, c] + seen * d[above + k, c]

    return channel_products


def _seen(x: Any, at: tuple[int, int, int], c: int, channels: int, multiplier: int) -> Any:
    a, b, column = at
    return x[a, b, column * (channels // multiplier) + c // multiplier]


# name -> (number of operands, operands that are views, meaning)
CHANNEL_WORDS: dict[str, tuple[int, int, Callable[..., None]]] = {
    **{channel_word("slide_channels", m): (27, 3, _slide(m)) for m in MULTIPLIERS},
    **{channel_word("channel_products", m): (19, 3, _products(m)) for m in MULTIPLIERS},
}
