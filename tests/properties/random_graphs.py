"""Random graphs, drawn from the registry, that behave: finite values of moderate size.

Each node is evaluated as it is made, and only nodes with well-behaved values are built upon, so
that a graph of sixty ops still computes something.  The same seed makes the same graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphc import ops  # noqa: F401  (registers the ops)
from graphc.autodiff.reverse import gradients
from graphc.errors import GraphcError
from graphc.ir.bindings import data_sizes
from graphc.ir.builder import Builder
from graphc.ir.dims import evaluate
from graphc.ir.dtype import DType, bool_, complex64, complex128, float32, float64, int32, int64
from graphc.ir.graph import Graph, Node, Tensor, infer
from graphc.ir.op import REGISTRY, Elementwise, Sample
from graphc.ir.types import Equal, Mismatch, TensorType
from graphc.ops.running.precision import reference_values

SIZES = {"n": 4, "m": 3}
MOST_ELEMENTS = 400
LARGEST = 1e4  # magnitudes beyond this are not built upon
NUMBERS = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 3.0, 8.0)
REGISTERED = dict(sorted(REGISTRY.items()))
UNARY = [k for k in REGISTERED.values() if issubclass(k, Elementwise) and k.arity() == (1, 1)]
BINARY = [k for k in REGISTERED.values() if issubclass(k, Elementwise) and k.arity() == (2, 2)]
REDUCING = [REGISTERED[n] for n in REGISTERED if n.startswith("reduce_")]
# Reached through their own draws below, or without a value in a graph of their own.
APART = {
    "assert", "assign", "assign_add", "assign_sub", "bind_dims", "broadcast_like", "check_numerics",
    "const", "snapshot",
    "custom_gradient", "no_op", "partial_reduce", "placeholder", "print", "print_v2", "py_func",
    "timestamp",
    "random_shuffle", "random_state", *(n for n, k in REGISTERED.items() if k.writes is not None),
    "true_positions", "variable",
    "dynamic_partition", "dynamic_stitch", "list_diff", "unique", "unique_with_counts",  # sizes
    "as_string", "edit_distance", "string_format", "string_join",  # of any numbers, or none
    *(n for n in REGISTERED if n.endswith("_summary")),  # text of numbers' last bits
    # The smallest change of their operand may change all of their result.
    "log_matrix_determinant", "matrix_inverse", "matrix_solve", "matrix_solve_ls",
    "matrix_triangular_solve", "qr", "self_adjoint_eig", "svd",
    # of gradients, whose operand is what a slice gave
    "dynamic_unslice", "strided_unslice", "unsubscript",
}  # fmt: skip
OTHERS = [
    k for n, k in REGISTERED.items()
    if n not in APART and k not in UNARY and k not in BINARY and k.samples
    and k.binding is None  # a sample's count is not another operand's
    and k.writes is None  # of a variable
]  # fmt: skip


@dataclass
class Drawn:
    """A graph to compile: what is fed, what is wanted, and the state it starts from."""

    graph: Graph
    feeds: dict[Tensor, np.ndarray]
    fetches: list[Tensor]
    targets: list[Node]
    variables: dict[str, np.ndarray] = field(default_factory=dict)
    random: dict[str, np.ndarray] = field(default_factory=dict)


def draw(seed: int, most: int = 60, with_gradients: bool = True) -> Drawn:
    return _Drawing(seed, most).finished(with_gradients)


class _Drawing:
    def __init__(self, seed: int, most: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.graph = Graph(f"random_{seed}")
        self.b = Builder(self.graph)
        self.values: dict[Tensor, np.ndarray] = {}
        self.pool: list[Tensor] = []
        self.effects: list[Node] = []
        self.drawn = Drawn(self.graph, {}, [], [])
        self.sizes: dict[str, int] = dict(SIZES)
        self.sources()
        wanted = int(self.rng.integers(5, most + 1))
        for _ in range(6 * wanted):
            if wanted <= 0:
                break
            wanted -= self.step()

    # --- choosing --------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def choose(self, options: Any) -> Any:
        options = list(options)
        return options[int(self.rng.integers(len(options)))]

    def tensor(self, wanted: Callable[[Tensor], bool] = lambda t: True) -> Tensor | None:
        """A tensor of the pool, recent ones more often."""
        fitting = [t for t in self.pool if wanted(t)]
        if not fitting:
            return None
        back = min(int(self.rng.geometric(0.25)), len(fitting))
        return fitting[-back] if self.chance(0.6) else self.choose(fitting)

    def number(self, dtype: DType) -> Tensor:
        if dtype.is_bool:
            return self.b.tensor(self.chance(0.5), dtype=bool_)
        value = self.choose(NUMBERS)
        made = self.b.tensor(value if dtype.is_differentiable else int(value), dtype=dtype)
        self.values[made] = made.node.op.value.array
        return made

    # --- building --------------------------------------------------------------------------------

    def sources(self) -> None:
        floating = self.choose([float32, float64])
        n, m = (self.graph.named_dim(name) for name in SIZES)
        shapes = [(n, m), (m,), (n, 1), (4, 3), (), (2, n, m), (n, n), (1,)]
        for k in range(int(self.rng.integers(1, 4))):
            self.source(f"x{k}", floating, self.choose(shapes))
        if self.chance(0.5):
            self.source("i", self.choose([int32, int64]), self.choose(shapes))
        if self.chance(0.3):
            self.source("c", bool_, self.choose(shapes))
        if self.chance(0.2):
            whole = complex64 if floating is float32 else complex128
            self.source("z", whole, self.choose(shapes))
        for k in range(int(self.rng.integers(0, 3))):
            self.places(f"at{k}", self.choose([(n,), (m,), (3,), (4, 2), (n, m), ()]))
        for k in range(int(self.rng.integers(0, 3))):
            shape = self.choose([(3,), (4, 3), ()])
            w = self.b.variable(dtype=floating, shape=shape, key=f"w{k}", name=f"w{k}")
            self.drawn.variables[f"w{k}"] = self.array(w.type)
            self.known(w, self.drawn.variables[f"w{k}"])

    def source(self, name: str, dtype: DType, shape: tuple) -> None:
        x = self.b.placeholder(dtype=dtype, shape=shape, name=name)
        self.drawn.feeds[x] = self.array(x.type)
        self.known(x, self.drawn.feeds[x])

    def places(self, name: str, shape: tuple) -> None:
        """Integers that can be indices and ids of segments, a vector of them in order."""
        x = self.b.placeholder(dtype=self.choose([int32, int64]), shape=shape, name=name)
        found = np.abs(self.array(x.type)) % 3
        self.drawn.feeds[x] = np.sort(found) if len(shape) == 1 else found
        self.known(x, self.drawn.feeds[x])

    def array(self, type: TensorType) -> np.ndarray:
        shape = [self.sizes[str(d)] if not isinstance(d, int) else d for d in type.shape]
        if type.dtype.is_bool:
            return np.asarray(self.rng.integers(0, 2, shape), bool)
        if type.dtype.is_integer:
            return np.asarray(self.rng.integers(-3, 4, shape), type.dtype.numpy)
        drawn: np.ndarray = self.rng.normal(size=shape)
        if type.dtype.is_complex:
            drawn = drawn + 1j * self.rng.normal(size=shape)
        return np.asarray(drawn, type.dtype.numpy)

    def known(self, tensor: Tensor, value: np.ndarray) -> None:
        self.values[tensor] = value
        self.pool.append(tensor)

    def step(self) -> int:
        """Try to add one op; how many were added."""
        draws = (
            (self.unary, 6), (self.binary, 8), (self.reduce, 3), (self.view, 3), (self.other, 5),
            (self.literal, 2), (self.effect, 1), (self.mask, 0.4), (self.noise, 0.4),
            (self.join, 1), (self.contract, 1.5), (self.choice, 1),
        )  # fmt: skip
        weights = np.array([w for _, w in draws], float)
        function = draws[int(self.rng.choice(len(draws), p=weights / weights.sum()))][0]
        control = [self.choose(self.effects)] if self.effects and self.chance(0.15) else []
        before = len(self.graph.nodes)
        with self.graph.control_dependencies(control):
            try:
                made = function()
            except (GraphcError, Mismatch):
                return 0
        return self.accept(before) if made is not None else 0

    def accept(self, before: int) -> int:
        """Evaluate what was added since; take it into the pool if it behaves."""
        count = 0
        for node in self.graph.nodes[before:]:
            if not self.evaluated(node):
                return count
            count += node.op.name != "const"
        return count

    def evaluated(self, node: Node) -> bool:
        op = node.op.substitute(self.sizes)
        if any(t not in self.values for t in node.operands):
            return False
        if not all(self.holds(check) for check in node.checks):
            return False
        arrays = [self.values[t] for t in node.operands]
        if node.op.source:
            if node.op.name == "const":
                self.values[node.outputs[0]] = node.op.value.array
            return True
        given = [TensorType(t.dtype, a.shape) for t, a in zip(node.operands, arrays, strict=True)]
        try:
            types, _ = infer(op, given)
            outputs = reference_values(op, arrays, given, types)
        except (Mismatch, GraphcError, ValueError, IndexError):
            return False
        if hasattr(node.op, "binds"):
            self.sizes |= node.op.binds(outputs[0])
        for t, value in zip(node.outputs, outputs, strict=True):
            if value.size > MOST_ELEMENTS or not _behaves(value):
                return False
            if op.name == "squeeze" and value.shape != self.shape(t):
                return False  # a size that only this run makes 1 stays in the compiled graph
            self.known(t, value)
        return True

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        return tuple(evaluate(d, self.sizes) for d in tensor.type.dims)

    def holds(self, check: Equal) -> bool:
        """Whether two sizes taken as equal are: where one is 1, the session compiles another
        pattern, and whether a counted size is 1 shows only when it is counted."""
        if data_sizes((check.left, check.right)):
            return False
        return evaluate(check.left, self.sizes) == evaluate(check.right, self.sizes)

    # --- draws -----------------------------------------------------------------------------------

    def unary(self) -> Any:
        kind = self.choose(UNARY)
        x = self.tensor(lambda t: not kind.dtypes or t.dtype in kind.dtypes)
        if x is None:
            return None
        if kind.__name__ == "Cast":
            return self.b.cast(x, dtype=self.choose([float32, float64, int32, bool_, x.dtype]))
        return self.b.apply(kind, (x,), self.attributes(kind))

    def attributes(self, kind: Any) -> dict[str, Any]:
        rows = [row.attributes for row in kind.samples if isinstance(row, Sample)]
        return dict(self.choose(rows)) if rows else {}

    def binary(self) -> Any:
        kind = self.choose(BINARY)
        x = self.tensor(lambda t: not kind.dtypes or t.dtype in kind.dtypes)
        if x is None:
            return None
        if self.chance(0.25):
            y = self.number(x.dtype)
        else:
            y = self.tensor(lambda t: t.dtype is x.dtype)
        pair = (x, y) if self.chance(0.7) else (y, x)
        return self.b.apply(kind, pair, {})

    def choice(self) -> Any:
        x = self.tensor()
        c = self.tensor(lambda t: t.dtype.is_bool)
        c = self.number(bool_) if c is None else c
        y = self.tensor(lambda t: t.dtype is x.dtype)
        return self.b.where(c, x, y)

    def reduce(self) -> Any:
        kind = self.choose(REDUCING)
        x = self.tensor(lambda t: t.type.rank and t.dtype in kind.dtypes)
        if x is None:
            return None
        rank = x.type.rank
        axes = tuple(k - (rank if self.chance(0.3) else 0) for k in range(rank) if self.chance(0.5))
        return self.b.apply(kind, (x,), {
            "axis": self.choose([axes, None, axes]), "keepdims": self.chance(0.5),
        })  # fmt: skip

    def view(self) -> Any:
        x = self.tensor()
        shape, rank = x.type.shape, x.type.rank
        which = self.choose(["flat", "same", "up", "down", "turn", "wide", "tail", "back"])
        if which == "flat":
            return self.b.reshape(x, shape=(-1,))
        if which == "same":
            return self.b.reshape(x, shape=(1, *shape))
        if which == "up":
            return self.b.expand_dims(x, axis=int(self.rng.integers(-1, rank + 1)))
        if which == "down":
            return self.b.squeeze(x, axis=tuple(k for k, d in enumerate(shape) if d == 1) or None)
        if which == "turn":
            return self.b.transpose(x, perm=tuple(int(k) for k in self.rng.permutation(rank)))
        if which == "wide":
            return self.b.broadcast_to(x, shape=(2, *shape) if self.chance(0.7) else shape)
        if which == "tail" and rank:
            return x[..., :2] if self.chance(0.5) else x[0]
        return x[::-1] if rank else None

    def join(self) -> Any:
        x = self.tensor()
        y = self.tensor(lambda t: t.type == x.type)
        if not x.type.rank or self.chance(0.5):
            return self.b.pack(x, y, axis=self.choose([0, -1]))
        return self.b.concat(x, y, axis=int(self.rng.integers(x.type.rank)))

    def contract(self) -> Any:
        if self.chance(0.4):
            return self.einsum()
        x = self.tensor(lambda t: (t.type.rank or 0) >= 2 and t.dtype.is_differentiable)
        if x is None:
            return None
        y = self.tensor(lambda t: (t.type.rank or 0) >= 2 and t.dtype is x.dtype)
        flips = {"transpose_a": self.chance(0.5), "transpose_b": self.chance(0.5)}
        return self.b.matmul(x, y, **flips)

    def einsum(self) -> Any:
        """Axes of one size may share a label; some labels are summed."""
        x = self.tensor(lambda t: t.dtype.is_differentiable)
        if x is None:
            return None
        others = range(int(self.rng.integers(0, 3)))
        xs = [x, *(self.tensor(lambda t: t.dtype is x.dtype) for _ in others)]
        terms, sizes = [], {}
        for operand in xs:
            terms.append("")
            for size in operand.type.dims:
                fitting = [label for label, known in sizes.items() if known == size]
                fresh = "abcdefghijklmnopqrstuvwxyz"[len(sizes)]
                label = self.choose(fitting) if fitting and self.chance(0.7) else fresh
                sizes[label] = size
                terms[-1] += label
        kept = [label for label in sizes if self.chance(0.5)]
        result = "".join(str(label) for label in self.rng.permutation(kept))
        return self.b.einsum(*xs, equation=f"{','.join(terms)}->{result}")

    def literal(self) -> Any:
        """Arithmetic with a number, often as a broadcast: what rules look for."""
        x = self.tensor(lambda t: t.dtype.is_differentiable or t.dtype.is_integer)
        if x is None:
            return None
        c = self.number(x.dtype)
        if self.chance(0.4):
            c = self.b.broadcast_to(c, shape=x.type.shape)
        names = ["add", "sub", "mul"]
        names += [] if x.dtype.is_complex else ["maximum", "minimum"]
        names += ["realdiv"] if x.dtype.is_differentiable else []
        pair = (x, c) if self.chance(0.6) else (c, x)
        return getattr(self.b, self.choose(names))(*pair)

    def other(self) -> Any:
        """Any op with the attributes of one of its samples, on whatever it takes."""
        kind = self.choose(OTHERS)
        row = self.choose([row for row in kind.samples if isinstance(row, Sample)])
        operands = []
        for text in row.types:
            dtype, rank = text.partition("[")[0], text.count(",") + (not text.endswith("[]"))
            family = "f" if dtype.startswith(("float", "bfloat")) else dtype[:1]
            operands.append(self.tensor(
                lambda t, family=family, rank=rank: t.dtype.name[:1] == family
                and (t.type.rank == rank or self.chance(0.1))
            ))  # fmt: skip
        if any(t is None for t in operands):
            return None
        attributes = {
            k: self.choose([float32, float64]) if isinstance(v, DType) and v.is_floating else v
            for k, v in row.attributes.items()
        }
        return self.b.apply(kind, operands, attributes)

    def mask(self) -> Any:
        c = self.tensor(lambda t: t.dtype.is_bool and t.type.rank == 1)
        return None if c is None else self.b.where_true(c)

    def noise(self) -> Any:
        path = f"noise_{len(self.drawn.random)}"
        state = self.b.random_state(seed=(1, None), path=path)
        self.drawn.random[path] = np.array([self.rng.integers(2**62), 3], np.uint64)
        self.values[state] = self.drawn.random[path]
        x = self.tensor(lambda t: t.dtype.is_floating)
        return self.b.random_uniform(state, shape=x.type.shape, dtype=x.dtype)

    def effect(self) -> Any:
        """A write of a variable.  Values of the pool stay those of the run's start: a read that
        depends on the write may hold others, which need not be well-behaved."""
        w = self.tensor(lambda t: t.node.op.name == "variable")
        if w is None:
            return None
        if w.type.shape and self.chance(0.5):
            return self.scatter(w)
        y = self.tensor(lambda t: t.type == w.type)
        kind = self.choose(["assign", "assign_add", "assign_sub"])
        made = getattr(self.b, kind)(w, y)
        self.effects.append(made.node)
        return made

    def scatter(self, w: Tensor) -> Any:
        """A write of some rows of a variable, equal ones among them."""
        count = int(self.rng.integers(0, 4))
        places = self.b.tensor(self.rng.integers(0, w.type.shape[0], count))
        fitting = self.tensor(lambda t: t.type.shape == w.type.shape and t.dtype is w.dtype)
        updates = self.number(w.dtype)
        if fitting is not None and self.chance(0.7):
            updates = self.b.gather(fitting, self.b.tensor(np.arange(count)), axis=0)
            if self.chance(0.3):
                places, updates = self.b.tensor(np.arange(w.type.shape[0])[::-1].copy()), fitting
        kind = self.choose(["add", "sub", "update", "min", "max"])
        made = getattr(self.b, f"scatter_{kind}")(w, places, updates)
        self.effects.append(made.node)
        return made

    # --- roots -----------------------------------------------------------------------------------

    def finished(self, with_gradients: bool) -> Drawn:
        drawn = self.drawn
        drawn.fetches = [self.pool[-1], *(self.tensor() for _ in range(int(self.rng.integers(3))))]
        drawn.targets = [e for e in self.effects if self.chance(0.6)]
        if drawn.targets and self.chance(0.4):
            drawn.targets = [self.b.no_op(control=drawn.targets)]
        if with_gradients and self.chance(0.4):
            drawn.fetches += self.derivatives()
        return drawn

    def derivatives(self) -> list[Tensor]:
        y = self.tensor(lambda t: t.dtype.is_differentiable)
        xs = [t for t in self.pool if t.node.op.source and t.dtype.is_differentiable]
        return [d for d in gradients(y, xs) if d is not None] if y is not None and xs else []


def _behaves(value: np.ndarray) -> bool:
    return value.dtype.kind == "b" or bool((np.abs(value) < LARGEST).all())
