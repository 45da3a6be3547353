"""``slim.nets.resnet_utils``: what the residual networks are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from frontends.tf.contrib.arg_scope import add_arg_scope, arg_scope
from frontends.tf.contrib.initializers import variance_scaling_initializer
from frontends.tf.contrib.layers.convolved import conv2d
from frontends.tf.contrib.layers.normalized import batch_norm
from frontends.tf.contrib.layers.outputs import collect_named_outputs
from frontends.tf.contrib.layers.pooled import max_pool2d
from frontends.tf.contrib.layers.shared import RELU
from frontends.tf.functions.moving import pad
from frontends.tf.graph.building import GraphKeys
from frontends.tf.variables.regularizers import l2_regularizer
from frontends.tf.variables.scopes import variable_scope
from graphc.ir.graph import Tensor


class Block(NamedTuple):
    """Units one on the other: ``unit_fn`` with each of ``args``, in a scope."""

    scope: str
    unit_fn: Callable[..., Tensor]
    args: Sequence[dict[str, int]]


def subsample(inputs: Any, factor: int, scope: str | None = None) -> Tensor:
    """Every ``factor``-th row and column."""
    return inputs if factor == 1 else max_pool2d(inputs, [1, 1], stride=factor, scope=scope)


def conv2d_same(
    inputs: Any, num_outputs: int, kernel_size: int, stride: int, rate: int = 1,
    scope: str | None = None,
) -> Tensor:  # fmt: skip
    """A convolution whose zeros around do not depend on the size of the inputs, as "SAME" has them
    for a stride of 1."""
    if stride == 1:
        return conv2d(inputs, num_outputs, kernel_size, stride=1, rate=rate, padding="SAME",
                      scope=scope)  # fmt: skip
    total = (kernel_size - 1) * rate
    before = total // 2
    sides = [before, total - before]
    wide = pad(inputs, [[0, 0], sides, sides, [0, 0]])
    return conv2d(wide, num_outputs, kernel_size, stride=stride, rate=rate, padding="VALID",
                  scope=scope)  # fmt: skip


@add_arg_scope
def stack_blocks_dense(
    net: Any, blocks: Sequence[Block], output_stride: int | None = None,
    outputs_collections: Any = None,
) -> Tensor:  # fmt: skip
    """Blocks one on the other.  ``output_stride`` bounds how much smaller the result is: units
    after that take windows with gaps instead of steps."""
    stride = rate = 1
    for block in blocks:
        with variable_scope(block.scope, "block", [net]) as outer:
            for k, unit in enumerate(block.args):
                if output_stride is not None and stride > output_stride:
                    break
                step = unit.get("stride", 1)
                with variable_scope(f"unit_{k + 1}", values=[net]):
                    if stride == output_stride:
                        net = block.unit_fn(net, rate=rate, **{**unit, "stride": 1})
                        rate *= step
                    else:
                        net = block.unit_fn(net, rate=1, **unit)
                        stride *= step
            net = collect_named_outputs(outputs_collections, outer.name, net)
    if output_stride is not None and stride != output_stride:
        raise ValueError(f"the blocks' strides do not make an output_stride of {output_stride}")
    return net


def resnet_arg_scope(
    weight_decay: float = 0.0001, batch_norm_decay: float = 0.997,
    batch_norm_epsilon: float = 1e-5, batch_norm_scale: bool = True,
) -> dict:  # fmt: skip
    """The arguments that the networks were trained with."""
    norm = {
        "decay": batch_norm_decay, "epsilon": batch_norm_epsilon, "scale": batch_norm_scale,
        "updates_collections": GraphKeys.UPDATE_OPS, "fused": None,
    }  # fmt: skip
    how = {
        "weights_regularizer": l2_regularizer(weight_decay),
        "weights_initializer": variance_scaling_initializer(), "activation_fn": RELU,
        "normalizer_fn": batch_norm, "normalizer_params": norm,
    }  # fmt: skip
    with (
        arg_scope([conv2d], **how),
        arg_scope([batch_norm], **norm),
        arg_scope([max_pool2d], padding="SAME") as scope,
    ):
        return scope
