"""Initial values by distribution: objects called with a shape and a dtype, as TF1 calls them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.dtype import DType, as_dtype, float32
from graphc.ir.graph import Tensor, default_graph


class Initializer:
    """``initializer(shape, dtype)`` makes the initial value of a variable."""

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None
    ) -> Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an initializer like this one."""
        given = signature(type(self)).parameters
        held = {k: v for k, v in self.__dict__.items() if k in given}
        return {k: v.name if hasattr(v, "as_numpy_dtype") else v for k, v in held.items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        return cls(**config)


def _floating(dtype: Any) -> DType:
    wanted = as_dtype(dtype)
    if not wanted.is_floating:
        raise ValueError(f"the initializer makes floating numbers, dtype is {wanted}")
    return wanted


class Zeros(Initializer):
    """All zeros (False for bool)."""

    def __init__(self, dtype: Any = float32) -> None:
        self.dtype = as_dtype(dtype)

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None
    ) -> Tensor:
        return _filled(shape, 0, dtype or self.dtype, "zeros")


class Ones(Initializer):
    """All ones (True for bool)."""

    def __init__(self, dtype: Any = float32) -> None:
        self.dtype = as_dtype(dtype)

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None
    ) -> Tensor:
        return _filled(shape, 1, dtype or self.dtype, "ones")


def _filled(shape: Sequence[int], number: int, dtype: Any, name: str) -> Tensor:
    wanted = as_dtype(dtype)
    value = bool(number) if wanted.is_bool else number
    with default_graph().name_scope(name):
        filling = "" if wanted.is_string and value == 0 else value
    return Builder(default_graph()).full(tuple(shape), filling, wanted)


class Constant(Initializer):
    """One value, or an array of values that is put into the variable's shape.

    >>> tf.get_variable("b", [10], initializer=tf.constant_initializer(0.1))
    """

    def __init__(self, value: Any = 0, dtype: Any = float32, verify_shape: bool = False) -> None:
        self.value = value
        self.dtype = as_dtype(dtype)
        self.verify_shape = verify_shape

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None,
        verify_shape: bool | None = None,
    ) -> Tensor:  # fmt: skip
        from frontends.tf.graph.building import constant

        wanted = as_dtype(dtype or self.dtype)
        if np.ndim(self.value) == 0:
            return _filled_with(shape, self.value, wanted)
        strict = self.verify_shape if verify_shape is None else verify_shape
        return constant(self.value, wanted, shape, verify_shape=strict)


def _filled_with(shape: Sequence[int], value: Any, dtype: Any) -> Tensor:
    with default_graph().name_scope("Const"):
        return Builder(default_graph()).full(tuple(shape), value, dtype)


class RandomNormal(Initializer):
    """Normal numbers of a mean and standard deviation."""

    def __init__(
        self, mean: float = 0.0, stddev: float = 1.0, seed: int | None = None, dtype: Any = float32
    ) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed
        self.dtype = _floating(dtype)

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None
    ) -> Tensor:
        from frontends.tf.functions.random import random_normal

        return random_normal(shape, self.mean, self.stddev, dtype or self.dtype, self.seed)


class TruncatedNormal(RandomNormal):
    """Normal numbers within two standard deviations of the mean."""

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None
    ) -> Tensor:
        from frontends.tf.functions.random import truncated_normal

        return truncated_normal(shape, self.mean, self.stddev, dtype or self.dtype, self.seed)


class RandomUniform(Initializer):
    """Numbers spread evenly over [minval, maxval)."""

    def __init__(
        self,
        minval: float = 0,
        maxval: float | None = None,
        seed: int | None = None,
        dtype: Any = float32,
    ) -> None:
        self.minval, self.maxval, self.seed, self.dtype = minval, maxval, seed, as_dtype(dtype)

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None
    ) -> Tensor:
        from frontends.tf.functions.random import random_uniform

        return random_uniform(shape, self.minval, self.maxval, dtype or self.dtype, self.seed)


class KerasNormal(RandomNormal):
    """Normal numbers, by default as small as Keras has them."""

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None,
        dtype: Any = float32,
    ) -> None:  # fmt: skip
        super().__init__(mean, stddev, seed, dtype)


class KerasTruncatedNormal(TruncatedNormal):
    """Normal numbers within two standard deviations, by default as small as Keras has them."""

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None,
        dtype: Any = float32,
    ) -> None:  # fmt: skip
        super().__init__(mean, stddev, seed, dtype)


class KerasUniform(RandomUniform):
    """Numbers spread evenly, by default as near zero as Keras has them."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None,
        dtype: Any = float32,
    ) -> None:  # fmt: skip
        super().__init__(minval, maxval, seed, dtype)


class VarianceScaling(Initializer):
    """Random numbers of variance ``scale / n``; n counts a weight's inputs (``fan_in``), its
    outputs (``fan_out``), or the mean of both (``fan_avg``).

    Glorot and Bengio (2010) with scale 1 and fan_avg; He et al. (2015) with scale 2 and fan_in.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = float32,
    ) -> None:
        if scale <= 0:
            raise ValueError(f"scale must be positive, got {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"mode must be fan_in, fan_out or fan_avg, got {mode!r}")
        distribution = distribution.lower()
        if distribution not in ("normal", "truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(f"there is no distribution {distribution!r} here")
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.seed, self.dtype = seed, _floating(dtype)

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None
    ) -> Tensor:
        from frontends.tf.functions.random import random_normal, random_uniform, truncated_normal

        fan_in, fan_out = fans(shape if partition_info is None else partition_info.full_shape)
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, count)
        wanted = dtype or self.dtype
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random_uniform(shape, -limit, limit, wanted, self.seed)
        if self.distribution == "untruncated_normal":
            return random_normal(shape, 0.0, math.sqrt(variance), wanted, self.seed)
        return truncated_normal(
            shape, 0.0, math.sqrt(variance) / TRUNCATED_STDDEV, wanted, self.seed
        )


# Standard deviation of a unit normal cut at +-2: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
TRUNCATED_STDDEV = 0.87962566103423978


def fans(shape: Sequence[int]) -> tuple[float, float]:
    """(inputs, outputs) of a weight: the last two sizes, times the receptive field before them."""
    if len(shape) < 2:
        n = float(shape[0]) if shape else 1.0
        return n, n
    field = math.prod(shape[:-2])
    return float(field * shape[-2]), float(field * shape[-1])


class GlorotUniform(VarianceScaling):
    """Uniform on ``+-sqrt(6 / (fan_in + fan_out))``: the default of ``get_variable``."""

    def __init__(self, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, dtype)


class GlorotNormal(VarianceScaling):
    """Truncated normal of variance ``2 / (fan_in + fan_out)``."""

    def __init__(self, seed: int | None = None, dtype: Any = float32) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, dtype)


def he_normal(seed: int | None = None, dtype: Any = float32) -> VarianceScaling:
    """Truncated normal of variance ``2 / fan_in``."""
    return VarianceScaling(2.0, "fan_in", "truncated_normal", seed, dtype)


def he_uniform(seed: int | None = None, dtype: Any = float32) -> VarianceScaling:
    """Uniform of variance ``2 / fan_in``."""
    return VarianceScaling(2.0, "fan_in", "uniform", seed, dtype)


def lecun_normal(seed: int | None = None, dtype: Any = float32) -> VarianceScaling:
    """Truncated normal of variance ``1 / fan_in``."""
    return VarianceScaling(1.0, "fan_in", "truncated_normal", seed, dtype)


def lecun_uniform(seed: int | None = None, dtype: Any = float32) -> VarianceScaling:
    """Uniform of variance ``1 / fan_in``."""
    return VarianceScaling(1.0, "fan_in", "uniform", seed, dtype)


class UniformUnitScaling(Initializer):
    """Uniform on ``+-factor * sqrt(3 / inputs)``: all sizes but the last are inputs."""

    def __init__(self, factor: float = 1.0, seed: int | None = None, dtype: Any = float32) -> None:
        self.factor, self.seed, self.dtype = factor, seed, _floating(dtype)

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None
    ) -> Tensor:
        from frontends.tf.functions.random import random_uniform

        whole = shape if partition_info is None else partition_info.full_shape
        limit = math.sqrt(3.0 / max(1.0, math.prod(whole[:-1]))) * self.factor
        return random_uniform(shape, -limit, limit, dtype or self.dtype, self.seed)


class Orthogonal(Initializer):
    """Columns (or rows, where there are fewer) of length ``gain``, at right angles (Saxe et al.,
    2014); all axes but the last count as one."""

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = float32) -> None:
        self.gain, self.seed, self.dtype = gain, seed, _floating(dtype)

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None
    ) -> Tensor:
        from frontends.tf.functions.diagonals import diag_part, matrix_transpose
        from frontends.tf.functions.linalg import qr
        from frontends.tf.functions.random import random_normal

        if len(shape) < 2:
            raise ValueError(f"an orthogonal matrix has two axes or more, got {list(shape)}")
        rows, columns = math.prod(shape[:-1]), int(shape[-1])
        tall = (max(rows, columns), min(rows, columns))
        wanted = as_dtype(dtype or self.dtype)
        q, r = qr(random_normal(tall, 0.0, 1.0, wanted, self.seed), full_matrices=False)
        b = Builder(default_graph())
        q = b.mul(q, b.sign(diag_part(r)))
        if rows < columns:
            q = matrix_transpose(q)
        return b.mul(b.reshape(q, shape=tuple(shape)), self.gain)


class Identity(Initializer):
    """The identity matrix times ``gain``."""

    def __init__(self, gain: float = 1.0, dtype: Any = float32) -> None:
        self.gain, self.dtype = gain, as_dtype(dtype)

    def __call__(
        self, shape: Sequence[int], dtype: Any = None, partition_info: Any = None
    ) -> Tensor:
        from frontends.tf.graph.building import constant

        whole = shape if partition_info is None else partition_info.full_shape
        if len(whole) != 2:
            raise ValueError(f"an identity matrix has two axes, got the shape {list(whole)}")
        wanted = as_dtype(dtype or self.dtype)
        first = [0, 0] if partition_info is None else partition_info.var_offset
        eye = np.eye(shape[0], shape[1], k=int(first[0] - first[1]))
        return constant(self.gain * eye, wanted)


zeros = zeros_initializer = Zeros
ones = ones_initializer = Ones
constant = constant_initializer = Constant
random_normal = random_normal_initializer = RandomNormal
truncated_normal = truncated_normal_initializer = TruncatedNormal
random_uniform = random_uniform_initializer = RandomUniform
variance_scaling = variance_scaling_initializer = VarianceScaling
glorot_uniform = glorot_uniform_initializer = GlorotUniform
glorot_normal = glorot_normal_initializer = GlorotNormal
uniform_unit_scaling = UniformUnitScaling
orthogonal = orthogonal_initializer = Orthogonal
identity = Identity

_BY_NAME: dict[str, Callable[..., Initializer]] = {
    "zeros": Zeros, "ones": Ones, "constant": Constant, "identity": Identity,
    "orthogonal": Orthogonal, "variance_scaling": VarianceScaling,
    "glorot_uniform": GlorotUniform, "glorot_normal": GlorotNormal, "he_normal": he_normal,
    "he_uniform": he_uniform, "lecun_normal": lecun_normal, "lecun_uniform": lecun_uniform,
    **dict.fromkeys(("random_normal", "normal"), KerasNormal),
    "truncated_normal": KerasTruncatedNormal,
    **dict.fromkeys(("random_uniform", "uniform"), KerasUniform),
}  # fmt: skip


def named_initializer(identifier: Any) -> Any:
    """The initializer of a name (Keras': ``"zeros"``, ``"Zeros"``); others are as they are."""
    if not isinstance(identifier, str):
        return identifier
    from graphc.ir.op import _snake

    made = _BY_NAME.get(identifier) or _BY_NAME.get(_snake(identifier))
    if made is None:
        raise ValueError(f"there is no initializer {identifier!r}; there are {', '.join(_BY_NAME)}")
    return made()


def as_initializer(value: Any) -> Callable[..., Tensor]:
    """``initializer(shape, dtype, partition_info)`` from an initializer, a class of them (made
    without arguments), or a function that takes some of these."""
    if isinstance(value, type):
        value = value()
    try:
        parameters = signature(value).parameters
    except (TypeError, ValueError):
        return value
    anything = any(p.kind is p.VAR_KEYWORD for p in parameters.values())

    def called(shape: Sequence[int], dtype: Any = None, partition_info: Any = None) -> Tensor:
        given = {"dtype": dtype, "partition_info": partition_info}
        return value(list(shape), **{k: v for k, v in given.items() if anything or k in parameters})

    return called


def global_variables() -> Any:
    """``tf.initializers.global_variables()``: the same as ``tf.global_variables_initializer()``."""
    from frontends.tf.variables.variable import global_variables_initializer

    return global_variables_initializer()


def local_variables() -> Any:
    """``tf.initializers.local_variables()``: the same as ``tf.local_variables_initializer()``."""
    from frontends.tf.variables.variable import local_variables_initializer

    return local_variables_initializer()


def variables(var_list: Any, name: str = "init") -> Any:
    """``tf.initializers.variables()``: the same as ``tf.variables_initializer()``."""
    from frontends.tf.variables.variable import variables_initializer

    return variables_initializer(var_list, name)
