"""Connectionist temporal classification: random logits and labels, and the gradient in float64."""

from dataclasses import dataclass

import numpy as np

SEED = 24


@dataclass(frozen=True)
class Alignments:
    """The summed CTC loss of a batch and its gradient; the last class is the blank."""

    name: str
    title: str
    batch: int = 32
    turns: int = 200
    classes: int = 50
    longest: int = 40  # symbols of a label

    def logits(self) -> np.ndarray:
        """``[turns, batch, classes]``, float32."""
        random = np.random.default_rng(SEED)
        shape = (self.turns, self.batch, self.classes)
        return random.standard_normal(shape).astype(np.float32)

    def labels(self) -> tuple[list[np.ndarray], np.ndarray]:
        """A label a row, and how many turns of each row count."""
        random = np.random.default_rng(SEED + 1)
        labels = [
            random.integers(0, self.classes - 1, random.integers(10, self.longest + 1))
            for _ in range(self.batch)
        ]
        return labels, random.integers(self.turns // 2, self.turns + 1, self.batch).astype(np.int32)

    def result(self) -> np.ndarray:
        """Forward and backward variables of Graves et al. (2006), row by row."""
        logits = self.logits().astype(np.float64)
        log_p = logits - np.logaddexp.reduce(logits, axis=2, keepdims=True)
        gradient = np.zeros_like(logits)
        labels, lengths = self.labels()
        for row, (label, length) in enumerate(zip(labels, lengths, strict=True)):
            path = np.full(2 * len(label) + 1, self.classes - 1)
            path[1::2] = label
            seen = log_p[:length, row][:, path]  # [turn, place on the path]
            through = _reached(seen, path) + _reached(seen[::-1, ::-1], path[::-1])[::-1, ::-1]
            through -= seen  # both ways have counted it
            total = np.logaddexp.reduce(through[0])
            expected = np.zeros((length, self.classes))
            np.add.at(expected.T, path, np.exp(through - total).T)
            gradient[:length, row] = np.exp(log_p[:length, row]) - expected
        return gradient


def _reached(seen: np.ndarray, path: np.ndarray) -> np.ndarray:
    """log of the sum over beginnings that end in a place at a turn."""
    skips = np.zeros(len(path), bool)
    skips[2:] = (path[2:] != path[:-2]) & (np.arange(2, len(path)) % 2 == 1)
    reached = np.full_like(seen, -np.inf)
    reached[0, :2] = seen[0, :2]
    for t in range(1, len(seen)):
        last = reached[t - 1]
        step = np.concatenate([[-np.inf], last[:-1]])
        skip = np.where(skips, np.concatenate([[-np.inf, -np.inf], last[:-2]]), -np.inf)
        reached[t] = np.logaddexp(np.logaddexp(last, step), skip) + seen[t]
    return reached


CTC = Alignments("ctc", "CTC loss with gradient, batch 32, 200 turns, 50 classes")
