"""Recurrent networks and loops written once: each framework brings its own cells.

The equations of a cell are functions of arrays that know ``@``, ``+`` and ``*`` and of a module
``m`` with ``sigmoid``, ``tanh`` and ``split``: JAX's arrays, or ``Value`` here, which remembers in
float64 how cotangents go back. That is the meaning the others are checked against.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.benchmarks import networks

SEED = 23


def lstm(m: Any, x: Any, state: tuple[Any, ...], theta: dict[str, Any]) -> tuple[Any, ...]:
    """Gates in TF1's order: input, new, forget (with a bias of one more), output."""
    c, h = state
    gates = x @ theta["cell_x"] + h @ theta["cell_h"] + theta["cell_b"]
    into, new, forget, out = m.split(gates, 4)
    c = c * m.sigmoid(forget + 1.0) + m.sigmoid(into) * m.tanh(new)
    return c, m.tanh(c) * m.sigmoid(out)


def gru(m: Any, x: Any, state: tuple[Any, ...], theta: dict[str, Any]) -> tuple[Any, ...]:
    """The reset gate before the product, as TF1 has it (Cho et al. 2014)."""
    (h,) = state
    gates = m.sigmoid(x @ theta["cell_x"] + h @ theta["cell_h"] + theta["cell_b"])
    reset, keep = m.split(gates, 2)
    new = m.tanh(x @ theta["new_x"] + (reset * h) @ theta["new_h"] + theta["new_b"])
    return (keep * h + (1.0 - keep) * new,)


def reset_after(m: Any, x: Any, state: tuple[Any, ...], theta: dict[str, Any]) -> tuple[Any, ...]:
    """The reset gate after the product, as oneDNN and cuDNN have it."""
    (h,) = state
    gates = m.sigmoid(x @ theta["cell_x"] + h @ theta["cell_h"] + theta["cell_b"])
    reset, keep = m.split(gates, 2)
    new = m.tanh(x @ theta["new_x"] + reset * (h @ theta["new_h"]) + theta["new_b"])
    return (keep * h + (1.0 - keep) * new,)


def tanh_cell(m: Any, x: Any, state: tuple[Any, ...], theta: dict[str, Any]) -> tuple[Any, ...]:
    (h,) = state
    return (m.tanh(x @ theta["cell_x"] + h @ theta["cell_h"] + theta["cell_b"]),)


CELLS: dict[str, tuple[Callable, int, dict[str, int]]] = {  # equations, states, columns of weights
    "lstm": (lstm, 2, {"cell": 4}),
    "gru": (gru, 1, {"cell": 2, "new": 1}),
    "tanh": (tanh_cell, 1, {"cell": 1}),
}


@dataclass(frozen=True)
class Recurrent:
    """Symbols embedded, a cell over time, symbols predicted; an Adam step, or outputs alone."""

    name: str
    title: str
    cell: str
    batch: int = 50
    turns: int = 50
    unrolled: bool = False  # a Python loop over time in the frameworks that know the difference
    units: int = 128
    symbols: int = 65

    @property
    def flops(self) -> int:
        """Of the products: forward once, backward twice."""
        columns = sum(CELLS[self.cell][2].values()) * self.units
        rows = self.batch * self.turns
        return 3 * 2 * rows * self.units * (2 * columns + self.symbols)

    def parameters(self) -> dict[str, np.ndarray]:
        random = np.random.default_rng(SEED)
        n = self.units
        shapes: dict[str, tuple[int, ...]] = {"embedding": (self.symbols, n)}
        for part, columns in CELLS[self.cell][2].items():
            shapes |= {f"{part}_x": (n, columns * n), f"{part}_h": (n, columns * n)}
            shapes |= {f"{part}_b": (columns * n,)}
        shapes |= {"logits_w": (n, self.symbols), "logits_b": (self.symbols,)}
        return {
            name: (random.standard_normal(shape) / math.sqrt(n)).astype(np.float32)
            for name, shape in shapes.items()
        }

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Symbols and the symbols that follow, ``[batch, turns]``, int32."""
        random = np.random.default_rng(SEED + 1)
        text = random.integers(0, self.symbols, (self.batch, self.turns + 1)).astype(np.int32)
        return np.ascontiguousarray(text[:, :-1]), np.ascontiguousarray(text[:, 1:])

    def inputs(self) -> np.ndarray:
        """What the cell alone reads, ``[batch, turns, units]``."""
        random = np.random.default_rng(SEED + 2)
        shape = (self.batch, self.turns, self.units)
        return random.standard_normal(shape).astype(np.float32)

    def outputs(self) -> np.ndarray:
        """Of the cell alone over ``inputs``."""
        theta = {name: Value(value) for name, value in self.parameters().items()}
        x = self.inputs().astype(np.float64)
        return np.stack([h.data for h in self._run(theta, [Value(v) for v in x.swapaxes(0, 1)])], 1)

    def losses(self, steps: int, equations: Callable | None = None) -> list[float]:
        """The loss of each of the first steps, in float64; by other equations where told."""
        theta = {name: value.astype(np.float64) for name, value in self.parameters().items()}
        update, seen = networks.Adam(), []
        symbols, following = self.data()
        for _ in range(steps):
            values = {name: Value(value) for name, value in theta.items()}
            table = values["embedding"]
            x = [table.rows(symbols[:, t]) for t in range(self.turns)]
            losses = [
                (h @ values["logits_w"] + values["logits_b"]).cross_entropy(following[:, t])
                for t, h in enumerate(self._run(values, x, equations))
            ]
            seen.append(float(np.mean([loss.data for loss in losses])))
            pass_back(losses, 1 / self.turns)
            update(theta, {name: value.ct for name, value in values.items()})
        return seen

    def _run(
        self, theta: dict[str, "Value"], x: list["Value"], equations: Callable | None = None
    ) -> list["Value"]:
        own, states, _ = CELLS[self.cell]
        state = (Value(np.zeros((self.batch, self.units))),) * states
        made = []
        for now in x:
            state = (equations or own)(Value, now, state, theta)
            made.append(state[-1])
        return made


@dataclass(eq=False)
class Value:
    """A float64 array, what it was made of, and the cotangent that has come back to it."""

    data: Any
    made_of: tuple[tuple["Value", Callable[[np.ndarray], np.ndarray]], ...] = ()
    ct: Any = field(default=0.0)

    def __matmul__(self, w: "Value") -> "Value":
        back = ((self, lambda ct: ct @ w.data.T), (w, lambda ct: self.data.T @ ct))
        return Value(self.data @ w.data, back)

    def __add__(self, other: Any) -> "Value":
        if not isinstance(other, Value):
            return Value(self.data + other, ((self, lambda ct: ct),))
        fits = other.data.shape == self.data.shape  # or it is a bias
        back = ((self, lambda ct: ct), (other, lambda ct: ct if fits else ct.sum(axis=0)))
        return Value(self.data + other.data, back)

    def __rsub__(self, number: float) -> "Value":
        return Value(number - self.data, ((self, lambda ct: -ct),))

    def __mul__(self, other: "Value") -> "Value":
        back = ((self, lambda ct: ct * other.data), (other, lambda ct: ct * self.data))
        return Value(self.data * other.data, back)

    def rows(self, at: np.ndarray) -> "Value":
        def back(ct: np.ndarray) -> np.ndarray:
            made = np.zeros_like(self.data)
            np.add.at(made, at, ct)
            return made

        return Value(self.data[at], ((self, back),))

    def cross_entropy(self, labels: np.ndarray) -> "Value":
        """The mean over rows."""
        log_p = self.data - self.data.max(axis=1, keepdims=True)
        log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))
        hit = np.eye(self.data.shape[1])[labels]
        back = ((self, lambda ct: ct * (np.exp(log_p) - hit) / len(labels)),)
        return Value(-(hit * log_p).sum() / len(labels), back)

    @staticmethod
    def sigmoid(x: "Value") -> "Value":
        y = 1 / (1 + np.exp(-x.data))
        return Value(y, ((x, lambda ct: ct * y * (1 - y)),))

    @staticmethod
    def tanh(x: "Value") -> "Value":
        y = np.tanh(x.data)
        return Value(y, ((x, lambda ct: ct * (1 - y * y)),))

    @staticmethod
    def split(x: "Value", parts: int) -> list["Value"]:
        width = x.data.shape[1] // parts

        def part(k: int) -> Value:
            def back(ct: np.ndarray) -> np.ndarray:
                made = np.zeros_like(x.data)
                made[:, k * width : (k + 1) * width] = ct
                return made

            return Value(x.data[:, k * width : (k + 1) * width], ((x, back),))

        return [part(k) for k in range(parts)]


def pass_back(results: list[Value], ct: float) -> None:
    """From every result at once; afterwards each value it was made of has its cotangent."""
    order: list[Value] = []
    seen: set[int] = set()
    waiting = [(result, False) for result in results]
    while waiting:
        value, done = waiting.pop()
        if done:
            order.append(value)
        elif id(value) not in seen:
            seen.add(id(value))
            waiting.append((value, True))
            waiting += [(operand, False) for operand, _ in value.made_of]
    for result in results:
        result.ct = ct
    for value in reversed(order):
        for operand, back in value.made_of:
            operand.ct = operand.ct + back(value.ct)


@dataclass(frozen=True)
class Loop:
    """``x = x * FACTOR + 1`` so many times, from 0 in float64, by a loop that counts."""

    name: str
    title: str
    turns: int
    gradient: bool = False  # of the result, with respect to where it began

    FACTOR = 0.99999

    def result(self) -> np.ndarray:
        power = self.FACTOR**self.turns
        return np.array(power if self.gradient else (1 - power) / (1 - self.FACTOR))


def _training(cell: str, title: str, **more: Any) -> Recurrent:
    form = "unrolled" if more.get("unrolled") else "dynamic"
    name = f"{cell}_unrolled" if more.get("unrolled") else cell
    told = f", {form}" if cell == "lstm" else ""
    return Recurrent(
        name, f"{title} 128, 50 turns, batch 50, 65 symbols, Adam step{told}", cell, **more
    )


TRAINED = {
    spec.name: spec
    for spec in (
        _training("lstm", "LSTM"),
        _training("lstm", "LSTM", unrolled=True),
        _training("gru", "GRU"),
        _training("tanh", "tanh cell"),
    )
}
INFERRED = {
    spec.name: spec
    for spec in (
        Recurrent("lstm_infer", "LSTM 128, 1,000 turns, batch 1, inference", "lstm", 1, 1000),
    )
}
LONG = Recurrent("lstm_long", "LSTM 128, 1,000 unrolled", "lstm", turns=1000, unrolled=True)
COMPILED = {spec.name: spec for spec in (*list(TRAINED.values())[:2], LONG)}
LOOPS = {
    spec.name: spec
    for spec in (
        Loop("while", "while_loop, a scalar, 1,000,000 turns", 1_000_000),
        Loop("while_gradient", "its gradient over 100,000 turns", 100_000, gradient=True),
    )
}
