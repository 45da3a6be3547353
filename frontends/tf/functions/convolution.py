"""``tf.nn.conv2d`` and its kin: convolutions over one, two and three axes.

Filters are [*windows, channels, outputs] and not turned round.  ``data_format`` says where the
channels of tensors are: last (``NWC``, ``NHWC``, ``NDHWC``: the default) or first.  ``strides`` and
``dilations`` are a number, one for each axis windows slide along, or one for each axis of the
tensor.  ``padding`` is ``"SAME"``, ``"VALID"`` or, in a list, zeros before and after each axis of
the tensor.  A filter with fewer channels than the input is applied in groups.

What the functions say of errors holds for all: ShapeError where ranks or channels do not fit or
the window is larger than the (padded) input; ValueError for strides, dilations, formats and
paddings outside what is said here; TypeError for other dtypes than floating ones (and, of
``conv2d``, int32).
"""

from __future__ import annotations

from typing import Any

from frontends.tf.functions.math import _one_of
from frontends.tf.functions.windows import Layout
from frontends.tf.graph.tensor import builder, convert, known_rank, sizes_of
from frontends.tf.names.forwards import alike
from graphc.errors import ShapeError
from graphc.ir.builder import Builder
from graphc.ir.graph import Tensor
from graphc.ir.source import here


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """``y[n, i, j, o] = sum x[n, i * stride + di, j * stride + dj, c] * filter[di, dj, c, o]``.

    input: floating or int32 [n, h, w, c], filter: [kh, kw, c, o] -> [n, rows, columns, o], where
    "SAME" has h / stride rows (rounded up) and "VALID" those where the window is inside.

    >>> h = tf.nn.relu(tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME") + bias)
    """
    layout = Layout.of("conv2d", 2, data_format)
    both = input, _one_of(filter, filters, "filter", "filters")
    return _convolved(layout, *both, strides, dilations, padding, name or "Conv2D")


def conv3d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str | None = "NDHWC",
    dilations: Any = (1, 1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """:func:`conv2d` over three axes: [n, d, h, w, c] and [kd, kh, kw, c, o] -> [.., o]."""
    layout = Layout.of("conv3d", 3, data_format)
    both = input, _one_of(filter, filters, "filter", "filters")
    return _convolved(layout, *both, strides, dilations, padding, name or "Conv3D")


def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = None,
    data_format: str | None = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Tensor:
    """:func:`conv2d` over one axis: [n, w, c] and [k, c, o] -> [n, places, o]."""
    given = {"NHWC": "NWC", "NCHW": "NCW"}.get(data_format or "", data_format)
    layout = Layout.of("conv1d", 1, given)
    x, f = alike([_one_of(value, input, "value", "input"), filters])
    b = builder(x, f)
    with b.home.name_scope(name or "conv1d"):
        layout.check_rank(x, "value")
        layout.check_rank(f, "filters")
        axis = 2 if layout.channels_first else 1
        y = _convolved(
            Layout("conv1d", 2, layout.channels_first),
            b.expand_dims(x, axis=axis),
            b.expand_dims(f, axis=0),
            (1, *layout.steps(stride, "stride")),
            (1, *layout.steps(dilations, "dilations")),
            _flat_padding(layout, padding),
            "Conv2D",
        )
        return b.squeeze(y, axis=(axis,))


def _flat_padding(layout: Layout, padding: Any) -> Any:
    """A padding along one axis, as one along two, the first of size 1."""
    pads = layout.padding(padding)
    if isinstance(pads, str):
        return pads
    inner = ((0, 0), *pads)
    return ((0, 0), (0, 0), *inner) if layout.channels_first else ((0, 0), *inner, (0, 0))


def _convolved(
    layout: Layout, x: Any, f: Any, strides: Any, dilations: Any, padding: Any, name: str
) -> Tensor:
    x, f = alike([x, f])
    layout.check_rank(x, "input")
    layout.check_rank(f, "filter")
    how = _how(layout, strides, dilations, padding)
    b = builder(x, f)
    try:
        if not layout.channels_first:
            return b.convolution(x, f, **how, name=name)
        with b.home.name_scope(name) as scope:
            y = b.convolution(layout.channels_last(b, x), f, **how)
            return layout.as_given(b, y, scope)
    except ShapeError as error:
        if not error.rows:  # the window does not fit
            error.rows = [
                (what, str(t.type), f"from {t.node.name}") for what, t in (("x", x), ("filter", f))
            ]
            error.hint = 'padding="SAME" adds as many zeros as are missing'
        raise


def _how(layout: Layout, strides: Any, dilations: Any, padding: Any) -> dict[str, Any]:
    return {
        "strides": layout.steps(strides, "strides"),
        "dilations": layout.steps(dilations, "dilations"),
        "padding": layout.padding(padding),
    }


def convolution(
    input: Any,
    filter: Any,
    padding: Any,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """:func:`conv1d`, :func:`conv2d` or :func:`conv3d`, by the rank of the filter (or input).

    strides, dilation_rate: a number, or one for each axis; not both may be more than 1.
    """
    x, f = alike([input, _one_of(filter, filters, "filter", "filters")])
    known = f if f.type.rank is not None else x
    axes = known_rank(known, "convolution") - 2
    if axes not in (1, 2, 3):
        raise ShapeError(
            f"windows slide along 1, 2 or 3 axes, not {axes}", subject="convolution", site=here()
        )
    rates = _one_of(dilation_rate, dilations, "dilation_rate", "dilations")
    layout = Layout.of("convolution", axes, data_format)
    _only_one(layout, strides, rates)
    return _convolved(layout, x, f, strides, rates, padding, name or "convolution")


def _only_one(layout: Layout, strides: Any, rates: Any) -> None:
    steps, apart = layout.steps(strides, "strides"), layout.steps(rates, "rate")
    if max(steps) > 1 and max(apart) > 1:
        layout.refuse(f"strides of {steps} and a dilation rate of {apart} cannot both be above 1")


def atrous_conv2d(
    value: Any, filters: Any, rate: int, padding: Any, name: str | None = None
) -> Tensor:
    """:func:`conv2d` with the elements of the window ``rate`` apart."""
    layout = Layout.of("atrous_conv2d", 2, None)
    return _convolved(layout, value, filters, 1, rate, padding, name or "convolution")


# --- turned round --------------------------------------------------------------------------------


def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """What :func:`conv2d` with these arguments passes back to an input of ``output_shape``.

    value: [n, rows, columns, o], filter: [kh, kw, c, o] -> [n, h, w, c] = ``output_shape``, a list
    that may hold tensors, or a tensor.
    """
    layout = Layout.of("conv2d_transpose", 2, data_format)
    x = _one_of(value, input, "value", "input")
    f = _one_of(filter, filters, "filter", "filters")
    return _back_to_input(
        layout, output_shape, f, x, strides, dilations, padding, name or "conv2d_transpose"
    )


def conv3d_transpose(
    value: Any,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str | None = "NDHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """:func:`conv2d_transpose` over three axes."""
    layout = Layout.of("conv3d_transpose", 3, data_format)
    x = _one_of(value, input, "value", "input")
    f = _one_of(filter, filters, "filter", "filters")
    return _back_to_input(
        layout, output_shape, f, x, strides, dilations, padding, name or "conv3d_transpose"
    )


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """:func:`conv2d_transpose` over one axis."""
    layout = Layout.of("conv1d_transpose", 1, data_format)
    x, f = alike([input, filters])
    b = builder(x, f)
    with b.home.name_scope(name or "conv1d_transpose"):
        layout.check_rank(x, "input")
        layout.check_rank(f, "filters")
        batch, (size,), channels = layout.split(sizes_of(b, output_shape))
        first = layout.channels_first
        axis = 2 if first else 1
        y = _back_to_input(
            Layout("conv1d_transpose", 2, first),
            (batch, channels, 1, size) if first else (batch, 1, size, channels),
            b.expand_dims(f, axis=0),
            b.expand_dims(x, axis=axis),
            (1, *layout.steps(strides, "strides")),
            (1, *layout.steps(dilations, "dilations")),
            _flat_padding(layout, padding),
            "conv2d_transpose",
        )
        return b.squeeze(y, axis=(axis,))


def conv_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """:func:`conv1d_transpose`, :func:`conv2d_transpose` or :func:`conv3d_transpose`, by the
    filter's rank."""
    x, f = alike([input, filters])
    axes = known_rank(f if f.type.rank is not None else x, "conv_transpose") - 2
    if axes == 1:
        rest = (strides, padding, data_format, dilations, name or "conv_transpose")
        return conv1d_transpose(x, f, output_shape, *rest)
    if axes not in (2, 3):
        raise ShapeError(
            f"windows slide along 1, 2 or 3 axes, not {axes}", subject="conv_transpose", site=here()
        )
    layout = Layout.of("conv_transpose", axes, data_format)
    return _back_to_input(
        layout, output_shape, f, x, strides, dilations, padding, name or "conv_transpose"
    )


def atrous_conv2d_transpose(
    value: Any,
    filters: Any,
    output_shape: Any,
    rate: int,
    padding: Any,
    name: str | None = None,
) -> Tensor:
    """:func:`conv2d_transpose` with the elements of the window ``rate`` apart."""
    layout = Layout.of("atrous_conv2d_transpose", 2, None)
    return _back_to_input(
        layout, output_shape, filters, value, 1, rate, padding, name or "atrous_conv2d_transpose"
    )


def _back_to_input(
    layout: Layout,
    sizes: Any,
    f: Any,
    ct: Any,
    strides: Any,
    dilations: Any,
    padding: Any,
    name: str,
) -> Tensor:
    ct, f = alike([ct, f])
    layout.check_rank(ct, "what comes in")
    layout.check_rank(f, "filter")
    b = builder(ct, f)
    batch, inner, channels = layout.split(sizes_of(b, sizes))
    how = _how(layout, strides, dilations, padding)
    own = ct.type.shape[0] if ct.type.shape is not None else batch
    if isinstance(batch, int) and isinstance(own, int) and batch != own:
        layout.misfit(f"the batch is {own}, {batch} was asked for")
    if not layout.channels_first:
        return b.convolution_backprop_input(f, ct, size=(*inner, channels), **how, name=name)
    with b.home.name_scope(name) as scope:
        last = layout.channels_last(b, ct)
        y = b.convolution_backprop_input(f, last, size=(*inner, channels), **how)
        return layout.as_given(b, y, scope)


# --- channel by channel --------------------------------------------------------------------------


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Each channel convolved with its own filters: y[.., c * m + q] from channel c.

    input: floating [n, h, w, c], filter: [kh, kw, c, m] -> [n, rows, columns, c * m].  ``rate`` is
    the dilation; where it is more than 1 the strides must be 1.
    """
    rates = _one_of(rate, dilations, "rate", "dilations")
    layout = Layout.of("depthwise_conv2d", 2, data_format)
    _only_one(layout, strides, rates)
    return _depthwise(layout, input, filter, strides, rates, padding, name or "depthwise")


def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """:func:`depthwise_conv2d`, also with strides and dilations at once."""
    layout = Layout.of("depthwise_conv2d_native", 2, data_format)
    name = name or "DepthwiseConv2dNative"
    return _depthwise(layout, input, filter, strides, dilations, padding, name)


def _depthwise(
    layout: Layout, x: Any, f: Any, strides: Any, dilations: Any, padding: Any, name: str
) -> Tensor:
    x, f = alike([x, f])
    layout.check_rank(x, "input")
    b = builder(x, f)
    _check_channels(layout, x, f)
    with b.home.name_scope(name) as scope:
        grouped = _grouped(layout, b, f)
        return _convolved(layout, x, grouped, strides, dilations, padding, scope)


def _check_channels(layout: Layout, x: Tensor, f: Tensor) -> None:
    layout.check_rank(f, "filter")
    if x.type.shape is None or f.type.shape is None:
        return
    _, _, channels = layout.split(x.type.shape)
    wanted = f.type.shape[2]
    if isinstance(channels, int) and isinstance(wanted, int) and channels != wanted:
        layout.misfit(f"the filter takes {wanted} channels, there are {channels}")


def _grouped(layout: Layout, b: Builder, f: Tensor) -> Tensor:
    """A filter [kh, kw, c, m] as one of as many groups as channels: [kh, kw, 1, c * m]."""
    known_rank(f, layout.what)
    kh, kw, channels, each = f.type.dims
    return b.reshape(f, shape=(kh, kw, 1, channels * each))


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """:func:`depthwise_conv2d`, then :func:`conv2d` with windows of one element.

    depthwise_filter: [kh, kw, c, m], pointwise_filter: [1, 1, c * m, o] -> [n, rows, columns, o].
    """
    x, depthwise, pointwise = alike([input, depthwise_filter, pointwise_filter])
    layout = Layout.of("separable_conv2d", 2, data_format)
    layout.check_rank(pointwise, "pointwise_filter")
    if pointwise.type.shape is not None and any(
        isinstance(d, int) and d != 1 for d in pointwise.type.shape[:2]
    ):
        layout.misfit(f"pointwise_filter must have windows of one element, got {pointwise.type}")
    b = builder(x)
    with b.home.name_scope(name or "separable_conv2d") as scope:
        y = depthwise_conv2d(
            x, depthwise, strides, padding, rate, "depthwise", data_format, dilations
        )
        _check_channels(layout, y, pointwise)
        return _convolved(layout, y, pointwise, 1, 1, "VALID", scope)


# --- gradients by name ---------------------------------------------------------------------------


def conv2d_backprop_input(
    input_sizes: Any, filter: Any = None, out_backprop: Any = None, strides: Any = None,
    padding: Any = None, use_cudnn_on_gpu: bool = True, data_format: str | None = "NHWC",
    dilations: Any = (1, 1, 1, 1), name: str | None = None, filters: Any = None,
) -> Tensor:  # fmt: skip
    """What :func:`conv2d` passes back to its input, of shape ``input_sizes``."""
    layout = Layout.of("conv2d_backprop_input", 2, data_format)
    f = _one_of(filter, filters, "filter", "filters")
    name = name or "Conv2DBackpropInput"
    return _back_to_input(
        layout, input_sizes, f, out_backprop, strides, dilations, padding, name
    )  # fmt: skip


def conv2d_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any,
    use_cudnn_on_gpu: bool = True, data_format: str | None = "NHWC", dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """What :func:`conv2d` passes back to its filter, of shape ``filter_sizes``."""
    return _back_to_filter(
        Layout.of("conv2d_backprop_filter", 2, data_format), input, filter_sizes, out_backprop,
        strides, dilations, padding, name or "Conv2DBackpropFilter",
    )  # fmt: skip


def conv3d_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any,
    data_format: str | None = "NDHWC", dilations: Any = (1, 1, 1, 1, 1), name: str | None = None,
) -> Tensor:  # fmt: skip
    """What :func:`conv3d` passes back to its filter, of shape ``filter_sizes``."""
    return _back_to_filter(
        Layout.of("conv3d_backprop_filter", 3, data_format), input, filter_sizes, out_backprop,
        strides, dilations, padding, name or "Conv3DBackpropFilterV2",
    )  # fmt: skip


def _back_to_filter(
    layout: Layout,
    x: Any,
    sizes: Any,
    ct: Any,
    strides: Any,
    dilations: Any,
    padding: Any,
    name: str,
) -> Tensor:
    x, ct = alike([x, ct])
    layout.check_rank(x, "input")
    layout.check_rank(ct, "out_backprop")
    b = builder(x, ct)
    *window, outputs = Layout(layout.what, layout.axes, False).flat(sizes_of(b, sizes))
    if ct.type.shape is not None:
        own = layout.split(ct.type.shape)[2]
        if isinstance(own, int) and isinstance(outputs, int) and own != outputs:
            layout.misfit(f"out_backprop has {own} channels, the filter makes {outputs}")
    how = _how(layout, strides, dilations, padding)
    last = [layout.channels_last(b, t) for t in (x, ct)]
    return b.convolution_backprop_filter(*last, window=tuple(window), **how, name=name)


def depthwise_conv2d_native_backprop_input(
    input_sizes: Any, filter: Any, out_backprop: Any, strides: Any, padding: Any,
    data_format: str | None = "NHWC", dilations: Any = (1, 1, 1, 1), name: str | None = None,
) -> Tensor:  # fmt: skip
    """What :func:`depthwise_conv2d` passes back to its input, of shape ``input_sizes``."""
    layout = Layout.of("depthwise_conv2d_native_backprop_input", 2, data_format)
    f, ct = alike([convert(filter), out_backprop])
    layout.check_rank(f, "filter")
    b = builder(f, ct)
    with b.home.name_scope(name or "DepthwiseConv2dNativeBackpropInput") as scope:
        grouped = _grouped(layout, b, f)
        return _back_to_input(
            layout, input_sizes, grouped, ct, strides, dilations, padding, scope
        )  # fmt: skip


def depthwise_conv2d_native_backprop_filter(
    input: Any, filter_sizes: Any, out_backprop: Any, strides: Any, padding: Any,
    data_format: str | None = "NHWC", dilations: Any = (1, 1, 1, 1), name: str | None = None,
) -> Tensor:  # fmt: skip
    """What :func:`depthwise_conv2d` passes back to its filter, of shape ``filter_sizes``."""
    layout = Layout.of("depthwise_conv2d_native_backprop_filter", 2, data_format)
    x, ct = alike([input, out_backprop])
    b = builder(x, ct)
    kh, kw, channels, each = Layout(layout.what, 2, False).flat(sizes_of(b, filter_sizes))
    with b.home.name_scope(name or "DepthwiseConv2dNativeBackpropFilter") as scope:
        grouped = (kh, kw, 1, channels * each)
        y = _back_to_filter(layout, x, grouped, ct, strides, dilations, padding, "grouped")
        return b.reshape(y, shape=(kh, kw, channels, each), name=scope)
