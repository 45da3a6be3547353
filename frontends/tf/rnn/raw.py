"""``tf.nn.raw_rnn``: a cell in a loop of which a function of the user's decides every turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.loops.tensor_array import TensorArray
from frontends.tf.loops.while_loop import while_loop
from frontends.tf.platform import nest
from frontends.tf.rnn.networks import _opened as opened
from frontends.tf.rnn.networks import require_cell
from graphc.errors import ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import DType, int32
from graphc.ir.graph import Tensor, default_graph
from graphc.ir.source import here

LoopFunction = Callable[[Any, Any, Any, Any], tuple[Any, Any, Any, Any, Any]]


def raw_rnn(
    cell: Any,
    loop_fn: LoopFunction,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """Run ``cell`` until every sequence is finished: what was emitted, as TensorArrays ``[time]``
    of ``[batch, ...]``, the last state, and the last loop state.

    ``loop_fn(time, cell_output, cell_state, loop_state)`` gives ``(finished, next_input,
    next_state, emitted, next_loop_state)``.  It is called once before the loop with time 0 and None
    for the others: the state it gives is the initial one, ``emitted`` is what one sequence emits at
    a time (None: the cell's output), and the loop state is carried as it is, or None.  ``finished``
    is bool ``[batch]``: such a sequence emits zeros from the next turn on, and its state stays.

    >>> outputs_ta, state, _ = tf.nn.raw_rnn(cell, loop_fn)
    >>> outputs = outputs_ta.stack()                            # [time, batch, size]
    """
    require_cell(cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with opened(scope, "rnn"):
        loop = _Loop(cell, loop_fn)
        ended = while_loop(loop.goes_on, loop.turn, loop.starts, return_same_structure=True)
    _, _, _, arrays, state, loop_state = ended
    return arrays, state, None if loop.carries_nothing else loop_state


class _Loop:
    """The variables of the loop, and its turn."""

    def __init__(self, cell: Any, loop_fn: LoopFunction) -> None:
        self.cell, self.loop_fn = cell, loop_fn
        b = Builder(default_graph())
        time = b.tensor(0, dtype=int32)
        finished, first, state, emitted, loop_state = loop_fn(time, None, None, None)
        inputs = [convert(t) for t in nest.flatten(first)]
        first = nest.pack_sequence_as(first, inputs)
        self.batch = _batch(inputs)
        self.carries_nothing = loop_state is None
        if self.carries_nothing:
            loop_state = b.tensor(0, dtype=int32)
        kinds = [convert(t).dtype for t in nest.flatten(state)]
        if emitted is None:
            structure = cell.output_size
            sizes = [TensorShape(s).symbolic() for s in _sizes(structure)]
            dtypes = [kinds[0]] * len(sizes)
        else:
            structure = emitted
            given = [convert(t) for t in nest.flatten(emitted)]
            sizes, dtypes = [t.type.shape for t in given], [t.dtype for t in given]
        arrays = [
            TensorArray(dtype, size=0, dynamic_size=True, tensor_array_name=f"rnn_output_{k}")
            for k, dtype in enumerate(dtypes)
        ]
        self.emitted = structure
        self.nothing = [self._zeros(s, d) for s, d in zip(sizes, dtypes, strict=True)]
        held = _packed(structure, arrays)
        self.starts = [time, convert(finished), first, held, state, loop_state]

    def _zeros(self, size: Any, dtype: DType) -> Tensor:
        if size is None or any(d is None for d in size):
            raise ShapeError("the size of what is emitted is not known", site=here())
        return Builder(default_graph()).full((self.batch, *size), 0, dtype)

    def goes_on(self, time: Tensor, finished: Tensor, *_: Any) -> Tensor:
        b = builder(finished)
        return b.logical_not(b.reduce_all(finished))

    def turn(
        self, time: Tensor, finished: Tensor, given: Any, arrays: Any, state: Any, loop_state: Any
    ) -> tuple:
        output, after = self.cell(given, state)
        nest.assert_same_structure(state, after)
        nest.assert_same_structure(self.cell.output_size, output)
        then = time + 1
        ended, following, new, emitted, new_loop = self.loop_fn(then, output, after, loop_state)
        nest.assert_same_structure(state, new)
        nest.assert_same_structure(given, following)
        nest.assert_same_structure(self.emitted, emitted)
        new_loop = loop_state if new_loop is None else new_loop
        emitted = [
            _kept(finished, zero, out)
            for zero, out in zip(self.nothing, nest.flatten(emitted), strict=True)
        ]
        pairs = zip(nest.flatten(state), nest.flatten(new), strict=True)
        new = nest.pack_sequence_as(state, [_kept(finished, old, t) for old, t in pairs])
        held = [
            array.write(time, out) for array, out in zip(nest.flatten(arrays), emitted, strict=True)
        ]
        ended = builder(finished).logical_or(finished, convert(ended))
        return then, ended, following, _packed(self.emitted, held), new, new_loop


def _sizes(structure: Any) -> list[Any]:
    return [structure] if isinstance(structure, TensorShape) else nest.flatten(structure)


def _packed(structure: Any, leaves: list) -> Any:
    if isinstance(structure, TensorShape) or not nest.is_nested(structure):
        return leaves[0]
    return nest.pack_sequence_as(structure, leaves)


def _batch(inputs: list[Tensor]) -> Dim:
    for t in inputs:
        if not t.type.shape:
            raise ShapeError(
                "an input of a cell has a batch axis",
                site=here(),
                rows=[("input", str(t.type), "")],
            )
    return inputs[0].type.dims[0]


def _kept(finished: Tensor, old: Any, new: Any) -> Any:
    """``old`` for sequences that are finished; arrays and numbers of all go on."""
    if isinstance(new, TensorArray):
        return new
    value = convert(new)
    rank = value.type.rank or 0
    if not rank:
        return value
    b = builder(value)
    rows = b.reshape(finished, shape=(finished.type.dims[0], *[1] * (rank - 1)))
    return b.where(rows, old, value)
