"""``tf.layers``: functions that make their variables, and the classes behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf import nn
from frontends.tf.building import GraphKeys, add_to_collection
from frontends.tf.variable_getting import get_variable
from frontends.tf.initializers import zeros_initializer
from frontends.tf.scopes import VariableScope, variable_scope
from frontends.tf.tensor import as_scalar, builder, convert, known_rank
from frontends.tf.variables import Variable
from graphc.errors import ShapeError
from graphc.ir import dims
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor
from graphc.ir.source import here


def __getattr__(name: str) -> Any:
    from frontends.tf.names import elsewhere

    return elsewhere("layers", name, lambda: [n for n in globals() if n[0] != "_"])


class Layer:
    """Something with variables of its own, called like a function; the variables are made at the
    first call and shared by the next ones."""

    def __init__(
        self, trainable: bool = True, name: str | None = None, dtype: Any = None,
        activity_regularizer: Callable | None = None, _scope: Any = None, _reuse: Any = None,
    ) -> None:  # fmt: skip
        self.trainable = trainable
        self.dtype = dtype
        self.built = False
        self.variables: list[Variable] = []
        self._wanted_name, self._given_scope, self._reuse = name, _scope, _reuse
        self._scope: VariableScope | None = None
        self._activity_regularizer = activity_regularizer

    @property
    def name(self) -> str:
        return self._scope.name if self._scope else self._wanted_name or self._default_name()

    @property
    def scope_name(self) -> str:
        if self._scope is None:
            raise ValueError("the layer has no scope before its first call")
        return self._scope.name

    def _default_name(self) -> str:
        from graphc.ir.op import _snake

        return _snake(type(self).__name__)

    def build(self, inputs: Tensor) -> None:
        """Make the variables for inputs like these."""

    def call(self, inputs: Tensor) -> Tensor:
        raise NotImplementedError

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        x = convert(inputs)
        with self._opened():
            if not self.built:
                self.build(x)
                self.built = True
            y = self.call(x, *args, **kwargs)
            if self._activity_regularizer is not None:
                add_to_collection(GraphKeys.REGULARIZATION_LOSSES, self._activity_regularizer(y))
        return y

    apply = __call__

    def _opened(self) -> variable_scope:
        if self._scope is not None:
            return variable_scope(self._scope, reuse=self.built or self._reuse)
        scope = variable_scope(
            self._given_scope or self._wanted_name,
            default_name=self._default_name(),
            reuse=self._reuse,
        )
        return _Remembering(self, scope)  # type: ignore[return-value]

    def add_weight(self, name: str, shape: Any, **how: Any) -> Variable:
        """A variable of this layer."""
        variable = get_variable(name, shape, **{"trainable": self.trainable, **how})
        self.variables.append(variable)
        return variable

    add_variable = add_weight

    @property
    def trainable_variables(self) -> list[Variable]:
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return [v for v in self.variables if v not in self.trainable_variables]

    weights = property(lambda self: list(self.variables))
    trainable_weights = trainable_variables


class _Remembering:
    """A variable scope whose first entry tells the layer which scope it got."""

    def __init__(self, layer: Layer, scope: variable_scope) -> None:
        self.layer, self.scope = layer, scope

    def __enter__(self) -> VariableScope:
        self.layer._scope = self.scope.__enter__()
        return self.layer._scope

    def __exit__(self, *exception: Any) -> Any:
        return self.scope.__exit__(*exception)


class Dense(Layer):
    """``activation(inputs @ kernel + bias)`` over the last axis of ``inputs``."""

    def __init__(
        self,
        units: int,
        activation: Callable | None = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = zeros_initializer,
        kernel_regularizer: Callable | None = None,
        bias_regularizer: Callable | None = None,
        activity_regularizer: Callable | None = None,
        kernel_constraint: Callable | None = None,
        bias_constraint: Callable | None = None,
        trainable: bool = True,
        name: str | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **rest)
        self.units, self.activation, self.use_bias = int(units), activation, use_bias
        self._kernel = {"initializer": kernel_initializer, "regularizer": kernel_regularizer,
                        "constraint": kernel_constraint}  # fmt: skip
        self._bias = {"initializer": bias_initializer, "regularizer": bias_regularizer,
                      "constraint": bias_constraint}  # fmt: skip
        self.bias: Variable | None = None

    def build(self, inputs: Tensor) -> None:
        rank = known_rank(inputs, "dense")
        features = inputs.type.shape[-1] if rank else None  # type: ignore[index]
        if not isinstance(features, int):
            raise ShapeError(
                "the last axis of the inputs must have a known size",
                subject=f"dense '{self.name}'",
                rows=[("inputs", str(inputs.type), f"from {inputs.node.name}")],
                hint="name it where the input is made: tf.placeholder(tf.float32, [None, 784])",
                site=here(),
            )
        self.kernel = self.add_weight(
            "kernel", [features, self.units], dtype=inputs.dtype, **self._kernel
        )
        if self.use_bias:
            self.bias = self.add_weight("bias", [self.units], dtype=inputs.dtype, **self._bias)

    def call(self, inputs: Tensor) -> Tensor:
        b = builder(inputs)
        shape = inputs.type.shape or ()
        weights = self.kernel.as_graph_tensor()
        if len(shape) == 2:
            y = b.matmul(inputs, weights)
        else:
            rows = b.reshape(inputs, shape=(dims.product(shape[:-1]), shape[-1]))
            y = b.reshape(b.matmul(rows, weights), shape=(*shape[:-1], self.units))
        if self.bias is not None:
            y = nn.bias_add(y, self.bias)
        return self.activation(y) if self.activation is not None else y


class Dropout(Layer):
    """Zero a share ``rate`` of the inputs while training, and scale up the rest."""

    def __init__(
        self, rate: Any = 0.5, noise_shape: Any = None, seed: int | None = None, name: str | None =
        None,
        **rest: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **rest)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs: Tensor, training: Any = False) -> Tensor:
        condition = as_tensor(training)
        if condition is None:
            if not training:
                return builder(inputs).identity(inputs)
            return self._dropped(inputs)
        return builder(inputs).where(as_scalar(condition), self._dropped(inputs), inputs)

    def _dropped(self, inputs: Tensor) -> Tensor:
        return nn.dropout(inputs, rate=self.rate, noise_shape=self.noise_shape, seed=self.seed)


class Flatten(Layer):
    """All axes after the first as one."""

    def call(self, inputs: Tensor) -> Tensor:
        shape = inputs.type.shape
        if shape is None:
            known_rank(inputs, "flatten")
        sizes = tuple(shape or ())
        b = builder(inputs)
        if len(sizes) == 1:
            return b.expand_dims(inputs, axis=1)
        return b.reshape(inputs, shape=(sizes[0], dims.product(sizes[1:])))


def dense(
    inputs: Any,
    units: int,
    activation: Callable | None = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = zeros_initializer,
    kernel_regularizer: Callable | None = None,
    bias_regularizer: Callable | None = None,
    activity_regularizer: Callable | None = None,
    kernel_constraint: Callable | None = None,
    bias_constraint: Callable | None = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
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


def dropout(
    inputs: Any, rate: Any = 0.5, noise_shape: Any = None, seed: int | None = None,
    training: Any = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """``inputs`` with a share ``rate`` zeroed and the rest scaled up, when ``training`` (a bool,
    or a bool tensor) says so."""
    return Dropout(rate, noise_shape, seed, name)(inputs, training=training)


def flatten(inputs: Any, name: str | None = None) -> Tensor:
    """[batch, a, b, ...] -> [batch, a * b * ...]."""
    return Flatten(name=name)(inputs)


def batch_normalization(
    inputs: Any,
    axis: int = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = zeros_initializer,
    gamma_initializer: Any = None,
    moving_mean_initializer: Any = zeros_initializer,
    moving_variance_initializer: Any = None,
    training: Any = False,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """Normalise each channel by the batch's mean and variance (training) or by moving averages of
    them.

    The averages are updated by the operations in the collection UPDATE_OPS: run those with the
    train step. Ioffe and Szegedy (2015).
    """
    return _BatchNorm(
        axis, momentum, epsilon, center, scale,
        (beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer),
        trainable, name, reuse,
    )(inputs, training=training)  # fmt: skip


class _BatchNorm(Layer):
    def __init__(
        self, axis: int, momentum: float, epsilon: float, center: bool, scale: bool,
        initializers: tuple, trainable: bool, name: str | None, reuse: Any,
    ) -> None:  # fmt: skip
        super().__init__(trainable, name, _scope=name, _reuse=reuse)
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon
        self.center, self.scale, self.initializers = center, scale, initializers
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def _default_name(self) -> str:
        return "batch_normalization"

    def build(self, inputs: Tensor) -> None:
        from frontends.tf.initializers import ones_initializer

        shape = inputs.type.shape or ()
        channels = [shape[self.axis]]
        beta, gamma, mean, variance = self.initializers
        one = ones_initializer
        if self.scale:
            self.gamma = self.add_weight("gamma", channels, initializer=gamma or one)
        if self.center:
            self.beta = self.add_weight("beta", channels, initializer=beta)
        self.mean = self.add_weight("moving_mean", channels, initializer=mean, trainable=False)
        self.variance = self.add_weight(
            "moving_variance", channels, initializer=variance or one, trainable=False
        )

    def call(self, inputs: Tensor, training: Any = False) -> Tensor:
        b = builder(inputs)
        rank = known_rank(inputs, "batch_normalization")
        axis = self.axis % rank
        others = tuple(k for k in range(rank) if k != axis)
        moving = self.mean.as_graph_tensor(), self.variance.as_graph_tensor()
        if as_tensor(training) is None and not training:
            mean, variance = moving
        else:
            batch = b.moments(inputs, axis=others)
            mean, variance = batch
            if as_tensor(training) is not None:
                switch = as_scalar(training)
                mean = b.where(switch, batch[0], moving[0])
                variance = b.where(switch, batch[1], moving[1])
            for variable, value in ((self.mean, mean), (self.variance, variance)):
                step = b.mul(b.sub(variable.as_graph_tensor(), value), 1.0 - self.momentum)
                update = b.assign_sub(variable.as_graph_tensor(), step)
                add_to_collection(GraphKeys.UPDATE_OPS, update)
        channels = (inputs.type.shape or ())[axis]
        wide = tuple(channels if k == axis else 1 for k in range(rank))

        def spread(v: Any) -> Any:
            tensor = as_tensor(v)
            return None if tensor is None else b.reshape(tensor, shape=wide)

        return nn.batch_normalization(
            inputs,
            spread(mean),
            spread(variance),
            spread(self.beta),
            spread(self.gamma),
            self.epsilon,
        )
