"""Run a script or module as ``__main__``, the way ``python`` does."""

from __future__ import annotations

import builtins
import os
import runpy
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from frontends.scripts.imports import as_tensorflow
from frontends.scripts.tracebacks import report

INTERRUPTED = 130  # as a shell reports a program that SIGINT ended


def run(
    script: str,
    rest: Sequence[str],
    *,
    module: bool = False,
    full_traceback: bool = False,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run ``script`` (a file, ``-`` for standard input, or the name of a ``module``) with the
    arguments ``rest`` and more ``environment``; the exit status.

    ``sys.argv``, ``sys.path[0]`` and ``__main__`` are the script's meanwhile, and ``import
    tensorflow`` gives graphc.
    """
    full = full_traceback or os.environ.get("GRAPHC_FULL_TRACEBACK", "") not in ("", "0")
    with (
        _in_the_place_of_python(script, rest, module),
        as_tensorflow(environment),
        _told_of_threads(full),
    ):
        try:
            _execute(script, module)
            _wait_for_threads()
        except SystemExit as stop:
            return _status(stop.code)
        except BaseException as error:
            _add_hint(error)
            if sys.excepthook is sys.__excepthook__:
                trace = error.__traceback__
                report(type(error), error, trace, full)
            else:
                sys.excepthook(type(error), error, error.__traceback__)
            return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    return 0


@contextmanager
def _in_the_place_of_python(script: str, rest: Sequence[str], module: bool) -> Iterator[None]:
    argv, path, main = sys.argv, list(sys.path), sys.modules.get("__main__")
    sys.argv = ["-m" if module else script, *rest]
    sys.path.insert(0, os.getcwd() if module else "" if script == "-" else _home(script))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path
        if main is not None:
            sys.modules["__main__"] = main


@contextmanager
def _told_of_threads(full: bool) -> Iterator[None]:
    """A failure in one of the script's threads is shown as one of the script's own is."""
    before = threading.excepthook

    def told(failure: threading.ExceptHookArgs) -> None:
        if failure.exc_value is None or isinstance(failure.exc_value, SystemExit):
            return
        name = failure.thread.name if failure.thread is not None else "unknown"
        sys.stderr.write(f"Exception in thread {name}:\n")
        report(failure.exc_type, failure.exc_value, failure.exc_traceback, full)

    threading.excepthook = told
    try:
        yield
    finally:
        threading.excepthook = before


def _home(script: str) -> str:
    return str(Path(script).resolve().parent)


def _execute(script: str, module: bool) -> None:
    if module:
        runpy.run_module(script, run_name="__main__", alter_sys=True)
    elif script != "-" and not Path(script).is_file():
        runpy.run_path(script, run_name="__main__")  # a folder or archive with a __main__.py
    else:
        file = "<stdin>" if script == "-" else os.path.abspath(script)
        source = sys.stdin.buffer.read() if script == "-" else Path(script).read_bytes()
        main = ModuleType("__main__")
        main.__dict__.update(__file__=file, __cached__=None, __builtins__=builtins)
        sys.modules["__main__"] = main
        exec(compile(source, file, "exec", dont_inherit=True), main.__dict__)


def _wait_for_threads() -> None:
    """Python ends when the last thread does that is not a daemon."""
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()


def _status(code: object) -> int:
    if code is None or isinstance(code, int):
        return code or 0
    sys.stderr.write(f"{code}\n")
    return 1


def _add_hint(error: BaseException) -> None:
    """Say of a script that does not parse when it is one for Python 2."""
    from frontends.scripts.uses import python_2

    if isinstance(error, SyntaxError) and python_2(error):
        error.add_note(f"hint: line {error.lineno} is Python 2; convert the script to Python 3")
