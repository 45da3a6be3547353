"""``tf.layers``' convolutions over one, two and three axes: a kernel, a bias, an activation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from frontends.tf.functions import convolution
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.layers.layer import InputSpec, Layer
from frontends.tf.layers.named import named_activation
from frontends.tf.layers.sliding import as_function, format_of, letters, numbers, padding_of
from frontends.tf.networks.nn import bias_add
from frontends.tf.variables.initializers import zeros_initializer
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ops.shaping.windows import slides


class Windowed(Layer):
    """A layer of ``filters`` outputs whose windows of ``kernel_size`` slide over ``spatial`` axes.

    What a subclass computes of the inputs, before the bias and the activation, is ``product``.
    """

    spatial: ClassVar[int]
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    def __init__(
        self, filters: int | None, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = "channels_last", dilation_rate: Any = 1, activation: Any = None,
        use_bias: bool = True, bias_initializer: Any = zeros_initializer,
        bias_regularizer: Any = None, bias_constraint: Callable | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.filters = filters if filters is None else numbers(filters, 1, "filters", 0)[0]
        self.kernel_size = numbers(kernel_size, self.spatial, "kernel_size")
        self.strides = numbers(strides, self.spatial, "strides")
        self.dilation_rate = numbers(dilation_rate, self.spatial, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise AttributeValueError(
                f"strides of {self.strides} and a dilation_rate of {self.dilation_rate} cannot "
                "both be more than 1",
                site=here(),
            )
        self.padding = padding_of(padding, self.paddings)
        self.data_format = format_of(data_format)
        self.activation, self.use_bias = named_activation(activation), use_bias
        self.bias_initializer, self.bias_regularizer = bias_initializer, bias_regularizer
        self.bias_constraint = bias_constraint
        self.input_spec = InputSpec(ndim=self.spatial + 2)
        self.bias: Any = None

    def product(self, inputs: Tensor) -> Tensor:
        raise NotImplementedError

    def call(self, inputs: Tensor) -> Tensor:
        y = self.product(inputs)
        if self.bias is not None:
            y = bias_add(y, self.bias, data_format=self.letters)
        return self.activation(y) if self.activation is not None else y

    @property
    def letters(self) -> str:
        return letters(self.data_format, self.spatial)

    @property
    def _channels_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else self.spatial + 1

    def inner(self, sizes: Any) -> tuple[Any, ...]:
        """Of a shape, the sizes that windows slide along."""
        start = 2 if self.data_format == "channels_first" else 1
        return tuple(sizes[start : start + self.spatial])

    def outer(self, batch: Any, inner: tuple[Any, ...], channels: Any) -> list[Any]:
        """A shape in the layer's format."""
        if self.data_format == "channels_first":
            return [batch, channels, *inner]
        return [batch, *inner, channels]

    def channels_of(self, input_shape: Any) -> int:
        """The channels of the inputs, which must be known and floating."""
        dtype, what = as_dtype(self.dtype), self._default_name()
        if not dtype.is_floating:
            raise DTypeError(
                f"the inputs must be floating, got {dtype}",
                hint="tf.cast(inputs, tf.float32)", subject=f"{what} '{self.name}'", site=here(),
            )  # fmt: skip
        axis = self._channels_axis
        channels = TensorShape(input_shape).as_list()[axis]
        if channels is None:
            raise ShapeError(
                f"the channels of the inputs (axis {axis}) must be known",
                subject=f"{what} '{self.name}'",
                rows=[("inputs", str(TensorShape(input_shape)), "")],
                hint="say them where the input is made: tf.placeholder(tf.float32, [None, 28, 28, "
                "1])",
                site=here(),
            )
        self.input_spec = InputSpec(ndim=self.spatial + 2, axes={axis: channels})
        return channels

    def own_weight(self, name: str, shape: Sequence[Any]) -> Any:
        """A variable with the initializer, regularizer and constraint that are called after it."""
        part = name.removesuffix("_kernel")
        how = {
            k: getattr(self, f"{part}_{k}") for k in ("initializer", "regularizer", "constraint")
        }
        return self.add_weight(name, list(shape), **how)

    def add_bias(self) -> None:
        if self.use_bias:
            self.bias = self.own_weight("bias", [self.filters])

    def places(self, sizes: tuple[Any, ...]) -> tuple[Any, ...]:
        """How many windows there are along axes of these sizes (None: not known)."""
        how = (self.kernel_size, self.strides, self.dilation_rate)
        rows = zip(sizes, *how, strict=True)
        padding = "VALID" if self.padding == "valid" else "SAME"
        return tuple(
            None if size is None else slides((size,), (k,), (step,), (rate,), padding)[0].count
            for size, k, step, rate in rows
        )

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        sizes = TensorShape(input_shape).as_list()
        return TensorShape(self.outer(sizes[0], self.places(self.inner(sizes)), self.filters))


class Convolution(Windowed):
    """``activation(convolution(inputs, kernel) + bias)``.

    The kernel is [*kernel_size, channels, filters].  ``groups`` (a keyword) has the channels and
    the filters in as many groups, each computed from its own.
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = "channels_last", dilation_rate: Any = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = None,
        bias_initializer: Any = zeros_initializer, kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Callable | None = None, bias_constraint: Callable | None = None,
        trainable: bool = True, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        self.groups = kwargs.pop("groups", 1)
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation,
            use_bias, bias_initializer, bias_regularizer, bias_constraint, trainable=trainable,
            name=name, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.kernel_initializer, self.kernel_regularizer = kernel_initializer, kernel_regularizer
        self.kernel_constraint = kernel_constraint
        self._check_groups("filters", self.filters)
        self.kernel: Any = None

    def _check_groups(self, what: str, count: int | None) -> None:
        if self.groups < 1 or (count or 0) % self.groups:
            raise AttributeValueError(
                f"{count} {what} are no {self.groups} groups of one size", site=here()
            )

    def build(self, input_shape: Any) -> None:
        channels = self.channels_of(input_shape)
        self._check_groups("channels", channels)
        self.kernel = self.own_weight(
            "kernel", [*self.kernel_size, channels // self.groups, self.filters]
        )
        self.add_bias()
        self.built = True

    def product(self, inputs: Tensor) -> Tensor:
        given, padding = inputs, self.padding.upper()
        if padding == "CAUSAL":
            given, padding = delayed(self, inputs), "VALID"
        how = (self.strides, padding)
        more: dict[str, Any] = {"data_format": self.letters, "dilations": self.dilation_rate}
        kernel = convert(self.kernel)
        if self.spatial == 1:
            return convolution.conv1d(given, kernel, *how, **more)
        if self.spatial == 2:
            return convolution.conv2d(given, kernel, *how, **more)
        return convolution.conv3d(given, kernel, *how, **more)


def delayed(layer: Windowed, inputs: Tensor) -> Tensor:
    """Sequences with zeros before, so that no output sees what comes after it."""
    before = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
    pads = layer.outer((0, 0), ((before, 0),), (0, 0))
    return builder(inputs).pad(inputs, paddings=tuple(pads))


class Conv1D(Convolution):
    """Windows over sequences [batch, steps, channels].  ``padding="causal"`` lets an output see
    nothing that comes after it."""

    spatial = 1
    paddings = ("valid", "same", "causal")


class Conv2D(Convolution):
    """Windows over pictures [batch, rows, columns, channels]."""

    spatial = 2


class Conv3D(Convolution):
    """Windows over volumes [batch, depth, rows, columns, channels]."""

    spatial = 3


_SAYS = """``activation(convolution(inputs, kernel) + bias)`` over {what}.

    inputs: floating {shape} (``data_format="channels_first"``: the channels at axis 1), the
    channels known -> the same axes with ``filters`` channels.  Makes ``name/kernel``
    [*kernel_size, channels, filters] and ``name/bias``; with ``reuse`` it shares them.

    >>> {example}
    """
conv1d = as_function(
    Conv1D, "conv1d",
    _SAYS.format(what="sequences", shape="[batch, steps, channels]",
                 example='tf.layers.conv1d(x, 32, 5, padding="same", activation=tf.nn.relu)'),
)  # fmt: skip
conv2d = as_function(
    Conv2D, "conv2d",
    _SAYS.format(what="pictures", shape="[batch, rows, columns, channels]",
                 example="tf.layers.conv2d(x, 32, [5, 5], activation=tf.nn.relu)"),
)  # fmt: skip
conv3d = as_function(
    Conv3D, "conv3d",
    _SAYS.format(what="volumes", shape="[batch, depth, rows, columns, channels]",
                 example="tf.layers.conv3d(x, 16, 3)"),
)  # fmt: skip
