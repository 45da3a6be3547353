"""``slim.nets.vgg``: the networks of Simonyan and Zisserman (2014)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from frontends.tf.contrib.arg_scope import arg_scope
from frontends.tf.contrib.layers.connected import fully_connected, repeat
from frontends.tf.contrib.layers.convolved import conv2d
from frontends.tf.contrib.layers.outputs import convert_collection_to_dict
from frontends.tf.contrib.layers.plain import dropout
from frontends.tf.contrib.layers.pooled import max_pool2d
from frontends.tf.contrib.layers.shared import RELU, ZEROS
from frontends.tf.functions.arrays import squeeze
from frontends.tf.variables.regularizers import l2_regularizer
from frontends.tf.variables.scopes import variable_scope
from graphc.ir.graph import Tensor

_WIDTHS = (64, 128, 256, 512, 512)


def vgg_arg_scope(weight_decay: float = 0.0005) -> dict:
    """The arguments that the networks were trained with."""
    decay = l2_regularizer(weight_decay)
    both = [conv2d, fully_connected]
    with (
        arg_scope(both, activation_fn=RELU, weights_regularizer=decay, biases_initializer=ZEROS),
        arg_scope([conv2d], padding="SAME") as scope,
    ):
        return scope


def _network(name: str, depths: tuple[int, ...]) -> Callable[..., Any]:
    """``depths`` convolutions of three by three in each of five rounds, then three wide layers."""

    def apply(
        inputs: Any, num_classes: int = 1000, is_training: Any = True,
        dropout_keep_prob: float = 0.5, spatial_squeeze: bool = True, scope: str = name,
    ) -> tuple[Tensor, OrderedDict[str, Tensor]]:  # fmt: skip
        with variable_scope(scope, name, [inputs]) as outer:
            points = f"{outer.original_name_scope}_end_points"
            watched = [conv2d, fully_connected, max_pool2d]
            with arg_scope(watched, outputs_collections=points):
                net = inputs
                for k, (depth, width) in enumerate(zip(depths, _WIDTHS, strict=True), 1):
                    net = repeat(net, depth, conv2d, width, [3, 3], scope=f"conv{k}")
                    net = max_pool2d(net, [2, 2], scope=f"pool{k}")
                net = conv2d(net, 4096, [7, 7], padding="VALID", scope="fc6")
                net = dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout6")
                net = conv2d(net, 4096, [1, 1], scope="fc7")
                net = dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout7")
                net = conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None,
                             scope="fc8")  # fmt: skip
            found = convert_collection_to_dict(points)
            if spatial_squeeze:
                net = squeeze(net, [1, 2], name="fc8/squeezed")
                found[f"{outer.name}/fc8"] = net
            return net, found

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"""({name} of pictures [n, 224, 224, 3], its layers' outputs by name).

    >>> with slim.arg_scope(vgg.vgg_arg_scope()):
    ...     logits, end_points = vgg.{name}(images)
    """
    apply.default_image_size = 224  # type: ignore[attr-defined]
    return apply


vgg_a = _network("vgg_a", (1, 1, 2, 2, 2))
vgg_16 = _network("vgg_16", (2, 2, 3, 3, 3))
vgg_19 = _network("vgg_19", (2, 2, 4, 4, 4))
