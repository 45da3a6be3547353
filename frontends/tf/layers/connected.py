"""``tf.layers.Dense``: a matrix product with a bias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.functions.contractions import tensordot
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.layers.layer import InputSpec, Layer
from frontends.tf.layers.named import named_activation
from frontends.tf.networks.nn import bias_add
from frontends.tf.variables.initializers import zeros_initializer
from frontends.tf.variables.variable import Variable
from graphc.errors import DTypeError, ShapeError
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Tensor
from graphc.ir.source import here


class Dense(Layer):
    """``activation(inputs @ kernel + bias)`` over the last axis of ``inputs``."""

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = None, bias_initializer: Any = zeros_initializer,
        kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Callable | None = None,
        bias_constraint: Callable | None = None, trainable: bool = True, name: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **kwargs)
        self.units, self.use_bias = int(units), use_bias
        self.activation = named_activation(activation)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.input_spec = InputSpec(min_ndim=2)
        self.kernel: Variable | None = None
        self.bias: Variable | None = None

    def build(self, input_shape: Any) -> None:
        dtype = as_dtype(self.dtype)
        if not dtype.is_floating:
            raise DTypeError(
                f"the inputs must be floating, got {dtype}",
                hint="tf.cast(inputs, tf.float32)", subject=f"dense '{self.name}'", site=here(),
            )  # fmt: skip
        features = TensorShape(input_shape).as_list()[-1]
        if features is None:
            raise ShapeError(
                "the last axis of the inputs must have a known size",
                subject=f"dense '{self.name}'",
                rows=[("inputs", str(TensorShape(input_shape)), "")],
                hint="name it where the input is made: tf.placeholder(tf.float32, [None, 784])",
                site=here(),
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        self.kernel = self.add_weight(
            "kernel", [features, self.units], initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", [self.units], initializer=self.bias_initializer,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        kernel = convert(self.kernel)
        rank = inputs.type.rank or 0
        if rank > 2:
            y = tensordot(inputs, kernel, [[rank - 1], [0]])
        else:
            y = builder(inputs).matmul(inputs, kernel)
        if self.bias is not None:
            y = bias_add(y, self.bias)
        return self.activation(y) if self.activation is not None else y

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        sizes = TensorShape(input_shape).as_list()
        if sizes[-1] is None:
            raise ValueError(f"the last axis of the inputs must have a known size, got {sizes}")
        return TensorShape([*sizes[:-1], self.units])


def dense(
    inputs: Any, units: int, activation: Any = None, use_bias: bool = True,
    kernel_initializer: Any = None, bias_initializer: Any = zeros_initializer,
    kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
    kernel_constraint: Callable | None = None, bias_constraint: Callable | None = None,
    trainable: bool = True, name: str | None = None, reuse: Any = None,
) -> Tensor:  # fmt: skip
    """``activation(inputs @ kernel + bias)``.

    inputs: floating [..., features], features known -> [..., units].  Makes ``name/kernel`` and
    ``name/bias``; with ``reuse`` it shares them.

    >>> hidden = tf.layers.dense(x, 64, activation=tf.nn.relu)
    """
    return Dense(
        units, activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer,
        bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint, trainable, name,
        _scope=name, _reuse=reuse,
    )(inputs)  # fmt: skip
