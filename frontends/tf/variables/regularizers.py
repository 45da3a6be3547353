"""Penalties on weights: functions of a variable that give a loss.

``tf.contrib.layers.l2_regularizer`` and its relatives, and ``tf.keras.regularizers`` whose l2 has
no half.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.graph.building import GraphKeys, add_to_collection, get_collection
from frontends.tf.graph.tensor import builder, convert
from graphc.ir.graph import Tensor

Regularization = Callable[[Any], Tensor | None]


def _checked(scale: Any, what: str) -> float:
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"{what} is a float, got the integer {scale}")
    if isinstance(scale, numbers.Real) and scale < 0.0:
        raise ValueError(f"{what} cannot be below zero, got {scale}")
    return scale


def l1_regularizer(scale: float, scope: str | None = None) -> Regularization:
    """``weights -> scale * sum(|weights|)``; None for scale 0."""
    if _checked(scale, "scale") == 0.0:
        return _nothing

    def l1(weights: Any) -> Tensor:
        x = convert(weights)
        b = builder(x)
        with b.home.name_scope(scope or "l1_regularizer") as title:
            total = b.reduce_sum(b.abs(x), axis=None)
            return b.mul(convert(scale, like=x), total, name=title)

    return l1


def l2_regularizer(scale: float, scope: str | None = None) -> Regularization:
    """``weights -> scale * sum(weights**2) / 2``; None for scale 0."""
    if _checked(scale, "scale") == 0.0:
        return _nothing

    def l2(weights: Any) -> Tensor:
        x = convert(weights)
        b = builder(x)
        with b.home.name_scope(scope or "l2_regularizer") as title:
            return b.mul(convert(scale, like=x), b.l2_loss(x), name=title)

    return l2


def l1_l2_regularizer(
    scale_l1: float = 1.0, scale_l2: float = 1.0, scope: str | None = None
) -> Regularization:
    """``weights -> scale_l1 * sum(|weights|) + scale_l2 * sum(weights**2) / 2``."""
    scope = scope or "l1_l2_regularizer"
    if _checked(scale_l1, "scale_l1") == 0.0:
        return l2_regularizer(scale_l2, scope)
    if _checked(scale_l2, "scale_l2") == 0.0:
        return l1_regularizer(scale_l1, scope)
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope=scope)


def sum_regularizer(
    regularizer_list: Sequence[Regularization | None], scope: str | None = None
) -> Regularization:
    """``weights`` -> the sum of what the regularizers give; None where all give None."""
    listed = [one for one in regularizer_list if one is not None]
    if not listed:
        return _nothing

    def total(weights: Any) -> Tensor | None:
        x = convert(weights)
        b = builder(x)
        with b.home.name_scope(scope or "sum_regularizer") as title:
            found = [loss for one in listed if (loss := one(weights)) is not None]
            return b.add_n(*found, name=title) if found else None

    return total


def apply_regularization(
    regularizer: Regularization, weights_list: Sequence[Any] | None = None
) -> Tensor:
    """The sum of a regularizer's losses of several weights (default: the collection WEIGHTS); each
    joins the collection REGULARIZATION_LOSSES."""
    weights = weights_list if weights_list is not None else get_collection(GraphKeys.WEIGHTS)
    if not weights:
        raise ValueError("there are no weights to regularize")
    with builder(*weights).home.name_scope("get_regularization_penalty") as title:
        losses = [0.0 if (loss := regularizer(w)) is None else loss for w in weights]
        penalties = [convert(loss) for loss in losses]
        for penalty in penalties:
            if penalty.type.shape not in (None, ()):
                raise ValueError(f"a regularizer gives a scalar, got {penalty.type}")
            add_to_collection(GraphKeys.REGULARIZATION_LOSSES, penalty)
        return builder(*penalties).add_n(*penalties, name=title)


def _nothing(_: Any) -> None:
    return


# --- as Keras has them ---------------------------------------------------------------------------


class Regularizer:
    """A penalty with a configuration."""

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        return dict(vars(self))


class L1L2(Regularizer):
    """``l1 * sum(|x|) + l2 * sum(x**2)``."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = float(l1), float(l2)

    def __call__(self, x: Any) -> Tensor:
        weights = convert(x)
        b = builder(weights)
        total = b.tensor(0.0, like=weights)
        if self.l1:
            total = b.add(total, b.mul(b.reduce_sum(b.abs(weights), axis=None), self.l1))
        if self.l2:
            total = b.add(total, b.mul(b.reduce_sum(b.square(weights), axis=None), self.l2))
        return total


def l1(l: float = 0.01) -> L1L2:  # noqa: E741
    """``l * sum(|x|)``."""
    return L1L2(l1=l)


def l2(l: float = 0.01) -> L1L2:  # noqa: E741
    """``l * sum(x**2)``."""
    return L1L2(l2=l)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """``l1 * sum(|x|) + l2 * sum(x**2)``."""
    return L1L2(l1, l2)


_BY_NAME: dict[str, Callable[[], Regularizer]] = {"l1": l1, "l2": l2, "l1_l2": l1_l2, "L1L2": l1_l2}


def named_regularizer(identifier: Any) -> Any:
    """The regularizer of a name, with its defaults; others are as they are."""
    if not isinstance(identifier, str):
        return identifier
    if identifier not in _BY_NAME:
        raise ValueError(f"there is no regularizer {identifier!r}; there are l1, l2, l1_l2")
    return _BY_NAME[identifier]()


get = named_regularizer
