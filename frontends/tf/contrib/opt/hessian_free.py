"""Hessian-free optimization: Martens, "Deep learning via Hessian-free optimization" (2010), with
the Gauss-Newton matrix of Schraudolph, "Fast curvature matrix-vector products" (2002)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from frontends.tf.contrib.opt.external import Packed, gradients_or_zeros
from frontends.tf.graph.building import placeholder
from frontends.tf.graph.differentiation import gradients, jvp
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.variables.variable import trainable_variables
from graphc.ir.graph import Tensor

Vector = np.ndarray
Product = Callable[[Vector], Vector]
GROWTH = 1.3  # iterates of conjugate gradients are kept at 1.3, 1.3**2, ...
LONGEST_SEARCH = 60
EXACT = 1e-20  # what is left of the squared residual of a system that is solved


@dataclass(frozen=True)
class Step:
    """What one step did: the loss before and after, the damping that followed, and the work."""

    before: float
    after: float
    damping: float
    cg_iterations: int
    rate: float


class HessianFreeOptimizer:
    """Minimises a loss by steps that conjugate gradients find in its curvature.

    ``outputs`` are tensors through which alone the variables act on ``loss`` (the logits, the
    reconstruction), and the loss must be convex in them.  The curvature is the Gauss-Newton matrix
    ``G = J' H J``: J the derivative of the outputs in the variables, H the second derivative of the
    loss in the outputs.  A product ``G v`` is one forward derivative, one product with H and one
    gradient; G itself is never made.

    A step solves ``(G + damping * I) d = -gradient`` by at most ``cg_iterations`` of conjugate
    gradients, beginning at ``momentum`` times the last solution; it then goes back through the
    iterates while that lowers the loss, searches along the line, and changes the damping as
    Levenberg and Marquardt do: less where the quadratic model was right about the loss.

    ``preconditioner`` is the exponent of ``(diagonal of G + damping)`` to precondition by (None: no
    preconditioner; 0.75 in the paper); the diagonal is estimated with ``probes`` products (Bekas,
    Kokiopoulou, Saad, "An estimator for the diagonal of a matrix", 2007).

    >>> optimizer = tf.contrib.opt.HessianFreeOptimizer(loss, outputs=logits)
    >>> for _ in range(30):
    ...     step = optimizer.minimize(sess, feed_dict={x: images, y: labels})

    Large batches suit it: ``curvature_feed_dict`` gives a smaller one to the products alone.
    """

    def __init__(
        self,
        loss: Any,
        outputs: Any,
        var_list: Sequence[Any] | None = None,
        damping: float = 1.0,
        cg_iterations: int = 50,
        momentum: float = 0.95,
        tolerance: float = 5e-4,
        preconditioner: float | None = None,
        probes: int = 8,
        seed: int = 0,
        name: str = "HessianFree",
    ) -> None:
        if damping < 0:
            raise ValueError(f"damping must not be negative: {damping}")
        self._vars = list(trainable_variables() if var_list is None else var_list)
        if not self._vars:
            raise ValueError("there are no variables to optimise")
        self.damping, self._cg_iterations, self._momentum = damping, cg_iterations, momentum
        self._tolerance, self._exponent, self._probes = tolerance, preconditioner, probes
        self._random = np.random.default_rng(seed)
        self._packed = Packed(self._vars)
        self._last = np.zeros(self._packed.size)
        self._loss = convert(loss)
        graph = self._loss.graph
        with graph.as_default(), graph.name_scope(name):
            self._slope = gradients_or_zeros(self._loss, self._vars)
            self._direction = [
                placeholder(v.dtype, v.shape, name=f"{v.op.name}/direction") for v in self._vars
            ]
            given = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
            self._product = self._gauss_newton([convert(y) for y in given])

    def _gauss_newton(self, outputs: list[Tensor]) -> list[Tensor]:
        """``J' H J v`` for the direction v that is fed."""
        moved = jvp(outputs, self._vars, self._direction)
        reached = [(y, t) for y, t in zip(outputs, moved, strict=True) if t is not None]
        if not reached:
            raise ValueError("the outputs depend on none of the variables")
        ys = [y for y, _ in reached]
        pulls = [
            None if g is None else jvp(g, ys, [t for _, t in reached])[0]
            for g in gradients(self._loss, ys)
        ]
        bent = [(y, p) for y, p in zip(ys, pulls, strict=True) if p is not None]
        if not bent:
            raise ValueError("the loss has no curvature in the outputs")
        grads = gradients([y for y, _ in bent], self._vars, grad_ys=[p for _, p in bent])
        return [
            builder(convert(v)).zeros_like(convert(v)) if g is None else convert(g)
            for g, v in zip(grads, self._vars, strict=True)
        ]

    def minimize(
        self,
        session: Any = None,
        feed_dict: Mapping[Any, Any] | None = None,
        curvature_feed_dict: Mapping[Any, Any] | None = None,
    ) -> Step:
        """Take one step on this batch; the variables of the session change."""
        from runtime.session import session_for

        chosen = session_for(session, self._loss.graph)
        feeds = dict(feed_dict or {})
        bent = dict(feeds if curvature_feed_dict is None else curvature_feed_dict)
        start = self._packed.read(chosen)
        before, *parts = chosen.run([self._loss, *self._slope], feeds)
        slope = self._packed.joined(parts)

        def loss_at(offset: Vector) -> float:
            return float(chosen.run(self._loss, {**feeds, **self._packed.feeds(start + offset)}))

        def product(v: Vector) -> Vector:
            directions = dict(zip(self._direction, self._packed.split(v), strict=True))
            return self._packed.joined(chosen.run(self._product, {**bent, **directions}))

        def damped(v: Vector) -> Vector:
            return product(v) + self.damping * v

        iterates, count = conjugate_gradients(
            damped, -slope, self._momentum * self._last, self._scale(product),
            self._cg_iterations, self._tolerance,
        )  # fmt: skip
        self._last = iterates[-1]
        offset, reached = _best(iterates, loss_at)
        self._adapt(float(before), loss_at(self._last), slope, damped)
        rate, after = _searched(offset, reached, float(before), float(slope @ offset), loss_at)
        if rate:
            self._packed.write(start + rate * offset, chosen)
        return Step(float(before), after, self.damping, count, rate)

    def _scale(self, product: Product) -> Vector | None:
        """The preconditioner's diagonal."""
        if self._exponent is None:
            return None
        total = np.zeros(self._packed.size)
        for _ in range(self._probes):
            signs = self._random.choice([-1.0, 1.0], self._packed.size)
            total += signs * product(signs)
        return (np.maximum(total / self._probes, 0) + self.damping + 1e-12) ** self._exponent

    def _adapt(self, before: float, after: float, slope: Vector, damped: Product) -> None:
        """More damping where the quadratic model promised too much, less where it was right."""
        d = self._last
        promised = float(0.5 * d @ damped(d) + slope @ d)
        kept = (after - before) / promised if promised < 0 else -math.inf
        if not kept >= 0.25:  # a loss that is not a number is no good either
            self.damping *= 3 / 2
        elif kept > 0.75:
            self.damping *= 2 / 3


def conjugate_gradients(
    product: Product, target: Vector, start: Vector, scale: Vector | None, most: int,
    tolerance: float,
) -> tuple[list[Vector], int]:  # fmt: skip
    """Some iterates on the way to ``x`` with ``product(x) = target``, the last at the end, and the
    number of iterations.

    ``scale`` is the diagonal to precondition by.  It ends where the last iterations have lowered
    ``x . product(x) / 2 - target . x`` by less than ``tolerance`` of it each.
    """
    x = start.copy()
    residual = product(x) - target if x.any() else -target
    y = residual if scale is None else residual / scale
    direction = -y
    kept, next_kept = [x.copy()] if x.any() else [], GROWTH
    heights: list[float] = []
    size = float(residual @ y)
    least = EXACT * size
    count = 0
    while count < most and size > least:
        bent = product(direction)
        curvature = float(direction @ bent)
        if curvature <= 0 or not math.isfinite(curvature):
            break
        count += 1
        alpha = size / curvature
        x += alpha * direction
        residual = residual + alpha * bent
        heights.append(float(0.5 * x @ (residual - target)))
        if count >= next_kept:
            kept.append(x.copy())
            next_kept *= GROWTH
        if _settled(heights, tolerance):
            break
        y = residual if scale is None else residual / scale
        size, old = float(residual @ y), size
        direction = size / old * direction - y
    return [*kept, x], count


def _settled(heights: list[float], tolerance: float) -> bool:
    span = max(10, len(heights) // 10)
    if len(heights) <= span or heights[-1] >= 0:
        return False
    return (heights[-1] - heights[-1 - span]) / heights[-1] < span * tolerance


def _best(iterates: list[Vector], loss_at: Callable[[Vector], float]) -> tuple[Vector, float]:
    """Back from the last iterate while the loss is lower at the one before."""
    best = iterates[-1]
    lowest = loss_at(best)
    for earlier in reversed(iterates[:-1]):
        loss = loss_at(earlier)
        if loss > lowest:
            break
        best, lowest = earlier, loss
    return best, lowest


def _searched(
    offset: Vector, reached: float, before: float, fall: float, loss_at: Callable[[Vector], float]
) -> tuple[float, float]:
    """How far to go along ``offset`` (0: nowhere), and the loss there: Armijo's condition."""
    rate, after = 1.0, reached
    for _ in range(LONGEST_SEARCH):
        if after <= before + 0.01 * rate * min(fall, 0.0):
            return rate, after
        rate *= 0.8
        after = loss_at(rate * offset)
    return 0.0, before
