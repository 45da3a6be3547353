"""PyTorch's recurrent layers (oneDNN) and its CTC loss, eagerly."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from tests.benchmarks import alignments, networks, recurrence

EQUATIONS = {"gru": recurrence.reset_after}  # where a layer computes something else than TF1's


class Network:
    """A layer of ``torch.nn`` with the weights of a subject."""

    def __init__(self, spec: recurrence.Recurrent) -> None:
        start = {name: torch.from_numpy(value) for name, value in spec.parameters().items()}
        kinds = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "tanh": torch.nn.RNN}
        self.layer = kinds[spec.cell](spec.units, spec.units, batch_first=True)
        x, h, b = (self._columns(spec, start, part) for part in "xhb")
        with torch.no_grad():
            self.layer.weight_ih_l0.copy_(x.T)
            self.layer.weight_hh_l0.copy_(h.T)
            self.layer.bias_ih_l0.copy_(b)
            self.layer.bias_hh_l0.zero_()
        self.layer.bias_hh_l0.requires_grad_(False)  # one bias is enough
        self.rest = {
            name: start[name].requires_grad_() for name in ("embedding", "logits_w", "logits_b")
        }

    def _columns(
        self, spec: recurrence.Recurrent, start: dict[str, torch.Tensor], of: str
    ) -> torch.Tensor:
        """In the order of PyTorch's gates, the bias of the forget gate with its one."""
        if spec.cell == "gru":
            return torch.cat([start[f"cell_{of}"], start[f"new_{of}"]], -1)
        if spec.cell == "tanh":
            return start[f"cell_{of}"]
        into, new, forget, out = start[f"cell_{of}"].chunk(4, -1)
        return torch.cat([into, forget + 1.0 if of == "b" else forget, new, out], -1)

    def loss(self, symbols: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
        h, _ = self.layer(F.embedding(symbols, self.rest["embedding"]))
        logits = torch.addmm(
            self.rest["logits_b"], h.reshape(-1, h.shape[2]), self.rest["logits_w"]
        )
        return F.cross_entropy(logits, following.reshape(-1))


def training(spec: recurrence.Recurrent) -> Callable[[np.ndarray, np.ndarray], float]:
    net = Network(spec)
    trained = [value for value in net.layer.parameters() if value.requires_grad]
    optimizer = torch.optim.Adam(
        [*trained, *net.rest.values()], networks.ADAM_RATE, (networks.BETA1, networks.BETA2),
        networks.EPSILON, fused=True,
    )  # fmt: skip

    def step(symbols: np.ndarray, following: np.ndarray) -> float:
        loss = net.loss(torch.from_numpy(symbols).long(), torch.from_numpy(following).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def inference(spec: recurrence.Recurrent) -> Callable[[np.ndarray], np.ndarray]:
    layer = Network(spec).layer

    def call(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return layer(torch.from_numpy(x))[0].numpy()

    return call


def ctc(
    spec: alignments.Alignments,
) -> tuple[Callable[[], torch.Tensor], Callable[[torch.Tensor], np.ndarray]]:
    labels, lengths = spec.labels()
    logits = torch.from_numpy(spec.logits()).requires_grad_()
    flat = torch.from_numpy(np.concatenate(labels))
    sizes = torch.tensor([len(label) for label in labels])
    turns = torch.from_numpy(lengths).long()

    def call() -> torch.Tensor:
        loss = F.ctc_loss(
            logits.log_softmax(2), flat, turns, sizes, spec.classes - 1, reduction="sum"
        )
        return torch.autograd.grad(loss, logits)[0]

    return call, lambda result: result.numpy()
