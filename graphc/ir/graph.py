"""The graph: nodes in creation order, names as TF1 makes them, and the networkx view of it.

A :class:`Node` is an op applied to operands; a :class:`Tensor` is one output of a node.  Both are
immutable once made: passes build new graphs that share every untouched node
(:mod:`graphc.ir.edit`).  The user's graph only grows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from graphc.errors import DTypeError, FedShapeError, FinalizedGraphError, GraphError, ShapeError
from graphc.ir import dims
from graphc.ir.dtype import DType
from graphc.ir.op import Op
from graphc.ir.operators import Operators
from graphc.ir.source import Site, here
from graphc.ir.types import DTypeMismatch, Equal, Mismatch, TensorType, collected_checks

if TYPE_CHECKING:
    import networkx


class Tensor(Operators):
    """One output of a node: ``type`` is its dtype and symbolic shape."""

    __slots__ = ("index", "node", "type")

    def __init__(self, node: Node, index: int, type: TensorType) -> None:
        self.node = node
        self.index = index
        self.type = type

    @property
    def dtype(self) -> DType:
        return self.type.dtype

    @property
    def name(self) -> str:
        return f"{self.node.name}:{self.index}"

    @property
    def op(self) -> Node:
        return self.node

    @property
    def graph(self) -> Graph:
        return self.node.graph

    @property
    def device(self) -> str:
        return self.node.device

    @property
    def value_index(self) -> int:
        return self.index

    def __repr__(self) -> str:
        shape = dims.format_shape(self.type.shape)
        return f"<tf.Tensor '{self.name}' shape={shape} dtype={self.dtype}>"


class Node:
    """An op applied to operands (TF1's Operation).

    ``sites`` are the user's lines it came from (several after a rewrite), ``forward`` the node a
    gradient node belongs to, ``checks`` the dims its type rule took as equal.
    """

    __slots__ = (
        "__weakref__", "checks", "control", "device", "forward", "graph", "name", "op", "operands",
        "outputs", "sites",
    )  # fmt: skip

    def __init__(
        self,
        graph: Any,
        op: Op,
        operands: tuple[Tensor, ...],
        control: tuple[Node, ...],
        name: str,
        types: Sequence[TensorType],
        sites: tuple[Site, ...] = (),
        device: str = "",
        forward: Node | None = None,
        checks: tuple[Equal, ...] = (),
    ) -> None:
        self.graph = graph
        self.op = op
        self.operands = operands
        self.control = control
        self.name = name
        self.sites = sites
        self.device = device
        self.forward = forward
        self.checks = checks
        self.outputs = tuple(Tensor(self, k, t) for k, t in enumerate(types))

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return self.operands

    @property
    def control_inputs(self) -> list[Node]:
        return list(self.control)

    @property
    def type(self) -> str:
        """The op's name as TF1 writes it (``MatMul``)."""
        return type(self.op).__name__

    def get_attr(self, name: str) -> Any:
        try:
            return dict(self.op.values())[name]
        except KeyError:
            raise ValueError(f"{self.type} {self.name!r} has no attribute {name!r}") from None

    def values(self) -> list[Tensor]:
        return list(self.outputs)

    @property
    def has_effect(self) -> bool:
        """Whether running it does something (a ``no_op`` is only there to be waited for)."""
        return self.op.effect and not self.op.source

    @property
    def site(self) -> Site | None:
        return self.sites[0] if self.sites else None

    def run(self, feed_dict: dict | None = None, session: Any = None) -> None:
        from runtime.session import session_for

        session_for(session, self.graph).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"


def infer(
    op: Op, operands: Sequence[TensorType]
) -> tuple[tuple[TensorType, ...], tuple[Equal, ...]]:
    """The types of an op's outputs for operand types, with the checks left to run time."""
    least, most = op.arity()
    if len(operands) < least or (most is not None and len(operands) > most):
        raise Mismatch(f"takes {least} operand{'s' * (least != 1)}, got {len(operands)}")
    with collected_checks() as checks:
        result = op.infer_type(*operands)
    types = (result,) if isinstance(result, TensorType) else tuple(result)
    return types, tuple(dict.fromkeys(checks))


class _Frame(NamedTuple):
    """A scope of control dependencies: what nodes made in it run after, and those nodes."""

    before: tuple[Node, ...]
    inside: set[Node]


class Graph:
    """A dataflow graph under construction, or the part of one that a compilation works on.

    ``inputs`` (fed tensors), ``outputs`` (fetched tensors) and ``targets`` (nodes run for their
    effect) are set on a graph being compiled; a user's graph has none.
    """

    def __init__(self, name: str = "graph") -> None:
        self.title = name
        self.nodes: list[Node] = []
        self.by_name: dict[str, Node] = {}
        self.inputs: tuple[Tensor, ...] = ()
        self.outputs: tuple[Tensor, ...] = ()
        self.targets: tuple[Node, ...] = ()
        self.finalized = False
        self.seed: int | None = None
        self.cuts: tuple[int, ...] | None = None  # what loops made now are asked (ops.control)
        self.collections: dict[Any, list] = {}
        self.unreached: list[tuple[Tensor, list[Tensor]]] = []  # a loss, what it does not reach
        self._names: dict[str, int] = {}
        self._scope = ""
        self._devices: list[str] = []
        self._control: list[_Frame] = []
        self._forward: list[Node] = []
        # Gradients given by the user: for the op types made in a scope, and for nodes made there.
        self.vjp_scope: dict[str, Callable] = {}
        self.vjps: dict[Node, Callable] = {}
        self._dim_names: set[str] = set()
        self._nx: tuple[int, Any] | None = None
        self.lock = threading.RLock()

    # --- bodies (graphc.ir.body) ---------------------------------------------------------------

    @property
    def root(self) -> Graph:
        """The outermost graph: this one, unless it is a body being traced."""
        return self

    def is_within(self, graph: Graph) -> bool:
        """Whether this is a body being traced inside ``graph``, at any depth."""
        return False

    def inside(self, tensor: Tensor) -> Tensor:
        """The tensor as it is seen in this graph."""
        return tensor

    def building(self) -> Graph:
        """Where nodes are made now: here, or in the body inside that is being traced."""
        innermost = _stack.graphs[-1] if _stack.graphs else self
        return innermost if innermost.is_within(self) else self

    # --- building ------------------------------------------------------------------------------

    def add(
        self,
        op: Op,
        operands: Iterable[Tensor] = (),
        name: str | None = None,
        types: Sequence[TensorType] | None = None,
        control: Iterable[Node] = (),
    ) -> Node:
        """Append a node; its types come from the op's rule unless given (sources)."""
        operands = tuple(operands)
        site = here()
        if self.finalized:
            raise FinalizedGraphError("the graph is finalized and cannot be changed", site=site)
        checks: tuple[Equal, ...] = ()
        for operand in operands:
            if operand.graph is not self:
                raise left_behind(operand, op.name) or GraphError(
                    f"{operand.name} belongs to another graph",
                    subject=op.name,
                    site=site,
                    hint="build every operand under the same `with graph.as_default():`",
                )
        if types is None:
            try:
                types, checks = infer(op, [t.type for t in operands])
            except Mismatch as mismatch:
                raise type_error(op, mismatch, operands, name or op.name, site) from None
        with self.lock:
            node = Node(
                self, op, operands, self._controls(control, operands),
                self._new_name(name or type(op).__name__), types, (site,) if site else (),
                self.current_device, self._forward[-1] if self._forward else None, checks,
            )  # fmt: skip
            self.nodes.append(node)
            self.by_name[node.name] = node
            for frame in self._control:
                frame.inside.add(node)
            if self.vjp_scope and node.type in self.vjp_scope:
                self.vjps[node] = self.vjp_scope[node.type]
        return node

    def adopt(self, node: Node) -> None:
        """Append a node made elsewhere (parsed, unpickled) under the name it already has."""
        self.nodes.append(node)
        self.by_name[node.name] = node
        name = node.name.lower()
        while name and name not in self._names:
            self._names[name] = 1
            name = name.rpartition("/")[0]
        for output in node.outputs:
            for dim in output.type.shape or ():
                self._dim_names.update(s.name for s in dims.symbols(dim))

    def _controls(self, extra: Iterable[Node], operands: tuple[Tensor, ...]) -> tuple[Node, ...]:
        wanted = dict.fromkeys(extra)
        for frame in self._control:
            if not any(operand.node in frame.inside for operand in operands):
                wanted |= dict.fromkeys(frame.before)
        for operand in operands:
            wanted.pop(operand.node, None)
        return tuple(wanted)

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """``name`` under the current name scope, numbered if taken (``dense``, ``dense_1``)."""
        full = f"{self._scope}{name}"
        return self._unique(full, mark_as_used)

    def _new_name(self, name: str) -> str:
        if name.endswith("/"):  # TF1: an exact name, scope included, even that of an open scope
            exact = name[:-1]
            if exact in self.by_name:
                return self._unique(exact, True)
            self._names.setdefault(exact.lower(), 1)
            return exact
        return self.unique_name(name)

    def _unique(self, full: str, mark: bool) -> str:
        key = full.lower()
        count = self._names.get(key, 0)
        if mark:
            self._names[key] = count + 1
        if count == 0:
            return full
        fresh = f"{full}_{count}"
        while fresh.lower() in self._names:
            count += 1
            fresh = f"{full}_{count}"
        if mark:
            self._names[key] = count + 1
            self._names[fresh.lower()] = 1
        return fresh

    def new_dim(self, name: str, data: bool = False) -> dims.Expr:
        """A fresh symbolic size called like ``name``."""
        stem = fresh = dims.identifier(name)
        count = 0
        while fresh in self._dim_names:
            count += 1
            fresh = f"{stem}_{count}"
        self._dim_names.add(fresh)
        return dims.symbol(fresh, data)

    def named_dim(self, name: str) -> dims.Expr:
        """The size the user calls ``name``: the same one wherever it is named."""
        if not name.isidentifier():
            raise GraphError(f"a dim's name must be an identifier, got {name!r}", site=here())
        self._dim_names.add(name)
        return dims.symbol(name)

    def finalize(self) -> None:
        self.finalized = True

    # --- scopes --------------------------------------------------------------------------------

    @property
    def scope(self) -> str:
        """The current name scope, ending in ``/`` unless empty."""
        return self._scope

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Prefix names with ``name/``; a name ending in ``/`` re-enters that scope; "" leaves
        all.
        """
        outer = self._scope
        if not name:
            self._scope = ""
        elif name.endswith("/"):
            self._scope = name
        else:
            self._scope = self.unique_name(name) + "/"
        try:
            yield self._scope
        finally:
            self._scope = outer

    @property
    def current_device(self) -> str:
        return self._devices[-1] if self._devices else ""

    @contextmanager
    def device_scope(self, device: str | None) -> Iterator[None]:
        self._devices.append(device or "")
        try:
            yield
        finally:
            self._devices.pop()

    @contextmanager
    def control_dependencies(self, nodes: Iterable[Node] | None) -> Iterator[None]:
        """Nodes made inside run after ``nodes``; None forgets the enclosing dependencies.

        As in TF1, a node that reads another made inside has no edges of its own: that one's
        suffice."""
        outer = self._control
        self._control = [] if nodes is None else [*outer, _Frame(tuple(nodes), set())]
        try:
            yield
        finally:
            self._control = outer

    @contextmanager
    def gradient_of(self, node: Node) -> Iterator[None]:
        """Nodes made inside belong to the gradient of ``node``."""
        self._forward.append(node)
        try:
            yield
        finally:
            self._forward.pop()

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        _stack.graphs.append(self)
        try:
            yield self
        finally:
            innermost = next(k for k, g in enumerate(reversed(_stack.graphs), 1) if g is self)
            del _stack.graphs[-innermost]

    # --- collections and look-up ---------------------------------------------------------------

    def add_to_collection(self, name: Any, value: Any) -> None:
        self.collections.setdefault(name, []).append(value)

    def get_collection(self, name: Any) -> list:
        return list(self.collections.get(name, ()))

    def get_operation_by_name(self, name: str) -> Node:
        try:
            return self.by_name[name]
        except KeyError:
            raise GraphErrorKey(
                f"the graph has no operation named {name!r}", hint=self._near(name)
            ) from None

    def get_tensor_by_name(self, name: str) -> Tensor:
        stem, _, index = name.rpartition(":")
        if not stem or not index.isdigit():
            raise GraphError(f"{name!r} is not a tensor name; they look like 'dense/kernel:0'")
        node = self.get_operation_by_name(stem)
        if int(index) >= len(node.outputs):
            raise GraphErrorKey(f"{stem!r} has {len(node.outputs)} outputs, asked for :{index}")
        return node.outputs[int(index)]

    def _near(self, name: str) -> str | None:
        from difflib import get_close_matches

        near = get_close_matches(name, self.by_name, 3)
        return f"near: {', '.join(near)}" if near else None

    def get_operations(self) -> list[Node]:
        return list(self.nodes)

    @property
    def revision(self) -> int:
        return len(self.nodes)

    # --- views ---------------------------------------------------------------------------------

    @property
    def nx(self) -> networkx.MultiDiGraph:
        """The graph as networkx sees it: nodes are positions in ``nodes``, an operand edge has its
        port as key, a control edge the key ``"control"``, an edge from the node that determines a
        data-dependent size to one that needs it ``"size"``.  Cached per revision."""
        if self._nx is None or self._nx[0] != self.revision:
            import networkx

            from graphc.ir.bindings import Bindings

            view = networkx.MultiDiGraph()
            position = self.positions()
            view.add_nodes_from(range(len(self.nodes)))
            view.add_edges_from(
                (position[operand.node], k, port)
                for k, node in enumerate(self.nodes)
                for port, operand in enumerate(node.operands)
            )
            view.add_edges_from(
                (position[before], k, "control")
                for k, node in enumerate(self.nodes)
                for before in node.control
            )
            bindings = Bindings(self.nodes)
            if bindings.binder:
                view.add_edges_from(
                    (position[before], k, "size")
                    for k, node in enumerate(self.nodes)
                    for before in bindings.before(node)
                )
            self._nx = (self.revision, view)
        return self._nx[1]

    def positions(self) -> dict[Node, int]:
        return {node: k for k, node in enumerate(self.nodes)}

    def uses(self) -> dict[Tensor, list[tuple[Node, int]]]:
        """Who reads each tensor: (reader, port), in node order."""
        found: dict[Tensor, list[tuple[Node, int]]] = {}
        for node in self.nodes:
            for port, operand in enumerate(node.operands):
                found.setdefault(operand, []).append((node, port))
        return found

    def __getstate__(self) -> dict:
        from graphc.ir.pickling import graph_state

        return graph_state(self)

    def __setstate__(self, state: dict) -> None:
        from graphc.ir.pickling import restore_graph

        restore_graph(self, state)


class GraphErrorKey(GraphError, KeyError):
    """Nothing in the graph has that name."""

    __str__ = GraphError.__str__


def type_error(
    op: Op, mismatch: Mismatch, operands: Sequence[Tensor], name: str, site: Site | None,
    running: bool = False,
) -> ShapeError | DTypeError:  # fmt: skip
    """A type rule's complaint with who and where filled in; ``running``: about what was fed."""
    by_name = dict(zip(op.operand_names(len(operands)), operands, strict=False))
    origins = {label: by_name.get(label) for label in mismatch.values}
    if running and mismatch.error is ShapeError:
        mismatch.error = FedShapeError
    return _complaint(mismatch, origins, f"{op.name} {name!r}", site)


def composite_error(
    name: str, mismatch: Mismatch, operands: Sequence[Tensor]
) -> ShapeError | DTypeError:
    """The complaint of a composite: it names types, which tell the operands."""
    origins = {
        label: next((t for t in operands if t.type is value), None)
        for label, value in mismatch.values.items()
    }
    return _complaint(mismatch, origins, name, here())


def _complaint(
    mismatch: Mismatch, origins: dict[str, Tensor | None], subject: str, site: Site | None
) -> ShapeError | DTypeError:
    rows = []
    for label, value in mismatch.values.items():
        tensor = origins[label]
        rows.append((label, str(value), whence(tensor) if tensor is not None else ""))
    kind = DTypeError if isinstance(mismatch, DTypeMismatch) else mismatch.error
    return kind(mismatch.fact, rows=rows, hint=mismatch.hint, subject=subject, site=site)


def left_behind(tensor: Tensor, subject: str) -> GraphError | None:
    """The complaint about a tensor of a branch or loop that is used outside of it."""
    if tensor.graph.root is tensor.graph:
        return None
    return GraphError(
        f"{tensor.name} is made inside a branch or a loop, and used outside of it",
        rows=[("made", f"at {tensor.node.site.describe()}" if tensor.node.site else "", "")],
        subject=subject, site=here(),
        hint="return it from the function it is made in; a loop carries it as a loop variable",
    )  # fmt: skip


def whence(tensor: Tensor) -> str:
    """``from x   (placeholder, train.py:8)``: a tensor's origin, for messages."""
    node = tensor.node
    where = f", {node.site.short}" if node.site else ""
    return f"from {node.name}   ({node.op.name}{where})"


class _Stack(threading.local):
    def __init__(self) -> None:
        self.graphs: list[Graph] = []


_stack = _Stack()
_global: list[Graph] = [Graph()]


def default_graph() -> Graph:
    """The graph nodes are added to: the innermost ``as_default``, else the process-wide one."""
    return _stack.graphs[-1] if _stack.graphs else _global[0]


def reset_default_graph() -> None:
    """Start a new process-wide graph (refused inside ``as_default``)."""
    if _stack.graphs:
        raise GraphError("reset_default_graph inside `with graph.as_default():`", site=here())
    _global[0] = Graph()
