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

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# TensorFlow's numbers for the kinds of errors.
OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


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


class FinalizedGraphError(GraphError, RuntimeError):
    """A finalized graph takes no more nodes."""


class FeedError(GraphcError, ValueError):
    """What was fed does not fit the tensor it was fed for."""


class FetchError(GraphcError, ValueError):
    """What was fetched is not in the session's graph."""


class ModelWarning(GraphcError, UserWarning):
    """A model that runs, and probably not as meant.

    ``warnings.filterwarnings("ignore", category=tf.errors.ModelWarning)`` silences them all.
    """


class OpError(GraphcError):
    """A failure while running a graph; ``node_name`` says where, ``code`` what kind, as TensorFlow
    numbers them.

    It is also made as TF1 makes it: ``OpError(node_def, op, message)``.
    """

    node_name: str = ""
    code: int = UNKNOWN
    op: Any = None  # the front end finds the operation, and its NodeDef
    node_def: Any = None

    turn: int | None = None  # of the loop it comes out of, until that is named

    def __init__(self, *said: Any, message: str | None = None, **told: Any) -> None:
        """``said`` is the fact; or (node_def, op, message) and perhaps an error code."""
        as_tf1 = len(said) > 1
        fact = message if message is not None else said[2 if as_tf1 else 0]
        super().__init__(
            str(fact), **{k: v for k, v in told.items() if k not in ("node_def", "op")}
        )
        given = said[0] if as_tf1 else told.get("node_def")
        made = said[1] if as_tf1 else told.get("op")
        self.node_name = str(getattr(made, "name", None) or getattr(given, "name", ""))
        if len(said) > 3:
            self.code = said[3]

    @property
    def error_code(self) -> int:
        return self.code

    def place(self, op: str, name: str, site: Any) -> None:
        """Say where it happened: at a node, then in which turns of the loops around it."""
        if not self.subject:
            self.subject, self.site, self.node_name = f"{op} '{name}'", site, name
        elif self.turn is not None:
            self.subject += f", turn {self.turn} of '{name}'"
        self.turn = None


class InvalidArgumentError(OpError, ValueError):
    """A value is outside what the op takes (an index out of range, a failed assertion)."""

    code = INVALID_ARGUMENT


class FedShapeError(ShapeError, InvalidArgumentError):
    """Sizes that a run brought together cannot meet."""


class UnfedError(FeedError, InvalidArgumentError):
    """A run needs a placeholder that nobody fed."""


class FailedPreconditionError(OpError):
    """The session is not in the state the op needs (a variable not initialised)."""

    code = FAILED_PRECONDITION


class NotFoundError(OpError):
    """Something asked for by name does not exist."""

    code = NOT_FOUND


class ResourceExhaustedError(OpError, MemoryError):
    """Memory that cannot be had."""

    code = RESOURCE_EXHAUSTED


class UnimplementedError(OpError, NotImplementedError):
    """A feature the chosen device does not have."""

    code = UNIMPLEMENTED


class InternalError(OpError):
    """A fault of graphc itself; the message starts with "bug in graphc"."""

    code = INTERNAL


class OutOfRangeError(OpError):
    """There is nothing left: an iterator or queue is exhausted."""

    code = OUT_OF_RANGE


class AbortedError(OpError):
    """The operation was given up, typically to be tried again."""

    code = ABORTED


class CancelledError(OpError):
    """The operation was cancelled by its caller."""

    code = CANCELLED


class AlreadyExistsError(OpError):
    """What was to be made exists."""

    code = ALREADY_EXISTS


class DeadlineExceededError(OpError):
    """The operation did not finish in time."""

    code = DEADLINE_EXCEEDED


class PermissionDeniedError(OpError):
    """The caller may not do that."""

    code = PERMISSION_DENIED


class UnavailableError(OpError):
    """What the operation needs is not there for now."""

    code = UNAVAILABLE


class DataLossError(OpError):
    """Stored data is damaged or incomplete."""

    code = DATA_LOSS


class UnknownError(OpError):
    """A Python function inside the graph raised."""


class UnauthenticatedError(OpError):
    """Who asks is not known."""

    code = UNAUTHENTICATED


_OF_CODE: dict[int, type[OpError]] = {kind.code: kind for kind in OpError.__subclasses__()}


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """The error class of a number; KeyError where there is none."""
    return _OF_CODE[error_code]


def error_code_from_exception_type(cls: type[OpError]) -> int:
    """The number of an error class; KeyError for another class."""
    if cls not in _OF_CODE.values():
        raise KeyError(cls)
    return cls.code


@contextmanager
def raise_exception_on_not_ok_status() -> Iterator[None]:
    """Nothing to do: errors are raised where they happen."""
    yield
