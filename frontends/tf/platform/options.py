"""``tf.Options`` and ``tf.segments``: what may be asked that TensorFlow 1 has no word for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from numbers import Integral

from graphc.ir.graph import default_graph
from runtime.session import SessionOptions


@dataclass(frozen=True)
class Options:
    """Options of a session, given as its ``config``.

    ``memory_limit`` is the most bytes the temporaries of a run may take (0: no limit); variables,
    what is fed and what is fetched are not counted.  Where keeping all that gradients of loops read
    takes more, turns of loops are run again instead, and the session's report says which.  What
    cannot be brought under the limit raises ``tf.errors.ResourceExhaustedError``, which names the
    least that can.

    ``segments`` chooses by hand: for the name of a loop, or a pattern of names, the number of turns
    of a segment that is run again, or several of them for segments in segments; 0 keeps everything.
    ``reroll`` False leaves a cell that Python repeated as it was written; else its copies become a
    loop, and 1,000 of them compile like one.  ``threads`` (0: one per core) and ``optimize`` are
    those of a ``tf.ConfigProto``.

    >>> tf.Session(config=tf.Options(memory_limit=64 << 20))
    >>> tf.Session(config=tf.Options(segments={"rnn/*": 40}))
    """

    memory_limit: int = 0
    segments: Mapping[str, int | Sequence[int]] = field(default_factory=dict)
    threads: int = 0
    optimize: bool = True
    reroll: bool = True

    def __post_init__(self) -> None:
        if not _is_whole(self.memory_limit) or self.memory_limit < 0:
            raise ValueError(f"memory_limit is a number of bytes, got {self.memory_limit!r}")
        for name, lengths in self.segments.items():
            _lengths(lengths, f" of {name!r}")

    def session_options(self) -> SessionOptions:
        """What the session does about it."""
        return SessionOptions(
            threads=int(self.threads), optimize=bool(self.optimize), reroll=bool(self.reroll),
            memory_limit=int(self.memory_limit),
            segments=tuple(
                (name, tuple(int(n) for n in _lengths(lengths)))
                for name, lengths in self.segments.items()
            ),
        )  # fmt: skip


@contextmanager
def segments(lengths: int | Sequence[int]) -> Iterator[None]:
    """Loops made inside are run again in segments of so many turns for their gradients, and keep
    the beginnings of segments alone.

    Several lengths are segments in segments; 0 keeps everything, whatever limit of memory a session
    has.  Loops inside a loop are left to the compiler.  It decorates functions as well.

    >>> with tf.segments(40):
    ...     outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    """
    said = tuple(int(n) for n in _lengths(lengths))
    graph = default_graph().root
    before, graph.cuts = graph.cuts, said
    try:
        yield
    finally:
        graph.cuts = before


def _lengths(said: int | Sequence[int], whose: str = "") -> tuple[int, ...]:
    lengths = tuple(said) if isinstance(said, Sequence) else (said,) if said else ()
    falling = all(a > b for a, b in pairwise(lengths))
    if not all(_is_whole(n) and n > 0 for n in lengths) or not falling:
        raise ValueError(
            f"segments{whose} are numbers of turns, each smaller than the one before, got {said!r}"
        )
    return lengths


def _is_whole(number: object) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)
