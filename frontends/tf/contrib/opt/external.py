"""Optimizers outside the graph: they see the weights as one vector, and ask sessions for values and
gradients there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from frontends.tf.graph.differentiation import gradients
from frontends.tf.graph.shapes import static_shape
from frontends.tf.graph.tensor import convert
from frontends.tf.platform import logging
from frontends.tf.variables.variable import trainable_variables
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor

Function = Callable[[np.ndarray], Any]


class Packed:
    """Variables as one float64 vector.

    A session computes at any place without changing them: they are fed.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        self.variables = list(variables)
        self.shapes = [static_shape(v.shape, f"variable {v.op.name!r}") for v in self.variables]
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)]).tolist()
        self.size = ends[-1]
        self._parts = [slice(a, b) for a, b in pairwise(ends)]

    def joined(self, arrays: Sequence[Any]) -> np.ndarray:
        """One array per variable as a vector."""
        if not arrays:
            return np.zeros(0)
        return np.concatenate([np.asarray(a, np.float64).ravel() for a in arrays])

    def split(self, vector: np.ndarray) -> list[np.ndarray]:
        """A vector as one array per variable, in the variable's dtype."""
        return [
            np.asarray(vector[part].reshape(shape), v.dtype.as_numpy_dtype)
            for v, shape, part in zip(self.variables, self.shapes, self._parts, strict=True)
        ]

    def feeds(self, vector: np.ndarray) -> dict[Any, np.ndarray]:
        return dict(zip(self.variables, self.split(vector), strict=True))

    def read(self, session: Any) -> np.ndarray:
        return self.joined(session.run(self.variables))

    def write(self, vector: np.ndarray, session: Any) -> None:
        """Give the variables of a session the values of a vector."""
        for variable, value in zip(self.variables, self.split(vector), strict=True):
            variable.load(value, session)


def gradients_or_zeros(y: Any, variables: Sequence[Any]) -> list[Tensor]:
    return [convert(g) for g in gradients(y, list(variables), unconnected_gradients="zero")]


class ExternalOptimizerInterface:
    """Lets a method outside the graph minimise ``loss``; a subclass says ``_minimize``.

    ``equalities`` are tensors to be held at zero, ``inequalities`` at or above it;
    ``var_to_bounds`` maps variables to (lowest, highest), numbers or arrays of the variable's
    shape.  Further arguments go to ``_minimize`` as ``optimizer_kwargs``.
    """

    def __init__(
        self,
        loss: Any,
        var_list: Sequence[Any] | None = None,
        equalities: Sequence[Any] | None = None,
        inequalities: Sequence[Any] | None = None,
        var_to_bounds: Mapping[Any, tuple[Any, Any]] | None = None,
        **optimizer_kwargs: Any,
    ) -> None:
        self.optimizer_kwargs = optimizer_kwargs
        self._loss = convert(loss)
        self._equalities = list(equalities or [])
        self._inequalities = list(inequalities or [])
        self._vars = list(trainable_variables() if var_list is None else var_list)
        if not self._vars:
            raise ValueError("there are no variables to optimise")
        self._packed = Packed(self._vars)
        self._packed_bounds = None if var_to_bounds is None else self._bounds(var_to_bounds)
        self._loss_grads = gradients_or_zeros(self._loss, self._vars)
        self._equality_grads = [gradients_or_zeros(y, self._vars) for y in self._equalities]
        self._inequality_grads = [gradients_or_zeros(y, self._vars) for y in self._inequalities]

    def _bounds(self, given: Mapping[Any, tuple[Any, Any]]) -> list[tuple[float, float]]:
        """(lowest, highest) for each element of the vector."""
        known = {as_tensor(v): bounds for v, bounds in given.items()}
        ends: list[tuple[float, float]] = []
        for variable, shape in zip(self._vars, self._packed.shapes, strict=True):
            low, high = known.get(as_tensor(variable), (-np.inf, np.inf))
            lows, highs = np.broadcast_to(low, shape), np.broadcast_to(high, shape)
            ends += zip(lows.ravel().tolist(), highs.ravel().tolist(), strict=True)
        return ends

    def minimize(
        self,
        session: Any = None,
        feed_dict: Mapping[Any, Any] | None = None,
        fetches: Sequence[Any] | None = None,
        step_callback: Callable | None = None,
        loss_callback: Callable | None = None,
        **run_kwargs: Any,
    ) -> None:
        """Find the variables' values that minimise the loss, and give them to the session.

        ``loss_callback`` gets the values of ``fetches`` each time the loss is computed,
        ``step_callback`` the vector of all variables after each step.
        """
        from runtime.session import session_for

        chosen = session_for(session, self._loss.graph)

        def function(tensors: Sequence[Any], callback: Callable | None = None) -> Function:
            extra = list(fetches or []) if callback is not None else []

            def evaluate(x: np.ndarray) -> list[Any]:
                feeds = {**self._packed.feeds(x), **(feed_dict or {})}
                values = chosen.run([*tensors, *extra], feeds, **run_kwargs)
                if callback is not None:
                    callback(*values[len(tensors) :])
                return values[: len(tensors)]

            return evaluate

        def slopes(grads: Sequence[Sequence[Tensor]]) -> list[Function]:
            return [self._joined(function(g)) for g in grads]

        result = self._minimize(
            initial_val=self._packed.read(chosen),
            loss_grad_func=self._value_and_slope(
                function([self._loss, *self._loss_grads], loss_callback)
            ),
            equality_funcs=[_only(function([y])) for y in self._equalities],
            equality_grad_funcs=slopes(self._equality_grads),
            inequality_funcs=[_only(function([y])) for y in self._inequalities],
            inequality_grad_funcs=slopes(self._inequality_grads),
            packed_bounds=self._packed_bounds,
            step_callback=step_callback,
            optimizer_kwargs=self.optimizer_kwargs,
        )
        self._packed.write(result, chosen)

    def _joined(self, function: Function) -> Function:
        return lambda x: self._packed.joined(function(x))

    def _value_and_slope(self, function: Function) -> Function:
        def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
            value, *grads = function(x)
            return float(value), self._packed.joined(grads)

        return evaluate

    def _minimize(
        self,
        initial_val: np.ndarray,
        loss_grad_func: Function,
        equality_funcs: list[Function],
        equality_grad_funcs: list[Function],
        inequality_funcs: list[Function],
        inequality_grad_funcs: list[Function],
        packed_bounds: list[tuple[float, float]] | None,
        step_callback: Callable | None,
        optimizer_kwargs: dict[str, Any],
    ) -> np.ndarray:
        """The vector at which the loss is least, from functions of the vector."""
        raise NotImplementedError("a subclass of ExternalOptimizerInterface says _minimize")


def _only(function: Function) -> Function:
    return lambda x: np.float64(function(x)[0])


class ScipyOptimizerInterface(ExternalOptimizerInterface):
    """Minimises by ``scipy.optimize.minimize``: L-BFGS-B, or any ``method`` it has.

    Further arguments are SciPy's: ``method``, ``options``, ``tol``.  Needs SciPy:
    ``pip install "graphc[scipy]"``.

    >>> optimizer = tf.contrib.opt.ScipyOptimizerInterface(loss, options={"maxiter": 100})
    >>> optimizer.minimize(sess, feed_dict={x: images})

    With bounds and an inequality (kept at or above zero):

    >>> tf.contrib.opt.ScipyOptimizerInterface(
    ...     loss, var_to_bounds={w: (0.0, 1.0)}, inequalities=[w[0] - 0.5], method="SLSQP")
    """

    _DEFAULT_METHOD = "L-BFGS-B"
    _SET = ("jac", "callback", "constraints")

    def _minimize(
        self, initial_val: np.ndarray, loss_grad_func: Function, equality_funcs: list[Function],
        equality_grad_funcs: list[Function], inequality_funcs: list[Function],
        inequality_grad_funcs: list[Function], packed_bounds: list[tuple[float, float]] | None,
        step_callback: Callable | None, optimizer_kwargs: dict[str, Any],
    ) -> np.ndarray:  # fmt: skip
        given = dict(optimizer_kwargs)
        for name in self._SET:
            if name in given:
                raise ValueError(f"{name!r} is set by the optimizer and cannot be given")
        if "bounds" in given:
            raise ValueError("bounds are given as var_to_bounds")
        constraints = [
            {"type": kind, "fun": value, "jac": slope}
            for kind, values, slopes in (
                ("eq", equality_funcs, equality_grad_funcs),
                ("ineq", inequality_funcs, inequality_grad_funcs),
            )
            for value, slope in zip(values, slopes, strict=True)
        ]
        method = given.pop("method", self._DEFAULT_METHOD)
        if packed_bounds is not None:
            given["bounds"] = packed_bounds
        if constraints:
            given["constraints"] = constraints
        result = _scipy_minimize()(
            loss_grad_func, initial_val, jac=True, callback=step_callback, method=method, **given
        )
        logging.info(
            "Optimization terminated with:\n  Message: %s\n  Objective function value: %f\n"
            "  Number of iterations: %s\n  Number of functions evaluations: %s",
            result.message, result.fun, result.get("nit", "?"), result.nfev,
        )  # fmt: skip
        return result.x


def _scipy_minimize() -> Callable:
    try:
        from scipy.optimize import minimize
    except ImportError:
        raise ImportError(
            'ScipyOptimizerInterface needs SciPy: pip install "graphc[scipy]"'
        ) from None
    return minimize
