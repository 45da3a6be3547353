"""What is measured: shapes, data and the NumPy meaning of every subject.

Read by the driver and by every worker, so it needs NumPy alone. A worker's result is compared with
the meaning given here before anything is timed; a framework that computes something else is not a
peer.
"""

import math
from dataclasses import dataclass

import numpy as np

Arrays = dict[str, np.ndarray]

SEED = 20
LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
LAYER_NORM_EPSILON = 1e-5
ROWS, COLUMNS = 4096, 1024


@dataclass(frozen=True)
class Mlp:
    """Dense layers with ReLU between, softmax cross entropy, Adam; ``widths[0]`` is the input."""

    name: str
    title: str
    widths: tuple[int, ...]
    batch: int

    @property
    def flops(self) -> int:
        """Multiplications and additions in the matmuls of a step: forward once, backward twice."""
        pairs = list(zip(self.widths, self.widths[1:], strict=False))
        forward = sum(2 * self.batch * a * b for a, b in pairs)
        first_input_gradient = 2 * self.batch * pairs[0][0] * pairs[0][1]  # nobody asks for it
        return 3 * forward - first_input_gradient

    def parameters(self) -> Arrays:
        """``w0, b0, w1, b1 ...``: the same start in every framework."""
        random = np.random.default_rng(SEED)
        made: Arrays = {}
        for i, (a, b) in enumerate(zip(self.widths, self.widths[1:], strict=False)):
            made[f"w{i}"] = (random.standard_normal((a, b)) / math.sqrt(a)).astype(np.float32)
            made[f"b{i}"] = np.zeros(b, np.float32)
        return made

    def data(self, batch: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """One batch: features, and labels as int32."""
        random = np.random.default_rng(SEED + 1)
        batch = batch or self.batch
        x = random.standard_normal((batch, self.widths[0])).astype(np.float32)
        return x, random.integers(0, self.widths[-1], batch).astype(np.int32)

    def losses(self, steps: int) -> list[float]:
        """The loss of each of the first steps, in float64 NumPy."""
        theta = {name: value.astype(np.float64) for name, value in self.parameters().items()}
        first = {name: np.zeros_like(value) for name, value in theta.items()}
        second = {name: np.zeros_like(value) for name, value in theta.items()}
        x, labels = self.data()
        seen = []
        for t in range(1, steps + 1):
            loss, gradients = _loss_and_gradients(theta, x.astype(np.float64), labels)
            seen.append(loss)
            rate = LEARNING_RATE * math.sqrt(1 - BETA2**t) / (1 - BETA1**t)
            for name, g in gradients.items():
                first[name] = BETA1 * first[name] + (1 - BETA1) * g
                second[name] = BETA2 * second[name] + (1 - BETA2) * g * g
                theta[name] = theta[name] - rate * first[name] / (np.sqrt(second[name]) + EPSILON)
        return seen


def _loss_and_gradients(theta: Arrays, x: np.ndarray, labels: np.ndarray) -> tuple[float, Arrays]:
    layers = len(theta) // 2
    inputs = [x]
    for i in range(layers):
        z = inputs[-1] @ theta[f"w{i}"] + theta[f"b{i}"]
        inputs.append(np.maximum(z, 0) if i < layers - 1 else z)
    logits = inputs.pop()
    log_p = logits - logits.max(axis=1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    ct = np.exp(log_p)  # [batch, classes]
    ct[rows, labels] -= 1
    ct /= len(labels)
    gradients: Arrays = {}
    for i in reversed(range(layers)):
        gradients[f"w{i}"] = inputs[i].T @ ct
        gradients[f"b{i}"] = ct.sum(axis=0)
        ct = (ct @ theta[f"w{i}"].T) * (inputs[i] > 0)
    return float(-log_p[rows, labels].mean()), gradients


@dataclass(frozen=True)
class Rows:
    """A forward computation over a float32 matrix, memory-bound when it is one kernel."""

    name: str
    title: str
    bytes_moved: int = 2 * 4 * ROWS * COLUMNS  # read once, written once

    def inputs(self) -> Arrays:
        """``x`` [rows, columns]; ``gamma`` and ``beta`` [columns] for layer norm."""
        random = np.random.default_rng(SEED)
        made = {"x": random.standard_normal((ROWS, COLUMNS)).astype(np.float32)}
        if self.name == "layer_norm":
            made["gamma"] = (1 + 0.1 * random.standard_normal(COLUMNS)).astype(np.float32)
            made["beta"] = (0.1 * random.standard_normal(COLUMNS)).astype(np.float32)
        return made

    def first_rows(self, count: int = 4) -> np.ndarray:
        """The right values of the first rows, in float64."""
        inputs = {name: value.astype(np.float64) for name, value in self.inputs().items()}
        x = inputs["x"][:count]
        if self.name == "chain":
            return np.tanh(2 * x + 1) * np.exp(-x * x) + np.log1p(np.abs(x))
        if self.name == "softmax":
            e = np.exp(x - x.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True)
        mean, variance = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
        z = (x - mean) / np.sqrt(variance + LAYER_NORM_EPSILON) * inputs["gamma"] + inputs["beta"]
        return x + 0.5 * z * (1 + np.vectorize(math.erf)(z / math.sqrt(2)))


@dataclass(frozen=True)
class UnrolledCell:
    """A small recurrent cell written out, with the gradients of its parameters."""

    nodes: int  # about how many graph nodes it makes, gradients included

    NODES_PER_CELL = 16
    WIDTH = 8

    @property
    def cells(self) -> int:
        return max(2, self.nodes // self.NODES_PER_CELL)

    def inputs(self) -> tuple[np.ndarray, ...]:
        """``xs`` [cell, batch, width], ``state`` [batch, width], ``w`` and ``u`` [width, width]."""
        random = np.random.default_rng(SEED)
        batch, width = 4, self.WIDTH
        shapes = ((self.cells, batch, width), (batch, width), (width, width), (width, width))
        return tuple(0.3 * random.standard_normal(shape).astype(np.float32) for shape in shapes)


MLP_SMALL = Mlp("mlp_small", "MLP 64-32-10, batch 16, Adam step", (64, 32, 10), 16)
MLP_LARGE = Mlp("mlp_large", "MLP 784-512-512-10, batch 128, Adam step", (784, 512, 512, 10), 128)
ROW_SUBJECTS = (
    Rows("chain", "tanh(2x+1)*exp(-x*x)+log1p(abs(x)), 4M"),
    Rows("softmax", "softmax over rows, 4096x1024"),
    Rows("layer_norm", "layer norm + GELU + residual, 4096x1024"),
)
MLPS = {subject.name: subject for subject in (MLP_SMALL, MLP_LARGE)}
ROWS_BY_NAME = {subject.name: subject for subject in ROW_SUBJECTS}

SCALING_NODES = (1_000, 10_000, 100_000)
