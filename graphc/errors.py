"""Error types and the layout of a message.

A message reads: the op and the fact, both values and where they came from, the user's line, the
fix::

    ShapeError: matmul 'dense/matmul': inner dimensions differ
        a: float32[batch, 784]   from x   (placeholder, train.py:8)
        b: float32[10, 784]      from w   (variable, train.py:9)
      at train.py:12   logits = tf.matmul(x, w)
      hint: b fits transposed: tf.matmul(x, w, transpose_b=True)

The mistake is described where it is made (``fact``, ``rows``, ``hint``); who knows the node adds
``subject`` and ``site`` on the way out.
"""

from __future__ import annotations

from typing import Any


class GraphcError(Exception):
    """An error a user can act on.  ``rows`` are (label, value, note) lines under the fact."""

    def __init__(
        self,
        fact: str,
        *,
        rows: list[tuple[str, str, str]] | None = None,
        hint: str | None = None,
        subject: str = "",
        site: Any = None,
    ) -> None:
        super().__init__(fact)
        self.fact = fact
        self.rows = list(rows or ())
        self.hint = hint
        self.subject = subject
        self.site = site

    @property
    def message(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [f"{self.subject}: {self.fact}" if self.subject else self.fact]
        labels = max((len(label) for label, _, _ in self.rows), default=0)
        values = max((len(value) for _, value, note in self.rows if note), default=0)
        for label, value, note in self.rows:
            lines.append(f"    {label + ':':<{labels + 1}} {value:<{values}}   {note}".rstrip())
        if self.site is not None:
            lines.append(f"  at {self.site.describe()}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple:
        return _rebuild, (type(self), self.__dict__.copy(), self.args)


def _rebuild(kind: type[GraphcError], state: dict, args: tuple) -> GraphcError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class ShapeError(GraphcError, ValueError):
    """Shapes that cannot meet."""


class DTypeError(GraphcError, TypeError):
    """Element types that cannot meet."""


class AttributeValueError(GraphcError, ValueError):
    """An attribute of an op outside what the op takes."""


class GraphError(GraphcError, ValueError):
    """The graph cannot be built or changed that way: names, scopes, cycles, finalised graphs."""


class FeedError(GraphcError, ValueError):
    """What was fed does not fit the tensor it was fed for."""


class FetchError(GraphcError, ValueError):
    """What was fetched is not in the session's graph."""


class ModelWarning(GraphcError, UserWarning):
    """A model that runs, and probably not as meant.

    ``warnings.filterwarnings("ignore", category=tf.errors.ModelWarning)`` silences them all.
    """


class OpError(GraphcError):
    """A failure while running a graph; ``node_name`` says where."""

    node_name: str = ""


class InvalidArgumentError(OpError, ValueError):
    """A value is outside what the op takes (an index out of range, a failed assertion)."""


class FailedPreconditionError(OpError):
    """The session is not in the state the op needs (a variable not initialised)."""


class NotFoundError(OpError):
    """Something asked for by name does not exist."""


class ResourceExhaustedError(OpError, MemoryError):
    """Memory that cannot be had."""


class UnimplementedError(OpError, NotImplementedError):
    """A feature the chosen device does not have."""


class InternalError(OpError):
    """A fault of graphc itself; the message starts with "bug in graphc"."""


class OutOfRangeError(OpError):
    """There is nothing left: an iterator or queue is exhausted."""


class AbortedError(OpError):
    """The operation was given up, typically to be tried again."""


class CancelledError(OpError):
    """The operation was cancelled by its caller."""


class AlreadyExistsError(OpError):
    """What was to be made exists."""


class DeadlineExceededError(OpError):
    """The operation did not finish in time."""


class PermissionDeniedError(OpError):
    """The caller may not do that."""


class UnavailableError(OpError):
    """What the operation needs is not there for now."""


class DataLossError(OpError):
    """Stored data is damaged or incomplete."""


class UnknownError(OpError):
    """A Python function inside the graph raised."""
