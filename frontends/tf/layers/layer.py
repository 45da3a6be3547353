"""``tf.layers.Layer``: something with variables of its own that is called like a function."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from frontends.tf.graph.building import GraphKeys, get_collection_ref
from frontends.tf.graph.shapes import TensorShape, static_shape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.variables.initializers import named_initializer
from frontends.tf.variables.partitioned import PartitionedVariable
from frontends.tf.variables.regularizers import named_regularizer
from frontends.tf.variables.scopes import VariableScope, get_variable_scope, variable_scope
from frontends.tf.variables.synchronization import VariableAggregation, VariableSynchronization
from frontends.tf.variables.variable import Variable
from frontends.tf.variables.variable_getting import get_variable
from graphc.errors import ShapeError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import as_dtype, float32
from graphc.ir.graph import Graph, Tensor
from graphc.ir.source import here


class InputSpec:
    """What a layer asks of an input; None asks for nothing.  ``axes``: the sizes of some axes."""

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int] | None = None,
    ) -> None:
        self.dtype = None if dtype is None else as_dtype(dtype).name
        self.shape = shape
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim, self.min_ndim, self.axes = max_ndim, min_ndim, axes or {}

    def refusal(self, x: Tensor) -> str | None:
        """Why ``x`` does not fit, if it does not."""
        if self.dtype is not None and x.dtype.name != self.dtype:
            return f"dtype {self.dtype} is needed, got {x.dtype}"
        shape = TensorShape(x.type.shape)
        if shape.ndims is None:
            ranked = any(v is not None for v in (self.ndim, self.max_ndim, self.min_ndim))
            return "its rank must be known" if ranked else None
        if self.ndim is not None and shape.ndims != self.ndim:
            return f"{self.ndim} axes are needed, got {x.type}"
        if self.max_ndim is not None and shape.ndims > self.max_ndim:
            return f"{self.max_ndim} axes or fewer are needed, got {x.type}"
        if self.min_ndim is not None and shape.ndims < self.min_ndim:
            return f"{self.min_ndim} axes or more are needed, got {x.type}"
        sizes = shape.as_list()
        wanted: list[tuple[int, int | None]] = list(self.axes.items())
        if self.shape is not None:
            wanted += list(enumerate(TensorShape(self.shape).as_list()))
        for axis, size in wanted:
            if size is not None and sizes[axis] not in (size, None):
                return f"axis {axis} must have size {size}, got {x.type}"
        return None

    def __repr__(self) -> str:
        given = [f"{k}={v!r}" for k, v in vars(self).items() if v not in (None, {})]
        return f"InputSpec({', '.join(given)})"


class Layer:
    """Something with variables of its own, called like a function; the variables are made at the
    first call and shared by the next ones.

    A subclass makes its variables in ``build(input_shape)`` with :meth:`add_weight` and computes in
    ``call(inputs)``.
    """

    def __init__(
        self,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        activity_regularizer: Callable | None = None,
        **kwargs: Any,
    ) -> None:
        scope, self._reuse = kwargs.pop("_scope", None), kwargs.pop("_reuse", None)
        if kwargs:
            raise TypeError(f"{type(self).__name__} takes no argument {next(iter(kwargs))!r}")
        self.trainable = trainable
        self.built = False
        self.stateful = False
        self.supports_masking = False
        self.input_spec: InputSpec | Sequence[InputSpec] | None = None
        self._dtype = None if dtype is None else as_dtype(dtype).name
        self._title = name.name if isinstance(name, VariableScope) else name
        self._weights: list[Variable] = []
        self._losses: list[Any] = []
        self._updates: list[Any] = []
        self._calls: list[tuple[Any, Any]] = []
        self._activity_regularizer = named_regularizer(activity_regularizer)
        self._scope: VariableScope | None = None
        self._graph: Graph | None = None
        if scope:
            with variable_scope(scope) as self._scope:
                pass

    # --- names ---------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._scope.name if self._scope else self._title or self._default_name()

    @property
    def scope_name(self) -> str:
        if self._scope is None:
            raise ValueError("the layer has no scope before its first call")
        return self._scope.name

    @property
    def dtype(self) -> str | None:
        """The dtype of its variables: that of the first inputs where none was given."""
        return self._dtype

    @property
    def graph(self) -> Graph | None:
        return self._graph

    def _default_name(self) -> str:
        """The class's name as TF1 spells it small: Conv2DTranspose is conv2d_transpose."""
        name = type(self).__name__
        return re.sub(r"(?<=.)(?=[A-Z][a-z0-9])|(?<=[a-z])(?=[A-Z])", "_", name).lower()

    def _open(self, scope: Any) -> None:
        """Find the layer's variable scope, at its first use."""
        if self._scope is not None:
            return
        wanted = scope if scope is not None else self._title
        if self._reuse:
            opened = variable_scope(wanted or self._default_name())
        else:
            opened = variable_scope(scope, default_name=self._title or self._default_name())
        with opened as self._scope:
            pass

    # --- calling -------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the variables for inputs of this shape (a list of shapes for a list of inputs)."""
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes."""
        return inputs

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        x = _converted(inputs)
        first = next(_leaves(x))
        self._graph = first.graph
        self._open(kwargs.pop("scope", None))
        assert self._scope is not None
        reuse = True if self.built else self._reuse
        opened = variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False)
        with opened as scope, first.graph.name_scope(scope.original_name_scope):
            self._check(x)
            if not self.built:
                self._dtype = self._dtype or first.dtype.name
                self._build(x)
                self.built = True
            y = self.call(x, *args, **kwargs)
            self._regularize_activity(y)
        self._calls.append((x, y))
        _include(GraphKeys.UPDATE_OPS, self.updates)
        return y

    def _build(self, inputs: Any) -> None:
        """``build``; what it refuses of a shape is told with the tensors that have it."""
        try:
            self.build(_shapes(inputs))
        except ShapeError as error:
            error.rows = [("inputs", str(t.type), f"from {t.node.name}") for t in _leaves(inputs)]
            raise

    def apply(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The same as calling the layer."""
        return self(inputs, *args, **kwargs)

    def _check(self, x: Any) -> None:
        if self.input_spec is None:
            return
        given = self.input_spec
        specs = [given] if isinstance(given, InputSpec) else list(given)
        leaves = list(_leaves(x))
        if len(leaves) < len(specs):
            raise ValueError(f"layer {self.name!r} needs {len(specs)} inputs, got {len(leaves)}")
        for spec, leaf in zip(specs, leaves, strict=False):
            why = spec.refusal(leaf)
            if why is not None:
                raise ShapeError(
                    why,
                    subject=f"the inputs of layer {self.name!r}",
                    rows=[("inputs", str(leaf.type), f"from {leaf.node.name}")],
                    site=here(),
                )

    def _regularize_activity(self, y: Any) -> None:
        if self._activity_regularizer is None:
            return
        for output in _leaves(y):
            loss = self._activity_regularizer(output)
            b = builder(output)
            rows = b.dim_value(dim=output.type.dims[0], dtype=loss.dtype)
            self.add_loss(b.truediv(loss, rows))

    # --- variables -----------------------------------------------------------------------------

    def add_weight(
        self,
        name: str,
        shape: Any,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Callable | None = None,
        use_resource: bool | None = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregation.NONE,
        partitioner: Callable | None = None,
        **rest: Any,
    ) -> Any:
        """A variable of this layer."""
        self._open(None)
        assert self._scope is not None
        wanted = (trainable is not False) and self.trainable
        if synchronization is VariableSynchronization.ON_READ:
            wanted = False
        reuse = True if self.built else self._reuse
        inside = get_variable_scope().name == self._scope.name
        with variable_scope(
            get_variable_scope() if inside else self._scope, reuse=reuse, auxiliary_name_scope=False
        ):
            variable = get_variable(
                name, shape, dtype=as_dtype(dtype or self._dtype or float32),
                initializer=named_initializer(initializer),
                regularizer=self._kept(named_regularizer(regularizer)), trainable=wanted,
                constraint=constraint, partitioner=partitioner,
            )  # fmt: skip
        parts = list(variable) if isinstance(variable, PartitionedVariable) else [variable]
        self._weights += [v for v in parts if not any(v is held for held in self._weights)]
        return variable

    def add_variable(self, *args: Any, **kwargs: Any) -> Any:
        """The same as :meth:`add_weight`."""
        return self.add_weight(*args, **kwargs)

    def _kept(self, regularizer: Callable | None) -> Callable | None:
        if regularizer is None:
            return None

        def watched(variable: Any) -> Any:
            loss = regularizer(variable)
            if loss is not None:
                self._losses.append(loss)
            return loss

        return watched

    @property
    def trainable_variables(self) -> list[Variable]:
        return [v for v in self._weights if getattr(v, "trainable", True)] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        trained = set(map(id, self.trainable_variables))
        return [v for v in self._weights if id(v) not in trained]

    @property
    def variables(self) -> list[Variable]:
        return self.trainable_variables + self.non_trainable_variables

    @property
    def weights(self) -> list[Variable]:
        return self.variables

    @property
    def trainable_weights(self) -> list[Variable]:
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        return self.non_trainable_variables

    def count_params(self) -> int:
        """The number of elements of its variables."""
        if not self.built:
            raise ValueError(f"layer {self.name!r} has no variables before its first call")
        return sum(math.prod(static_shape(v.shape, v.name)) for v in self.weights)

    # --- losses, updates -----------------------------------------------------------------------

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Count losses among the layer's and among the regularization losses."""
        for loss in losses if isinstance(losses, list | tuple) else (losses,):
            value = loss() if callable(loss) and as_tensor(loss) is None else loss
            if value is not None:
                self._losses.append(value)
        _include(GraphKeys.REGULARIZATION_LOSSES, self._losses)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Count operations among those to run at every training step: those of a layer that is not
        trainable are left out."""
        self._updates += updates if isinstance(updates, list | tuple) else (updates,)

    @property
    def losses(self) -> list[Any]:
        return list(self._losses)

    @property
    def updates(self) -> list[Any]:
        return list(self._updates) if self.trainable or self.stateful else []

    def get_losses_for(self, inputs: Any = None) -> list[Any]:
        return self.losses

    def get_updates_for(self, inputs: Any = None) -> list[Any]:
        return self.updates

    # --- what it was called with ---------------------------------------------------------------

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The shape of the result for inputs of a shape."""
        raise NotImplementedError(f"{type(self).__name__} does not say what shape it gives")

    @property
    def input(self) -> Any:
        return self._only("input", 0)

    @property
    def output(self) -> Any:
        return self._only("output", 1)

    @property
    def input_shape(self) -> Any:
        return _listed(self.input)

    @property
    def output_shape(self) -> Any:
        return _listed(self.output)

    def get_input_at(self, node_index: int) -> Any:
        return self._calls[node_index][0]

    def get_output_at(self, node_index: int) -> Any:
        return self._calls[node_index][1]

    def _only(self, what: str, place: int) -> Any:
        if len(self._calls) != 1:
            raise AttributeError(
                f"layer {self.name!r} was called {len(self._calls)} times, it has no one {what}"
            )
        return self._calls[0][place]


def _converted(inputs: Any) -> Any:
    if isinstance(inputs, list | tuple):
        return type(inputs)([_converted(v) for v in inputs])
    if isinstance(inputs, dict):
        return {k: _converted(v) for k, v in inputs.items()}
    return convert(inputs)


def _leaves(value: Any) -> Iterator[Tensor]:
    if isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, dict):
        for key in value:
            yield from _leaves(value[key])
    elif (tensor := as_tensor(value)) is not None:
        yield tensor


def _shapes(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_shapes(v) for v in value]
    if isinstance(value, dict):
        return {k: _shapes(v) for k, v in value.items()}
    return TensorShape(value.type.shape)


def _listed(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_listed(v) for v in value]
    return tuple(TensorShape(value.type.shape).as_list())


def _include(key: str, values: Sequence[Any]) -> None:
    if values:
        held = get_collection_ref(key)
        known = set(map(id, held))
        held.extend(v for v in values if id(v) not in known)
