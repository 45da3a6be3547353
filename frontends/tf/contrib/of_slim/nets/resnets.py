"""Residual networks (He et al., 2015) and those that normalise before each unit (2016).

The first kind is ``slim.nets.resnet_v1``, the second ``slim.nets.resnet_v2``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.contrib.arg_scope import add_arg_scope, arg_scope
from frontends.tf.contrib.layers.convolved import conv2d
from frontends.tf.contrib.layers.normalized import batch_norm
from frontends.tf.contrib.layers.outputs import (
    collect_named_outputs,
    convert_collection_to_dict,
    last_dimension,
)
from frontends.tf.contrib.layers.plain import softmax
from frontends.tf.contrib.layers.pooled import max_pool2d
from frontends.tf.contrib.layers.shared import RELU
from frontends.tf.contrib.of_slim.nets.resnet_utils import (
    Block,
    conv2d_same,
    stack_blocks_dense,
    subsample,
)
from frontends.tf.functions.math import reduce_mean
from frontends.tf.graph.tensor import convert
from frontends.tf.variables.scopes import variable_scope
from graphc.ir.graph import Tensor

_DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)}
_WIDTHS = (64, 128, 256, 512)


def _bottleneck(version: int) -> Callable[..., Tensor]:
    title, before = f"bottleneck_v{version}", version == 2
    plain: dict[str, Any] = {"activation_fn": None}
    if before:
        plain["normalizer_fn"] = None

    def bottleneck(
        inputs: Any, depth: int, depth_bottleneck: int, stride: int, rate: int = 1,
        outputs_collections: Any = None, scope: str | None = None,
    ) -> Tensor:  # fmt: skip
        """Three convolutions beside a shortcut."""
        with variable_scope(scope, title, [inputs]) as outer:
            x = convert(inputs)
            seen = batch_norm(x, activation_fn=RELU, scope="preact") if before else x
            if depth == last_dimension(x.type.shape, min_rank=4):
                shortcut = subsample(x, stride, "shortcut")
            else:
                shortcut = conv2d(seen, depth, [1, 1], stride=stride, scope="shortcut", **plain)
            net = conv2d(seen, depth_bottleneck, [1, 1], stride=1, scope="conv1")
            net = conv2d_same(net, depth_bottleneck, 3, stride, rate=rate, scope="conv2")
            net = conv2d(net, depth, [1, 1], stride=1, scope="conv3", **plain)
            total = shortcut + net
            output = total if before else RELU(total)
            return collect_named_outputs(outputs_collections, outer.name, output)

    bottleneck.__qualname__ = title
    return add_arg_scope(bottleneck)


def _made(version: int, bottleneck: Callable[..., Tensor]) -> Callable[..., Any]:
    title, before = f"resnet_v{version}", version == 2

    def network(
        inputs: Any, blocks: Sequence[Block], num_classes: int | None = None,
        is_training: Any = True, global_pool: bool = True, output_stride: int | None = None,
        include_root_block: bool = True, reuse: Any = None, scope: str | None = None,
    ) -> tuple[Tensor, OrderedDict[str, Tensor]]:  # fmt: skip
        """(the network of ``blocks``, its blocks' outputs by name).

        With ``num_classes`` it ends in logits [n, 1, 1, num_classes] and the end point
        ``predictions``; ``output_stride`` (a multiple of 4) keeps the features larger.
        """
        with variable_scope(scope, title, [inputs], reuse=reuse) as outer:
            points = f"{outer.original_name_scope}_end_points"
            watched = [conv2d, bottleneck, stack_blocks_dense]
            with (
                arg_scope(watched, outputs_collections=points),
                arg_scope([batch_norm], is_training=is_training),
            ):
                net = convert(inputs)
                if include_root_block:
                    if output_stride is not None and output_stride % 4:
                        raise ValueError(f"output_stride divides by 4, got {output_stride}")
                    output_stride = output_stride and output_stride // 4
                    net = _root(net, before)
                net = stack_blocks_dense(net, blocks, output_stride)
                if before:
                    net = batch_norm(net, activation_fn=RELU, scope="postnorm")
                if global_pool:
                    net = reduce_mean(net, [1, 2], name="pool5", keepdims=True)
                if num_classes is not None:
                    net = conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None,
                                 scope="logits")  # fmt: skip
                found = convert_collection_to_dict(points)
                if num_classes is not None:
                    found["predictions"] = softmax(net, scope="predictions")
                return net, found

    network.__name__ = network.__qualname__ = title
    return network


def _root(net: Tensor, plain: bool) -> Tensor:
    """The first convolution and pooling, to a quarter of the size."""
    how = {"activation_fn": None, "normalizer_fn": None} if plain else {}
    with arg_scope([conv2d], **how):
        net = conv2d_same(net, 64, 7, stride=2, scope="conv1")
    return max_pool2d(net, [3, 3], stride=2, scope="pool1")


def _block(unit: Callable[..., Tensor]) -> Callable[..., Block]:
    def block(scope: str, base_depth: int, num_units: int, stride: int) -> Block:
        """``num_units`` units of ``4 * base_depth`` channels; the last one takes the steps."""
        one = {"depth": 4 * base_depth, "depth_bottleneck": base_depth, "stride": 1}
        return Block(scope, unit, [one] * (num_units - 1) + [{**one, "stride": stride}])

    return block


def _of_depth(version: int, depth: int) -> Callable[..., Any]:
    title = f"resnet_v{version}_{depth}"
    network, block = (resnet_v1, resnet_v1_block) if version == 1 else (resnet_v2, resnet_v2_block)

    def apply(
        inputs: Any, num_classes: int | None = None, is_training: Any = True,
        global_pool: bool = True, output_stride: int | None = None, reuse: Any = None,
        scope: str = title,
    ) -> tuple[Tensor, OrderedDict[str, Tensor]]:  # fmt: skip
        units = zip(_WIDTHS, _DEPTHS[depth], (2, 2, 2, 1), strict=True)
        blocks = [block(f"block{k}", *unit) for k, unit in enumerate(units, 1)]
        return network(inputs, blocks, num_classes, is_training, global_pool, output_stride,
                       include_root_block=True, reuse=reuse, scope=scope)  # fmt: skip

    apply.__name__ = apply.__qualname__ = title
    apply.__doc__ = f"""({title} of pictures, its blocks' outputs by name).

    >>> with slim.arg_scope(resnet_v{version}.resnet_arg_scope()):
    ...     logits, end_points = resnet_v{version}.{title}(images, 1000)
    """
    apply.default_image_size = 224  # type: ignore[attr-defined]
    return apply


bottleneck_v1, bottleneck_v2 = _bottleneck(1), _bottleneck(2)
resnet_v1, resnet_v2 = _made(1, bottleneck_v1), _made(2, bottleneck_v2)
resnet_v1_block, resnet_v2_block = _block(bottleneck_v1), _block(bottleneck_v2)
resnet_v1_50, resnet_v1_101, resnet_v1_152, resnet_v1_200 = (_of_depth(1, n) for n in _DEPTHS)
resnet_v2_50, resnet_v2_101, resnet_v2_152, resnet_v2_200 = (_of_depth(2, n) for n in _DEPTHS)
