"""Fusion: which nodes become one kernel.

Nodes are taken in dependency order; each joins the groups that compute its operands when the index
spaces agree, no path leaves a group and comes back (convexity), and the group stays within bounds.
Then groups that read the same tensors over the same space and do not depend on each other are
joined (siblings).  Why two neighbours stayed apart is recorded in ``declined``.

The cost is near-linear: a convexity search looks only at the interval of the graph between the two
groups and declines when that grows too large.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from graphc.ir.bindings import Bindings
from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind
from graphc.lowering.convexity import Contraction
from graphc.lowering.group import Group, Role, is_pointwise
from graphc.lowering.host import runs_in_python
from graphc.lowering.state import readers_before, variable_of

LARGEST = 64  # nodes in a group
OPERANDS = 24  # tensors a kernel reads and writes
INLINED = 8  # nodes computed where a rearranging node asks for them

# contractions that others may join
HEADS = ("matmul", "convolve", "convolve_back", "convolve_panels", "convolve_winograd")

# Bytes of an element from which on a row of a product's block is whole cache lines; what is made of
# less is made where it is read.
NARROW = 2

FUSIBLE = (Kind.ELEMENTWISE, Kind.INJECTIVE, Kind.GATHER, Kind.REDUCTION, Kind.EFFECT)


@dataclass
class Fusion:
    """The groups, the group of each fused node, and why neighbours stayed apart."""

    groups: list[Group]
    group_of: dict[Node, Group]
    declined: list[tuple[str, str, str]] = field(default_factory=list)  # producer, consumer, reason


def fuse(graph: Graph, enabled: bool = True) -> Fusion:
    """Partition the fusible nodes of a graph into convex groups (of one node each if not
    enabled).
    """
    fuser = _Fuser(graph)
    for node in graph.nodes:
        if is_fusible(node):
            fuser.take(node, enabled)
        elif enabled and node.op.name in HEADS and not runs_in_python(node):
            fuser.take_head(node)
        elif enabled and _is_unit_reshape(node):
            fuser.take_view(node)
    if enabled:
        fuser.join_siblings()
    return fuser.result()


def is_fusible(node: Node) -> bool:
    op = node.op
    if runs_in_python(node):
        return False
    if op.kind is Kind.EFFECT:
        return op.name == "assign"
    return op.kind in FUSIBLE and (op.kind is not Kind.REDUCTION or op.reduction is not None)


def _arithmetic(write: Node, feeding: set[Node]) -> list[Node]:
    """The elementwise nodes before a write that feed writes alone."""
    found: dict[Node, None] = {}
    wanted = [write]
    while wanted:
        for tensor in wanted.pop().operands:
            node = tensor.node
            if node.op.kind is Kind.ELEMENTWISE and node in feeding and node not in found:
                found[node] = None
                wanted.append(node)
    return list(found)


def _reads_variable(nodes: list[Node], variable: Node) -> bool:
    return any(variable_of(t.node) is variable for node in nodes for t in node.operands)


def _is_unit_reshape(node: Node) -> bool:
    """A view that only adds or drops axes of size 1."""
    if node.op.kind is not Kind.VIEW:
        return False
    shape, out = node.operands[0].type.dims, node.outputs[0].type.dims
    return [d for d in shape if d != 1] == [d for d in out if d != 1]


def _unwritten_edges(graph: Graph) -> dict[Node, list[Node]]:
    """What each node must follow besides its operands: the readers of the version it overwrites,
    and the nodes whose run decides its sizes."""
    edges = {node: list(readers) for node, readers in readers_before(graph).items()}
    bindings = Bindings(graph.nodes)
    for node in graph.nodes if bindings.binder else ():
        binders = bindings.before(node)
        if binders:
            edges.setdefault(node, []).extend(binders)
    return edges


@dataclass(eq=False)
class _Cluster:
    """A group while it grows."""

    space: Shape
    reduced: tuple[int, ...] | None
    chunk: Dim | None
    roles: dict[Node, Role]
    head: Node | None = None
    seen: Tensor | None = None

    def as_group(self) -> Group:
        nodes = list(self.roles)
        return Group(
            self.space, self.reduced, self.chunk, nodes, self.roles, head=self.head, seen=self.seen
        )


class _Fuser:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.position = graph.positions()
        self.uses = graph.uses()
        self.fetched = set(graph.outputs)
        self.updates = self._update_arithmetic()
        self.contraction = Contraction(graph, _unwritten_edges(graph))
        self.cluster: dict[Node, _Cluster] = {}
        self.declined: list[tuple[str, str, str]] = []

    def _update_arithmetic(self) -> set[Node]:
        """Writes of variables, and elementwise nodes that only such writes read (an
        optimizer's).  What is assigned to a variable that it was not computed from is no update.
        """
        writes: list[Node] = []
        feeding: set[Node] = set()
        for node in reversed(self.graph.nodes):
            if node.op.kind is Kind.EFFECT:
                writes.append(node)
                feeding.add(node)
            elif node.op.kind is Kind.ELEMENTWISE and node.outputs[0] not in self.fetched:
                readers = self.uses.get(node.outputs[0], ())
                if readers and all(reader in feeding for reader, _ in readers):
                    feeding.add(node)
        found = set(writes)
        for write in writes:
            arithmetic = _arithmetic(write, feeding)
            own = variable_of(write) if write.op.name == "assign" else None
            if own is None or len(arithmetic) > LARGEST or _reads_variable(arithmetic, own):
                found.update(arithmetic)
        return found

    # --- growing -------------------------------------------------------------------------------

    def take(self, node: Node, merge: bool) -> None:
        own = self._alone(node)
        self.cluster[node] = own
        if not merge:
            return
        if node.op.kind in (Kind.INJECTIVE, Kind.GATHER) and not is_pointwise(node):
            self._absorb(node)
            return
        producers = dict.fromkeys(
            self.cluster[t.node]
            for t in self._read(node)
            if t.node in self.cluster and not is_free(t.node)
        )
        for producer in sorted(producers, key=lambda c: -self._rank(c)):
            if self.cluster[node] is producer:
                continue
            reason = self._join(producer, self.cluster[node])
            if reason:
                self._decline(producer, node, reason)

    def take_head(self, node: Node) -> None:
        """A contraction, with the views that alone read its result."""
        chain = [node]
        while (view := self._only_view(chain[-1])) is not None:
            if not self.contraction.merge(chain[-1], view):
                break
            chain.append(view)
        seen = chain[-1].outputs[0]
        roles = dict.fromkeys(chain, Role.FULL)
        self.cluster |= dict.fromkeys(
            chain, _Cluster(seen.type.dims, None, None, roles, node, seen)
        )

    def _only_view(self, node: Node) -> Node | None:
        """The one reader of a node's result, when it is a view that keeps the last axis and that
        only moves borders between the axes of the rows."""
        result = node.outputs[0]
        readers = self.uses.get(result, ())
        if len(readers) != 1 or result in self.fetched or len(result.type.dims) != 2:
            return None
        view = readers[0][0]
        if view.op.kind is not Kind.VIEW:
            return None
        shape = view.outputs[0].type.dims
        return view if len(shape) >= 2 and shape[-1] == result.type.dims[-1] else None

    def _absorb(self, node: Node) -> None:
        """Compute cheap operands that nobody else reads where the node asks for them."""
        own = self.cluster[node]
        for operand in node.operands:
            below = self.cluster.get(operand.node)
            if below is None or below is own or below.reduced is not None:
                continue
            if below.head is not None:
                continue
            inside = {*below.roles, node}
            if len(below.roles) > INLINED or any(
                n.op.transcendental
                or n.op.effect
                or any(t in self.fetched for t in n.outputs)
                or any(
                    reader not in inside for t in n.outputs for reader, _ in self.uses.get(t, ())
                )
                for n in below.roles
            ):
                continue
            own.roles = self._ordered({**dict.fromkeys(below.roles, Role.INLINE), **own.roles})
            self.contraction.merge(operand.node, node)  # nobody else reads them: no path can leave
            for member in below.roles:
                self.cluster[member] = own

    def take_view(self, node: Node) -> None:
        """Let a unit reshape join the row group of its operand (it moves between KEPT and
        OUTER).
        """
        cluster = self.cluster.get(node.operands[0].node)
        if cluster is None or cluster.reduced is None or len(cluster.roles) >= LARGEST:
            return
        group = cluster.as_group()
        role = cluster.roles[node.operands[0].node]
        other = {Role.KEPT: Role.OUTER, Role.OUTER: Role.KEPT}.get(role)
        if other is None or group.role_shape(other) != node.outputs[0].type.dims:
            return
        if self.contraction.merge(node.operands[0].node, node):
            cluster.roles[node] = other
            self.cluster[node] = cluster

    def _rank(self, cluster: _Cluster) -> int:
        return self.contraction.rank(next(iter(cluster.roles)))

    def _alone(self, node: Node) -> _Cluster:
        if node.op.kind is Kind.REDUCTION:
            operand = node.operands[0].type
            chunk = getattr(node.op, "chunk", None)
            role = Role.PARTIAL if chunk is not None else _kept(node)
            axes = node.op.axes(operand)
            return _Cluster(operand.dims, axes, chunk, {node: role})
        shape = node.outputs[0].type.dims
        return _Cluster(shape, None, None, {node: Role.FULL})

    def _join(self, a: _Cluster, b: _Cluster) -> str | None:
        """Make one cluster of two; the reason when that is not possible."""
        meeting = self._meet(a, b)
        if isinstance(meeting, str):
            return meeting
        if len(a.roles) + len(b.roles) > LARGEST:
            return f"the group would pass {LARGEST} nodes"
        space, reduced, chunk, roles = meeting
        head, seen = (a.head, a.seen) if a.head is not None else (b.head, b.seen)
        if any(n.op.may_fail for n in roles) and any(n.op.effect for n in roles):
            return "one may fail and the other writes a variable"
        if self._operands(roles) > OPERANDS:
            return f"the kernel would pass {OPERANDS} operands"
        if not self.contraction.merge(next(iter(a.roles)), next(iter(b.roles))):
            return "a path between them leaves the group"
        joined = _Cluster(space, reduced, chunk, roles, head, seen)
        for node in roles:
            self.cluster[node] = joined
        return None

    def _meet(self, a: _Cluster, b: _Cluster) -> str | tuple:
        """The space two clusters share, and everybody's role in it."""
        if a.head is not None or b.head is not None:
            reason = self._refuses_head(a, b)
            if reason:
                return reason
        outer, inner = (a, b) if a.reduced is not None or b.reduced is None else (b, a)
        if outer.reduced is not None and inner.reduced is not None:
            if (outer.space, outer.reduced, outer.chunk) != (
                inner.space,
                inner.reduced,
                inner.chunk,
            ):
                return "they reduce over different axes"
            moved = inner.roles
        else:
            role = self._role_of(inner, outer)
            if role is None:
                return "their index spaces differ"
            moved = {n: r if r is Role.INLINE else role for n, r in inner.roles.items()}
        roles = self._ordered({**outer.roles, **moved})
        if outer.reduced is not None and any(n in self.updates for n in roles):
            return "updates of variables are launched together"
        written = [variable_of(n) for n in roles if n.op.writes is not None]
        if len(set(written)) < len(written):
            return "they write one variable"
        for node, role in roles.items():
            for operand in self._read(node):
                below = roles.get(operand.node)
                if below is not None and not _may_read(node, role, below):
                    return "an index of the one is not an index of the other"
        return outer.space, outer.reduced, outer.chunk, roles

    def _refuses_head(self, a: _Cluster, b: _Cluster) -> str | None:
        """Why two clusters, of which one has a head, cannot be one."""
        if a.head is not None and b.head is not None:
            return "both multiply"
        if a.reduced is not None or b.reduced is not None:
            return "a reduction needs whole rows, a contraction makes blocks"
        members = (*a.roles, *b.roles)
        if any(n in self.updates for n in members):
            return "updates of variables are launched together"
        if any(n.op.may_fail for n in members):
            return "a contraction's kernel has no checks"
        roles, by_blocks = {**a.roles, **b.roles}, any(n.op.contraction for n in members)
        if by_blocks and any(
            t.dtype.size < NARROW and self._leaves(t, roles) for n in members for t in n.outputs
        ):
            return "blocks side by side would write one cache line"
        return None

    def _role_of(self, inner: _Cluster, outer: _Cluster) -> Role | None:
        """The role a map cluster's tensors have in another cluster's space."""
        if inner.space == outer.space:
            return Role.FULL
        if outer.reduced is None or outer.chunk is not None:
            return None
        group = outer.as_group()
        return next(
            (r for r in (Role.KEPT, Role.OUTER) if group.role_shape(r) == inner.space), None
        )

    def _read(self, node: Node) -> tuple[Tensor, ...]:
        return node.operands[1:] if node.op.writes is not None else node.operands

    def _ordered(self, roles: dict[Node, Role]) -> dict[Node, Role]:
        return {n: roles[n] for n in sorted(roles, key=self.position.__getitem__)}

    def _operands(self, roles: dict[Node, Role]) -> int:
        read = {
            t for n in roles for t in self._read(n) if t.node not in roles and not is_free(t.node)
        }
        return len(read) + sum(self._leaves(t, roles) for n in roles for t in n.outputs)

    def _leaves(self, tensor: Tensor, roles: dict[Node, Role]) -> bool:
        return (
            tensor in self.fetched
            or tensor.node.op.effect
            or not self.uses.get(tensor)  # it is run for its checks
            or any(reader not in roles for reader, _ in self.uses.get(tensor, ()))
        )

    def _decline(self, producer: _Cluster, node: Node, reason: str) -> None:
        source = next((t.node for t in node.operands if t.node in producer.roles), None)
        if source is not None and len(self.declined) < 10_000:
            self.declined.append((source.name, node.name, reason))

    # --- siblings ------------------------------------------------------------------------------

    def join_siblings(self) -> None:
        """Join groups that read one tensor over one space."""
        for readers in list(self.uses.values()):
            if len(readers) > 32:
                continue
            clusters = dict.fromkeys(
                self.cluster[n]
                for n, _ in readers
                if n in self.cluster and n.op.kind is not Kind.VIEW
            )
            anchors: list[_Cluster] = []
            for cluster in clusters:
                if not any(self._siblings(a, cluster) for a in anchors):
                    anchors.append(self.cluster[next(iter(cluster.roles))])

    def _siblings(self, a: _Cluster, b: _Cluster) -> bool:
        a, b = self.cluster[next(iter(a.roles))], self.cluster[next(iter(b.roles))]
        if a is b:
            return True
        if a.space != b.space or a.reduced != b.reduced or a.chunk != b.chunk:
            return False
        if a.head is not None or b.head is not None:
            return False
        return self._join(a, b) is None

    def _is_unneeded(self, node: Node) -> bool:
        """A free node that only kernels read: each computes it."""
        return is_free(node) and all(
            t not in self.fetched and all(r in self.cluster for r, _ in self.uses.get(t, ()))
            for t in node.outputs
        )

    # --- result --------------------------------------------------------------------------------

    def result(self) -> Fusion:
        groups: dict[int, Group] = {}
        group_of: dict[Node, Group] = {}
        for node in self.graph.nodes:
            cluster = self.cluster.get(node)
            if cluster is None or self._is_unneeded(node) or _is_bare(cluster):
                continue
            group = groups.get(id(cluster))
            if group is None:
                group = groups[id(cluster)] = cluster.as_group()
                group.outputs = [
                    t for n in group.nodes for t in n.outputs if self._leaves(t, cluster.roles)
                ]
            group_of[node] = group
        return Fusion(list(groups.values()), group_of, self.declined)


def _is_bare(cluster: _Cluster) -> bool:
    """Whether a contraction found no company."""
    return cluster.head is not None and all(
        n is cluster.head or n.op.kind is Kind.VIEW for n in cluster.roles
    )


def is_free(node: Node) -> bool:
    """Whether a node is a function of the index alone: whoever needs it computes it."""
    return node.op.kind is Kind.INJECTIVE and not node.operands


def _kept(node: Node) -> Role:
    return Role.KEPT if node.op.keepdims else Role.OUTER


def _may_read(node: Node, role: Role, below: Role) -> bool:
    """Whether a node of one role may read a value of another inside a kernel."""
    if below is Role.INLINE:
        return True
    if node.op.kind is Kind.REDUCTION:
        return below is Role.FULL
    if node.op.kind is Kind.CONTRACTION:
        return False
    if node.op.kind is Kind.VIEW:  # of a contraction's result, or of a row's
        return role is below is Role.FULL or {role, below} == {Role.KEPT, Role.OUTER}
    if node.op.kind in (Kind.INJECTIVE, Kind.GATHER) and not is_pointwise(node):
        return False
    if role is Role.FULL:
        return below in (Role.FULL, Role.KEPT)
    return role is below
