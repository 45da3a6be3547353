"""``tf.layers.BatchNormalization`` (Ioffe and Szegedy, 2015)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import as_scalar, builder, convert
from frontends.tf.layers.layer import InputSpec, Layer
from frontends.tf.networks import nn
from frontends.tf.variables.initializers import ones_initializer, zeros_initializer
from graphc.errors import ShapeError
from graphc.ir.builder import as_tensor
from graphc.ir.dims import product
from graphc.ir.dtype import as_dtype, float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here


class BatchNormalization(Layer):
    """Normalise by the batch's mean and variance (training) or by moving averages of them.

    ``axis`` keeps its means apart, the others are averaged over.  The averages are moved by the
    operations in the collection UPDATE_OPS.  As TF1's fused kernel does, inputs of four axes with
    the channels at axis 1 or 3 move the average of the unbiased variance.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = zeros_initializer,
        gamma_initializer: Any = ones_initializer,
        moving_mean_initializer: Any = zeros_initializer,
        moving_variance_initializer: Any = ones_initializer,
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Callable | None = None,
        gamma_constraint: Callable | None = None,
        renorm: bool = False,
        renorm_clipping: dict[str, Any] | None = None,
        renorm_momentum: float = 0.99,
        fused: bool | None = None,
        trainable: bool = True,
        virtual_batch_size: int | None = None,
        adjustment: Callable | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable, name, **kwargs)
        for given, what in ((renorm, "renorm"), (virtual_batch_size, "virtual_batch_size"),
                            (adjustment, "adjustment")):  # fmt: skip
            if given:
                raise NotImplementedError(f"batch_normalization({what}=...) is not provided")
        self.axis: Any = list(axis) if isinstance(axis, list | tuple) else axis
        self.momentum, self.epsilon, self.fused = momentum, epsilon, fused
        self.center, self.scale = center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer
        self.beta_constraint, self.gamma_constraint = beta_constraint, gamma_constraint
        self.gamma: Any = None
        self.beta: Any = None

    def build(self, input_shape: Any) -> None:
        shape = TensorShape(input_shape)
        if shape.ndims is None:
            raise ShapeError(
                "the rank of the inputs must be known",
                subject=f"batch_normalization '{self.name}'",
                hint="say it: x.set_shape([None, 784])",
                site=here(),
            )
        given = [self.axis] if isinstance(self.axis, int) else self.axis
        if any(not -shape.ndims <= a < shape.ndims for a in given):
            raise ValueError(f"axis {self.axis} is not of inputs of {shape.ndims} axes")
        self.axis = [a % shape.ndims for a in given]
        if len(set(self.axis)) != len(self.axis):
            raise ValueError(f"axis names one twice: {given}")
        sizes = self._sizes(shape)
        dtype = as_dtype(self.dtype)
        kept = float32 if dtype.computed is not dtype else dtype
        how: dict[str, Any] = {"shape": sizes, "dtype": kept}
        if self.scale:
            self.gamma = self.add_weight(
                "gamma", initializer=self.gamma_initializer, regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint, **how,
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                "beta", initializer=self.beta_initializer, regularizer=self.beta_regularizer,
                constraint=self.beta_constraint, **how,
            )  # fmt: skip
        how["trainable"] = False
        self.moving_mean = self.add_weight(
            "moving_mean", initializer=self.moving_mean_initializer, **how
        )
        self.moving_variance = self.add_weight(
            "moving_variance", initializer=self.moving_variance_initializer, **how
        )
        self.built = True

    def _sizes(self, shape: TensorShape) -> list[int]:
        """The shape of the variables: one size, or the inputs' rank where several axes are kept."""
        sizes = shape.as_list()
        kept = {a: sizes[a] for a in self.axis}
        if any(size is None for size in kept.values()):
            raise ShapeError(
                "the sizes along axis must be known",
                subject=f"batch_normalization '{self.name}'",
                rows=[("inputs", str(shape), ""), ("axis", str(self.axis), "")],
                site=here(),
            )
        self.input_spec = InputSpec(ndim=shape.ndims, axes=kept)
        if len(kept) == 1:
            return list(kept.values())
        return [kept.get(a, 1) for a in range(len(sizes))]

    def call(self, inputs: Tensor, training: Any = False) -> Tensor:
        b = builder(inputs)
        rank = inputs.type.rank or 0
        moving = convert(self.moving_mean), convert(self.moving_variance)
        switch = as_tensor(training)
        mean, variance = moving
        if switch is not None or training:
            others = tuple(k for k in range(rank) if k not in self.axis)
            x = inputs if inputs.dtype is moving[0].dtype else b.cast(inputs, dtype=moving[0].dtype)
            mean, variance = b.moments(x, axis=others, keepdims=len(self.axis) > 1)
            new = mean, self._unbiased(inputs, variance, others)
            if switch is not None:
                chosen = as_scalar(switch)
                new = tuple(b.where(chosen, *pair) for pair in zip(new, moving, strict=True))
                mean = b.where(chosen, mean, moving[0])
                variance = b.where(chosen, variance, moving[1])
            for old, value in zip(moving, new, strict=True):
                self.add_update(self._moved(old, value))
        narrow = inputs.dtype is not moving[0].dtype
        y = nn.batch_normalization(
            b.cast(inputs, dtype=moving[0].dtype) if narrow else inputs,
            self._spread(mean, rank), self._spread(variance, rank), self._spread(self.beta, rank),
            self._spread(self.gamma, rank), self.epsilon,
        )  # fmt: skip
        return b.cast(y, dtype=inputs.dtype) if narrow else y

    def _unbiased(self, inputs: Tensor, variance: Tensor, others: tuple[int, ...]) -> Tensor:
        if self.fused is False or len(others) != 3 or self.axis not in ([1], [3]):
            return variance
        b = builder(inputs)
        shape = inputs.type.dims
        count = b.dim_value(dim=product(shape[k] for k in others), dtype=variance.dtype)
        return b.mul(variance, b.truediv(count, b.maximum(b.sub(count, 1.0), 1.0)))

    def _moved(self, variable: Tensor, value: Tensor) -> Tensor:
        b = builder(variable)
        with b.home.name_scope("AssignMovingAvg") as scope:
            step = b.mul(b.sub(variable, value), 1.0 - self.momentum)
            return b.assign_sub(variable, step, name=scope)

    def _spread(self, value: Any, rank: int) -> Tensor | None:
        """A variable or statistic in a shape that broadcasts to the inputs'."""
        if value is None:
            return None
        tensor = convert(value)
        if len(self.axis) > 1 or self.axis == [rank - 1]:
            return tensor
        size = tensor.type.dims[0]
        wide = tuple(size if k == self.axis[0] else 1 for k in range(rank))
        return builder(tensor).reshape(tensor, shape=wide)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        return TensorShape(input_shape)


BatchNorm = BatchNormalization


def batch_normalization(
    inputs: Any,
    axis: int | Sequence[int] = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = zeros_initializer,
    gamma_initializer: Any = ones_initializer,
    moving_mean_initializer: Any = zeros_initializer,
    moving_variance_initializer: Any = ones_initializer,
    beta_regularizer: Any = None,
    gamma_regularizer: Any = None,
    beta_constraint: Callable | None = None,
    gamma_constraint: Callable | None = None,
    training: Any = False,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
    renorm: bool = False,
    renorm_clipping: dict[str, Any] | None = None,
    renorm_momentum: float = 0.99,
    fused: bool | None = None,
    virtual_batch_size: int | None = None,
    adjustment: Callable | None = None,
) -> Tensor:
    """Normalise each channel by the batch's mean and variance (training) or by moving averages of
    them.

    inputs: floating, the sizes along ``axis`` known -> the same shape.  ``training``: a bool or a
    bool tensor.  The averages are moved by the operations in the collection UPDATE_OPS: run those
    with the train step.
    """
    return BatchNormalization(
        axis, momentum, epsilon, center, scale, beta_initializer, gamma_initializer,
        moving_mean_initializer, moving_variance_initializer, beta_regularizer, gamma_regularizer,
        beta_constraint, gamma_constraint, renorm, renorm_clipping, renorm_momentum, fused,
        trainable, virtual_batch_size, adjustment, name, _scope=name, _reuse=reuse,
    )(inputs, training=training)  # fmt: skip
