"""Reverse mode: the gradient of a graph is more graph.

:func:`gradients` walks the nodes between ``xs`` and ``ys`` from the ys back, once, and asks each op
for its ``vjp``.  No op is known by name here except the two that join cotangents: ``add`` (several
readers) and ``sum_to`` (an operand that was broadcast).  What must stay true:

* only nodes on a path from an x to a y are visited, so the cost follows the model, not the graph;
* the walk is iterative: depth is bounded by memory, not by Python's stack;
* a tensor of which some rows are read has a cotangent of those rows (:class:`Rows`), which passes
  through identities; it becomes dense where an op's ``vjp``, or the caller, needs it whole;
* every node made knows the node it differentiates (``node.forward``).

The method is reverse accumulation (Linnainmaa 1970; Speelpenning 1980).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.errors import DTypeError, GraphError, ShapeError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.collector import collector_paused
from graphc.ir.dtype import DType
from graphc.ir.edit import Edit
from graphc.ir.graph import Node, Tensor
from graphc.ir.op import NotDifferentiable, Op
from graphc.ir.rows import Rows, joined_rows
from graphc.ir.source import here
from graphc.ir.types import TensorType, same_dim


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    stop_gradients: Any = (),
    *,
    name: str = "gradients",
    colocate: bool = False,
) -> list[Tensor | None]:
    """The derivative of ``sum(ys * grad_ys)`` with respect to each of ``xs``, dense.

    None where no gradient flows (:func:`why_none` says why).  ``grad_ys`` entries may be None for
    ones.  ``stop_gradients`` are taken as constants.  ``colocate`` puts each gradient node on the
    device of the node it differentiates.  An x that another x depends on gets the total derivative.

        dw, db = gradients(loss, [w, b])
    """
    return _swept(ys, xs, grad_ys, stop_gradients, name, colocate, Sweep.run)


def row_gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    stop_gradients: Any = (),
    *,
    name: str = "gradients",
    colocate: bool = False,
) -> list[Tensor | Rows | None]:
    """As :func:`gradients`; an x of which only rows were read has a gradient of :class:`Rows`."""
    return _swept(ys, xs, grad_ys, stop_gradients, name, colocate, Sweep.run_rows)


def _swept(
    ys: Any, xs: Any, grad_ys: Any, stop_gradients: Any, name: str, colocate: bool, run: Callable
) -> list:
    ys, xs, stops = as_tensors(ys, "y"), as_tensors(xs, "x"), as_tensors(stop_gradients, "stop")
    if not ys or not xs:
        return [None] * len(xs)
    graph = ys[0].graph
    if graph is not graph.root:  # in a body, what is outside is one of its inputs
        xs, stops = ([graph.inside(t) for t in part] for part in (xs, stops))
    same_graph(graph, (*ys, *xs, *stops))
    with graph.name_scope(name), collector_paused():
        b = Builder(graph)
        sweep = Sweep(b, ys, xs, stops, colocate)
        return run(sweep, seeds(b, ys, grad_ys))


def why_none(ys: Any, x: Any) -> str:
    """Why ``gradients(ys, [x])`` is None: the ops that blocked it, and their reasons."""
    ys, (x,) = as_tensors(ys, "y"), as_tensors([x], "x")
    if not x.dtype.is_differentiable:
        return f"{x.name} is {x.dtype}: only floating and complex tensors have gradients"
    named = ", ".join(y.name for y in ys)
    path = between(ys, [x], ())
    if not path and x not in ys:
        return f"{named} does not depend on {x.name}: no operand leads from one to the other"
    b = Builder(Edit(x.graph))
    sweep = Sweep(b, ys, [x], ())
    (found,) = sweep.run(seeds(b, ys, None))
    if found is not None:
        return f"{x.name} has a gradient"
    lines = [f"no gradient flows from {named} to {x.name}; it stops at"]
    lines += [f"    {block}" for block in dict.fromkeys(map(str, sweep.blocks))]
    return "\n".join(lines)


@dataclass(frozen=True)
class Block:
    """A node that has a cotangent and passes none to an operand."""

    node: Node
    reason: str

    def __str__(self) -> str:
        where = f" ({self.node.site.short})" if self.node.site else ""
        return f"{self.node.op.name} '{self.node.name}'{where}: {self.reason}"


class Sweep:
    """One reverse walk: cotangents gather at tensors, nodes pass them to their operands."""

    def __init__(
        self,
        b: Builder,
        ys: Sequence[Tensor],
        xs: Sequence[Tensor],
        stops: Iterable[Tensor],
        colocate: bool = False,
        adds_rows: bool = False,
    ) -> None:
        """``adds_rows``: rows are added into the rest of a cotangent, for a turn of a loop, which
        may overwrite that."""
        self.b = b
        self.ys, self.xs = ys, xs
        self.stops = frozenset(stops)
        self.path = between(ys, xs, self.stops)
        self.colocate = colocate
        self.adds_rows = adds_rows
        self.pending: dict[Tensor, list[Tensor]] = {}
        self.rows: dict[Tensor, list[Rows]] = {}
        self.blocks: list[Block] = []

    def run(self, cotangents: Sequence[Tensor | None]) -> list[Tensor | None]:
        self._walk(cotangents)
        return [self._total(x) for x in self.xs]

    def run_rows(self, cotangents: Sequence[Tensor | None]) -> list[Tensor | Rows | None]:
        self._walk(cotangents)
        return [self._rows_of(x) or self._total(x) for x in self.xs]

    def _walk(self, cotangents: Sequence[Tensor | None]) -> None:
        for y, ct in zip(self.ys, cotangents, strict=True):
            if ct is not None:
                self.pending.setdefault(y, []).append(ct)
            elif not y.dtype.is_differentiable:
                self.blocks.append(Block(y.node, f"{y.dtype} values have no gradient"))
        on_path, xs = set(self.path), set(self.xs)
        for node in reversed(self.path):
            self._visit(node, on_path, xs)

    def _visit(self, node: Node, on_path: set[Node], xs: set[Tensor]) -> None:
        if not any(t in self.pending or t in self.rows for t in node.outputs):
            return
        own = node not in node.graph.vjps
        if own and node.op.passes_rows and node.outputs[0] not in self.stops:
            rows = self._rows_of(node.outputs[0])
            if rows is not None:
                operand = node.operands[0]
                passed = Rows(rows.values, rows.indices, operand)
                self.rows.setdefault(operand, []).append(passed)
                return
        live = [None if t in self.stops else self._total(t) for t in node.outputs]
        if all(ct is None for ct in live):
            return
        wanted = [t in xs or (t not in self.stops and t.node in on_path) for t in node.operands]
        graph = node.graph
        with graph.gradient_of(node):
            if self.colocate and node.device:
                with graph.device_scope(node.device):
                    given = self._pulled(node, live, wanted)
            else:
                given = self._pulled(node, live, wanted)
        for operand, ct in zip(node.operands, given, strict=True):
            if isinstance(ct, NotDifferentiable):
                self.blocks.append(Block(node, ct.reason))
            elif isinstance(ct, Rows):
                self.rows.setdefault(operand, []).append(ct)
            elif ct is not None:
                self.pending.setdefault(operand, []).append(ct)

    def _pulled(
        self, node: Node, live: Sequence[Tensor | None], wanted: Sequence[bool]
    ) -> Sequence[Tensor | Rows | NotDifferentiable | None]:
        if node.op.row_vjp is not None and wanted[0] and node not in node.graph.vjps:
            rows = node.op.row_vjp(self.b, live[0], node.outputs[0], *node.operands)
            if rows is not None:
                names = node.op.operand_names(len(node.operands))
                rest = [
                    _fitted(self.b, node, names[k], t, None) if wanted[k] else None
                    for k, t in enumerate(node.operands)
                ]
                return [rows, *rest[1:]]
        return pull_back(self.b, node, live, wanted)

    def _rows_of(self, tensor: Tensor) -> Rows | None:
        """The cotangent of a tensor of which rows alone were read."""
        parts = self.rows.get(tensor)
        if not parts or tensor in self.pending:
            return None
        with tensor.graph.gradient_of(tensor.node):
            whole = joined_rows(self.b, parts)
        self.rows[tensor] = [whole]
        return whole

    def _total(self, tensor: Tensor) -> Tensor | None:
        """The sum of the cotangents that reached a tensor; adjacent ones are added in pairs, so
        the rounding error grows with the logarithm of their number."""
        parts = self.pending.get(tensor, [])
        rows = self.rows.pop(tensor, None)
        if rows is not None and self.adds_rows and parts and _adds_in_place(tensor.dtype):
            rest = self._total(tensor)
            with tensor.graph.gradient_of(tensor.node):
                whole = joined_rows(self.b, rows)
                total = self.b.put_rows(rest, whole.indices, whole.values, how="add")
            parts = self.pending[tensor] = [total]
        elif rows is not None:
            with tensor.graph.gradient_of(tensor.node):
                parts = self.pending[tensor] = [*parts, joined_rows(self.b, rows).dense(self.b)]
        if not parts:
            return None
        if len(parts) > 1:
            with tensor.graph.gradient_of(tensor.node):
                while len(parts) > 1:
                    odd = parts[len(parts) // 2 * 2 :]
                    pairs = zip(parts[::2], parts[1::2], strict=False)
                    parts = [self.b.add(left, right) for left, right in pairs] + odd
            self.pending[tensor] = parts
        return parts[0]


def _adds_in_place(dtype: DType) -> bool:
    return dtype.computed is dtype  # halves are summed in float32


def pull_back(
    b: Builder, node: Node, cotangents: Sequence[Tensor | None], wanted: Sequence[bool]
) -> list[Tensor | NotDifferentiable | None]:
    """What a node's ``vjp`` passes to each operand that is wanted, in the operand's shape; or why
    nothing.  None for operands that are not wanted."""
    op, operands = node.op, node.operands
    by_user = node.graph.vjps.get(node)
    if by_user is not None:
        whole = [
            b.zeros_like(y) if ct is None else ct
            for ct, y in zip(cotangents, node.outputs, strict=True)
        ]
        given = by_user(node, *whole)
        given = list(given) if isinstance(given, list | tuple) else [given]
    elif isinstance(op.vjp, NotDifferentiable):
        return [op.vjp if want else None for want in wanted]
    elif len(node.outputs) == 1 and not op.takes_wanted:
        y, *given_operands = _conjugates(b, op, (node.outputs[0], *operands))
        given = op.vjp(b, cotangents[0], y, *given_operands)
    elif op.takes_wanted:
        given = op.vjp(b, tuple(cotangents), node.outputs, *operands, wanted=wanted)
    else:
        given = op.vjp(b, tuple(cotangents), node.outputs, *operands)
    if len(given) != len(operands):
        raise GraphError(
            f"its vjp gives {len(given)} cotangents for {len(operands)} operands",
            subject=f"{op.name} {node.name!r}",
            site=node.site,
        )
    names = op.operand_names(len(operands))
    return [
        _fitted(b, node, names[k], operands[k], given[k]) if want else None
        for k, want in enumerate(wanted)
    ]


def _conjugates(b: Builder, op: Op, tensors: Sequence[Tensor]) -> list[Tensor]:
    """What the ``vjp`` of an op of complex numbers is given; real numbers are their own."""
    return [b.conj(t) if op.holomorphic and t.dtype.is_complex else t for t in tensors]


def _fitted(
    b: Builder, node: Node, label: str, operand: Tensor, ct: Tensor | NotDifferentiable | None
) -> Tensor | NotDifferentiable:
    if not operand.dtype.is_differentiable:
        return NotDifferentiable(f"{label} is {operand.dtype}, which has no gradient")
    if ct is None:
        return NotDifferentiable(f"no gradient flows to {label}")
    if isinstance(ct, NotDifferentiable):
        return ct
    if ct.dtype is not operand.dtype:
        raise DTypeError(
            f"its vjp gives {label} a cotangent of another dtype",
            rows=[(label, str(operand.type), ""), ("cotangent", str(ct.type), "")],
            subject=f"{node.op.name} {node.name!r}",
            site=node.site,
        )
    if ct.type.shape is None or ct.type.shape != operand.type.shape:
        return b.sum_to(ct, operand)
    return ct


def between(ys: Sequence[Tensor], xs: Sequence[Tensor], stops: Iterable[Tensor]) -> list[Node]:
    """The nodes on a path from an x to a y that passes no stop, in dependency order."""
    stops, wanted = frozenset(stops), frozenset(xs)
    order = ancestors([y.node for y in ys if y not in stops], stops)
    found: set[Node] = set()
    for node in order:
        for t in node.operands:
            if t in wanted or (t not in stops and t.node in found):
                found.add(node)
                break
    return [node for node in order if node in found]


def ancestors(roots: Iterable[Node], stops: frozenset[Tensor]) -> list[Node]:
    """The nodes ``roots`` are computed from (roots included), operands before their readers."""
    order: list[Node] = []
    seen: set[Node] = set()
    stack: list[Node | None] = []
    for root in roots:
        stack.append(root)
        while stack:
            node = stack.pop()
            if node is None:
                order.append(stack.pop())  # type: ignore[arg-type]
            elif node not in seen:
                seen.add(node)
                stack += (node, None)
                stack += [t.node for t in node.operands if t.node not in seen and t not in stops]
    return order


def seeds(b: Builder, ys: Sequence[Tensor], grad_ys: Any) -> list[Tensor | None]:
    """The cotangent each y starts with; None where its dtype has no gradient."""
    given = [None] * len(ys) if grad_ys is None else list(_listed(grad_ys))
    if len(given) != len(ys):
        raise GraphError(f"{len(ys)} ys and {len(given)} grad_ys; give one for each", site=here())
    return [_seed(b, y, ct) for y, ct in zip(ys, given, strict=True)]


def _seed(b: Builder, y: Tensor, given: Any) -> Tensor | None:
    if not y.dtype.is_differentiable:
        return None
    if given is None:
        # A size that is only known when it runs may stretch, against what its name says: ask y.
        shape = y.type.shape
        if shape is None or not y.type.is_static:
            return b.ones_like(y)
        return b.full(shape, 1, y.dtype)
    ct = b.tensor(given, like=y)
    if ct.dtype is not y.dtype:
        raise DTypeError(
            "grad_ys must have the dtype of ys", rows=_pair("grad_y", ct.type, y.type), site=here()
        )
    if not _may_be_equal(ct.type, y.type):
        raise ShapeError(
            "grad_ys must have the shape of ys", rows=_pair("grad_y", ct.type, y.type), site=here()
        )
    return ct


def _pair(label: str, mine: TensorType, theirs: TensorType) -> list[tuple[str, str, str]]:
    return [(label, str(mine), ""), ("y", str(theirs), "")]


def _may_be_equal(a: TensorType, b: TensorType) -> bool:
    if a.shape is None or b.shape is None:
        return True
    return len(a.shape) == len(b.shape) and all(
        same_dim(m, n, "grad_ys") is not None for m, n in zip(a.shape, b.shape, strict=True)
    )


def _listed(values: Any) -> Sequence[Any]:
    return values if isinstance(values, list | tuple) else [values]


def as_tensors(values: Any, what: str) -> list[Tensor]:
    """Tensors (or variables), given alone or as a list; anything else is refused by position."""
    found = [as_tensor(v) for v in _listed(values)]
    for k, (tensor, value) in enumerate(zip(found, _listed(values), strict=True)):
        if tensor is None:
            raise GraphError(
                f"{what}s[{k}] must be a tensor or variable, got {value!r}", site=here()
            )
    return found


def same_graph(graph: Any, tensors: Iterable[Tensor]) -> None:
    for tensor in tensors:
        if tensor.graph is not graph:
            raise GraphError(f"{tensor.name} belongs to another graph", site=here())
