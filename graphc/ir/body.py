"""Bodies: graphs of their own that a node runs, the branches of a cond or one turn of a loop.

A :class:`Body` is an attribute of its node: immutable, equal to another that computes the same.
Its inputs are the node's to fill; what a body reads from outside is an input too, so a body needs
nothing but its inputs.  While one is traced it is a :class:`BodyGraph`: a tensor of an enclosing
graph that is used inside becomes an input (a *capture*), variables and placeholders are made in the
outermost graph, and a random op draws anew in every turn.  A write to a variable changes nothing
outside: what it leaves is a value, that later writes and whoever waits for the write read; who runs
the body passes the variable in and the last value out (``written``).

Symbolic sizes mean the same inside and outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from graphc.errors import GraphError
from graphc.ir import dims
from graphc.ir.bindings import Bindings
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import int32
from graphc.ir.graph import Graph, Node, Tensor, infer, left_behind
from graphc.ir.op import REGISTRY, Nested, Op
from graphc.ir.source import here
from graphc.ir.types import Mismatch, TensorType

STEP = TensorType(int32, ())  # the number of the turn

Function = Callable[..., Sequence[Tensor]]


class Body(Nested):
    """A graph as an attribute: ``graph.inputs`` and ``graph.outputs`` are what it takes and gives,
    ``graph.targets`` what it runs besides.  The graph is never changed."""

    def __init__(self, graph: Graph) -> None:
        there = set(graph.nodes)
        unread = [t.node for t in graph.inputs if t.node not in there]
        if unread:  # an input stands in its graph though nobody reads it
            graph.nodes = [*unread, *graph.nodes]
            graph.by_name |= {n.name: n for n in unread}
        self.graph = graph
        self._retyped: dict[tuple[TensorType, ...], Body] = {}

    @classmethod
    def of(cls, function: Function, types: Sequence[tuple[str, TensorType]]) -> Body:
        """The body of ``function(step, *inputs)``, which reads nothing else."""
        (body,), captures = bodies(trace(Graph(), "body", types, function))
        assert not captures
        return body

    @property
    def input_types(self) -> tuple[TensorType, ...]:
        return tuple(t.type for t in self.graph.inputs)

    @property
    def output_types(self) -> tuple[TensorType, ...]:
        return tuple(t.type for t in self.graph.outputs)

    @cached_property
    def has_effect(self) -> bool:
        return any(node.has_effect and node.op.writes is None for node in self.graph.nodes)

    @cached_property
    def may_fail(self) -> bool:
        return any(node.op.may_fail for node in self.graph.nodes)

    @cached_property
    def key(self) -> tuple:
        """What it computes, without names: equal for bodies that do the same."""
        place = {node: k for k, node in enumerate(self.graph.nodes)}
        rows = tuple(
            (
                node.op,
                tuple((place[t.node], t.index) for t in node.operands),
                tuple(place[c] for c in node.control),
                tuple(t.type for t in node.outputs),
            )
            for node in self.graph.nodes
        )
        ends = (
            tuple((place[t.node], t.index) for t in part)
            for part in (self.graph.inputs, self.graph.outputs)
        )
        return (rows, *ends, tuple(place[n] for n in self.graph.targets))

    @cached_property
    def _hash(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Body) and self._hash == other._hash and self.key == other.key

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        taken, given = (
            ", ".join(map(str, types)) for types in (self.input_types, self.output_types)
        )
        return f"<body {self.graph.title}: ({taken}) -> ({given})>"

    def __reduce__(self) -> tuple:
        return Body, (self.graph,)

    def symbols(self) -> Iterator[dims.Symbol]:
        """The symbolic sizes its types and attributes mention, but those that a turn decides."""
        inside = Bindings(self.graph.nodes).binder
        for node in self.graph.nodes:
            for tensor in node.outputs:
                for dim in tensor.type.shape or ():
                    yield from (s for s in dims.symbols(dim) if s.name not in inside)
            for _, value in node.op.values():
                yield from (s for s in _symbols_of(value) if s.name not in inside)

    def substitute(self, sizes: dict[str, Dim]) -> Body:
        """The body with symbolic sizes replaced, but those that its own turns decide."""
        inside = Bindings(self.graph.nodes).binder
        sizes = {name: size for name, size in sizes.items() if name not in inside}
        types = tuple(_substituted(t, sizes) for t in self.input_types)
        return self._reinferred(types, sizes)

    def retyped(self, types: Sequence[TensorType]) -> Body:
        """The body for inputs of other types: ranks and sizes that are better known."""
        types = tuple(types)
        if types == self.input_types:
            return self
        if types not in self._retyped:
            sizes: dict[str, Dim] = {}
            for old, new in zip(self.input_types, types, strict=True):
                sizes |= _learned(old, new)
            self._retyped[types] = self._reinferred(types, sizes)
        return self._retyped[types]

    def _reinferred(self, types: tuple[TensorType, ...], sizes: dict[str, Dim]) -> Body:
        old = self.graph
        made: dict[Node, Node] = {}
        given = {t.node: type for t, type in zip(old.inputs, types, strict=True)}
        for node in old.nodes:
            if node in given:
                type = given[node]
                op: Op = REGISTRY["placeholder"](dtype=type.dtype, shape=type.shape)
                made[node] = _copy(node, op, (), (), (type,), node.checks)
                continue
            op = node.op.substitute(sizes)
            operands = tuple(made[t.node].outputs[t.index] for t in node.operands)
            try:
                out, checks = infer(op, [t.type for t in operands])
            except Mismatch as mismatch:
                where = f", {node.site.short}" if node.site else ""
                fact = f"{mismatch.fact}   (inside: {op.name} '{node.name}'{where})"
                raise mismatch.__class__(fact, mismatch.hint) from None
            control = tuple(made[c] for c in node.control)
            made[node] = _copy(
                node, op, operands, control, out, tuple(dict.fromkeys((*node.checks, *checks)))
            )
        new = Graph(old.title)
        new.nodes = list(made.values())
        new.by_name = {n.name: n for n in new.nodes}
        new.inputs, new.outputs = (
            tuple(made[t.node].outputs[t.index] for t in part) for part in (old.inputs, old.outputs)
        )
        new.targets, new.seed = tuple(made[n] for n in old.targets), old.seed
        new.vjps = {made[n]: vjp for n, vjp in old.vjps.items() if n in made}
        return Body(new)

    def inlined(self, b: Builder, values: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """What the body gives for ``values``, as nodes of ``b``'s graph, without its effects."""
        home = b.home
        known: dict[Tensor, Tensor] = dict(zip(self.graph.inputs, values, strict=True))
        for node in self.graph.nodes:
            if not node.outputs or all(t in known for t in node.outputs):
                continue
            if node.has_effect and node.op.name == "print":
                known[node.outputs[0]] = known[node.operands[0]]
                continue
            copied = home.add(node.op, [known[t] for t in node.operands], name=node.name)
            copied.sites = node.sites
            if node in node.graph.vjps:
                home.vjps[copied] = node.graph.vjps[node]
            known.update(zip(node.outputs, copied.outputs, strict=True))
        return tuple(known[t] for t in self.graph.outputs)


def _copy(
    node: Node, op: Op, operands: tuple, control: tuple, types: Sequence[TensorType], checks: tuple
) -> Node:
    return Node(
        node.graph, op, operands, control, node.name, types, node.sites, node.device, node.forward,
        checks,
    )  # fmt: skip


def _symbols_of(value: Any) -> Iterator[dims.Symbol]:
    if isinstance(value, tuple):
        for part in value:
            yield from _symbols_of(part)
    elif isinstance(value, dims.Expr):
        yield from dims.symbols(value)
    elif isinstance(value, Body):
        yield from value.symbols()


def _substituted(type: TensorType, sizes: dict[str, Dim]) -> TensorType:
    if type.shape is None:
        return type
    return type.with_shape(tuple(dims.substitute(d, sizes) for d in type.shape))


def _learned(old: TensorType, new: TensorType) -> dict[str, Dim]:
    if old.shape is None or new.shape is None or len(old.shape) != len(new.shape):
        return {}
    found: dict[str, Dim] = {}
    for was, now in zip(old.shape, new.shape, strict=True):
        atom = dims.single_atom(was)
        if was != now and isinstance(atom, dims.Symbol):
            found[atom.name] = now
    return found


# --- tracing --------------------------------------------------------------------------------------


class BodyGraph(Graph):
    """A body while it is traced, inside ``outer``."""

    def __init__(self, outer: Graph, title: str, repeats: bool = True) -> None:
        super().__init__(title)
        self.outer, self.finished = outer, False
        self.repeats = repeats  # a loop's turn; a branch is run once
        self.captured: dict[Tensor, Tensor] = {}  # a tensor outside: the input it is inside
        self._held: dict[Tensor, Tensor] = {}  # a variable's input: what the last write left
        self._variable_of: dict[Tensor, Tensor] = {}  # what a write left: the variable's input
        self._seen: dict[Node, dict[Tensor, Tensor]] = {}  # what a node sees of written variables
        self.seed, self.collections = outer.seed, outer.collections
        self.vjp_scope, self._dim_names = outer.vjp_scope, outer._dim_names
        self._scope, self._devices = outer.scope, list(outer._devices)
        self.step = self.take(STEP, "step")

    @property
    def root(self) -> Graph:
        return self.outer.root

    def is_within(self, graph: Graph) -> bool:
        return self.outer is graph or self.outer.is_within(graph)

    def take(self, type: TensorType, name: str) -> Tensor:
        """A new input."""
        op = REGISTRY["placeholder"](dtype=type.dtype, shape=type.shape)
        scopes, self._control = self._control, []  # an input waits for nothing
        try:
            tensor = super().add(op, name=f"{name}/").outputs[0]
        finally:
            self._control = scopes
        self.inputs = (*self.inputs, tensor)
        return tensor

    def add(
        self,
        op: Op,
        operands: Iterable[Tensor] = (),
        name: str | None = None,
        types: Sequence[TensorType] | None = None,
        control: Iterable[Node] = (),
    ) -> Node:
        if self.finished:
            raise GraphError(
                "a tensor made inside a branch or a loop is used outside of it",
                subject=f"{op.name}, of {self.title!r}", site=here(),
                hint="return it from the function it is made in; a loop carries it as a loop "
                "variable",
            )  # fmt: skip
        if op.name in ("variable", "placeholder"):
            return self.root.add(op, operands, name, types)
        if op.name == "random_state":
            state = self.inside(self.root.add(op, operands, name, types).outputs[0])
            return Builder(self).turn_state(state, self.step, name=name).node
        own = [t if t.graph is self else self.inside(t) for t in operands]
        control = [c for c in control if c.graph is self]
        seen = self._seen_by([*(t.node for t in own), *self._controls(control, tuple(own))])
        read = [seen.get(t, t) for t in own]
        if op.name == "latest":
            read = [self._held.get(t, t) for t in own]
        if op.writes is not None:
            variable = self._variable_of.get(own[op.writes], own[op.writes])
            read[op.writes] = self._held.get(variable, variable)
        if op.writes is None:
            node = super().add(op, read, name, types, control)
        else:
            node = self._left_by(op, read, name, control)
            self._held[variable] = seen[variable] = node.outputs[0]
            self._variable_of[node.outputs[0]] = variable
        if seen:
            self._seen[node] = seen
        return node

    def _left_by(
        self, op: Op, operands: Sequence[Tensor], name: str | None, control: Iterable[Node]
    ) -> Node:
        """The value that a write leaves, as a node that writes nothing."""
        if op.name == "assign":
            return super().add(REGISTRY["identity"](), operands[1:], name, control=control)
        if op.expand is not None:
            with self.name_scope(name or type(op).__name__):
                return op.expand(Builder(self), *operands).node
        return super().add(op, operands, name, control=control)

    def _seen_by(self, before: Iterable[Node]) -> dict[Tensor, Tensor]:
        """What whoever waits for these nodes sees of the variables written so far."""
        found: dict[Tensor, Tensor] = {}
        for node in before:
            for variable, value in self._seen.get(node, {}).items():
                other = found.get(variable, value)
                later = self.nodes.index(value.node) >= self.nodes.index(other.node)
                found[variable] = value if later else other
        return found

    @property
    def written(self) -> list[Tensor]:
        """The tensors outside that are variables written inside."""
        return [outside for outside, inside in self.captured.items() if inside in self._held]

    def arrange(self, own: Sequence[Tensor]) -> None:
        """Let the inputs be the step, ``own``, and then what is captured."""
        rest = [t for t in self.inputs if t is not self.step and t not in set(own)]
        self.inputs = (self.step, *own, *rest)

    def carry(self, variables: Sequence[Tensor], at: int) -> None:
        """Let these variables be inputs ``at``, ``at + 1`` ... (not counting the step)."""
        moved = [self._input_for(v) for v in variables]
        for variable in variables:
            del self.captured[variable]
        rest = [t for t in self.inputs if t not in set(moved)]
        self.inputs = (*rest[: at + 1], *moved, *rest[at + 1 :])

    def left(self, variables: Sequence[Tensor]) -> list[Tensor]:
        """What the body leaves of variables that are carried."""
        inputs = [self.captured[v] for v in variables]
        return [self._held.get(t, t) for t in inputs]

    def inside(self, tensor: Tensor) -> Tensor:
        """The tensor of an enclosing graph as it is seen inside."""
        if tensor.graph is self:
            return tensor
        if not self.is_within(tensor.graph):
            raise left_behind(tensor, "") or GraphError(
                f"{tensor.name} belongs to another graph", site=here()
            )
        tensor = self.outer.inside(tensor)
        found = self.captured.get(tensor)
        if found is None:
            if tensor.node.op.name == "const":
                found = super().add(tensor.node.op, name=f"{tensor.node.name}/").outputs[0]
            else:
                found = self.take(tensor.type, tensor.node.name)
            self.captured[tensor] = found
        return found

    @property
    def captures(self) -> list[Tensor]:
        """The tensors outside that became inputs, in their order."""
        inputs = set(self.inputs)
        return [outside for outside, inside in self.captured.items() if inside in inputs]

    def body(self, outputs: Sequence[Tensor], captures: Sequence[Tensor]) -> Body:
        """The finished body; its captures are made to be ``captures``, in that order."""
        own = self.inputs[: len(self.inputs) - len(self.captures)]
        outputs = tuple(map(self.inside, outputs))
        self.inputs = (*own, *(self._input_for(t) for t in captures))
        self.outputs = outputs
        self.targets = tuple(n for n in self.nodes if n.has_effect and n.op.writes is None)
        self.finished = True
        return Body(_settled(self))

    def _input_for(self, tensor: Tensor) -> Tensor:
        if tensor not in self.captured:
            return self.inside(tensor)
        return self.captured[tensor]


def _settled(traced: BodyGraph) -> Graph:
    """The nodes the outputs and effects need, for values or sizes, inputs first, as a plain
    graph."""
    needed: set[Node] = set()
    stack = [*(t.node for t in traced.outputs), *traced.targets]
    sizes = Bindings(traced.nodes)
    while stack:
        node = stack.pop()
        if node not in needed:
            needed.add(node)
            stack += [t.node for t in node.operands]
            stack += [*node.control, *sizes.before(node)]
    inputs = [t.node for t in traced.inputs]
    graph = Graph(traced.title)
    graph.nodes = [*inputs, *(n for n in traced.nodes if n in needed and n not in set(inputs))]
    graph.by_name = {n.name: n for n in graph.nodes}
    graph.inputs, graph.outputs, graph.targets = traced.inputs, traced.outputs, traced.targets
    graph.seed, graph.vjps = traced.seed, traced.vjps
    return graph


class Late:
    """A carry whose type only tracing a turn tells; ``start(type)`` then makes its first value.

    ``changing``: its sizes may differ from turn to turn.
    """

    def __init__(
        self, name: str, start: Callable[[TensorType], Tensor], changing: bool = False
    ) -> None:
        self.name, self.start, self.changing = name, start, changing
        self.type: TensorType | None = None
        self._inputs: dict[Graph, Tensor] = {}

    def inside(self, graph: BodyGraph, type: TensorType | None = None) -> Tensor:
        """What it is in a body: a new input, the first time; ``type`` is told then."""
        if graph not in self._inputs:
            self.type = type or self.type
            assert self.type is not None
            self._inputs[graph] = graph.take(self.type, self.name)
        return self._inputs[graph]


class Deferred:
    """Values of a branch that can only be made once all branches are traced."""

    def __init__(self, make: Callable[[], Sequence[Tensor]]) -> None:
        self.make = make


def trace(
    outer: Graph, title: str, types: Sequence[tuple[str, TensorType]], function: Function,
    repeats: bool = True,
) -> tuple[BodyGraph, tuple[Tensor, ...]]:  # fmt: skip
    """Run ``function(step, *inputs)`` on tensors of the named types; what it made, and returned."""
    graph = BodyGraph(outer, title, repeats)
    with graph.as_default():
        inputs = [graph.take(type, name) for name, type in types]
        outputs = tuple(function(graph.step, *inputs))
        return graph, tuple(t if isinstance(t, Deferred) else graph.inside(t) for t in outputs)


def made_up(traced: tuple[BodyGraph, Sequence[Any]]) -> tuple[BodyGraph, tuple[Tensor, ...]]:
    """What a branch gives, with the values that waited for the other branches."""
    graph, outputs = traced
    with graph.as_default():
        flat = [t for o in outputs for t in (o.make() if isinstance(o, Deferred) else [o])]
        return graph, tuple(map(graph.inside, flat))


def bodies(*traced: tuple[BodyGraph, Sequence[Tensor]]) -> tuple[list[Body], list[Tensor]]:
    """Bodies that share their captures, and those captures."""
    captures = list(dict.fromkeys(t for graph, _ in traced for t in graph.captures))
    return [graph.body(outputs, captures) for graph, outputs in traced], captures


def written(*graphs: BodyGraph) -> list[Tensor]:
    """The variables that some of these bodies write."""
    return list(dict.fromkeys(v for graph in graphs for v in graph.written))


def latest(b: Builder, tensors: Sequence[Tensor], variables: Sequence[Tensor]) -> list[Tensor]:
    """The tensors; those that are variables that a body writes, as the writes so far left them."""
    return [b.latest(t) if t in variables else t for t in tensors]


def write_back(
    b: Builder, variables: Sequence[Tensor], left: Sequence[Tensor], results: Sequence[Tensor]
) -> list[Tensor]:
    """Give variables what a body left of them; ``results``, for whoever must wait for that."""
    writes = [b.assign(v, value).node for v, value in zip(variables, left, strict=True)]
    return [b.identity(t, control=writes) for t in results] if writes else list(results)
