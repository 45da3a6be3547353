"""Random programs of branches and loops in one another, with a meaning of their own.

A program is data: blocks of statements over numbered values.  :class:`Meaning` runs it in NumPy
with Python's own ``if``, ``for`` and ``while``; :mod:`control_graphs` builds it of ``tf.cond``,
``tf.while_loop`` and the others.  The two share nothing but the data, so that they can disagree.

Every block sees the values of the blocks around it (its captures) and those of its own.  Values are
float64; numbers of turns are integers that only arithmetic of the block reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

Shape = tuple[int, ...]
UNARY = ("sin", "tanh", "sigmoid", "softplus", "bump", "half")
BINARY = ("add", "sub", "mul", "ratio", "above")
FORMS = ("list", "tuple", "dict", "named", "nested")
LONGEST = 6  # the largest first axis that joins make


@dataclass(frozen=True)
class Plain:
    """``op`` of values by number; its result is the next number."""

    op: str
    args: tuple[int, ...]
    shape: Shape
    how: int = 0  # an axis, a position


@dataclass(frozen=True)
class Result:
    """What a block gives: ``new`` mixed with ``like``, in whose shape it is.  A ``new`` that does
    not ``fit`` into that shape counts by its mean."""

    like: int
    new: int
    fits: bool
    mix: str  # "sin", "half", "add", "only"


@dataclass(frozen=True)
class Block:
    """Statements, then results.  ``ticks``, if said, is added to the program's counter each time
    the block runs."""

    statements: tuple
    results: tuple[Result, ...]
    ticks: int | None = None


@dataclass(frozen=True)
class Choice:
    """The first block whose value (its sum) is above its bound, else the last."""

    tests: tuple[tuple[int, float], ...]
    blocks: tuple[Block, ...]
    form: str


@dataclass(frozen=True)
class While:
    """``block`` of the carried values, while less than ``turns`` turns are done and, if ``bound``
    is said, the sum of squares of the first carry is below it.  ``way`` says how a graph counts."""

    carried: tuple[int, ...]
    block: Block
    turns: int
    way: str  # "up", "down", "by two", "fed", "limit"
    bound: float | None
    form: str
    grows: bool = False  # the first carry is rows: the block sees their mean and gives one more row


@dataclass(frozen=True)
class Fold:
    """``block`` of (accumulated..., slices..., number of the slice) over the first axis."""

    kind: str  # "scan", "foldl", "foldr", "map"
    starts: tuple[int, ...]  # none: the first slice, or for a map nothing is carried
    elems: tuple[int, ...]
    block: Block
    reverse: bool
    form: str
    by_array: bool = False  # a graph reads and writes arrays in a while loop


Statement = Plain | Choice | While | Fold


@dataclass(frozen=True)
class Program:
    """``inputs`` are the shapes of the parameters; ``open`` which of them are fed, with first axes
    that the graph does not know."""

    inputs: tuple[Shape, ...]
    open: tuple[bool, ...]
    block: Block


# --- drawing --------------------------------------------------------------------------------------

TURN: Shape = (-1,)  # stands for the number of a turn, which is no float64


class _Drawing:
    def __init__(self, draw, statements: int) -> None:
        self.draw, self.left = draw, statements

    def one(self, choices):
        return self.draw(st.sampled_from(list(choices)))

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def block(self, seen: list[Shape], likes: list[int], depth: int, ticks: bool) -> Block:
        """A block over the values ``seen``, which gives one result like each of ``likes``."""
        seen = list(seen)
        statements: list[Statement] = []
        for _ in range(self.draw(st.integers(1, 3))):
            if self.left <= 0:
                break
            self.left -= 1
            nested = depth > 0 and self.draw(st.integers(0, 9)) < 6
            made = self.control(seen, depth, ticks) if nested else self.plain(seen)
            statements.append(made)
        floats = [k for k, shape in enumerate(seen) if shape is not TURN]
        results = []
        for k, like in enumerate(likes):
            latest = floats[-1 - k % len(floats)]
            new = self.one([latest, latest, *floats])
            fits = _broadcast(seen[like], seen[new]) == seen[like]
            results.append(Result(like, new, fits, self.one(("sin", "half", "add", "only"))))
        return Block(
            tuple(statements), tuple(results), self.draw(st.integers(0, 3)) if ticks else None
        )

    # Each of these appends the shapes of its results to ``seen``.

    def plain(self, seen: list[Shape]) -> Plain:
        floats = [k for k, shape in enumerate(seen) if shape is not TURN]
        a = self.one(floats)
        shape = seen[a]
        made = [Plain(self.one(UNARY), (a,), shape)]
        turns = [k for k, s in enumerate(seen) if s is TURN]
        if turns:
            made.append(Plain("times turn", (a, self.one(turns)), shape))
        partners = [
            (k, joined) for k in floats if (joined := _broadcast(shape, seen[k])) is not None
        ]
        k, joined = self.one(partners)
        made.append(Plain(self.one(BINARY), (a, k), joined))
        made.append(Plain("matmul", *self._product(seen, floats, a)))
        if shape:
            axis = self.draw(st.integers(0, len(shape) - 1))
            rest = shape[:axis] + shape[axis + 1 :]
            made.append(Plain(self.one(("sum", "mean")), (a,), rest, axis))
            made.append(Plain("backwards", (a,), shape))
            if shape[0]:
                at = self.draw(st.integers(0, shape[0] - 1))
                made.append(Plain("row", (a,), shape[1:], at))
                made.append(Plain("rows from", (a,), (shape[0] - at, *shape[1:]), at))
                if turns:
                    made.append(Plain("row of turn", (a, self.one(turns)), shape[1:]))
            same = [k for k in floats if seen[k][1:] == shape[1:] and seen[k]]
            k = self.one(same)
            if seen[k][0] + shape[0] <= LONGEST:
                made.append(Plain("join", (a, k), (shape[0] + seen[k][0], *shape[1:])))
            if len(shape) == 2:
                made.append(Plain("transpose", (a,), shape[::-1]))
        chosen = self.one([p for p in made if p.args])
        seen.append(chosen.shape)
        return chosen

    def _product(self, seen, floats, a):
        if len(seen[a]) not in (1, 2) or not seen[a][-1]:
            return (), ()
        fits = [k for k in floats if len(seen[k]) == 2 and seen[k][0] == seen[a][-1]]
        if not fits:
            return (), ()
        k = self.one(fits)
        return (a, k), (*seen[a][:-1], seen[k][1])

    def control(self, seen: list[Shape], depth: int, ticks: bool) -> Statement:
        floats = [k for k, shape in enumerate(seen) if shape is not TURN]
        kind = self.one(("choice", "while", "while", "fold", "fold"))
        form = self.one(FORMS)
        if kind == "choice":
            return self._choice(seen, floats, depth, ticks, form)
        stacks = [k for k in floats if seen[k]]
        if kind == "while" or not stacks:
            return self._while(seen, floats, depth, ticks, form)
        return self._fold(seen, floats, stacks, depth, ticks, form)

    def _choice(self, seen, floats, depth, ticks, form) -> Choice:
        bound = st.sampled_from([-2.0, -0.5, 0.1, 0.7, 3.0])
        tests = [(self.one(floats), self.draw(bound)) for _ in range(self.draw(st.integers(1, 2)))]
        likes = [self.one(floats) for _ in range(self.draw(st.integers(1, 2)))]
        blocks = [self.block(seen, likes, depth - 1, ticks) for _ in range(len(tests) + 1)]
        seen += [seen[k] for k in likes]
        return Choice(tuple(tests), tuple(blocks), form)

    def _while(self, seen, floats, depth, ticks, form) -> While:
        carried = [self.one(floats) for _ in range(self.draw(st.integers(1, 3)))]
        stacks = [k for k in floats if seen[k] and seen[k][0]]
        grows = bool(stacks) and self.draw(st.integers(0, 4)) == 0
        if grows:
            carried[0] = self.one(stacks)
        held = [seen[k] for k in carried]
        held[0] = held[0][1:] if grows else held[0]
        bound = self.one([None, None, 0.5, 4.0])
        way = self.one(("up", "up", "down", "by two", "fed", "limit"))
        turns = self.draw(st.integers(0, 4))
        inside = [*seen, *held, TURN]
        likes = list(range(len(seen), len(seen) + len(carried)))
        block = self.block(inside, likes, depth - 1, ticks)
        seen += held
        return While(tuple(carried), block, turns, way, bound, form, grows)

    def _fold(self, seen, floats, stacks, depth, ticks, form) -> Fold:
        first = self.one(stacks)
        length = seen[first][0]
        fitting = [k for k in stacks if seen[k][0] == length]
        elems = [first, *(self.one(fitting) for _ in range(self.draw(st.integers(0, 1))))]
        kind = self.one(("scan", "scan", "foldl", "foldr", "map"))
        slices = [seen[k][1:] for k in elems]
        if kind == "map":
            starts, held = [], []
        elif length and self.chance():
            starts, held = [], slices
        else:
            starts = [self.one(floats) for _ in range(self.draw(st.integers(1, 2)))]
            held = [seen[k] for k in starts]
        inside = [*seen, *held, *slices, *([TURN] if kind == "map" or starts else [])]
        likes = list(range(len(seen), len(seen) + len(held or slices)))
        block = self.block(inside, likes, depth - 1, ticks)
        given = held or slices
        seen += [(length, *s) for s in given] if kind in ("scan", "map") else given
        by_array = kind in ("scan", "map") and bool(starts or kind == "map") and self.chance()
        return Fold(
            kind,
            tuple(starts),
            tuple(elems),
            block,
            kind == "scan" and self.chance(),
            form,
            by_array,
        )


def _broadcast(a: Shape, b: Shape) -> Shape | None:
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None


@st.composite
def programs(draw, depth: int = 3, statements: int = 9, ticks: bool = False) -> Program:
    """A program whose blocks are nested ``depth`` deep at most."""
    inputs = [draw(st.sampled_from([(), (3,), (2, 3), (3, 3), (4, 3)])) for _ in range(2)]
    inputs.append((3, 3))
    opened = tuple(draw(st.booleans()) for _ in inputs)
    drawing = _Drawing(draw, statements)
    seen = list(inputs)
    likes = [draw(st.integers(0, 2)) for _ in range(2)]
    control = drawing.control(seen, depth, ticks)
    rest = drawing.block(seen, likes, depth, ticks)
    return Program(
        tuple(inputs), opened, Block((control, *rest.statements), rest.results, rest.ticks)
    )


# --- meaning --------------------------------------------------------------------------------------


def _sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


FUNCTIONS = {
    "sin": np.sin,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.logaddexp(x, 0),
    "bump": lambda x: x / (1 + x * x),
    "half": lambda x: x * 0.5,
    "add": np.add,
    "sub": np.subtract,
    "mul": lambda a, b: a * np.sin(b),
    "ratio": lambda a, b: a / (1 + b * b),
}


class Meaning:
    """Runs a program in NumPy.  ``margin`` is how near its tests came to the other answer, and
    ``ticked`` what its blocks counted."""

    def __init__(self) -> None:
        self.margin, self.ticked = np.inf, 0

    def run(self, program: Program, values: list[np.ndarray]) -> list[np.ndarray]:
        """What the program gives for its inputs' values."""
        return self.block(program.block, [np.asarray(v, float) for v in values])

    def block(self, block: Block, values: list) -> list[np.ndarray]:
        values = list(values)
        for statement in block.statements:
            values += getattr(self, type(statement).__name__.lower())(statement, values)
        self.ticked += block.ticks or 0
        return [self.result(r, values) for r in block.results]

    @staticmethod
    def result(r: Result, values: list) -> np.ndarray:
        like, new = values[r.like], values[r.new]
        if not r.fits:
            new = np.mean(new) if new.size else np.float64(0.0)
        mixed = {
            "sin": lambda: np.sin(like + new),
            "half": lambda: like * 0.5 + new * 0.5,
            "add": lambda: like + new * 0.1,
            "only": lambda: new + np.zeros(like.shape),
        }
        return mixed[r.mix]()

    def above(self, value: float, bound: float) -> bool:
        self.margin = min(self.margin, abs(value - bound))
        return bool(value > bound)

    def plain(self, p: Plain, values: list) -> list[np.ndarray]:
        args = [values[k] for k in p.args]
        if p.op in FUNCTIONS:
            return [FUNCTIONS[p.op](*args)]
        a, b = args[0], args[-1]
        match p.op:
            case "times turn":
                return [a * (b + 1) * 0.3]
            case "row of turn":
                return [a[b % len(a)]]
            case "above":
                for where in np.ravel(np.broadcast_to(b, p.shape)):
                    self.margin = min(self.margin, abs(where - 0.2))
                return [np.where(b > 0.2, a, np.sin(a))]
            case "matmul":
                return [a @ b]
            case "sum":
                return [a.sum(p.how)]
            case "mean":
                return [a.sum(p.how) / max(1, a.shape[p.how])]
            case "backwards":
                return [a[::-1]]
            case "row":
                return [a[p.how]]
            case "rows from":
                return [a[p.how :]]
            case "join":
                return [np.concatenate([a, b])]
            case "transpose":
                return [a.T]
        raise ValueError(p.op)

    def choice(self, c: Choice, values: list) -> list[np.ndarray]:
        for (k, bound), block in zip(c.tests, c.blocks, strict=False):
            if self.above(values[k].sum(), bound):
                return self.block(block, values)
        return self.block(c.blocks[-1], values)

    def _while(self, w: While, values: list) -> list[np.ndarray]:
        carried = [values[k] for k in w.carried]
        turn = 0
        while turn < w.turns and (
            w.bound is None or not self.above(np.square(carried[0]).sum(), w.bound)
        ):
            given = [carried[0].mean(0), *carried[1:]] if w.grows else carried
            made = self.block(w.block, [*values, *given, turn])
            if w.grows:
                made[0] = np.concatenate([carried[0], made[0][None]])
            carried = made
            turn += 1
        return [carried[0].sum(0), *carried[1:]] if w.grows else carried

    def fold(self, f: Fold, values: list) -> list[np.ndarray]:
        elems = [values[k] for k in f.elems]
        order = list(range(len(elems[0])))
        if f.reverse or f.kind == "foldr":
            order.reverse()
        if f.kind == "map":
            rows = [self.block(f.block, [*values, *(e[t] for e in elems), t]) for t in order]
            return self._stacked(rows, [e[0:0] for e in elems], order)
        held = [values[k] for k in f.starts]
        rows = []
        if not f.starts:
            held = [e[order[0]] for e in elems]
            rows = [held]
        for t in order[len(rows) :]:
            number = [t] if f.starts else []
            held = self.block(f.block, [*values, *held, *(e[t] for e in elems), *number])
            rows.append(held)
        if f.kind != "scan":
            return held
        return self._stacked(rows, [h[None][0:0] for h in held], order)

    @staticmethod
    def _stacked(rows: list, empty: list, order: list[int]) -> list[np.ndarray]:
        if not rows:
            return empty
        rows = [rows[order.index(t)] for t in range(len(rows))]
        return [np.stack(part) for part in zip(*rows, strict=True)]


setattr(Meaning, "while", Meaning._while)
