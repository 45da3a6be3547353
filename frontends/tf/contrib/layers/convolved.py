"""Convolutions of contrib: windows as layers with relu, biases or a normaliser, and a scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from frontends.tf.contrib.arg_scope import add_arg_scope
from frontends.tf.contrib.initializers import xavier_initializer
from frontends.tf.contrib.layers.shared import RELU, ZEROS, finished, layer_variable
from frontends.tf.functions import convolution as windows
from frontends.tf.functions.moving import tile
from frontends.tf.functions.windows import FORMATS, Layout
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import convert, known_rank, whole_number
from frontends.tf.layers.sliding import numbers
from frontends.tf.layers.transposed import reached
from frontends.tf.variables.scopes import variable_scope
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.graph import Tensor
from graphc.ir.source import here


@add_arg_scope
def convolution(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME",
    data_format: str | None = None, rate: Any = 1, activation_fn: Callable | None = RELU,
    normalizer_fn: Callable | None = None, normalizer_params: dict | None = None,
    weights_initializer: Any = None, weights_regularizer: Callable | None = None,
    biases_initializer: Any = ZEROS, biases_regularizer: Callable | None = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    scope: Any = None, conv_dims: int | None = None,
) -> Tensor:  # fmt: skip
    """``activation(convolution(inputs, weights) + biases)`` over as many axes as the inputs have;
    relu and "SAME" unless said otherwise.

    inputs: floating [batch, *sizes, channels], the channels known -> ``num_outputs`` channels.
    With ``normalizer_fn`` that takes the place of the biases.  The variables are ``weights``
    [*kernel_size, channels, num_outputs] and ``biases`` in ``scope`` (default: ``Conv``).

    >>> net = tf.contrib.layers.conv2d(x, 32, [5, 5], scope="conv1")
    """
    x = convert(inputs)
    axes = _axes(x, "convolution", (1, 2, 3), conv_dims)
    format = _format(data_format, axes)
    with variable_scope(scope, "Conv", [x], reuse=reuse):
        shape = [*_window(kernel_size, axes), _channels(x, format, "convolution"),
                 whole_number(num_outputs, "num_outputs")]  # fmt: skip
        weights = layer_variable(
            "weights", shape, x.dtype, variables_collections,
            initializer=weights_initializer or xavier_initializer(),
            regularizer=weights_regularizer, trainable=trainable,
        )  # fmt: skip
        steps, rates = numbers(stride, axes, "stride"), numbers(rate, axes, "rate")
        if max(steps) > 1 and max(rates) > 1:
            raise AttributeValueError(
                f"a stride of {steps} and a rate of {rates} cannot both be more than 1", site=here()
            )
        slide = (windows.conv1d, windows.conv2d, windows.conv3d)[axes - 1]
        y = slide(x, weights, steps, padding, data_format=format, dilations=rates)
        return finished(
            y, num_outputs, format, activation_fn, normalizer_fn, normalizer_params,
            biases_initializer, biases_regularizer, variables_collections, outputs_collections,
            trainable,
        )  # fmt: skip


def _of_rank(axes: int) -> Callable[..., Tensor]:
    """:func:`convolution` of inputs with so many axes that windows slide along."""
    general = signature(convolution)
    own = [p for p in general.parameters.values() if p.name != "conv_dims"]

    def apply(*args: Any, **kwargs: Any) -> Tensor:
        return convolution(*args, **kwargs, conv_dims=axes)

    apply.__name__ = apply.__qualname__ = f"convolution{axes}d"
    apply.__signature__ = general.replace(parameters=own)  # type: ignore[attr-defined]
    apply.__doc__ = f":func:`convolution` over {axes} ax{'is' if axes == 1 else 'es'}."
    return add_arg_scope(apply)


convolution1d = conv1d = _of_rank(1)
convolution2d = conv2d = _of_rank(2)
convolution3d = conv3d = _of_rank(3)


def _transposed(axes: int) -> Callable[..., Tensor]:
    what, last = f"convolution{axes}d_transpose", FORMATS[axes][0]
    back = windows.conv2d_transpose if axes == 2 else windows.conv3d_transpose

    def apply(
        inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME",
        data_format: str = last, activation_fn: Callable | None = RELU,
        normalizer_fn: Callable | None = None, normalizer_params: dict | None = None,
        weights_initializer: Any = None, weights_regularizer: Callable | None = None,
        biases_initializer: Any = ZEROS, biases_regularizer: Callable | None = None,
        reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None,
        trainable: bool = True, scope: Any = None,
    ) -> Tensor:  # fmt: skip
        x = convert(inputs)
        _axes(x, what, (axes,))
        format = _format(data_format, axes)
        with variable_scope(scope, f"Conv{axes}d_transpose", [x], reuse=reuse):
            window, steps = _window(kernel_size, axes), numbers(stride, axes, "stride")
            weights = layer_variable(
                "weights", [*window, num_outputs, _channels(x, format, what)], x.dtype,
                variables_collections, initializer=weights_initializer or xavier_initializer(),
                regularizer=weights_regularizer, trainable=trainable,
            )  # fmt: skip
            batch, sizes, _ = Layout.of(what, axes, format).split(x.type.dims)
            inner = reached(sizes, window, steps, padding.upper() == "SAME")
            first = format.startswith("NC")
            shape = [batch, num_outputs, *inner] if first else [batch, *inner, num_outputs]
            y = back(x, weights, TensorShape(shape), steps, padding, format)
            return finished(
                y, num_outputs, format, activation_fn, normalizer_fn, normalizer_params,
                biases_initializer, biases_regularizer, variables_collections, outputs_collections,
                trainable,
            )  # fmt: skip

    apply.__name__ = apply.__qualname__ = what
    apply.__doc__ = f"""A transposed convolution: ``size * stride`` or all that windows reach.

    inputs: floating {"pictures" if axes == 2 else "volumes"}, the channels known -> larger ones
    with ``num_outputs`` channels.  The variables are ``weights`` [*kernel_size, num_outputs,
    channels] and ``biases`` in ``scope`` (default: ``Conv{axes}d_transpose``).

    >>> net = tf.contrib.layers.conv{axes}d_transpose(net, 16, 3, stride=2)
    """
    return add_arg_scope(apply)


convolution2d_transpose = conv2d_transpose = _transposed(2)
convolution3d_transpose = conv3d_transpose = _transposed(3)


@add_arg_scope
def convolution2d_in_plane(
    inputs: Any, kernel_size: Any, stride: Any = 1, padding: str = "SAME",
    activation_fn: Callable | None = RELU, normalizer_fn: Callable | None = None,
    normalizer_params: dict | None = None, weights_initializer: Any = None,
    weights_regularizer: Callable | None = None, biases_initializer: Any = ZEROS,
    biases_regularizer: Callable | None = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    scope: Any = None,
) -> Tensor:  # fmt: skip
    """Every channel convolved with the same filter: gradients of pictures, blurring.

    The variables are ``weights`` [*kernel_size, 1, 1] and ``biases`` [channels] in ``scope``
    (default: ``ConvInPlane``).
    """
    x = convert(inputs)
    _axes(x, "convolution2d_in_plane", (2,))
    with variable_scope(scope, "ConvInPlane", [x], reuse=reuse):
        channels = _channels(x, "NHWC", "convolution2d_in_plane")
        weights = layer_variable(
            "weights", [*_window(kernel_size, 2), 1, 1], x.dtype, variables_collections,
            initializer=weights_initializer or xavier_initializer(),
            regularizer=weights_regularizer, trainable=trainable,
        )  # fmt: skip
        each = tile(weights, [1, 1, channels, 1])
        steps = numbers(stride, 2, "stride")
        y = windows.depthwise_conv2d(x, each, [1, *steps, 1], padding)
        return finished(
            y, channels, "NHWC", activation_fn, normalizer_fn, normalizer_params,
            biases_initializer, biases_regularizer, variables_collections, outputs_collections,
            trainable,
        )  # fmt: skip


conv2d_in_plane = convolution2d_in_plane


@add_arg_scope
def separable_convolution2d(
    inputs: Any, num_outputs: int | None, kernel_size: Any, depth_multiplier: int = 1,
    stride: Any = 1, padding: str = "SAME", data_format: str = "NHWC", rate: Any = 1,
    activation_fn: Callable | None = RELU, normalizer_fn: Callable | None = None,
    normalizer_params: dict | None = None, weights_initializer: Any = None,
    pointwise_initializer: Any = None, weights_regularizer: Callable | None = None,
    biases_initializer: Any = ZEROS, biases_regularizer: Callable | None = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    scope: Any = None,
) -> Tensor:  # fmt: skip
    """Each channel convolved with ``depth_multiplier`` filters of its own, then all mixed; without
    ``num_outputs`` they are not mixed.

    The variables are ``depthwise_weights``, ``pointwise_weights`` and ``biases`` in ``scope``
    (default: ``SeparableConv2d``).
    """
    x, what = convert(inputs), "separable_convolution2d"
    _axes(x, what, (2,))
    format = _format(data_format, 2)
    channels = _channels(x, format, what)
    with variable_scope(scope, "SeparableConv2d", [x], reuse=reuse):
        first = weights_initializer or xavier_initializer()

        def weights(name: str, shape: Sequence[int], initializer: Any) -> Any:
            return layer_variable(
                name, list(shape), x.dtype, variables_collections, "weights",
                initializer=initializer, regularizer=weights_regularizer, trainable=trainable,
            )  # fmt: skip

        deep = channels * whole_number(depth_multiplier, "depth_multiplier")
        window = (*_window(kernel_size, 2), channels, depth_multiplier)
        own = weights("depthwise_weights", window, first)
        steps = numbers(stride, 2, "stride")
        strides = [1, 1, *steps] if format == "NCHW" else [1, *steps, 1]
        how = (strides, padding, numbers(rate, 2, "rate"))
        if num_outputs is None:
            y = windows.depthwise_conv2d(x, own, *how, data_format=format)
        else:
            mixing = weights("pointwise_weights", (1, 1, deep, num_outputs),
                             pointwise_initializer or first)  # fmt: skip
            y = windows.separable_conv2d(x, own, mixing, *how, data_format=format)
        return finished(
            y, deep if num_outputs is None else num_outputs, format, activation_fn, normalizer_fn,
            normalizer_params, biases_initializer, biases_regularizer, variables_collections,
            outputs_collections, trainable,
        )  # fmt: skip


separable_conv2d = separable_convolution2d


def _axes(x: Tensor, what: str, allowed: Sequence[int], wanted: int | None = None) -> int:
    """How many axes windows slide along."""
    axes = known_rank(x, what) - 2
    if axes not in allowed or wanted not in (None, axes):
        ranks = [a + 2 for a in (allowed if wanted is None else [wanted])]
        raise ShapeError(
            f"{what} needs inputs of {' or '.join(map(str, ranks))} axes, got {x.type}",
            rows=[("inputs", str(x.type), f"from {x.node.name}")], site=here(),
        )  # fmt: skip
    return axes


def _format(data_format: str | None, axes: int) -> str:
    last, first = FORMATS[axes]
    found = data_format or last
    if found not in (last, first):
        raise AttributeValueError(
            f"data_format must be {last} or {first}, got {data_format!r}", site=here()
        )
    return found


def _window(kernel_size: Any, axes: int) -> tuple[int, ...]:
    return numbers(kernel_size, axes, "kernel_size")


def _channels(x: Tensor, format: str, what: str) -> int:
    axis = 1 if format.startswith("NC") else -1
    channels = TensorShape(x.type.shape).as_list()[axis]
    if channels is None:
        raise ShapeError(
            f"{what} needs to know the channels of its inputs (axis {axis})",
            rows=[("inputs", str(x.type), f"from {x.node.name}")],
            hint="say them: x.set_shape([None, None, None, 3])", site=here(),
        )  # fmt: skip
    return channels
