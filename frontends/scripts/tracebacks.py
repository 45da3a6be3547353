"""Tracebacks of a script that failed: its own lines, with graphc's frames folded into a count."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Iterator
from traceback import FrameSummary, StackSummary, TracebackException
from types import TracebackType
from typing import Any

from graphc.ir.source import inside

# Frames of the running of a script, which come before its own.
_STARTERS = ("<frozen runpy>", "<frozen importlib")
# Standard modules whose frames are folded where they lead into graphc's or out of them.
_BETWEEN = tuple(module.__file__ for module in (contextlib, functools, importlib))


class FoldedStack(StackSummary):
    """A stack whose frames inside graphc are one line per run of them."""

    def format(self) -> list[str]:
        return [part for part in self._parts() if part]

    def _parts(self) -> Iterator[str]:
        hidden = 0
        for frame, is_inside in zip(self, self._inside(), strict=True):
            if is_inside:
                hidden += 1
                continue
            yield _fold(hidden)
            hidden = 0
            yield from StackSummary.from_list([frame]).format()
        yield _fold(hidden)

    def _inside(self) -> list[bool]:
        found = [inside(f.filename) and f.filename not in _BETWEEN for f in self]
        for order in (range(1, len(self)), range(len(self) - 2, -1, -1)):
            step = order.step
            for k in order:
                between = self[k].filename in _BETWEEN
                found[k] = found[k] or (between and found[k - step])
        return found


def _fold(count: int) -> str:
    frames = "a frame" if count == 1 else f"{count} frames"
    return f"  ... {frames} inside graphc (GRAPHC_FULL_TRACEBACK=1 shows them)\n" if count else ""


def report(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None, full: bool
) -> None:
    """Write the traceback of a script's failure to standard error, from the script's first line
    on."""
    shown = TracebackException(kind, error, trace)
    for one in _chain(shown):
        frames = _from_the_script(one.stack)
        if not frames and issubclass(one.exc_type, SyntaxError):
            one.stack = None  # it says itself which line it is
        else:
            one.stack = StackSummary() if full else FoldedStack()
            one.stack.extend(frames)
    sys.stderr.write("".join(shown.format()))


def _from_the_script(stack: StackSummary) -> list[FrameSummary]:
    first = next((k for k, frame in enumerate(stack) if not _starts(frame)), len(stack))
    return list(stack[first:])


def _starts(frame: FrameSummary) -> bool:
    return inside(frame.filename) or frame.filename.startswith(_STARTERS)


def _chain(shown: TracebackException | None) -> Iterator[Any]:
    """The error, its causes and contexts, and the errors of a group."""
    if shown is not None:
        yield shown
        yield from _chain(shown.__cause__)
        yield from _chain(shown.__context__)
        for one in getattr(shown, "exceptions", None) or ():
            yield from _chain(one)
