"""``tf.map_fn``, ``tf.scan``, ``tf.foldl`` and ``tf.foldr``: a function over the first axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.graph.building import name_scope
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import convert
from frontends.tf.platform import nest
from graphc.errors import DTypeError, GraphError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Tensor, default_graph, whence
from graphc.ir.source import here


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """``fn`` of each slice of ``elems`` along the first axis, stacked.

    ``elems`` is a tensor or a nest of tensors of equal first sizes; ``dtype`` (or
    ``fn_output_signature``) gives the dtypes, in their structure, where ``fn`` returns others than
    those of ``elems``.

    >>> squares = tf.map_fn(lambda x: x * x, tf.range(6))
    """
    _require_function(fn)
    dtype = fn_output_signature if dtype is None else dtype
    with name_scope(name, "map"):
        xs = [convert(t) for t in nest.flatten(elems)]
        given: list[Any] = []

        def turn(step: Tensor, *slices: Tensor) -> list[Tensor]:
            returned = fn(nest.pack_sequence_as(elems, list(slices)))
            given.append(returned)
            wanted = elems if dtype is None else dtype
            _require_structure(
                "elems" if dtype is None else "dtype", wanted, returned,
                "say what fn gives: dtype=(tf.float32, ...)",
            )  # fmt: skip
            dtypes = [t.dtype for t in xs] if dtype is None else nest.flatten(dtype)
            return [
                _of(as_dtype(d), v) for d, v in zip(dtypes, nest.flatten(returned), strict=True)
            ]

        _, rows = _scanned(turn, [], xs, False, back_prop)
        return nest.pack_sequence_as(given[0], rows)


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """``fn(accumulated, slice)`` from the first slice of ``elems`` to the last (from the last if
    ``reverse``): all that was accumulated, stacked in the order of the slices.

    The first value accumulated is ``initializer``; without one, the first slice, and it is the
    first result.

    >>> sums = tf.scan(lambda total, x: total + x, [1, 2, 3, 4])      # 1, 3, 6, 10
    """
    _require_function(fn)
    with name_scope(name, "scan"):
        fold = _Fold(fn, elems, initializer, reverse)
        _, rows = _scanned(fold.turn_kept, fold.starts, fold.rest, reverse, back_prop)
        if initializer is None:
            b = Builder(default_graph())
            ends = [b.expand_dims(t, axis=0) for t in fold.starts]
            pairs = zip(ends, rows, strict=True)
            rows = [b.concat(*((r, e) if reverse else (e, r)), axis=0) for e, r in pairs]
        return nest.pack_sequence_as(fold.structure, rows)


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """What ``fn(accumulated, slice)`` has accumulated after the last slice of ``elems``.

    The first value accumulated is ``initializer``, or else the first slice.

    >>> tf.foldl(lambda a, x: a * x, [1, 2, 3, 4])        # 24
    """
    return _folded(fn, elems, initializer, False, back_prop, name, "foldl")


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """As :func:`foldl`, from the last slice to the first."""
    return _folded(fn, elems, initializer, True, back_prop, name, "foldr")


def _folded(
    fn: Callable, elems: Any, initializer: Any, reverse: bool, back_prop: bool, name: str | None,
    title: str,
) -> Any:  # fmt: skip
    _require_function(fn)
    with name_scope(name, title):
        fold = _Fold(fn, elems, initializer, reverse)
        last, _ = _scanned(fold.turn, fold.starts, fold.rest, reverse, back_prop)
        return nest.pack_sequence_as(fold.structure, last)


class _Fold:
    """A function of (accumulated, slice) on flat lists, and where it starts."""

    def __init__(self, fn: Callable, elems: Any, initializer: Any, reverse: bool) -> None:
        self.fn, self.elems = fn, elems
        xs = [convert(t) for t in nest.flatten(elems)]
        _length(xs)
        if initializer is not None:
            self.structure = initializer
            self.starts = [convert(t) for t in nest.flatten(initializer)]
            self.rest = xs
            return
        self.structure = elems
        self.starts = [x[-1] if reverse else x[0] for x in xs]
        self.rest = [x[:-1] if reverse else x[1:] for x in xs]

    def turn(self, step: Tensor, *inputs: Tensor) -> list[Tensor]:
        n = len(self.starts)
        held = nest.pack_sequence_as(self.structure, list(inputs[:n]))
        part = nest.pack_sequence_as(self.elems, list(inputs[n:]))
        returned = self.fn(held, part)
        _require_structure(
            "it is given", self.structure, returned,
            "return a new value for each accumulated one; an initializer may have another "
            "structure than elems",
        )  # fmt: skip
        pairs = zip(inputs[:n], nest.flatten(returned), strict=True)
        return [_next(old, new) for old, new in pairs]

    def turn_kept(self, step: Tensor, *inputs: Tensor) -> list[Tensor]:
        """A turn whose results are both carried on and stacked."""
        made = self.turn(step, *inputs)
        return [*made, *made]


def _next(old: Tensor, value: Any) -> Tensor:
    """An accumulated value after a turn, which must be as it was before."""
    new = convert(value, old.dtype if not isinstance(value, Tensor) else None)
    rows = [("before", str(old.type), ""), ("after", str(new.type), "")]
    if new.dtype is not old.dtype:
        raise DTypeError(
            "fn changes the dtype of what it accumulates", rows=rows, site=new.node.site,
            hint=f"cast it: tf.cast(..., tf.{old.dtype}); or begin with an initializer of that",
        )  # fmt: skip
    if new.type.shape is None and old.type.shape is not None:
        new.set_shape(old.type.shape)  # type: ignore[attr-defined]
    if not TensorShape(old.type.shape).is_compatible_with(TensorShape(new.type.shape)):
        raise ShapeError(
            "fn changes the shape of what it accumulates", rows=rows, site=new.node.site,
            hint="begin with an initializer of the shape that fn gives",
        )  # fmt: skip
    return new


def _require_structure(what: str, wanted: Any, returned: Any, hint: str) -> None:
    try:
        nest.assert_same_structure(wanted, returned)
    except (TypeError, ValueError) as error:
        raise GraphError(
            f"fn returns another structure than {what}", site=here(), hint=hint,
            rows=[(what, repr(wanted), ""), ("returned", repr(returned), "")],
        ) from error  # fmt: skip


def _of(dtype: Any, value: Any) -> Tensor:
    tensor = convert(value, dtype if not isinstance(value, Tensor) else None)
    if tensor.dtype is not dtype:
        raise DTypeError(
            f"the function gives {tensor.dtype}, {dtype} is expected",
            rows=[("given", str(tensor.type), "")],
            hint="say what it gives (dtype=...), or cast it", site=tensor.node.site,
        )  # fmt: skip
    return tensor


def _scanned(
    turn: Callable, starts: Sequence[Tensor], xs: Sequence[Tensor], reverse: bool, back_prop: bool
) -> tuple[list[Tensor], list[Tensor]]:
    b = Builder(default_graph())
    last, rows = b.scan_over(turn, list(starts), list(xs), _length(xs), reverse)
    if back_prop:
        return last, rows
    return [b.stop_gradient(t) for t in last], [b.stop_gradient(t) for t in rows]


def _length(xs: Sequence[Tensor]) -> Dim:
    if not xs:
        raise ValueError("elems holds no tensor")
    for x in xs:
        if x.type.shape is not None and not x.type.shape:
            raise ShapeError(
                "elements must be 1+ dimensional Tensors, not scalars", site=here(),
                rows=[("elems", str(x.type), "")],
            )  # fmt: skip
    numbers = {x.type.dims[0] for x in xs if x.type.shape and _is_number(x)}
    if len(numbers) > 1:
        raise ShapeError(
            "elems differ in their first sizes", site=here(),
            rows=[(f"elems[{k}]", str(x.type), whence(x)) for k, x in enumerate(xs)],
        )  # fmt: skip
    known = next((x.type.shape for x in xs if x.type.shape is not None), None)
    if known is None:
        raise ShapeError(
            "the rank of elems is not known", site=here(), hint="say it with set_shape"
        )
    return next((x.type.shape[0] for x in xs if x.type.shape and _is_number(x)), known[0])


def _is_number(x: Tensor) -> bool:
    return isinstance(x.type.dims[0], int)


def _require_function(fn: Any) -> None:
    if not callable(fn):
        raise TypeError("fn must be callable")
