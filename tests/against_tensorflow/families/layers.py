"""``tf.layers``: convolutions of every rank, pooling, normalisation, with weights that are given.

TensorFlow needs tf_keras and ``TF_USE_LEGACY_KERAS=1`` to have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.against_tensorflow.inputs import fed, reals
from tests.against_tensorflow.outcome import Case, Filled

CHANNELS = 3
INPUTS: dict[int, tuple[int, ...]] = {1: (2, 9, 3), 2: (2, 7, 6, 3), 3: (1, 4, 5, 3, 3)}
SLIDES: tuple[dict[str, Any], ...] = (
    {}, {"padding": "same"}, {"strides": 2}, {"strides": 2, "padding": "same"},
    {"activation": "tf.nn.tanh"}, {"use_bias": False},
)  # fmt: skip


def cases() -> Iterator[Case]:
    yield from _convolutions()
    yield from _transposed()
    yield from _separable()
    yield from _pools()
    yield from _batches()


def _filled(*shape: int, seed: int = 1) -> Filled:
    return Filled(reals(*shape, seed=seed))


def _doubled(rank: int) -> Any:
    return fed(reals(*INPUTS[rank], dtype="float64"))


def _convolutions() -> Iterator[Case]:
    for rank in (1, 2, 3):
        kernel = [3, 2, 2][:rank]
        given = {
            "kernel_initializer": _filled(*kernel, CHANNELS, 4),
            "bias_initializer": _filled(4, seed=2),
        }
        for how in (*SLIDES, {"dilation_rate": 2}):
            if how != {"dilation_rate": 2} or rank < 3:  # TensorFlow has no gradient of that
                yield Case(f"layers.conv{rank}d", (_doubled(rank), 4, kernel), {**given, **how})
    wide = {"kernel_initializer": _filled(3, CHANNELS, 4)}
    for rate in (1, 2):
        how = {**wide, "padding": "causal", "dilation_rate": rate}
        yield Case("layers.conv1d", (_doubled(1), 4, 3), how)
    x = fed(reals(*INPUTS[2]), (None, None, None, CHANNELS))
    yield Case("layers.conv2d", (x, 4, 3, 2, "same"),
               {"kernel_initializer": _filled(3, 3, CHANNELS, 4)})  # fmt: skip


def _transposed() -> Iterator[Case]:
    for rank in (2, 3):
        kernel = [3, 2, 2][:rank]
        given = {
            "kernel_initializer": _filled(*kernel, 4, CHANNELS),
            "bias_initializer": _filled(4, seed=2),
        }
        for how in SLIDES:
            name = f"layers.conv{rank}d_transpose"
            yield Case(name, (_doubled(rank), 4, kernel), {**given, **how})
    yield Case("layers.conv2d_transpose", (_doubled(2), 4, 2, (2, 3)),
               {"kernel_initializer": _filled(2, 2, 4, CHANNELS)})  # fmt: skip


def _separable() -> Iterator[Case]:
    for rank, each in ((1, 1), (1, 2), (2, 1), (2, 2)):
        kernel = [3, 2][:rank]
        given = {
            "depthwise_initializer": _filled(*kernel, CHANNELS, each),
            "pointwise_initializer": _filled(*[1] * rank, CHANNELS * each, 4, seed=3),
            "bias_initializer": _filled(4, seed=2),
            "depth_multiplier": each,
        }
        for how in (*SLIDES, {"dilation_rate": 2}):
            name = f"layers.separable_conv{rank}d"
            yield Case(name, (_doubled(rank), 4, kernel), {**given, **how})


def _pools() -> Iterator[Case]:
    for kind in ("max", "average"):
        for rank in (1, 2, 3):
            for how in ({}, {"padding": "same"}):
                for window, stride in ((2, 2), (3, 2), (2, 1)):
                    name = f"layers.{kind}_pooling{rank}d"
                    x = fed(reals(*INPUTS[rank]))
                    yield Case(name, (x, window, stride), how)


def _batches() -> Iterator[Case]:
    x = fed(reals(3, 4, 5, CHANNELS))
    given = {
        "gamma_initializer": _filled(CHANNELS), "beta_initializer": _filled(CHANNELS, seed=2),
        "moving_mean_initializer": _filled(CHANNELS, seed=4),
        "moving_variance_initializer": Filled(reals(CHANNELS, low=0.5, high=2.0)),
    }  # fmt: skip
    for training in (False, True):
        for fused in (False, True, None):
            how = {**given, "training": training, "fused": fused}
            yield Case("layers.batch_normalization", (x,), how, tolerance=1e-4)
        how = {"axis": 1, "training": training}
        yield Case("layers.batch_normalization", (x,), {**how, "fused": False}, tolerance=1e-4)
        yield Case("layers.batch_normalization", (fed(reals(6, 4)),), {"training": training},
                   tolerance=1e-4)  # fmt: skip
    for x in (reals(2, 3), reals(2, 3, 2), reals(2, 3, 2, 2)):
        yield Case("layers.flatten", (fed(x),))
        yield Case("layers.flatten", (fed(x, (None, *x.shape[1:])),))
