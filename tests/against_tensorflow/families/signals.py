"""Lapped transforms and their windows."""

from __future__ import annotations

from collections.abc import Iterator

from tests.against_tensorflow.inputs import fed, reals
from tests.against_tensorflow.outcome import Case


def cases() -> Iterator[Case]:
    for length in (4, 8, 12):
        for x in (reals(40), reals(2, 3, 25)):
            for how in ({}, {"pad_end": True}, {"norm": "ortho"}, {"window_fn": None}):
                yield Case("signal.mdct", (fed(x), length), how, tolerance=1e-4)
    for x in (reals(5, 4), reals(2, 3, 8)):
        for how in ({}, {"norm": "ortho"}, {"window_fn": None}):
            yield Case("signal.inverse_mdct", (fed(x),), how, tolerance=1e-4)
    kaiser = {"window_fn": "tf.signal.kaiser_bessel_derived_window"}
    yield Case("signal.mdct", (fed(reals(40)), 8), kaiser, tolerance=1e-4)
    yield Case("signal.inverse_mdct", (fed(reals(5, 4)),), kaiser, tolerance=1e-4)
    for name in ("kaiser_bessel_derived_window", "kaiser_window", "vorbis_window"):
        for size in (2, 8, 16):
            yield Case(f"signal.{name}", (size,), tolerance=1e-5)
    yield Case("signal.kaiser_bessel_derived_window", (8, 4.0), {"dtype": "tf.float64"},
               tolerance=1e-6)  # fmt: skip
    yield Case("signal.mdct", (fed(reals(40)), 6), note="no multiple of 4")
