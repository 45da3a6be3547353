"""``slim.nets.inception_v3``: the third network of Inception modules (Szegedy et al., 2015)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from frontends.tf.contrib.arg_scope import arg_scope
from frontends.tf.contrib.initializers import variance_scaling_initializer
from frontends.tf.contrib.layers.connected import fully_connected
from frontends.tf.contrib.layers.convolved import conv2d
from frontends.tf.contrib.layers.normalized import batch_norm
from frontends.tf.contrib.layers.plain import dropout, softmax
from frontends.tf.contrib.layers.pooled import avg_pool2d, max_pool2d
from frontends.tf.contrib.layers.shared import RELU
from frontends.tf.functions.arrays import concat, squeeze
from frontends.tf.graph.building import GraphKeys
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import convert
from frontends.tf.variables.initializers import TruncatedNormal
from frontends.tf.variables.regularizers import l2_regularizer
from frontends.tf.variables.scopes import variable_scope
from graphc.ir.graph import Tensor

Points = OrderedDict[str, Tensor]
# A step is "scope width rows columns", with " /2" where it takes steps of two inside the inputs; a
# step of no width is a pool.  Steps of one place beside each other are in brackets.
_STEM = (
    "Conv2d_1a_3x3 32 3 3 /2", "Conv2d_2a_3x3 32 3 3 inside", "Conv2d_2b_3x3 64 3 3",
    "MaxPool_3a_3x3 0 3 3 /2", "Conv2d_3b_1x1 80 1 1 inside", "Conv2d_4a_3x3 192 3 3 inside",
    "MaxPool_5a_3x3 0 3 3 /2",
)  # fmt: skip
Branch = tuple[Any, ...]


def _five(pooled: int, second: tuple[str, str]) -> tuple[Branch, ...]:
    return (
        ("Conv2d_0a_1x1 64 1 1",),
        (f"{second[0]} 48 1 1", f"{second[1]} 64 5 5"),
        ("Conv2d_0a_1x1 64 1 1", "Conv2d_0b_3x3 96 3 3", "Conv2d_0c_3x3 96 3 3"),
        ("AvgPool_0a_3x3 0 3 3", f"Conv2d_0b_1x1 {pooled} 1 1"),
    )


def _six(width: int) -> tuple[Branch, ...]:
    return (
        ("Conv2d_0a_1x1 192 1 1",),
        (f"Conv2d_0a_1x1 {width} 1 1", f"Conv2d_0b_1x7 {width} 1 7", "Conv2d_0c_7x1 192 7 1"),
        (f"Conv2d_0a_1x1 {width} 1 1", f"Conv2d_0b_7x1 {width} 7 1",
         f"Conv2d_0c_1x7 {width} 1 7", f"Conv2d_0d_7x1 {width} 7 1", "Conv2d_0e_1x7 192 1 7"),
        ("AvgPool_0a_3x3 0 3 3", "Conv2d_0b_1x1 192 1 1"),
    )  # fmt: skip


def _seven(last: str) -> tuple[Branch, ...]:
    return (
        ("Conv2d_0a_1x1 320 1 1",),
        ("Conv2d_0a_1x1 384 1 1", ["Conv2d_0b_1x3 384 1 3", f"{last} 384 3 1"]),
        ("Conv2d_0a_1x1 448 1 1", "Conv2d_0b_3x3 384 3 3",
         ["Conv2d_0c_1x3 384 1 3", "Conv2d_0d_3x1 384 3 1"]),
        ("AvgPool_0a_3x3 0 3 3", "Conv2d_0b_1x1 192 1 1"),
    )  # fmt: skip


_MODULES: dict[str, tuple[Branch, ...]] = {
    "Mixed_5b": _five(32, ("Conv2d_0a_1x1", "Conv2d_0b_5x5")),
    "Mixed_5c": _five(64, ("Conv2d_0b_1x1", "Conv_1_0c_5x5")),
    "Mixed_5d": _five(64, ("Conv2d_0a_1x1", "Conv2d_0b_5x5")),
    "Mixed_6a": (
        ("Conv2d_1a_1x1 384 3 3 /2",),
        ("Conv2d_0a_1x1 64 1 1", "Conv2d_0b_3x3 96 3 3", "Conv2d_1a_1x1 96 3 3 /2"),
        ("MaxPool_1a_3x3 0 3 3 /2",),
    ),
    "Mixed_6b": _six(128), "Mixed_6c": _six(160), "Mixed_6d": _six(160), "Mixed_6e": _six(192),
    "Mixed_7a": (
        ("Conv2d_0a_1x1 192 1 1", "Conv2d_1a_3x3 320 3 3 /2"),
        ("Conv2d_0a_1x1 192 1 1", "Conv2d_0b_1x7 192 1 7", "Conv2d_0c_7x1 192 7 1",
         "Conv2d_1a_3x3 192 3 3 /2"),
        ("MaxPool_1a_3x3 0 3 3 /2",),
    ),
    "Mixed_7b": _seven("Conv2d_0b_3x1"), "Mixed_7c": _seven("Conv2d_0c_3x1"),
}  # fmt: skip


def inception_v3_arg_scope(
    weight_decay: float = 0.00004, batch_norm_var_collection: str = "moving_vars",
    batch_norm_decay: float = 0.9997, batch_norm_epsilon: float = 0.001,
    updates_collections: Any = GraphKeys.UPDATE_OPS, use_fused_batchnorm: bool = True,
) -> dict:  # fmt: skip
    """The arguments that the network was trained with."""
    kept = {"moving_mean": [batch_norm_var_collection],
            "moving_variance": [batch_norm_var_collection]}  # fmt: skip
    norm = {
        "decay": batch_norm_decay, "epsilon": batch_norm_epsilon,
        "updates_collections": updates_collections, "fused": use_fused_batchnorm,
        "variables_collections": {"beta": None, "gamma": None, **kept},
    }  # fmt: skip
    decay = l2_regularizer(weight_decay)
    with (
        arg_scope([conv2d, fully_connected], weights_regularizer=decay),
        arg_scope(
            [conv2d], weights_initializer=variance_scaling_initializer(), activation_fn=RELU,
            normalizer_fn=batch_norm, normalizer_params=norm,
        ) as scope,
    ):  # fmt: skip
        return scope


def _step(net: Any, said: str, width_of: Callable[[int], int]) -> Tensor:
    scope, width, rows, columns, *how = said.split()
    window = [int(rows), int(columns)]
    stride, padding = (2 if how == ["/2"] else 1), "VALID" if how else "SAME"
    if int(width):
        return conv2d(net, width_of(int(width)), window, stride=stride, padding=padding,
                      scope=scope)  # fmt: skip
    pool = max_pool2d if scope.startswith("Max") else avg_pool2d
    return pool(net, window, stride=stride, padding=padding, scope=scope)


def _branch(net: Any, steps: Sequence[Any], width_of: Callable[[int], int]) -> Tensor:
    for step in steps:
        if isinstance(step, list):
            net = concat([_step(net, one, width_of) for one in step], 3)
        else:
            net = _step(net, step, width_of)
    return net


def inception_v3_base(
    inputs: Any, final_endpoint: str = "Mixed_7c", min_depth: int = 16,
    depth_multiplier: float = 1.0, scope: Any = None,
) -> tuple[Tensor, Points]:  # fmt: skip
    """(the features of pictures up to ``final_endpoint``, all end points by name).

    ``depth_multiplier`` scales the number of channels of every layer, down to ``min_depth``.
    """
    if depth_multiplier <= 0:
        raise ValueError(f"depth_multiplier is above 0, got {depth_multiplier}")
    points: Points = OrderedDict()

    def width_of(width: int) -> int:
        return max(int(width * depth_multiplier), min_depth)

    with variable_scope(scope, "InceptionV3", [inputs]):
        net = convert(inputs)
        for said in _STEM:
            net = points[said.split()[0]] = _step(net, said, width_of)
            if said.split()[0] == final_endpoint:
                return net, points
        for name, branches in _MODULES.items():
            with variable_scope(name):
                parts = []
                for k, steps in enumerate(branches):
                    with variable_scope(f"Branch_{k}"):
                        parts.append(_branch(net, steps, width_of))
                net = points[name] = concat(parts, 3)
            if name == final_endpoint:
                return net, points
    raise ValueError(f"there is no end point {final_endpoint!r}; there are {', '.join(points)}")


def inception_v3(
    inputs: Any, num_classes: int = 1000, is_training: Any = True, dropout_keep_prob: float = 0.8,
    min_depth: int = 16, depth_multiplier: float = 1.0,
    prediction_fn: Callable[..., Tensor] = softmax, spatial_squeeze: bool = True,
    reuse: Any = None, scope: str = "InceptionV3",
) -> tuple[Tensor, Points]:  # fmt: skip
    """(logits of pictures [n, 299, 299, 3], the end points by name: ``Predictions``, and
    ``AuxLogits`` of the classes from half way).

    >>> with slim.arg_scope(inception_v3_arg_scope()):
    ...     logits, end_points = inception_v3(images, num_classes=1001)
    """
    with (
        variable_scope(scope, "InceptionV3", [inputs, num_classes], reuse=reuse) as outer,
        arg_scope([batch_norm, dropout], is_training=is_training),
    ):
        net, points = inception_v3_base(
            inputs, min_depth=min_depth, depth_multiplier=depth_multiplier, scope=outer
        )
        classify = partial(conv2d, activation_fn=None, normalizer_fn=None)
        with variable_scope("AuxLogits"):
            aux = avg_pool2d(points["Mixed_6e"], [5, 5], stride=3, scope="AvgPool_1a_5x5")
            aux = conv2d(aux, max(int(128 * depth_multiplier), min_depth), [1, 1],
                         scope="Conv2d_1b_1x1")  # fmt: skip
            aux = conv2d(
                aux, max(int(768 * depth_multiplier), min_depth), _window(aux, 5),
                weights_initializer=TruncatedNormal(0.0, 0.01), padding="VALID",
                scope="Conv2d_2a_5x5",
            )  # fmt: skip
            aux = classify(aux, num_classes, [1, 1], scope="Conv2d_2b_1x1",
                           weights_initializer=TruncatedNormal(0.0, 0.001))  # fmt: skip
            points["AuxLogits"] = _flat(aux, spatial_squeeze)
        with variable_scope("Logits"):
            net = avg_pool2d(net, _window(net, 8), stride=1, scope="AvgPool_1a_8x8")
            net = dropout(net, dropout_keep_prob, scope="Dropout_1b")
            points["PreLogits"] = net
            logits = _flat(classify(net, num_classes, [1, 1], scope="Conv2d_1c_1x1"),
                           spatial_squeeze)  # fmt: skip
        points["Logits"] = logits
        points["Predictions"] = prediction_fn(logits, scope="Predictions")
        return logits, points


inception_v3.default_image_size = 299  # type: ignore[attr-defined]


def _flat(x: Tensor, squeezed: bool) -> Tensor:
    return squeeze(x, [1, 2], name="SpatialSqueeze") if squeezed else x


def _window(x: Tensor, most: int) -> list[int]:
    """A window of ``most``, or of smaller features as a whole."""
    sizes = TensorShape(x.type.shape).as_list()[1:3]
    return [most if size is None else min(size, most) for size in sizes]
