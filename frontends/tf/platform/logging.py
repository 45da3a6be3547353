"""``tf.logging``: the standard library's logging under a logger called ``graphc``."""

from __future__ import annotations

import logging as _standard
import sys
from collections.abc import Callable
from typing import Any

from graphc.ir.source import here

DEBUG, INFO, WARN, WARNING = _standard.DEBUG, _standard.INFO, _standard.WARNING, _standard.WARNING
ERROR, FATAL = _standard.ERROR, _standard.CRITICAL

__all__ = [
    "DEBUG", "ERROR", "FATAL", "INFO", "WARN", "WARNING", "TaskLevelStatusMessage", "debug",
    "error", "fatal", "flush", "get_logger", "get_verbosity", "info", "log", "log_every_n",
    "log_first_n", "log_if", "set_verbosity", "vlog", "warn", "warning",
]  # fmt: skip


class _StandardError(_standard.StreamHandler):
    """Writes to what ``sys.stderr`` is at that moment."""

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, _value: Any) -> None:
        """The stream is not kept."""


_logger = _standard.getLogger("graphc")
if not _logger.handlers and not _standard.getLogger().handlers:
    _handler = _StandardError()
    _handler.setFormatter(_standard.Formatter("%(levelname)s:graphc:%(message)s"))
    _logger.addHandler(_handler)
    _logger.propagate = False
    _logger.setLevel(WARN)

debug, info, error, fatal = _logger.debug, _logger.info, _logger.error, _logger.critical
warn = warning = _logger.warning
log = vlog = _logger.log
get_verbosity = _logger.getEffectiveLevel
_counts: dict[tuple[str, int], int] = {}


def get_logger() -> _standard.Logger:
    """The logger all of it goes through."""
    return _logger


def set_verbosity(v: int | str) -> None:
    """Show messages of this level (``tf.logging.INFO``, ``"INFO"``) and above."""
    _logger.setLevel(v)


def flush() -> None:
    """Hand what was logged to the system."""
    for handler in (*_logger.handlers, *_standard.getLogger().handlers):
        handler.flush()


def log_if(level: int, msg: str, condition: Any, *args: Any) -> None:
    """The message where ``condition`` is true."""
    if condition:
        _logger.log(level, msg, *args)


def log_every_n(level: int, msg: str, n: int, *args: Any) -> None:
    """The message at the first and then every n-th time this line is reached."""
    log_if(level, msg, not _times_before() % n, *args)


def log_first_n(level: int, msg: str, n: int, *args: Any) -> None:
    """The message the first n times this line is reached."""
    log_if(level, msg, _times_before() < n, *args)


def _times_before() -> int:
    """How often the caller's line was here before."""
    site = here()
    line = (site.filename, site.line) if site is not None else ("", 0)
    count = _counts.get(line, 0)
    _counts[line] = count + 1
    return count


def TaskLevelStatusMessage(msg: str) -> None:
    """The message as an error."""
    _logger.error(msg)


def __getattr__(name: str) -> Callable:
    from frontends.tf.names.missing import missing

    raise missing("logging", name, __all__)
