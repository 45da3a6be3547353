"""``tf.contrib.seq2seq.dynamic_decode``: a decoder run turn by turn until every row is finished.

Where the number of turns is known before the first (a decoder that is taught a known sequence),
the loop is a scan over what the turns read; else it is a while loop.
"""

from __future__ import annotations

import abc
from typing import Any

from frontends.tf.functions.arrays import where
from frontends.tf.functions.math import reduce_all
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert, size_of
from frontends.tf.loops.tensor_array import TensorArray
from frontends.tf.loops.while_loop import while_loop
from frontends.tf.platform import nest
from frontends.tf.rnn.networks import swapped
from frontends.tf.variables.scopes import variable_scope
from graphc.errors import DTypeError, GraphError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dtype import as_dtype, int32
from graphc.ir.graph import Tensor, default_graph
from graphc.ir.source import here
from graphc.ir.types import TensorType


class Decoder(abc.ABC):
    """What :func:`dynamic_decode` runs: ``initialize``, then ``step`` turn by turn."""

    @property
    @abc.abstractmethod
    def batch_size(self) -> Any:
        """The number of rows, an int32 scalar."""

    @property
    @abc.abstractmethod
    def output_size(self) -> Any:
        """The shapes of one row's outputs, in their structure."""

    @property
    @abc.abstractmethod
    def output_dtype(self) -> Any:
        """The dtypes of the outputs, in their structure."""

    @abc.abstractmethod
    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """Which rows are finished before the first turn, its inputs, and its state."""

    @abc.abstractmethod
    def step(
        self, time: Any, inputs: Any, state: Any, name: str | None = None
    ) -> tuple[Any, Any, Any, Any]:
        """One turn: outputs, the next state, the next inputs, and which rows are finished."""

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        """What the outputs of all turns ``[time, batch, ...]`` and the last state become."""
        raise NotImplementedError

    @property
    def tracks_own_finished(self) -> bool:
        """Whether ``step`` says of every row if it is finished, also of those that were before."""
        return False


def dynamic_decode(
    decoder: Decoder,
    output_time_major: bool = False,
    impute_finished: bool = False,
    maximum_iterations: Any = None,
    parallel_iterations: int = 32,
    swap_memory: bool = False,
    scope: Any = None,
    **kwargs: Any,
) -> tuple[Any, Any, Tensor]:
    """Run ``decoder`` until every row is finished, for ``maximum_iterations`` turns at most.

    It gives the outputs ``[batch, time, ...]`` (``[time, batch, ...]`` if ``output_time_major``),
    the last state, and the number of turns of each row, int32 ``[batch]``.

    With ``impute_finished`` the outputs of rows that are finished are 0 and their state stays.
    ``parallel_iterations`` and ``swap_memory`` are accepted.

    >>> outputs, state, lengths = tf.contrib.seq2seq.dynamic_decode(decoder)
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder)}")
    if kwargs:
        raise TypeError(f"dynamic_decode takes no argument {next(iter(kwargs))!r}")
    b = Builder(default_graph())
    with variable_scope(scope, "decoder"):
        limit = None if maximum_iterations is None else _limit(b, maximum_iterations)
        loop = _Decoding(decoder, impute_finished)
        lesson = getattr(decoder, "lesson", None)
        with b.home.name_scope("decode"):
            if lesson is None or loop.has_arrays:
                outputs, state, lengths = loop.until_finished(limit)
            else:
                outputs, state, lengths = loop.along(b, lesson, limit)
            if decoder.tracks_own_finished and hasattr(state, "lengths"):
                lengths = b.cast(state.lengths, dtype=int32)
        if type(decoder).finalize is not Decoder.finalize:
            outputs, state = decoder.finalize(outputs, state, lengths)
        if not output_time_major:
            outputs = nest.map_structure(swapped, outputs)
    return outputs, state, lengths


def _limit(b: Builder, maximum_iterations: Any) -> Tensor:
    limit = convert(maximum_iterations, int32)
    if limit.type.rank not in (None, 0):
        raise ValueError(f"maximum_iterations must be a scalar, got {limit.type}")
    return limit


class _Decoding:
    """The turns of a decoder.  They carry its state, which rows are finished, and the number of
    turns of each row; its inputs too, unless they are known."""

    def __init__(self, decoder: Decoder, impute_finished: bool) -> None:
        self.decoder, self.impute = decoder, impute_finished
        finished, self.inputs, self.state = decoder.initialize()
        self.finished = convert(finished)
        rows = builder(self.finished)
        self.lengths = rows.cast(rows.zeros_like(self.finished), dtype=int32)
        self.outputs: Any = None

    @property
    def has_arrays(self) -> bool:
        """Whether arrays are part of the state."""
        return any(isinstance(t, TensorArray) for t in nest.flatten(self.state))

    def until_finished(self, limit: Tensor | None) -> tuple[Any, Any, Tensor]:
        """A while loop that writes the outputs into arrays."""
        sizes = _pairs(self.decoder.output_size, self.decoder.output_dtype)
        batch = self.finished.type.dims[0]
        arrays = [
            TensorArray(dtype, size=0, dynamic_size=True, element_shape=[batch, *_sizes(size)])
            for size, dtype in sizes
        ]
        nested = self.decoder.output_dtype
        wanted = [TensorType(as_dtype(dtype), (batch, *_sizes(size))) for size, dtype in sizes]

        def turn(step: Any, written: Any, held: Any, inputs: Any) -> tuple:
            carried, after, made = self._turn(step, held, inputs)
            after = self._like(self.inputs, after, "the next inputs")
            nest.assert_same_structure(nested, made)
            rows = [convert(t) for t in nest.flatten(made)]
            for type, row in zip(wanted, rows, strict=True):
                _check_as_before(type, row, "the outputs of a decoder's step")
            more = [a.write(step, row) for a, row in zip(written, rows, strict=True)]
            return step + 1, more, carried, nest.pack_sequence_as(self.inputs, after)

        start = (convert(0), arrays, (self.state, self.finished, self.lengths), self.inputs)
        _, written, held, _ = while_loop(
            lambda step, written, held, inputs: builder(step).logical_not(reduce_all(held[1])),
            turn, start, maximum_iterations=None if limit is None else _at_least_zero(limit),
        )  # fmt: skip
        state, _, lengths = held
        return nest.pack_sequence_as(nested, [a.stack() for a in written]), state, lengths

    def along(self, b: Builder, lesson: Any, limit: Tensor | None) -> tuple[Any, Any, Tensor]:
        """A scan over what the turns read, of the longest sequence's number of turns."""
        count = lesson.turns() if limit is None else b.minimum(lesson.turns(), limit)
        turns = size_of(b, _at_least_zero(count))
        rows = lesson.read(turns, ahead=not lesson.reads_only)
        n = len(nest.flatten(self.state))
        inputs = [] if lesson.reads_only else [convert(t) for t in nest.flatten(self.inputs)]
        state = [convert(t) for t in nest.flatten(self.state)]
        starts = [*state, self.finished, self.lengths, *inputs]
        m = len(starts)

        def turn(step: Tensor, *values: Tensor) -> list[Tensor]:
            read = lesson.given = nest.pack_sequence_as(rows, list(values[m:]))
            now = nest.pack_sequence_as(self.inputs, list(values[n + 2 : m])) if inputs else read[0]
            held = (nest.pack_sequence_as(self.state, list(values[:n])), *values[n : n + 2])
            try:
                (new, *ends), after, self.outputs = self._turn(step, held, now)
            finally:
                lesson.given = None
            after = self._like(self.inputs, after, "the next inputs") if inputs else []
            made = [convert(t) for t in nest.flatten(self.outputs)]
            return [*nest.flatten(new), *ends, *after, *made]

        ends, stacks = b.scan_over(turn, starts, nest.flatten(rows), turns)
        outputs = nest.pack_sequence_as(self.outputs, list(stacks))
        return outputs, nest.pack_sequence_as(self.state, list(ends[:n])), ends[n + 1]

    def _turn(self, step: Any, held: Any, inputs: Any) -> tuple[Any, Any, Any]:
        """One turn: what is carried, the next inputs, the outputs."""
        state, finished, lengths = held
        b = builder(step)
        outputs, new, after, said = self.decoder.step(step, inputs, state)
        olds = nest.flatten(state)
        news = self._like(self.state, new, "the state after a decoder's step")
        ended = said if self.decoder.tracks_own_finished else b.logical_or(said, finished)
        lengths = b.where(finished, lengths, b.add(step, 1))
        if self.impute:
            outputs = nest.map_structure(
                lambda t: where(finished, b.zeros_like(t), convert(t)), outputs
            )
            news = [self._held(finished, old, t) for old, t in zip(olds, news, strict=True)]
        return (nest.pack_sequence_as(self.state, news), ended, lengths), after, outputs

    def _held(self, finished: Tensor, old: Any, new: Any) -> Any:
        """A part of the state, which stays in rows that are finished; a scalar or an array goes
        on."""
        if isinstance(new, TensorArray) or not new.type.rank:
            return new
        return where(finished, old, new)

    def _like(self, wanted: Any, given: Any, what: str) -> list[Any]:
        """The leaves of a nest, which must be as they were before the turn."""
        try:
            nest.assert_same_structure(wanted, given)
        except (TypeError, ValueError) as error:
            raise GraphError(
                f"{what} are not nested as before", site=here(),
                rows=[("before", _types(wanted), ""), ("after", _types(given), "")],
            ) from error  # fmt: skip
        found = []
        for old, new in zip(nest.flatten(wanted), nest.flatten(given), strict=True):
            if not isinstance(old, TensorArray):
                new = convert(new)
                _check_as_before(convert(old).type, new, what)
            found.append(new)
        return found


def _at_least_zero(count: Any) -> Tensor:
    return builder(count).maximum(count, 0)


def _pairs(sizes: Any, dtypes: Any) -> list[tuple[Any, Any]]:
    """The sizes and dtypes of the leaves; a size may be a list itself."""
    if not nest.is_nested(dtypes):
        return [(sizes, dtypes)]
    parts = nest.flatten_up_to(dtypes, sizes, check_types=False)
    return list(zip(parts, nest.flatten(dtypes), strict=True))


def _sizes(size: Any) -> list[Any]:
    """A size, a shape, or a list of sizes, as a list."""
    if isinstance(size, TensorShape | list | tuple):
        return list(TensorShape(size).symbolic() or ())
    return [size]


def _types(structure: Any) -> str:
    leaves = [
        repr(t) if isinstance(t, TensorArray) else str(convert(t).type)
        for t in nest.flatten(structure)
    ]
    return str(nest.pack_sequence_as(structure, leaves))


def _check_as_before(old: TensorType, new: Tensor, what: str) -> None:
    """Refuse a tensor of another dtype or shape than there was."""
    rows = [("before", str(old), ""), ("after", str(new.type), f"from {new.node.name}")]
    if old.dtype is not new.dtype:
        raise DTypeError(
            f"{what} change their dtype in a turn", rows=rows, site=new.node.site,
            hint=f"cast them: tf.cast(..., tf.{old.dtype})",
        )  # fmt: skip
    if not TensorShape(old.shape).is_compatible_with(TensorShape(new.type.shape)):
        raise ShapeError(f"{what} change their shape in a turn", rows=rows, site=new.node.site)
