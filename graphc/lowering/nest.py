"""From a fusion group to the text of one kernel: loops, phases, loads, stores.

A nest has up to three parts: the *prologue* (values that no loop variable enters), one parallel
loop over ``[start, stop)``, and serial loops inside it.  An expression is emitted at the outermost
level its index allows, so what is constant along a loop is computed before it.

* ``map``: no reduction; every output is stored in the innermost loop.
* ``rows``: for each point of the kept axes, one pass over the reduced axes per *phase* (a reduction
  that needs another's result is one phase later), scalars as accumulators.
* ``columns``: the reduced axes come before kept ones (a bias gradient); accumulators are rows of
  memory, and the innermost loop runs along the last kept axis, which is contiguous.

Adjacent axes that every access sees as one are collapsed: a dry run records the accesses, then the
text is written once more over the collapsed axes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from graphc.codegen.kernel import Access, Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import DType, as_dtype, int64
from graphc.ir.graph import Node, Tensor
from graphc.ir.op import Kind
from graphc.ir.types import broadcast_index
from graphc.lowering.element import (
    Elements,
    OperandAt,
    Scalar,
    axis_symbol,
    block_lines,
    unit_reshape_index,
)
from graphc.lowering.facts import ContractionFacts
from graphc.lowering.fuse import is_free
from graphc.lowering.group import Group, Role

LOOP_NAMES = "ijklpquv"
MOVING = 0.06  # estimated nanoseconds to load or store one element
WRITTEN = (0, 1, -1, 2, -2, 0.5, -0.5, float("inf"), float("-inf"))  # numbers in a text
STRIDES, OFFSETS = range(-4, 5), range(-1, 1)  # numbers of an index that stand in the text


@dataclass(frozen=True)
class Workspace:
    """Memory a kernel needs beside its operands: ``shape`` of ``dtype``, dead after the launch."""

    dtype: str
    shape: Shape
    per_chunk: bool  # a leading axis counts the launch's chunks, or the slots they take


@dataclass
class Use:
    """One operand of the kernel: a tensor (or workspace) seen under a collapsed shape."""

    tensor: Tensor | Workspace
    name: str
    shape: Shape  # collapsed; strides are its suffix products
    dtype: str
    access: Access
    also: Tensor | None = None  # in place: the input this output overlays


EPILOGUE = "EPILOGUE"  # the line of a text at which a block of the result is final


@dataclass(frozen=True)
class Final:
    """What is final where a contraction's text says ``EPILOGUE``, in variables of that text.

    It is ``result[matrix, row, column]`` (``result[row, column]`` without ``matrix``) for all rows
    and columns within the bounds.  Every element is final once, whatever the chunks.  The first
    ``matrix_axes`` axes of the node's output are what ``matrix`` counts, the next ``row_axes`` what
    a row counts, the others a column; ``whole`` columns are always all of them.
    """

    rows: tuple[str, str]
    columns: tuple[str, str]
    matrix_axes: int
    row_axes: int
    matrix: str = ""
    result: str = "y"
    whole: bool = False


@dataclass
class Lowered:
    """A kernel and how to launch it; sizes and extents are dims, bound when the plan is made."""

    kernel: Kernel
    uses: list[Use]
    sizes: list[Dim]
    extent: Dim
    inner: Dim  # elements visited per step of the extent
    weight: float  # estimated nanoseconds per element on one core
    checks: list[Node] = field(default_factory=list)  # bit k of the status belongs to checks[k]
    facts: ContractionFacts | None = None  # of a product or a convolution
    final: Final | None = None  # of a text that says EPILOGUE
    other: Lowered | None = None  # the same by BLAS, for a plan to choose

    def alone(self) -> Lowered:
        """The same without a line for what could follow."""
        if self.final is None:
            return self
        lines = self.kernel.text.splitlines(keepends=True)
        text = "".join(line for line in lines if line.strip() != EPILOGUE)
        return replace(self, kernel=replace(self.kernel, text=text), final=None)


class Nest:
    """The text of one kernel while it is written."""

    def __init__(
        self, group: Group, merged: list[list[int]] | None, overlay: dict[Tensor, Tensor]
    ) -> None:
        self.group = group
        self.overlay = overlay
        self.merged = merged or [[k] for k in range(len(group.space))]
        self.members = set(group.nodes)
        self.lines: list[list[str]] = [[]]
        self.memo: list[dict] = [{}]
        self.constants: dict[tuple, Constant] = {}
        self.sizes: dict[tuple[str, Dim], str] = {}  # what it is for, its value -> its name
        self.uses: dict[tuple, Use] = {}
        self.known_sizes: set[str] = set()
        self.levels: dict[str, int] = {}  # loop variable or index read from memory -> level
        self.loop_of: dict[int, str] = {}  # first axis of a merged run -> text of its variable
        self.merged_run = {run[0]: run for run in self.merged}
        self.accesses: list[tuple[Shape, tuple[Dim, ...]]] = []
        self.mentions: list[Dim] = []  # what indices compute of loop variables, beside accesses
        self.results: dict[Tensor, Scalar] = {}  # reductions already folded to a scalar
        self.stored: dict[Tensor, tuple] = {}  # tensors that can be read back: (use key, index)
        self.checks: list[Node] = []
        self.taken: frozenset[str] = frozenset()  # names of a text these lines will stand in
        self.counts: dict[str, int] = {}  # names made so far, by their first letters
        self.folds = 0
        self.weight = 0.0

    # --- text ----------------------------------------------------------------------------------

    @property
    def level(self) -> int:
        return len(self.lines) - 1

    def line(self, text: str, level: int | None = None) -> None:
        self.lines[self.level if level is None else level].append(text)

    def open_loop(self) -> None:
        self.lines.append([])
        self.memo.append({})

    def close_loop(self, header: str) -> None:
        body = self.lines.pop()
        self.memo.pop()
        self.lines[-1].append(header)
        self.lines[-1].extend("    " + text for text in body)

    def fresh(self, stem: str) -> str:
        """A name nothing else has: the stem and a number."""
        while True:
            count = self.counts.get(stem, 0)
            self.counts[stem] = count + 1
            if f"{stem}{count}" not in self.taken:
                return f"{stem}{count}"

    def bind(
        self, text: str, dtype: str, uses: Iterable[Scalar] = (), level: int | None = None
    ) -> Scalar:
        """A temporary for an expression, at the level of what it uses (the current one if
        unsaid).
        """
        uses = tuple(uses)
        if level is None:
            level = max((u.level for u in uses), default=self.level) if uses else self.level
        key = (text, dtype)
        for known in self.memo[: level + 1]:
            if key in known:
                return known[key]
        value = Scalar(self.fresh("t"), dtype, level, self)
        self.line(f"{value} = {text}", level)
        self.memo[level][key] = value
        return value

    def block(self, text: str, dtype: str, uses: tuple[Scalar, ...]) -> Scalar:
        """What the lines of an :meth:`Elements.block` compute, at the level of what they use."""
        level = max((u.level for u in uses), default=self.level)
        key = (text, tuple(u.name for u in uses), dtype)
        for known in self.memo[: level + 1]:
            if key in known:
                return known[key]
        name = self.fresh("t")
        for line in block_lines(text, name, self.literal, uses):
            self.line(line, level)
        value = Scalar(f"result_{name}", dtype, level, self)
        self.memo[level][key] = value
        return value

    def literal(self, value: complex, dtype: str) -> str:
        """The name of a typed constant."""
        kind = as_dtype(dtype)
        value = as_kind(value, kind)
        key = (dtype, repr(value))
        if key not in self.constants:
            self.constants[key] = Constant(self.fresh("c"), dtype, value)
        return self.constants[key].name

    def size(self, dim: Dim) -> str:
        """The text of a size: a number, or a name bound in the prologue."""
        if isinstance(dim, int) and dim in (0, 1):
            return str(dim)
        return self._argument("size", dim)

    def _argument(self, purpose: str, dim: Dim) -> str:
        """The name of a number passed at run time.  Two of different purpose that happen to be
        equal have two names: the text must not tell one model's sizes from another's.
        """
        key = (purpose, dim)
        if key not in self.sizes:
            self.sizes[key] = self.fresh("n")
        return self.sizes[key]

    def bound(self, dim: Dim) -> str:
        """A size as an operand of a word."""
        if isinstance(dim, int) and dim in (0, 1):
            return self.literal(dim, "int64")
        return self.size(dim)

    # --- values --------------------------------------------------------------------------------

    def value(self, tensor: Tensor, at: tuple[Dim, ...]) -> Scalar:
        """The name of ``tensor[at]``: computed here if its node is in the group, else loaded."""
        key = (tensor, at)
        for known in self.memo:
            if key in known:
                return known[key]
        value = self._value(tensor, at)
        self.memo[value.level][key] = value
        return value

    def _value(self, tensor: Tensor, at: tuple[Dim, ...]) -> Scalar:
        node = tensor.node
        if tensor in self.results:
            return self.results[tensor]
        if tensor in self.stored:
            use, index = self.stored[tensor]
            return self.load_from(use, index(at))
        if node not in self.members and not is_free(node):
            if is_written(node):
                dtype = str(tensor.dtype.computed)
                return Scalar(self.literal(node.op.value.array.item(), dtype), dtype, 0, self)
            return self.load(tensor, at)
        op = node.op
        if op.kind is Kind.ELEMENTWISE:
            return self._elementwise(tensor, at)
        if op.kind is Kind.EFFECT:
            return self.value(node.operands[1], at)
        if op.kind is Kind.VIEW:
            operand = node.operands[0]
            index = unit_reshape_index(at, tensor.type.dims, operand.type.dims)
            assert index is not None, "bug in graphc: only unit reshapes are fused"
            return self.value(operand, index)
        elements = Elements(self, node)
        return op.element(elements, at, *(OperandAt(elements, t) for t in node.operands))

    def _elementwise(self, tensor: Tensor, at: tuple[Dim, ...]) -> Scalar:
        node, out = tensor.node, tensor.type.dims
        values = [self.value(t, broadcast_index(at, t.type.dims, out)) for t in node.operands]
        self.weight += 0.25 if node.op.transcendental else 0.02
        text = node.op.scalar(*values)
        return self.bind(text, str(tensor.dtype.computed), values)

    def load(self, tensor: Tensor, at: tuple[Dim, ...]) -> Scalar:
        shape, index = self.collapse(tensor.type.dims, at)
        return self.load_from(self.use(tensor, shape, "r"), index)

    def load_from(self, use: Use, index: tuple[Dim, ...]) -> Scalar:
        dtype = as_dtype(use.dtype)
        level = max((self.index_level(i) for i in index), default=0)
        return self.bind(f"{use.name}[{self.index_text(index)}]", str(dtype.computed), level=level)

    def value_or(
        self, tensor: Tensor, at: tuple[Dim, ...], outside: Scalar, other: Scalar
    ) -> Scalar:
        """``tensor[at]``, or ``other`` where ``outside`` holds: nothing is read there.

        A tensor computed in this kernel is computed at an index moved inside it instead.
        """
        dtype = str(tensor.dtype.computed)
        if tensor.node in self.members or tensor in self.stored or tensor in self.results:
            pairs = zip(at, tensor.type.dims, strict=True)
            value = self.value(
                tensor, tuple(self.clamped_index(self.position(i), n) for i, n in pairs)
            )
            uses = (outside, other, value)
            return self.bind(f"where({outside}, {other}, {value})", dtype, uses)
        shape, index = self.collapse(tensor.type.dims, at)
        use = self.use(tensor, shape, "r")
        level = max((outside.level, other.level, *(self.index_level(i) for i in index)))
        text = f"{other} if {outside} else {use.name}[{self.index_text(index)}]"
        return self.bind(text, dtype, level=level)

    def store(self, tensor: Tensor, at: tuple[Dim, ...], value: Scalar) -> None:
        shape, index = self.collapse(tensor.type.dims, at)
        use = self.use(tensor, shape, "w")
        self.line(f"{use.name}[{self.index_text(index)}] = {value}")

    def store_all(self, places: list[tuple[Tensor, tuple[Dim, ...]]]) -> None:
        """Store tensors, each at its index; all values are read before a store lies over an
        operand.
        """
        values = [self.value(tensor, at) for tensor, at in places]
        for (tensor, at), value in zip(places, values, strict=True):
            self.store(tensor, at, value)

    def use(self, tensor: Tensor | Workspace, shape: Shape, access: Access) -> Use:
        """The kernel operand for a tensor under a collapsed shape."""
        owner = tensor
        if access == "r" and isinstance(tensor, Tensor):
            owner = next((out for out, over in self.overlay.items() if over is tensor), tensor)
        key = (id(owner), shape)
        found = self.uses.get(key)
        if found is None:
            dtype = tensor.dtype if isinstance(tensor, Workspace) else str(tensor.dtype)
            also = self.overlay.get(owner) if isinstance(owner, Tensor) else None
            found = self.uses[key] = Use(owner, self.fresh("x"), shape, dtype, access, also)
        elif found.access != access:
            found.access = "rw"
        return found

    # --- indices -------------------------------------------------------------------------------

    def collapse(self, shape: Shape, at: tuple[Dim, ...]) -> tuple[Shape, tuple[Dim, ...]]:
        """The shape and index of an access with unit axes dropped and merged axes joined."""
        pairs = [(size, index) for size, index in zip(shape, at, strict=True) if size != 1]
        self.accesses.append((tuple(s for s, _ in pairs), tuple(i for _, i in pairs)))
        sizes: list[Dim] = []
        indices: list[Dim] = []
        position = 0
        while position < len(pairs):
            size, index = pairs[position]
            run = self._run_at(pairs, position)
            if run > 1:
                size = dims.product(s for s, _ in pairs[position : position + run])
                index = pairs[position + run - 1][1]
            sizes.append(size)
            indices.append(index)
            position += run
        return tuple(sizes) or (1,), tuple(indices) or (0,)

    def _run_at(self, pairs: list[tuple[Dim, Dim]], position: int) -> int:
        atom = dims.single_atom(pairs[position][1])
        if isinstance(atom, dims.Symbol) and atom.name.startswith("@"):
            run = self.merged_run.get(int(atom.name[1:]), ())
            return max(1, len(run))
        return 1

    def index_level(self, index: Dim) -> int:
        return max((self.levels.get(s.name, 0) for s in dims.symbols(index)), default=0)

    def index_text(self, index: tuple[Dim, ...]) -> str:
        return ", ".join(self.dim_text(i) for i in index)

    def dim_text(self, dim: Dim) -> str:
        """A dim over loop variables and sizes, as text of the kernel."""
        if isinstance(dim, int):
            return str(self._passed(dim, OFFSETS))
        atom = dims.single_atom(dim)
        if not (isinstance(atom, dims.Symbol) and atom.name.startswith("@")):
            self.mentions.append(dim)
        dim = self._flattened(dim)
        names: dict[str, Dim] = {}
        for s in dims.symbols(dim):
            if s.name.startswith("@"):
                names[s.name] = self._loop_variable(int(s.name[1:]))
            elif s.name not in self.levels and s.name not in self.known_sizes:
                names[s.name] = dims.symbol(self.size(dims.symbol(s.name)))
        return str(self._numbers_passed(dims.substitute(dim, names)))

    def _loop_variable(self, axis: int) -> Dim:
        """What stands for an axis: of merged axes the last counts for all."""
        run = next((run for run in self.merged if axis in run), [axis])
        return dims.symbol(self.loop_of[run[0]]) if axis == run[-1] else 0

    def _numbers_passed(self, dim: Dim) -> Dim:
        """The dim with its numbers passed at run time, so that slices of other places and shapes
        of other sizes share the kernel.  Small strides stay: loops over them vectorise.
        """
        if isinstance(dim, int):
            return self._passed(dim, OFFSETS)
        total: Dim = 0
        for monomial, factor in dim.terms:
            rest: Dim = dims.Expr(((monomial, 1),)) if monomial else 1
            total = total + self._passed(factor, STRIDES if monomial else OFFSETS) * rest
        return total

    def _passed(self, number: int, written: range) -> Dim:
        """A number as it is when in ``written``, else as an argument."""
        return number if number in written else dims.symbol(self._argument("number", number))

    def _flattened(self, dim: Dim) -> Dim:
        """The dim with quotients and maxima replaced by names: of sizes, or of values at this
        index.
        """
        if isinstance(dim, int):
            return dim
        total: Dim = 0
        for monomial, factor in dim.terms:
            term: Dim = factor
            for atom in monomial:
                whole = dims.Expr((((atom,), 1),))
                term = term * (whole if isinstance(atom, dims.Symbol) else self._named(atom, whole))
            total = total + term
        return total

    def _named(self, atom: dims.Atom, whole: Dim) -> Dim:
        level = self.index_level(whole)
        if not level:
            name = self.size(whole)
            self.known_sizes.add(name)
            return dims.symbol(name)
        if isinstance(atom, dims.Quotient):
            text = f"idiv({self._word(atom.numerator)}, {self._word(atom.denominator)})"
        else:
            assert isinstance(atom, dims.Maximum)
            text = reduce(lambda a, b: f"maximum({a}, {b})", map(self._word, atom.terms))
        value = self.bind(text, "int64", level=level)
        self.levels[value.name] = value.level
        return dims.symbol(value.name)

    def _word(self, dim: Dim) -> str:
        """A dim as an operand of a word: constants are typed."""
        return self.literal(dim, "int64") if isinstance(dim, int) else self.dim_text(dim)

    def position(self, index: Dim) -> Scalar:
        if isinstance(index, int):
            return Scalar(self.literal(index, "int64"), "int64", 0, self)
        self.mentions.append(index)
        return self.bind(self.dim_text(index), str(int64), level=self.index_level(index))

    def checked_index(self, node: Node, value: Scalar, bound: Dim) -> Dim:
        limit = self.bound(bound)
        wide = value
        if value.dtype != "int64":
            wide = self.bind(f"to_int64({value})", "int64", (value,))
        self.flag(node, f"out_of_range({wide}, {limit})", wide.level)
        return self.clamped_index(wide, bound)

    def clamped_index(self, value: Scalar, bound: Dim) -> Dim:
        """An int64 value moved into ``[0, bound)``, as an index."""
        limit = self.bound(bound)
        last = self.bind(f"{limit} - 1", "int64", level=0)
        zero = self.literal(0, "int64")
        safe = self.bind(f"maximum(minimum({value}, {last}), {zero})", "int64", (value,))
        self.levels[safe.name] = safe.level
        return dims.symbol(safe.name)

    def flag(self, node: Node, condition: str, level: int | None = None) -> None:
        if node not in self.checks:
            self.checks.append(node)
        text = f"bad = bad | bit({condition}, {self.checks.index(node)})"
        where = self.lines[self.level if level is None else level]
        if text not in where:
            where.append(text)


def as_kind(value: Any, dtype: DType) -> Any:
    """A number as the Python number that stands for it in that dtype."""
    if dtype.is_complex:
        return complex(value)
    return bool(value) if dtype.is_bool else float(value) if dtype.is_floating else int(value)


def is_written(node: Node) -> bool:
    """Whether a node is a number that stands in the kernel's text.

    Those that every model has do; another (a rate, a deviation, a limit that follows from a shape)
    is an operand, so that kernels which differ in nothing else are one.
    """
    if node.op.name != "const" or node.op.value.array.size != 1:
        return False
    value = node.op.value.array.item()
    return value in WRITTEN or value != value


def mergeable(group: Group, dry: Nest, borders: Iterable[int] = ()) -> list[list[int]]:
    """Runs of axes that every access sees as one: adjacent, whole, and never used apart.  None goes
    on at a border.
    """
    reduced = set(group.reduced_axes)
    axes = [k for k, size in enumerate(group.space) if size != 1]
    runs: list[list[int]] = []
    for axis in axes:
        previous = runs[-1] if runs else None
        joined = (
            previous is not None
            and not any(previous[-1] < border <= axis for border in borders)
            and (previous[-1] in reduced) == (axis in reduced)
            and not (group.chunk is not None and previous[0] == axes[0])
            and _always_together(group, dry, previous[-1], axis)
        )
        if joined and previous is not None:
            previous.append(axis)
        else:
            runs.append([axis])
    return runs


def _always_together(group: Group, dry: Nest, a: int, b: int) -> bool:
    left, right = axis_symbol(a), axis_symbol(b)
    if not all(_in_step(dim, a, b, group.space[b]) for dim in dry.mentions):
        return False
    for shape, index in dry.accesses:
        if (left in index) != (right in index):
            return False
        if left in index:
            place = index.index(left)
            once = index.count(left) == index.count(right) == 1
            together = once and place + 1 < len(index) and index[place + 1] == right
            if not together or shape[place + 1] != group.space[b] or shape[place] != group.space[a]:
                return False
    return True


def _in_step(dim: Dim, a: int, b: int, size: Dim) -> bool:
    """Whether a dim depends on two loop variables only through ``a * size + b``."""
    moved = dims.substitute(dim, {f"@{b}": axis_symbol(b) - axis_symbol(a) * size})
    return all(s.name != f"@{a}" for s in dims.symbols(moved))


def full_index(group: Group) -> tuple[Dim, ...]:
    """The loop variables of every axis of the space (0 along axes of size 1)."""
    return tuple(0 if size == 1 else axis_symbol(k) for k, size in enumerate(group.space))


def role_index(group: Group, role: Role) -> tuple[Dim, ...]:
    """The index of a tensor of that role at the current point of the space."""
    at = full_index(group)
    reduced = group.reduced_axes
    match role:
        case Role.FULL:
            return at
        case Role.KEPT:
            return tuple(0 if k in reduced else i for k, i in enumerate(at))
        case _:
            return tuple(at[k] for k in group.kept_axes)


def finish(nest: Nest, extent: Dim, inner: Dim, name: str, describe: Iterable[str] = ()) -> Lowered:
    """Wrap the lines written so far into a function and make the kernel."""
    uses = list(nest.uses.values())
    header = [f"def {name}(args, start, stop):"]
    names = ", ".join(u.name for u in uses)
    header.append(f"    {names}{',' if len(uses) == 1 else ''} = views(args, {len(uses)})")
    if nest.sizes:
        names = ", ".join(nest.sizes.values())
        comma = "," if len(nest.sizes) == 1 else ""
        header.append(f"    {names}{comma} = sizes(args, {len(nest.sizes)})")
    if nest.checks:
        header.append(f"    bad = {nest.literal(0, 'int64')}")
    footer = ["    return bad" if nest.checks else "    return 0"]
    body = ["    " + text for text in nest.lines[0]]
    title = [f"# {text}" for text in describe]
    text = "\n".join([*title, *header, *body, *footer]) + "\n"
    kernel = Kernel(
        name,
        text,
        tuple(Operand(u.name, u.dtype, len(u.shape), u.access) for u in uses),
        tuple(nest.constants.values()),
        tuple(nest.sizes.values()),
    )
    weight = nest.weight + MOVING * sum(use.shape != (1,) for use in uses)
    sizes = [dim for _, dim in nest.sizes]
    return Lowered(kernel, uses, sizes, extent, inner, weight, nest.checks)
