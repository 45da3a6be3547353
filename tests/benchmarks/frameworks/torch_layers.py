"""PyTorch on products, convolutions and networks, eagerly; images are channels_last."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from tests.benchmarks import contractions, networks

Subject = tuple[Callable[[], torch.Tensor], Callable[[torch.Tensor], np.ndarray]]


def product(spec: contractions.Product) -> Subject:
    a, b, bias = (torch.from_numpy(value) for value in spec.operands())
    a = a.T if spec.transpose_a else a
    b = b.T if spec.transpose_b else b
    y = torch.empty(spec.m, spec.n)

    def call() -> torch.Tensor:
        with torch.inference_mode():
            if spec.fused:
                return F.relu_(torch.addmm(bias, a, b))
            return torch.mm(a, b, out=y)

    return call, lambda result: result.numpy()


def _images(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(x).permute(0, 3, 1, 2)


def _filters(w: np.ndarray, depthwise: bool = False) -> torch.Tensor:
    order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
    return torch.from_numpy(w.transpose(order)).contiguous(memory_format=torch.channels_last)


def convolution(spec: contractions.Convolution) -> Subject:
    x, w, ct = spec.operands()
    images, filters, back = _images(x), _filters(w, spec.depthwise), _images(ct)
    groups = spec.images[3] if spec.depthwise else 1
    place = ([spec.stride] * 2, [spec.pad] * 2, [1, 1])
    wanted = [spec.of == "input", spec.of == "filter", False]

    def call() -> torch.Tensor:
        with torch.inference_mode():
            if spec.of == "forward":
                return F.conv2d(images, filters, None, *place, groups)
            found = torch.ops.aten.convolution_backward(
                back, images, filters, None, *place, False, [0, 0], groups, wanted
            )
            return found[wanted.index(True)]

    order = (0, 2, 3, 1)
    if spec.of == "filter":
        order = (2, 3, 0, 1) if spec.depthwise else (2, 3, 1, 0)
    return call, lambda result: result.permute(order).numpy()


class Layers:
    def __init__(self, theta: dict[str, torch.Tensor], training: bool) -> None:
        self.theta, self.training = theta, training

    def convolved(
        self, x: torch.Tensor, name: str, window: int, inputs: int, outputs: int, stride: int = 1
    ) -> torch.Tensor:
        return F.conv2d(
            x, self.theta[f"{name}_w"], self.theta.get(f"{name}_b"), stride, window // 2
        )

    def biased(self, x: torch.Tensor, name: str, outputs: int) -> torch.Tensor:
        return x  # the convolution has added it

    def normalised(self, x: torch.Tensor, name: str, outputs: int) -> torch.Tensor:
        parts = ("mean", "variance", "gamma", "beta")
        mean, variance, gamma, beta = (self.theta[f"{name}_{part}"] for part in parts)
        return F.batch_norm(
            x, mean, variance, gamma, beta, self.training, networks.MOVED, networks.NORM_EPSILON
        )

    def relu(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x, inplace=True)

    def pooled(self, x: torch.Tensor, window: int) -> torch.Tensor:
        return F.max_pool2d(x, window, 2, ceil_mode=True)

    def flat(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)

    def averaged(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))

    def dense(self, x: torch.Tensor, name: str, inputs: int, outputs: int) -> torch.Tensor:
        return torch.addmm(self.theta[f"{name}_b"], x, self.theta[f"{name}_w"])

    def added(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x.add_(y)


def _parameters(spec: networks.Network) -> dict[str, torch.Tensor]:
    return {
        name: _filters(value) if value.ndim == 4 else torch.from_numpy(value)
        for name, value in spec.parameters().items()
    }


def training(spec: networks.Network) -> Callable[[np.ndarray, np.ndarray], float]:
    theta = _parameters(spec)
    trained = [
        value.requires_grad_()
        for name, value in theta.items()
        if not name.endswith(("mean", "variance"))
    ]
    if spec.optimizer == "adam":
        optimizer = torch.optim.Adam(
            trained, networks.ADAM_RATE, (networks.BETA1, networks.BETA2), networks.EPSILON,
            fused=True,
        )  # fmt: skip
    else:
        optimizer = torch.optim.SGD(trained, networks.MOMENTUM_RATE, networks.MOMENTUM, fused=True)
    net = Layers(theta, training=True)

    def step(x: np.ndarray, labels: np.ndarray) -> float:
        logits = spec.program(net, _images(x))
        loss = F.cross_entropy(logits, torch.from_numpy(labels).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def inference(spec: networks.Network) -> Callable[[np.ndarray], np.ndarray]:
    net = Layers(_parameters(spec), training=False)

    def call(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return spec.program(net, _images(x)).numpy()

    return call
