"""``tf.TensorArray``: tensors of one shape by number, written in loops.

An array is a value: a write gives a new one.  What it holds is a tensor ``[size, ...]`` and marks
of the rows written (:mod:`graphc.ops.control.arrays`), made when the elements' shape is first
known, which may be inside a loop that the array goes through.  All arrays that come from one
constructor share what TensorFlow keeps with the handle (:class:`Shared`).

Rows nobody wrote are zero.  What TensorFlow finds when it runs is found here, too: indices out of
range, second writes, and second reads of what a read clears (``clear_after_read``), the last where
they are certain: of equal constant or tensor indices, of an array read whole, and of a row that
every turn of a loop reads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.graph.building import name_scope
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import convert, shape_tensor, size_of
from frontends.tf.names.missing import resolve
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir import dims
from graphc.ir.body import BodyGraph, Late
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import DType, as_dtype, bool_, int32
from graphc.ir.graph import Graph, Node, Tensor, default_graph
from graphc.ir.shape_values import dims_of
from graphc.ir.source import here
from graphc.ir.types import TensorType


class Shared:
    """What all arrays that come from one constructor have in common."""

    def __init__(
        self, name: str, dtype: DType, element: TensorShape, dynamic: bool, clears: bool
    ) -> None:
        self.name, self.dtype, self.element = name, dtype, element
        self.dynamic, self.clears = dynamic, clears
        self.adds = False  # a gradient's array sums what is written
        self.graph = default_graph()
        self.reads = 0

    def take(self, shape: Shape | None) -> Shape:
        """The elements' shape, told by one of them."""
        known = self.element.symbolic()
        if shape is None:
            if known is None or any(d is None for d in known):
                raise ShapeError(
                    "the shape of an element is not known", subject=f"TensorArray {self.name!r}",
                    site=here(), hint="say it: tf.TensorArray(..., element_shape=[...])",
                )  # fmt: skip
            shape = tuple(d for d in known if d is not None)
        given = TensorShape(shape)
        if not self.element.is_compatible_with(given):
            raise ShapeError(
                f"Inconsistent shapes: saw {given} but expected {self.element}",
                subject=f"TensorArray {self.name!r}", site=here(),
                hint="the elements of one array have one shape",
            )  # fmt: skip
        if known is None or any(d is None for d in known):
            self.element = self.element.merge_with(given)
        return shape

    @property
    def shape(self) -> Shape | None:
        """The elements' shape, once all of it is known."""
        known = self.element.symbolic()
        if known is None or any(d is None for d in known):
            return None
        return tuple(d for d in known if d is not None)


class Fresh:
    """Nothing yet: zeros, once the elements' shape is known."""

    def __init__(self, graph: Graph, dtype: DType, size: Dim) -> None:
        self.graph, self.dtype, self.size = graph, dtype, size
        self._made: tuple[Tensor, Tensor] | None = None

    def get(self, shape: Shape) -> tuple[Tensor, Tensor]:
        """The rows and their marks."""
        if self._made is None:
            with self.graph.as_default():
                b = Builder(self.graph)
                rows = b.full((self.size, *shape), _nothing(self.dtype), self.dtype)
                self._made = rows, b.full((self.size,), False, bool_)
        return self._made


def _nothing(dtype: DType) -> Any:
    """What an element holds that nobody wrote."""
    if dtype.is_string:
        return ""
    return False if dtype.is_bool else 0


class Made:
    """Rows and marks that there are; without marks, all are written."""

    def __init__(self, rows: Tensor, marks: Tensor | None) -> None:
        self.rows, self.marks = rows, marks

    def get(self, shape: Shape) -> tuple[Tensor, Tensor]:
        if self.marks is None:
            with self.rows.graph.as_default():
                size = self.rows.type.dims[0]
                self.marks = Builder(self.rows.graph).full((size,), True, bool_)
        return self.rows, self.marks


class Entered:
    """What a turn of a loop finds in an array that is one of its variables."""

    def __init__(self, graph: BodyGraph, entry: Entry, size: Dim) -> None:
        self.graph, self.entry, self.size = graph, entry, size

    def get(self, shape: Shape) -> tuple[Tensor, Tensor]:
        rows = TensorType(self.entry.outer.dtype, (self.size, *shape))
        return self.entry.rows.inside(self.graph, rows), self.marks()

    def marks(self) -> Tensor:
        return self.entry.marks.inside(self.graph, TensorType(bool_, (self.size,)))


class Appended:
    """What a growing array holds after the one write of a turn; the loop stacks such rows where
    the index counts its turns."""

    def __init__(self, base: TensorArray, index: Tensor, value: Tensor) -> None:
        self.base, self.index, self.value = base, index, value
        self._written: TensorArray | None = None

    def get(self, shape: Shape) -> tuple[Tensor, Tensor]:
        return self.written().get()

    def written(self) -> TensorArray:
        if self._written is None:
            with self.base._held.graph.as_default():
                self._written = self.base.grown(self.index, self.value)
        return self._written


class Entry:
    """An array that is a variable of a loop: what carries it."""

    def __init__(self, outer: TensorArray) -> None:
        if isinstance(outer._held, Appended):
            outer = outer._held.written()
        self.outer = outer
        growing = outer.shared.dynamic
        name = outer.shared.name
        self.rows = Late(name, lambda type: outer.get()[0], changing=growing)
        self.marks = Late(f"{name}_written", lambda type: outer.get()[1], changing=growing)
        self.size = default_graph().new_dim("size", data=True) if growing else outer.length
        self.stacked: Callable[[Tensor], TensorArray] | None = None

    @property
    def touched(self) -> bool:
        """Whether a turn has asked for what the array holds."""
        return self.marks.type is not None

    def inside(self, graph: BodyGraph) -> TensorArray:
        """The array as the body sees it."""
        outer = self.outer
        return TensorArray._of(outer.shared, Entered(graph, self, self.size), self.size)

    def after(self, rows: Tensor | None, marks: Tensor | None) -> TensorArray:
        """The array when the loop has ended."""
        if rows is None or marks is None:
            return self.outer
        return TensorArray._of(self.outer.shared, Made(rows, marks), rows.type.dims[0])

    def stack(self, left: TensorArray, starts: dict[Tensor, Tensor], ends: dict) -> Tensor | None:
        """The row a turn gives, if the rows of all turns, stacked, are the array after the loop.

        ``starts`` has the value each input of the body starts with, ``ends`` what a turn leaves.
        """
        held = left._held
        if not isinstance(held, Appended) or held._written is not None:
            return None
        base = held.base._held
        index = held.index
        if not isinstance(base, Entered) or base.entry is not self or self.touched:
            return None
        if index not in starts or not _counts(index, ends[index]):
            return None
        first, outer = dims_of(starts[index]), self.outer
        fresh = isinstance(outer._held, Fresh)
        if first != outer.length and not (fresh and first == 0):
            return None

        def after(stack: Tensor) -> TensorArray:
            turns = stack.type.dims[0]
            rows = stack
            b = Builder(stack.graph)
            if fresh and outer.length != 0 and first == 0:
                room = dims.maximum(0, outer.length - turns)
                shape = (room, *stack.type.dims[1:])
                rest = b.full(shape, _nothing(stack.dtype), stack.dtype)
                rows = b.concat(stack, rest, axis=0)
            elif outer.length != 0:
                rows = b.concat(outer.get()[0], stack, axis=0)
            return TensorArray._of(outer.shared, Made(rows, None), rows.type.dims[0])

        self.stacked = after
        return held.value


def _turns_that_read_again(home: Graph, places: Tensor | None) -> list[Tensor]:
    """The numbers of the turns, of the loops around us, of which every one reads the same rows of
    an array that was made in ``home``."""
    found = []
    graph = default_graph()
    fixed = places is None or places.node.op.name == "const"
    while graph is not home and isinstance(graph, BodyGraph):
        if not graph.repeats or (not fixed and places is not None and places.graph is graph):
            break  # a branch may be taken in one turn alone
        found.append(graph.step)
        graph = graph.outer
    return found


def _counts(before: Tensor, after: Tensor) -> bool:
    """Whether a turn adds one to a loop variable."""
    node = after.node
    if node.op.name != "add" or before not in node.operands:
        return False
    left, right = node.operands
    return dims_of(right if left is before else left) == 1


class TensorArray:
    """Tensors of one shape and ``dtype`` by number: ``array = array.write(i, x)``.

    ``size`` is their number; a ``dynamic_size`` array grows with what is written.
    ``element_shape`` is told by the first write where it is not given.  With ``clear_after_read``
    (the default) a row is read once.  ``colocate_with_first_write_call`` is accepted.

    >>> squares = tf.TensorArray(tf.float32, size=3)
    >>> for i in range(3):
    ...     squares = squares.write(i, float(i * i))
    >>> squares.stack()                                         # [0, 1, 4]
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        if handle is not None and tensor_array_name:
            raise ValueError("Cannot provide both a handle and tensor_array_name")
        if handle is not None and element_shape is not None:
            raise ValueError("Cannot provide both a handle and element_shape at the same time")
        if handle is None and size is None:
            raise ValueError("Size must be provided if handle is not provided")
        if handle is not None and size is not None:
            raise ValueError("Cannot provide both a handle and size at the same time")
        if handle is not None and dynamic_size is not None:
            raise ValueError("Cannot provide both a handle and dynamic_size at the same time")
        if handle is not None and clear_after_read is not None:
            raise ValueError("Cannot provide both a handle and clear_after_read at the same time")
        self._held: Any
        if handle is not None:
            if not isinstance(handle, Shared) or flow is None:
                raise ValueError("a handle is another array's, and comes with its flow")
            rows = convert(flow)
            self.shared, self.length = handle, rows.type.dims[0]
            self._held = Made(rows, None)
            return
        graph = default_graph()
        with name_scope(name, "TensorArray") as scope:
            self.length = size_of(Builder(graph), size)
        if isinstance(self.length, int) and self.length < 0:
            raise AttributeValueError(f"Size should be >= 0: {self.length}", site=here())
        kind = as_dtype(dtype)
        self.shared = Shared(
            f"{tensor_array_name or ''}@{scope.rstrip('/')}".lstrip("@"), kind,
            TensorShape(element_shape), bool(dynamic_size),
            True if clear_after_read is None else bool(clear_after_read),
        )  # fmt: skip
        self._held = Fresh(graph, kind, self.length)

    @classmethod
    def _of(cls, shared: Shared, held: Any, length: Dim) -> TensorArray:
        array = cls.__new__(cls)
        array.shared, array._held, array.length = shared, held, length
        return array

    def __repr__(self) -> str:
        return f"<tf.TensorArray {self.shared.name!r}: {self.dtype}{self.element_shape}>"

    # --- what it is ----------------------------------------------------------------------------

    @property
    def dtype(self) -> DType:
        """The dtype of the elements."""
        return self.shared.dtype

    @property
    def element_shape(self) -> TensorShape:
        """What is known of the elements' shape."""
        return self.shared.element

    @property
    def dynamic_size(self) -> bool:
        """Whether a write may make it longer."""
        return self.shared.dynamic

    @property
    def handle(self) -> Shared:
        """What a constructor takes, with ``flow``, for another face of this array."""
        return self.shared

    @property
    def flow(self) -> Tensor:
        """The elements as far as they are written; nothing yet is a zero."""
        if self.shared.shape is None:
            return convert(0.0)
        return self.get()[0]

    def get(self) -> tuple[Tensor, Tensor]:
        """The rows and the marks of those written."""
        rows, marks = self._held.get(self.shared.take(None))
        return rows, marks

    def held(self) -> list[Tensor]:
        """The tensors it holds; none while no element's shape is known."""
        return [] if self.shared.shape is None else list(self.get())

    def after(self, held: list[Tensor]) -> TensorArray:
        """The array that holds these tensors, which a branch gave."""
        if not held:
            return self.identity()
        return TensorArray._of(self.shared, Made(*held), held[0].type.dims[0])

    def size(self, name: str | None = None) -> Tensor:
        """int32[]: how many elements there are."""
        if isinstance(self._held, Appended):
            return self._held.written().size(name)
        if isinstance(self._held, Entered):
            if self.shared.dynamic:
                self._held.marks()
            return shape_tensor(self._held.size, int32)
        return shape_tensor(self.length, int32)

    def identity(self) -> TensorArray:
        """The same array."""
        return TensorArray._of(self.shared, self._held, self.length)

    def grad(self, source: Any, flow: Any = None, name: str | None = None) -> TensorArray:
        """An array for cotangents of this one: what is written to an element is added up."""
        old = self.shared
        shared = Shared(f"{old.name}@{source}", old.dtype, old.element, False, old.clears)
        shared.adds = True
        return TensorArray._of(shared, Fresh(default_graph(), old.dtype, self.length), self.length)

    def close(self, name: str | None = None) -> Node:
        """An operation that does nothing: memory is the compiler's to give back."""
        return resolve("no_op")(name=name or "close")

    # --- writing -------------------------------------------------------------------------------

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with ``value`` as element ``index``, which nobody has written."""
        with name_scope(name, "TensorArrayWrite"):
            element, place = self._element(value), convert(index, like=None)
            if not place.dtype.is_integer:
                raise DTypeError(f"an index is an integer, got {place.dtype}", site=here())
            held = self._held
            if self.shared.dynamic:
                inside = isinstance(held, Entered) and held.graph is default_graph()
                if inside and not held.entry.touched:
                    self.shared.take(element.type.shape)
                    made = Appended(self, place, element)
                    return TensorArray._of(self.shared, made, self.length)
                return self.grown(place, element)
            b = Builder(default_graph())
            return self._filled(b.expand_dims(place, axis=0), b.expand_dims(element, axis=0))

    def _element(self, value: Any) -> Tensor:
        element = convert(value, None if isinstance(value, Tensor) else self.dtype)
        if element.dtype is not self.dtype:
            raise DTypeError(
                f"TensorArray dtype is {self.dtype} but Op is trying to write dtype "
                f"{element.dtype}", rows=[("value", str(element.type), "")], site=here(),
                subject=f"TensorArray {self.shared.name!r}", hint=f"tf.cast(..., tf.{self.dtype})",
            )  # fmt: skip
        self.shared.take(element.type.shape)
        return element

    def grown(self, place: Tensor, element: Tensor) -> TensorArray:
        """The array with an element, longer where it is behind the end."""
        b = Builder(default_graph())
        places, rows = b.expand_dims(place, axis=0), b.expand_dims(element, axis=0)
        return self._with_room(place)._filled(places, rows)

    def _with_room(self, last: Tensor) -> TensorArray:
        """The array, long enough for an index."""
        b = Builder(default_graph())
        rows, marks = self.get()
        at, old = dims_of(last), rows.type.dims[0]
        if isinstance(at, int) and isinstance(old, int):
            size: Dim = max(old, at + 1)
        else:
            least = b.add(b.cast(last, dtype=int32), 1)
            size = size_of(b, b.maximum(shape_tensor(old, int32), least))
        if size != old:
            shape = (size - old, *rows.type.dims[1:])
            rest = b.full(shape, _nothing(self.dtype), self.dtype)
            rows = b.concat(rows, rest, axis=0)
            marks = b.concat(marks, b.full((size - old,), False, bool_), axis=0)
        return TensorArray._of(self.shared, Made(rows, marks), size)

    def _filled(self, places: Tensor, values: Tensor) -> TensorArray:
        b = Builder(default_graph())
        rows, marks = self.get()
        if self.shared.adds:
            made = Made(b.put_rows(rows, places, values, how="add"), marks)
        else:
            made = Made(*b.fill_rows(rows, marks, places, values))
        return TensorArray._of(self.shared, made, self.length)

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with row k of ``value`` as element ``indices[k]``."""
        with name_scope(name, "TensorArrayScatter"):
            rows, places = self._rows_of(value), convert(indices, dtype=None)
            if self.shared.dynamic:
                last = Builder(default_graph()).reduce_max(places)
                return self._with_room(last)._filled(places, rows)
            return self._filled(places, rows)

    def _rows_of(self, value: Any) -> Tensor:
        rows = convert(value, None if isinstance(value, Tensor) else self.dtype)
        if rows.type.shape is not None and not rows.type.shape:
            raise ShapeError("elements stand along a first axis", site=here())
        if rows.dtype is not self.dtype:
            raise DTypeError(
                f"TensorArray dtype is {self.dtype}, the rows are {rows.dtype}", site=here(),
                subject=f"TensorArray {self.shared.name!r}",
            )  # fmt: skip
        self.shared.take(None if rows.type.shape is None else rows.type.shape[1:])
        return rows

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array with row k of ``value`` as element k."""
        with name_scope(name, "TensorArrayUnstack"):
            rows = self._rows_of(value)
            count = rows.type.dims[0]
            if isinstance(self._held, Fresh) and (count == self.length or self.shared.dynamic):
                longer = self.shared.dynamic and count != self.length
                if not longer or self.length == 0:
                    return TensorArray._of(self.shared, Made(rows, None), count)
            places = Builder(default_graph()).axis_position(shape=(count,), axis=0, dtype=int32)
            return self.scatter(places, rows)

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array whose elements are pieces of ``value``, of so many rows each."""
        with name_scope(name, "TensorArraySplit"):
            rows, counts = self._pieces(value), convert(lengths, dtype=None)
            known = dims_of(counts)
            if isinstance(known, tuple) and known and len(set(known)) == 1:
                rest = rows.type.dims[1:]
                stacked = Builder(rows.graph).reshape(rows, shape=(len(known), known[0], *rest))
                return self.unstack(stacked)
            if not isinstance(self._held, Fresh):
                raise ShapeError("pieces of several lengths go to an array by themselves",
                                 site=here())  # fmt: skip
            return Pieces(self, rows, counts)

    def _pieces(self, value: Any) -> Tensor:
        rows = convert(value, None if isinstance(value, Tensor) else self.dtype)
        if rows.dtype is not self.dtype:
            raise DTypeError(
                f"TensorArray dtype is {self.dtype}, the value is {rows.dtype}", site=here()
            )
        if not rows.type.shape:
            raise ShapeError(f"a vector at least is split, got {rows.type}", site=here())
        return rows

    # --- reading -------------------------------------------------------------------------------

    def _read(self, places: Tensor | None) -> Tensor:
        shared = self.shared
        shared.reads += 1
        graph = default_graph()
        b = Builder(graph)
        if self.shared.shape is None:
            raise ShapeError(
                "nothing has been written, so the shape of an element is not known",
                subject=f"TensorArray {shared.name!r}", site=here(),
                hint="say it: tf.TensorArray(..., element_shape=[...])",
            )  # fmt: skip
        rows, _ = self.get()
        given = [rows] if places is None else [rows, places]
        if shared.clears:
            for step in _turns_that_read_again(shared.graph, places):
                given[-1] = b.on_first_turn(given[-1], step, array=shared.name)
        return b.read_rows(*given, array=shared.name, read=shared.reads, twice=not shared.clears)

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """Element ``index``; zeros where none was written."""
        with name_scope(name, "TensorArrayRead"):
            return self._read(convert(index, dtype=None))

    def stack(self, name: str | None = None) -> Tensor:
        """All elements, ``[size, ...]``."""
        with name_scope(name, "TensorArrayStack"):
            return self._read(None)

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements that ``indices`` (a vector) names, stacked."""
        with name_scope(name, "TensorArrayGather"):
            return self._read(convert(indices, dtype=None))

    def concat(self, name: str | None = None) -> Tensor:
        """The elements one after another along their first axis."""
        with name_scope(name, "TensorArrayConcat"):
            stacked = self._read(None)
            size, *shape = stacked.type.dims
            if not shape:
                raise ShapeError("scalars cannot be joined; use stack", site=here())
            joined = (size * shape[0], *shape[1:])
            return Builder(stacked.graph).reshape(stacked, shape=joined)


class Pieces(TensorArray):
    """What :meth:`TensorArray.split` gives of pieces that differ in length: they are read, or put
    together again."""

    def __init__(self, array: TensorArray, rows: Tensor, counts: Tensor) -> None:
        self.shared, self.length, self._held = array.shared, array.length, array._held
        self._rows, self._counts = rows, counts

    def _read(self, places: Tensor | None) -> Tensor:
        if places is None or places.type.shape != ():
            raise ShapeError(
                "the elements have several lengths: they are read one by one, or by concat",
                subject=f"TensorArray {self.shared.name!r}", site=here(),
            )  # fmt: skip
        b = Builder(default_graph())
        ends = b.cumsum(self._counts, axis=0, exclusive=True)
        begin, count = b.gather(ends, places, axis=0), b.gather(self._counts, places, axis=0)
        rest = len(self._rows.type.dims) - 1
        begins = [begin, *([0] * rest)]
        return resolve("slice")(self._rows, begins, [count, *([-1] * rest)])

    def concat(self, name: str | None = None) -> Tensor:
        """The pieces one after another."""
        return self._rows

    def _filled(self, places: Tensor, values: Tensor) -> TensorArray:
        raise ShapeError("pieces of several lengths are not written again", site=here())
