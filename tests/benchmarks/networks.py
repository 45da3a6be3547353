"""Convolutional networks written once: each framework brings the layers they are made of.

``net`` in a network's program is a framework's layers; what flows between them is its own. The
layers here are NumPy's in float64, with their gradients: the meaning that the others are checked
against. Images are [batch, rows, columns, channels] wherever a framework lets them be.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.benchmarks import contractions

SEED = 22
ADAM_RATE, BETA1, BETA2, EPSILON = 1e-4, 0.9, 0.999, 1e-8
MOMENTUM_RATE, MOMENTUM = 1e-4, 0.9
NORM_EPSILON, MOVED = 1e-4, 0.1  # of batch normalization; the share of the new in a moving average


def cnn(net: Any, x: Any) -> Any:
    for name, inputs, outputs in (("conv1", 1, 32), ("conv2", 32, 64)):
        x = net.relu(net.biased(net.convolved(x, name, 5, inputs, outputs), name, outputs))
        x = net.pooled(x, 2)
    x = net.relu(net.dense(net.flat(x), "dense", 7 * 7 * 64, 256))
    return net.dense(x, "logits", 256, 10)


def resnet18(net: Any, x: Any) -> Any:
    x = net.relu(net.normalised(net.convolved(x, "first", 7, 3, 64, 2), "first", 64))
    x = net.pooled(x, 3)
    inputs = 64
    for stage, outputs in enumerate((64, 128, 256, 512)):
        for block in "ab":
            stride = 2 if stage and block == "a" else 1
            one, two, past = (f"{stage}{block}_{part}" for part in ("one", "two", "past"))
            y = net.normalised(net.convolved(x, one, 3, inputs, outputs, stride), one, outputs)
            y = net.convolved(net.relu(y), two, 3, outputs, outputs)
            y = net.normalised(y, two, outputs)
            if stride > 1:
                x = net.normalised(net.convolved(x, past, 1, inputs, outputs, 2), past, outputs)
            x, inputs = net.relu(net.added(y, x)), outputs
    return net.dense(net.averaged(x), "logits", 512, 1000)


@dataclass(frozen=True)
class Network:
    """A network with its data; ``step`` is the optimizer of a training step, or none."""

    name: str
    title: str
    program: Callable[[Any, Any], Any]
    images: tuple[int, int, int, int]
    classes: int
    optimizer: str | None = None

    def parameters(self) -> dict[str, np.ndarray]:
        """The same start in every framework."""
        shapes = Shapes()
        self.program(shapes, None)
        random = np.random.default_rng(SEED)
        return {name: _start(name, shape, random) for name, shape in shapes.found.items()}

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(SEED + 1)
        x = random.standard_normal(self.images).astype(np.float32)
        return x, random.integers(0, self.classes, len(x)).astype(np.int32)

    def logits(self) -> np.ndarray:
        """By the moving averages, as a trained network is used."""
        net = Numpy(self.parameters(), training=False)
        return self.program(net, Value(self.data()[0].astype(np.float64))).data

    def losses(self, steps: int) -> list[float]:
        """The loss of each of the first steps, in float64."""
        theta = {name: value.astype(np.float64) for name, value in self.parameters().items()}
        update = {"adam": Adam, "momentum": Momentum}[self.optimizer or ""]()
        x, labels = self.data()
        seen = []
        for _ in range(steps):
            net = Numpy(theta, training=True)
            logits = self.program(net, Value(x.astype(np.float64)))
            seen.append(net.pass_back(logits, labels))
            update(theta, net.gradients())
        return seen


def _start(name: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    if name.endswith(("gamma", "variance")):
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    if len(shape) == 1:
        return (0.1 * random.standard_normal(shape)).astype(np.float32)
    inputs = math.prod(shape[:-1])
    return (random.standard_normal(shape) * math.sqrt(1 / inputs)).astype(np.float32)


class Shapes:
    """Layers that only note which parameters there are."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, ...]] = {}

    def convolved(
        self, x: None, name: str, window: int, inputs: int, outputs: int, stride: int = 1
    ) -> None:
        self.found[f"{name}_w"] = (window, window, inputs, outputs)

    def biased(self, x: None, name: str, outputs: int) -> None:
        self.found[f"{name}_b"] = (outputs,)

    def normalised(self, x: None, name: str, outputs: int) -> None:
        for part in ("gamma", "beta", "mean", "variance"):
            self.found[f"{name}_{part}"] = (outputs,)

    def dense(self, x: None, name: str, inputs: int, outputs: int) -> None:
        self.found |= {f"{name}_w": (inputs, outputs), f"{name}_b": (outputs,)}

    def relu(self, x: None) -> None: ...

    def pooled(self, x: None, window: int) -> None: ...

    def flat(self, x: None) -> None: ...

    def averaged(self, x: None) -> None: ...

    def added(self, x: None, y: None) -> None: ...


class Value:
    """An array and the cotangent that has come back to it."""

    def __init__(self, data: np.ndarray) -> None:
        self.data = data
        self.ct: Any = 0.0


class Numpy:
    """Every layer leaves on the tape how its result's cotangent goes back to its operands."""

    def __init__(self, theta: dict[str, np.ndarray], training: bool) -> None:
        self.theta = {name: Value(value) for name, value in theta.items()}
        self.training = training
        self.tape: list[tuple[Value, Callable[[np.ndarray], None]]] = []

    def _made(self, data: np.ndarray, back: Callable[[np.ndarray], None]) -> Value:
        self.tape.append((Value(data), back))
        return self.tape[-1][0]

    def pass_back(self, logits: Value, labels: np.ndarray) -> float:
        """The mean cross entropy; afterwards every value has its cotangent."""
        log_p = logits.data - logits.data.max(axis=1, keepdims=True)
        log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))
        rows = np.arange(len(labels))
        logits.ct = np.exp(log_p)
        logits.ct[rows, labels] -= 1
        logits.ct /= len(labels)
        for made, back in reversed(self.tape):
            back(made.ct)
        return float(-log_p[rows, labels].mean())

    def gradients(self) -> dict[str, np.ndarray]:
        moving = ("mean", "variance")
        return {name: v.ct for name, v in self.theta.items() if not name.endswith(moving)}

    def convolved(
        self, x: Value, name: str, window: int, inputs: int, outputs: int, stride: int = 1
    ) -> Value:
        w = self.theta[f"{name}_w"]

        def back(ct: np.ndarray) -> None:
            x.ct += contractions.input_gradient(ct, w.data, stride, x.data.shape)
            w.ct += contractions.filter_gradient(x.data, ct, stride, w.data.shape)

        return self._made(contractions.convolved(x.data, w.data, stride), back)

    def biased(self, x: Value, name: str, outputs: int) -> Value:
        b = self.theta[f"{name}_b"]

        def back(ct: np.ndarray) -> None:
            x.ct += ct
            b.ct += ct.sum(axis=tuple(range(ct.ndim - 1)))

        return self._made(x.data + b.data, back)

    def normalised(self, x: Value, name: str, outputs: int) -> Value:
        gamma, beta = self.theta[f"{name}_gamma"], self.theta[f"{name}_beta"]
        mean, variance = self.theta[f"{name}_mean"].data, self.theta[f"{name}_variance"].data
        if self.training:
            mean, variance = x.data.mean(axis=(0, 1, 2)), x.data.var(axis=(0, 1, 2))
        inverse = 1 / np.sqrt(variance + NORM_EPSILON)
        z = (x.data - mean) * inverse

        def back(ct: np.ndarray) -> None:
            gamma.ct += (ct * z).sum(axis=(0, 1, 2))
            beta.ct += ct.sum(axis=(0, 1, 2))
            ct = ct * gamma.data
            x.ct += inverse * (ct - ct.mean(axis=(0, 1, 2)) - z * (ct * z).mean(axis=(0, 1, 2)))

        return self._made(z * gamma.data + beta.data, back)

    def relu(self, x: Value) -> Value:
        def back(ct: np.ndarray) -> None:
            x.ct += ct * (x.data > 0)

        return self._made(np.maximum(x.data, 0), back)

    def pooled(self, x: Value, window: int) -> Value:
        """The largest of each window, every second place, as far as there is an image."""
        n, rows, columns, channels = x.data.shape
        over = window - 2
        wide = np.pad(x.data, ((0, 0), (0, over), (0, over), (0, 0)), constant_values=-math.inf)
        places = np.lib.stride_tricks.sliding_window_view(wide, (window, window), axis=(1, 2))
        places = places[:, ::2, ::2].reshape(n, rows // 2, columns // 2, channels, -1)
        chosen = places.argmax(axis=-1)

        def back(ct: np.ndarray) -> None:
            made = np.zeros_like(wide)
            b, i, j, c = np.indices(ct.shape)
            np.add.at(made, (b, 2 * i + chosen // window, 2 * j + chosen % window, c), ct)
            x.ct += made[:, :rows, :columns]

        return self._made(places.max(axis=-1), back)

    def flat(self, x: Value) -> Value:
        def back(ct: np.ndarray) -> None:
            x.ct += ct.reshape(x.data.shape)

        return self._made(x.data.reshape(len(x.data), -1), back)

    def averaged(self, x: Value) -> Value:
        def back(ct: np.ndarray) -> None:
            x.ct += ct[:, None, None] / math.prod(x.data.shape[1:3]) * np.ones_like(x.data)

        return self._made(x.data.mean(axis=(1, 2)), back)

    def dense(self, x: Value, name: str, inputs: int, outputs: int) -> Value:
        w = self.theta[f"{name}_w"]

        def back(ct: np.ndarray) -> None:
            x.ct += ct @ w.data.T
            w.ct += x.data.T @ ct

        return self.biased(self._made(x.data @ w.data, back), name, outputs)

    def added(self, x: Value, y: Value) -> Value:
        def back(ct: np.ndarray) -> None:
            x.ct += ct
            y.ct += ct

        return self._made(x.data + y.data, back)


class Adam:
    def __init__(self) -> None:
        self.t, self.first, self.second = 0, {}, {}

    def __call__(self, theta: dict[str, np.ndarray], gradients: dict[str, np.ndarray]) -> None:
        self.t += 1
        rate = ADAM_RATE * math.sqrt(1 - BETA2**self.t) / (1 - BETA1**self.t)
        for name, g in gradients.items():
            self.first[name] = BETA1 * self.first.get(name, 0.0) + (1 - BETA1) * g
            self.second[name] = BETA2 * self.second.get(name, 0.0) + (1 - BETA2) * g * g
            step = self.first[name] / (np.sqrt(self.second[name]) + EPSILON)
            theta[name] = theta[name] - rate * step


class Momentum:
    def __init__(self) -> None:
        self.speed = {}

    def __call__(self, theta: dict[str, np.ndarray], gradients: dict[str, np.ndarray]) -> None:
        for name, g in gradients.items():
            self.speed[name] = MOMENTUM * self.speed.get(name, 0.0) + g
            theta[name] = theta[name] - MOMENTUM_RATE * self.speed[name]


CNN = Network(
    "cnn", "CNN 28x28, 5x5x32, 5x5x64, 256, batch 64, Adam step", cnn, (64, 28, 28, 1), 10, "adam"
)
RESNET18_TRAIN = Network(
    "resnet18_train", "ResNet-18, batch 8 at 64x64, momentum step", resnet18, (8, 64, 64, 3), 1000,
    "momentum",
)  # fmt: skip
RESNET18_INFER = Network(
    "resnet18_infer", "ResNet-18, one image of 224x224, inference", resnet18, (1, 224, 224, 3), 1000
)
TRAINED = {spec.name: spec for spec in (CNN, RESNET18_TRAIN)}
INFERRED = {spec.name: spec for spec in (RESNET18_INFER,)}
