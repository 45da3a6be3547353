"""PyTorch, eager and compiled: autograd and its fused Adam."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from tests.benchmarks import alignments, contractions, networks, recurrence, subjects
from tests.benchmarks.frameworks import torch_layers, torch_recurrence

VERSION = torch.__version__


def _maybe_compiled(function: Callable, compiled: bool) -> Callable:
    return torch.compile(function) if compiled else function


def mlp(spec: subjects.Mlp, compiled: bool) -> Callable[[np.ndarray, np.ndarray], float]:
    layers = len(spec.widths) - 1
    theta = {
        name: torch.from_numpy(value).requires_grad_() for name, value in spec.parameters().items()
    }
    optimizer = torch.optim.Adam(
        theta.values(),
        lr=subjects.LEARNING_RATE,
        betas=(subjects.BETA1, subjects.BETA2),
        eps=subjects.EPSILON,
        fused=True,
    )

    def loss_of(x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        h = x
        for i in range(layers):
            h = torch.addmm(theta[f"b{i}"], h, theta[f"w{i}"])
            if i < layers - 1:
                h = F.relu(h)
        return F.cross_entropy(h, labels)

    forward = _maybe_compiled(loss_of, compiled)

    def step(x: np.ndarray, labels: np.ndarray) -> float:
        loss = forward(torch.from_numpy(x), torch.from_numpy(labels).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def rows(
    spec: subjects.Rows, compiled: bool
) -> tuple[Callable[[], object], Callable[[object], np.ndarray]]:
    inputs = [torch.from_numpy(value) for value in spec.inputs().values()]

    def chain(x):
        return torch.tanh(2 * x + 1) * torch.exp(-x * x) + torch.log1p(torch.abs(x))

    def softmax(x):
        return F.softmax(x, dim=1)

    def layer_norm(x, gamma, beta):
        normal = F.layer_norm(x, (x.shape[1],), gamma, beta, subjects.LAYER_NORM_EPSILON)
        return x + F.gelu(normal)

    meaning = {"chain": chain, "softmax": softmax, "layer_norm": layer_norm}[spec.name]
    forward = _maybe_compiled(meaning, compiled)

    def call() -> object:
        with torch.inference_mode():
            return forward(*inputs)

    return call, lambda result: result.numpy()


class Mode:
    """A framework as the worker sees it: eager or compiled."""

    VERSION = VERSION
    EQUATIONS = torch_recurrence.EQUATIONS

    def __init__(self, compiled: bool) -> None:
        self.compiled = compiled

    def mlp(self, spec: subjects.Mlp) -> Callable[[np.ndarray, np.ndarray], float]:
        return mlp(spec, self.compiled)

    def rows(
        self, spec: subjects.Rows
    ) -> tuple[Callable[[], object], Callable[[object], np.ndarray]]:
        return rows(spec, self.compiled)

    def product(self, spec: contractions.Product) -> torch_layers.Subject:
        return torch_layers.product(spec)

    def convolution(self, spec: contractions.Convolution) -> torch_layers.Subject:
        return torch_layers.convolution(spec)

    def training(self, spec: networks.Network) -> Callable[[np.ndarray, np.ndarray], float]:
        return torch_layers.training(spec)

    def inference(self, spec: networks.Network) -> Callable[[np.ndarray], np.ndarray]:
        return torch_layers.inference(spec)

    def recurrent(self, spec: recurrence.Recurrent) -> Callable[[np.ndarray, np.ndarray], float]:
        return torch_recurrence.training(spec)

    def sequence(self, spec: recurrence.Recurrent) -> Callable[[np.ndarray], np.ndarray]:
        return torch_recurrence.inference(spec)

    def ctc(self, spec: alignments.Alignments) -> torch_layers.Subject:
        return torch_recurrence.ctc(spec)


eager = Mode(compiled=False)
compiled = Mode(compiled=True)
