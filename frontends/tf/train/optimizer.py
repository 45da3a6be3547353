"""What optimizers share: gradients of the trainable variables, slots, and the operation that
updates.

A subclass says ``_create_slots``, ``_update`` (one variable's update), and optionally ``_prepare``
and ``_finish``.  Updates do not depend on each other, so that one pass over all parameters can make
them.

``_update(grad, var, rows=None)`` is one rule for both kinds of gradient: with ``rows`` (int[n])
``grad`` is [n, ...] and changes these rows of the variable and of its slots alone.  Each row is
named once, -1 names none (:func:`graphc.ops.indexing.rows.combined_rows`); the arithmetic in
:mod:`graphc.ops.learning.optimize` reads and writes rows where ``rows`` is given.

A user's subclass may say ``_apply_dense(grad, var)`` and ``_apply_sparse(grad, var)`` instead, as
in TF1: the latter gets ``tf.IndexedSlices`` whose indices are distinct.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from frontends.tf.graph.building import GraphKeys, group
from frontends.tf.graph.differentiation import gradients
from frontends.tf.graph.indexed_slices import IndexedSlices
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.platform.nest import flatten
from frontends.tf.variables.scopes import get_variable_scope
from frontends.tf.variables.variable import Variable, trainable_variables, written_variable
from graphc.errors import GraphError, ShapeError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import bfloat16, float16, float32, float64
from graphc.ir.graph import Node, Tensor, default_graph
from graphc.ir.source import here


class Optimizer:
    """Minimises a loss by changing variables.

    >>> train_op = tf.train.AdamOptimizer(1e-3).minimize(loss)
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking: bool, name: str) -> None:
        if not name:
            raise ValueError("an optimizer needs a name")
        self._name, self._use_locking = name, use_locking
        self._slots: dict[str, dict[Tensor, Variable]] = {}
        self._own: list[Variable] = []
        self._named: dict[tuple[str, Any], Variable] = {}
        self._numbers: dict[tuple, Tensor] = {}
        self._called: dict[Any, Any] = {}

    def get_name(self) -> str:
        return self._name

    # --- for users -----------------------------------------------------------------------------

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Sequence[Any] | None = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Node:
        """An operation that takes one step; it adds one to ``global_step`` when given."""
        pairs = self.compute_gradients(
            loss,
            var_list,
            gate_gradients,
            aggregation_method,
            colocate_gradients_with_ops,
            grad_loss,
        )
        if not any(gradient is not None for gradient, _ in pairs):
            names = ", ".join(v.name for _, v in pairs[:5])
            raise GraphError(
                f"{convert(loss).name} has no gradient in any of the variables ({names})",
                subject=self._name,
                hint="tf.why_none(loss, variable) says where it stops",
                site=here(),
            )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Sequence[Any] | None = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:
        """(gradient, variable) pairs; ``var_list`` defaults to the trainable variables.

        ``loss`` is a tensor or a function of no arguments that makes it.  A variable it does not
        depend on has None.  ``gate_gradients`` and ``aggregation_method`` change nothing: a step
        always sees the variables as they were before it.
        """
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, "
                f"Optimizer.GATE_GRAPH.  Not {gate_gradients}"
            )
        target = convert(loss() if callable(loss) and as_tensor(loss) is None else loss)
        variables = _given_or_trainable(var_list)
        self._assert_valid_dtypes([target])
        found = gradients(
            target, variables, grad_ys=grad_loss,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )  # fmt: skip
        pairs = list(zip(found, variables, strict=True))
        self._assert_valid_dtypes([v for g, v in pairs if g is not None])
        if var_list is None:
            left = [as_tensor(v) for g, v in pairs if g is None]
            target.graph.unreached.append((target, left))
        return pairs

    def _valid_dtypes(self) -> set[Any]:
        """The dtypes of losses and variables that can be trained."""
        return {float16, bfloat16, float32, float64}

    def _assert_valid_dtypes(self, tensors: Iterable[Any]) -> None:
        valid = self._valid_dtypes()
        for tensor in tensors:
            if tensor.dtype not in valid:
                names = ", ".join(sorted(str(dtype) for dtype in valid))
                raise ValueError(
                    f"Invalid type {tensor.dtype} for {tensor.name}, expected: {names}"
                )

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Any = None,
        name: str | None = None,
    ) -> Node:
        """An operation that applies (gradient, variable) pairs; pairs without a gradient are
        skipped."""
        pairs = [(g, v) for g, v in grads_and_vars]
        if not pairs:
            raise ValueError("no variables were given")
        live = [
            (g if isinstance(g, IndexedSlices) else convert(g), v)
            for g, v in pairs
            if g is not None
        ]
        if not live:
            raise ValueError(f"no gradients for any variable: {[v.name for _, v in pairs]}")
        graph = live[0][0].graph
        for gradient, variable in live:
            _check_fit(gradient, variable)
        with graph.control_dependencies(None):
            self._create_slots([v for _, v in live])
        with graph.name_scope(name or self._name):
            self._prepare()
            scope = graph.scope
            updates = [u for g, v in live for u in self._updates(g, v)]
            counts = global_step is not None
            finished = self._finish(updates, "update" if counts else scope)
            done = list(finished) if isinstance(finished, list | tuple) else [finished]
            if counts:
                step = written_variable(global_step)
                done.append(builder(step).assign_add(step, 1, name="step"))
        whole = isinstance(finished, Node) and len(done) == 1
        train_op = finished if whole else group(*done, name=scope)
        graph.add_to_collection(GraphKeys.TRAIN_OP, train_op)
        return train_op

    def get_slot(self, var: Any, name: str) -> Variable | None:
        """The variable kept for ``var`` under ``name`` (``"momentum"``, ``"m"``, ...)."""
        tensor = as_tensor(var)
        return self._slots.get(name, {}).get(tensor) if tensor is not None else None

    def get_slot_names(self) -> list[str]:
        return sorted(self._slots)

    def variables(self) -> list[Variable]:
        """Every variable the optimizer made."""
        slots = [v for name in self.get_slot_names() for v in self._slots[name].values()]
        return [*self._own, *slots]

    # --- for subclasses ------------------------------------------------------------------------

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        """Make the variables kept beside each variable."""

    def _prepare(self) -> None:
        """Make tensors that all updates share; called before each set of updates."""
        self._numbers, self._called = {}, {}

    _is_linear = False  # whether a row named twice may be updated twice

    def _update(self, grad: Tensor, var: Any, rows: Tensor | None = None) -> Any:
        """The update of one variable: an operation, a tensor, or a list whose last writes the
        variable."""
        raise NotImplementedError(f"{type(self).__name__} says no _apply_dense")

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        """The update of one variable by a dense gradient."""
        if _says(self, "_resource_apply_dense"):
            return self._resource_apply_dense(grad, var)
        return self._update(grad, var)

    def _resource_apply_dense(self, grad: Tensor, handle: Any) -> Any:
        """Another name of :meth:`_apply_dense`, for a subclass that says this one alone."""
        raise NotImplementedError(f"{type(self).__name__} says no _resource_apply_dense")

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Any:
        """The update of one variable by a gradient of rows, of which some may be equal."""
        if _says(self, "_apply_sparse"):
            return self._apply_sparse(_distinct(grad), var)
        if _says(self, "_resource_apply_sparse"):
            distinct = _distinct(grad)
            return self._resource_apply_sparse(distinct.values, var, distinct.indices)
        if _says(self, "_apply_dense") or _says(self, "_resource_apply_dense"):
            return self._apply_dense(convert(grad), var)
        if self._is_linear:
            return self._update(grad.values, var, self._checked_rows(grad, as_tensor(var)))
        values, rows = self._combined(grad, as_tensor(var))
        return self._update(values, var, rows)

    def _checked_rows(self, grad: IndexedSlices, w: Tensor) -> Tensor:
        """The rows of ``w`` a gradient is of; one that is not there is an error of the run."""
        if grad.is_read_from(w):
            return grad.indices
        return builder(w).check_range(grad.indices, bound=w.type.dims[0])

    def _combined(self, grad: IndexedSlices, w: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient with each row of ``w`` named once, -1 naming none."""
        sums, places = builder(w).combined_rows(grad.values, self._checked_rows(grad, w))
        return sums, places

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        """The update of one variable by a gradient of distinct rows, where a subclass says it."""
        raise NotImplementedError(f"{type(self).__name__} says no _apply_sparse")

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        """Another form of :meth:`_apply_sparse`, for a subclass that says this one alone."""
        raise NotImplementedError(f"{type(self).__name__} says no _resource_apply_sparse")

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        """All that a step does, as a list or as one operation (then named ``name_scope``); a
        subclass may add to the updates."""
        return update_ops

    def _updates(self, grad: Any, var: Any) -> list[Any]:
        """The writes that update one variable; a constrained one is written once more."""
        sparse = isinstance(grad, IndexedSlices)
        apply = self._apply_sparse_duplicate_indices if sparse else self._apply_dense
        made = apply(grad, var)
        updates = list(made) if isinstance(made, list | tuple) else [made]
        constraint = getattr(var, "constraint", None)
        if constraint is not None:
            new = convert(updates[-1])
            updates.append(builder(new).assign(as_tensor(var), convert(constraint(new))))
        return [u for u in updates if u is not None]

    def _number(self, value: Any, like: Tensor) -> Tensor:
        """A learning rate or its kind (number, tensor, function) as a tensor of ``like``'s dtype,
        made once for all updates."""
        given = self._call_if_callable(value)
        tensor = as_tensor(given)
        key = (tensor if tensor is not None else float(given), like.dtype)
        if key not in self._numbers:
            b = builder(like)
            if tensor is None:
                self._numbers[key] = b.tensor(float(given), like=like)
            else:
                same = tensor.dtype is like.dtype
                self._numbers[key] = tensor if same else b.cast(tensor, dtype=like.dtype)
        return self._numbers[key]

    def _call_if_callable(self, value: Any) -> Any:
        """``value``, or what it gives; a function is called once for all updates."""
        if as_tensor(value) is not None or not callable(value):
            return value
        if value not in self._called:
            self._called[value] = value()
        return self._called[value]

    def _slots_of(self, var: Any, *names: str) -> tuple[Tensor, ...]:
        return tuple(as_tensor(self.get_slot(var, name)) for name in names)

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Variable:
        return self._slot(var, slot_name, op_name, 0.0)

    def _slot(self, var: Any, slot_name: str, op_name: str, value: float) -> Variable:
        """The slot of ``var``, made on first use with every element ``value``."""
        like = as_tensor(var).type
        return self._get_or_make_slot_with_initializer(
            var,
            lambda shape, dtype: builder(as_tensor(var)).full(shape, value, dtype),
            like.shape,
            like.dtype,
            slot_name,
            op_name,
        )

    def _get_or_make_slot(self, var: Any, val: Any, slot_name: str, op_name: str) -> Variable:
        """The slot of ``var``, made on first use with the initial value ``val``."""
        like = as_tensor(val)
        return self._get_or_make_slot_with_initializer(
            var, lambda shape, dtype: like, like.type.shape, like.dtype, slot_name, op_name
        )

    def _get_or_make_slot_with_initializer(
        self, var: Any, initializer: Callable, shape: Any, dtype: Any, slot_name: str, op_name: str
    ) -> Variable:
        """The slot of ``var``, made on first use; named ``var/op_name`` inside the variable scope,
        as in TF1."""
        tensor = as_tensor(var)
        named = self._slots.setdefault(slot_name, {})
        if tensor not in named:
            parts = (get_variable_scope().name, tensor.node.name, op_name)
            with tensor.graph.name_scope(None):
                named[tensor] = Variable(
                    lambda: initializer(shape, dtype=dtype),
                    trainable=False,
                    name="/".join(filter(None, parts)),
                    dtype=dtype,
                )
        return named[tensor]

    def _slot_dict(self, slot_name: str) -> dict[Tensor, Variable]:
        return self._slots.setdefault(slot_name, {})

    def _create_non_slot_variable(
        self, initial_value: Any, name: str, colocate_with: Any
    ) -> Variable:
        """A variable of the optimizer itself, made on first use in a graph."""
        found = self._get_non_slot_variable(name, as_tensor(colocate_with).graph)
        if found is not None:
            return found
        made = self._named[name, as_tensor(colocate_with).graph] = self._own_variable(
            initial_value, name, None
        )
        return made

    def _get_non_slot_variable(self, name: str, graph: Any = None) -> Variable | None:
        return self._named.get((name, graph or default_graph()))

    def _own_variable(self, value: float, name: str, dtype: Any) -> Variable:
        variable = Variable(value, trainable=False, name=name, dtype=dtype)
        self._own.append(variable)
        return variable


def _says(optimizer: Optimizer, method: str) -> bool:
    """Whether a subclass has its own ``method``."""
    return getattr(type(optimizer), method) is not getattr(Optimizer, method)


def _check_fit(gradient: Tensor | IndexedSlices, variable: Any) -> None:
    """A gradient has the dtype of its variable and, where it is dense, its shape."""
    held = written_variable(variable).type
    if gradient.dtype is not held.dtype:
        raise ValueError(
            f"the gradient of {variable.name} is {gradient.dtype}, the variable {held}"
        )
    if isinstance(gradient, Tensor) and not TensorShape(gradient.type.shape).is_compatible_with(
        held.shape
    ):
        raise ShapeError(
            f"the gradient of {variable.name} has another shape than the variable",
            rows=[("gradient", str(gradient.type), ""), ("variable", str(held), "")],
            site=here(),
        )


def _distinct(grad: IndexedSlices) -> IndexedSlices:
    """The same gradient with each row named once; how many there are depends on the data."""
    from frontends.tf.functions.arrays import boolean_mask

    b = builder(grad.values)
    sums, places = b.combined_rows(grad.values, grad.indices)
    named = b.greater_equal(places, 0)
    return IndexedSlices(boolean_mask(sums, named), boolean_mask(places, named), grad.dense_shape)


def _given_or_trainable(var_list: Sequence[Any] | None) -> list[Any]:
    if var_list is None:
        found: list[Any] = list(trainable_variables())
        if not found:
            raise ValueError("there are no trainable variables to optimise")
        return found
    given = flatten(var_list)
    if not given:
        raise ValueError("var_list is empty")
    for variable in given:
        if not hasattr(variable, "as_graph_tensor"):
            raise TypeError(f"var_list must hold variables, got {variable!r}")
    return given
