"""Programs of layers, and what they find: variables, outputs, static shapes, collections, refusals.

    TF_USE_LEGACY_KERAS=1 python -m tests.against_tensorflow.layer_names

run with a Python that has TensorFlow and tf_keras records what it gives, beside this file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("recorded") / "layer_names.json"
PROGRAMS: dict[str, Callable[[Any], list[Any]]] = {}
INPUTS = {1: [None, 9, 3], 2: [None, 9, 8, 3], 3: [None, 5, 4, 6, 3]}


def program(function: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
    PROGRAMS[function.__name__] = function
    return function


def told(function: Callable[[], Any]) -> Any:
    """The static shape of what is made, or "refused"."""
    try:
        y = function()
    except (ValueError, TypeError, NotImplementedError):
        return "refused"
    return y.get_shape().as_list()


def variables(tf: Any) -> list[str]:
    return [f"{v.op.name} {v.get_shape().as_list()}" for v in tf.global_variables()]


def inputs(tf: Any, rank: int, *sizes: int | None, dtype: str = "float32") -> Any:
    return tf.placeholder(getattr(tf, dtype), list(sizes) or INPUTS[rank])


CALLS: list[tuple[str, int, dict[str, Any]]] = [
    (name, rank, how)
    for name, rank in (
        ("conv1d", 1), ("conv2d", 2), ("conv3d", 3), ("conv2d_transpose", 2),
        ("conv3d_transpose", 3), ("separable_conv1d", 1), ("separable_conv2d", 2),
    )
    for how in (
        {}, {"padding": "same"}, {"padding": "SAME", "strides": 2}, {"strides": 3},
        {"use_bias": False, "name": "mine"}, {"data_format": "channels_first"},
        {"data_format": "channels_first", "padding": "same", "strides": 2},
    )
]  # fmt: skip


@program
def variables_and_shapes_of_convolutions(tf: Any) -> list[Any]:
    found: list[Any] = []
    for name, rank, how in CALLS:
        with tf.Graph().as_default():
            y = getattr(tf.layers, name)(inputs(tf, rank), 4, 3, **how)
            found.append([name, sorted(how), y.get_shape().as_list(), *variables(tf)])
    for name, rank in (("conv1d", 1), ("conv2d", 2), ("conv3d", 3), ("separable_conv2d", 2)):
        with tf.Graph().as_default():
            y = getattr(tf.layers, name)(inputs(tf, rank), 4, 2, dilation_rate=2)
            found.append([name, y.get_shape().as_list(), *variables(tf)])
    return found


@program
def layers_are_numbered_and_shared(tf: Any) -> list[Any]:
    x = inputs(tf, 2)
    for _ in range(2):
        tf.layers.conv2d(x, 4, 3)
        tf.layers.conv2d(x, 4, 3, name="own", reuse=tf.AUTO_REUSE)
        tf.layers.separable_conv2d(x, 4, 3)
    with tf.variable_scope("scope"):
        tf.layers.conv2d(x, 4, 3)
        tf.layers.conv2d_transpose(x, 4, 3, name="up")
        layer = tf.layers.Conv2D(5, (3, 2), strides=(2, 1))
        layer(x)
        layer(x)
    again = told(lambda: tf.layers.conv2d(x, 4, 3, name="own"))
    other = told(lambda: tf.layers.conv2d(x, 5, 3, name="own", reuse=True))
    shared = told(lambda: tf.layers.conv2d(x, 4, 3, name="own", reuse=True))
    return [variables(tf), again, other, shared, layer.count_params()]


@program
def collections_of_convolutions(tf: Any) -> list[Any]:
    x = inputs(tf, 2)
    half = tf.contrib.layers.l2_regularizer(0.5) if hasattr(tf, "contrib") else tf.nn.l2_loss
    tf.layers.conv2d(x, 4, 3, kernel_regularizer=half, bias_regularizer=half)
    tf.layers.conv2d(x, 4, 3, trainable=False, activity_regularizer=half)
    tf.layers.separable_conv2d(
        x, 4, 3, depthwise_regularizer=half, pointwise_regularizer=half, use_bias=False
    )
    tf.layers.batch_normalization(x, axis=1, fused=True, training=True)
    return [
        len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)),
        [v.op.name for v in tf.trainable_variables()],
        len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)),
    ]


@program
def outputs_that_a_layer_foretells(tf: Any) -> list[Any]:
    found: list[Any] = []
    layers = tf.layers
    for layer, rank in (
        (layers.Conv1D(4, 3, padding="causal"), 1), (layers.Conv2D(4, (3, 2), (2, 3)), 2),
        (layers.Conv2D(4, 3, 2, "same", "channels_first"), 2), (layers.Conv3D(4, 2), 3),
        (layers.Conv2DTranspose(4, (3, 2), (2, 3)), 2),
        (layers.Conv2DTranspose(4, 3, 2, "same", "channels_first"), 2),
        (layers.Conv3DTranspose(4, 2, 2), 3), (layers.SeparableConv1D(4, 3), 1),
        (layers.SeparableConv2D(4, 3, 2, "same", depth_multiplier=2), 2),
    ):  # fmt: skip
        foretold = layer.compute_output_shape(tf.TensorShape(INPUTS[rank])).as_list()
        found += [foretold, layer(inputs(tf, rank)).get_shape().as_list()]
    return found


@program
def what_is_refused_and_what_is_empty(tf: Any) -> list[Any]:
    layers, x = tf.layers, inputs(tf, 2)
    return [
        told(lambda: layers.conv2d(inputs(tf, 2, None, 9, 8, None), 4, 3)),
        told(lambda: layers.conv2d(inputs(tf, 2, None, 2, 8, 3), 4, 3)),
        told(lambda: layers.conv2d(inputs(tf, 2, 0, 9, 8, 3), 4, 3)),
        told(lambda: layers.conv2d(inputs(tf, 2, None, None, None, 3), 4, 3, 2, "same")),
        told(lambda: layers.conv2d(inputs(tf, 1), 4, 3)),
        told(lambda: layers.conv2d(inputs(tf, 2, dtype="float64"), 4, 3)),
        told(lambda: layers.conv2d(x, 4, (3, 3, 3))),
        told(lambda: layers.conv2d(x, 4, 0)),
        told(lambda: layers.conv2d(x, 4, 3, strides=0)),
        told(lambda: layers.conv2d(x, 4, 3, strides=-1)),
        told(lambda: layers.conv2d(x, 4, 3, strides=2, dilation_rate=2)),
        told(lambda: layers.conv2d(x, 4, 3, dilation_rate=0)),
        told(lambda: layers.conv2d(x, -1, 3)),
        told(lambda: layers.conv2d(x, 4, 3, padding="full")),
        told(lambda: layers.conv2d(x, 4, 3, padding="causal")),
        told(lambda: layers.conv2d(x, 4, 3, data_format="NHWC")),
        told(lambda: layers.conv1d(inputs(tf, 1), 4, 3, padding="causal")),
        told(lambda: layers.conv2d_transpose(inputs(tf, 2, None, None, 8, 3), 4, 3, 2)),
        told(lambda: layers.conv2d_transpose(x, 4, 3, padding="full")),
        told(lambda: layers.separable_conv2d(x, 4, 3, depth_multiplier=0)),
        told(lambda: layers.Conv2D(4, 3, groups=3)(inputs(tf, 2, None, 9, 8, 6))),
        told(lambda: layers.Conv2D(6, 3, groups=3)(inputs(tf, 2, None, 9, 8, 6))),
        told(lambda: layers.Conv2D(6, 3, groups=4)(inputs(tf, 2, None, 9, 8, 6))),
    ]


@program
def pooling_of_every_rank(tf: Any) -> list[Any]:
    found: list[Any] = []
    for kind in ("max", "average"):
        for rank in (1, 2, 3):
            pool = getattr(tf.layers, f"{kind}_pooling{rank}d")
            ways = ({}, {"padding": "same"}, {"data_format": "channels_first"}, {"name": "p"})
            found += [told(lambda p=pool, r=rank, h=h: p(inputs(tf, r), 2, 2, **h)) for h in ways]
            found.append(told(lambda p=pool, r=rank: p(inputs(tf, r), 20, 2)))
            found.append(told(lambda p=pool, r=rank: p(inputs(tf, r), 2, 0)))
    return found


@program
def locally_connected(tf: Any) -> list[Any]:
    layers = tf.keras.layers
    found: list[Any] = []
    for layer, rank in (
        (layers.LocallyConnected1D(4, 3), 1), (layers.LocallyConnected1D(4, 3, 2), 1),
        (layers.LocallyConnected2D(4, (3, 2)), 2),
        (layers.LocallyConnected2D(4, 3, (2, 3), data_format="channels_first"), 2),
        (layers.LocallyConnected2D(2, 3, use_bias=False, name="mine"), 2),
    ):  # fmt: skip
        y = layer(inputs(tf, rank, 2, *INPUTS[rank][1:]))
        found.append([y.get_shape().as_list(), [v.get_shape().as_list() for v in layer.weights]])
    found.append(told(lambda: layers.LocallyConnected1D(4, 3)(inputs(tf, 1, None, None, 3))))
    return found


def found_by(tf: Any) -> dict[str, list[Any]]:
    found = {}
    for title, run in PROGRAMS.items():
        with tf.Graph().as_default():
            found[title] = run(tf)
    return found


if __name__ == "__main__":
    import tensorflow.compat.v1 as tf

    tf.disable_eager_execution()
    tf.disable_resource_variables()
    tf.logging.set_verbosity(tf.logging.ERROR)
    RECORDED.write_text(json.dumps(found_by(tf), indent=1) + "\n")
