"""``tf.nn.rnn_cell.RNNCell``: one turn of a recurrent network, a layer with a state."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from frontends.tf.graph.shapes import Dimension, TensorShape
from frontends.tf.graph.tensor import builder, convert, sizes_of
from frontends.tf.layers.layer import Layer
from frontends.tf.names.missing import resolve
from frontends.tf.platform import nest
from frontends.tf.variables.scopes import VariableScope, get_variable_scope, variable_scope
from graphc.errors import ShapeError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Graph, Tensor, default_graph
from graphc.ir.source import here


class RNNCell(Layer):
    """One turn: ``output, new_state = cell(inputs, state)``.

    ``inputs`` is ``[batch, size]``, the state a tensor ``[batch, size]`` or a nest of those.  A
    subclass says ``state_size`` and ``output_size`` and computes in ``call(inputs, state)`` (or in
    ``__call__(inputs, state, scope)``), with its variables made by ``tf.get_variable`` or in
    ``build(inputs_shape)``.
    """

    def __init__(
        self, trainable: bool = True, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        kwargs.pop("input_size", None)  # 0.x asked for what the inputs tell
        super().__init__(trainable=trainable, name=name, dtype=dtype, **kwargs)

    def __deepcopy__(self, memo: dict) -> RNNCell:
        """Another cell of the same settings: what belongs to the graph is not copied."""
        made = memo[id(self)] = type(self).__new__(type(self))
        for name, value in vars(self).items():
            made.__dict__[name] = value if _of_the_graph(value) else deepcopy(value, memo)
        return made

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output and the new state."""
        if scope is not None:
            with variable_scope(scope, custom_getter=self._watched) as opened:
                return super().__call__(inputs, state, scope=opened)
        with variable_scope(get_variable_scope(), custom_getter=self._watched):
            return super().__call__(inputs, state)

    def _watched(self, getter: Callable, *args: Any, **kwargs: Any) -> Any:
        """Count what ``tf.get_variable`` makes inside among the cell's variables."""
        variable = getter(*args, **kwargs)
        if not any(variable is held for held in self._weights):
            self._weights.append(variable)
        return variable

    @property
    def state_size(self) -> Any:
        """The size of the state: a number, a TensorShape, or a nest of those."""
        raise NotImplementedError("a cell says its state_size")

    @property
    def output_size(self) -> Any:
        """The size of the output: a number or a TensorShape."""
        raise NotImplementedError("a cell says its output_size")

    def get_initial_state(
        self, inputs: Any = None, batch_size: Any = None, dtype: Any = None
    ) -> Any:
        """A state of zeros, for the batch of ``inputs`` where no ``batch_size`` is given."""
        if inputs is not None:
            first = convert(inputs)
            batch_size = first.type.dims[0] if batch_size is None else batch_size
            dtype = first.dtype if dtype is None else dtype
        if batch_size is None or dtype is None:
            raise ValueError("get_initial_state needs inputs, or batch_size and dtype")
        return self.zero_state(batch_size, dtype)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros: ``[batch_size, size]`` for each size of the state."""
        with resolve("name_scope")(f"{type(self).__name__}ZeroState", values=[batch_size]):
            return zeros_of(self.state_size, batch_size, dtype)


def _of_the_graph(value: Any) -> bool:
    """Whether this is a tensor, a variable, a graph or a scope, or holds one."""
    if isinstance(value, dict):
        return any(map(_of_the_graph, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_of_the_graph, value))
    return isinstance(value, Graph | VariableScope) or as_tensor(value) is not None


class LayerRNNCell(RNNCell):
    """A cell whose variables are those its ``build`` makes."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None, **kwargs: Any) -> Any:
        given = {} if scope is None else {"scope": scope}
        return Layer.__call__(self, inputs, state, **given, **kwargs)


def zeros_of(size: Any, batch: Any, dtype: Any) -> Any:
    """Zeros ``[batch, size]`` for every size of a nest."""
    b = Builder(default_graph())
    rows = batch.dim if isinstance(batch, Dimension) else batch

    def zeros(one: Any, kind: Any) -> Tensor:
        several = isinstance(one, TensorShape | list | tuple)
        rest = TensorShape(one).symbolic() or () if several else [one]
        sizes = sizes_of(b, [rows, *rest])
        return b.full(sizes, 0, as_dtype(kind))

    if nest.is_nested(dtype):
        leaves = zip(nest.flatten(size), nest.flatten(dtype), strict=True)
        return nest.pack_sequence_as(size, [zeros(one, kind) for one, kind in leaves])
    if isinstance(size, TensorShape) or not nest.is_nested(size):
        return zeros(size, dtype)
    return nest.pack_sequence_as(size, [zeros(one, dtype) for one in nest.flatten(size)])


def input_depth(cell: Layer, shape: Any) -> int:
    """The size of the inputs' last axis, which a cell must know to make its variables."""
    depth = TensorShape(shape[0] if isinstance(shape, list) else shape).as_list()[-1]
    if depth is None:
        raise ShapeError(
            "the size of the inputs' last axis must be known",
            subject=f"cell {cell.name!r}",
            rows=[("inputs", str(shape), "")],
            site=here(),
        )
    return depth


def linear(
    args: Any, output_size: int, bias: bool, bias_start: float = 0.0, scope: Any = None
) -> Tensor:
    """``concat(args) @ kernel (+ bias)``, of variables of the current scope, or of ``scope``."""
    if scope is not None:
        with variable_scope(scope):
            return linear(args, output_size, bias, bias_start)
    tensors = [convert(a) for a in (args if isinstance(args, list | tuple) else [args])]
    b = builder(*tensors)
    joined = tensors[0] if len(tensors) == 1 else b.concat(*tensors, axis=1)
    depth = TensorShape(joined.type.shape).as_list()[1]
    kernel = resolve("get_variable")("kernel", [depth, output_size], dtype=joined.dtype)
    product = b.matmul(joined, as_tensor(kernel))
    if not bias:
        return product
    start = resolve("constant_initializer")(bias_start, dtype=joined.dtype)
    added = resolve("get_variable")("bias", [output_size], dtype=joined.dtype, initializer=start)
    return b.add(product, as_tensor(added))
