"""``tf.logging``: the standard library's logging under a logger called ``graphc``."""

from __future__ import annotations

import logging as _standard
from typing import Any

DEBUG, INFO, WARN, WARNING = _standard.DEBUG, _standard.INFO, _standard.WARNING, _standard.WARNING
ERROR, FATAL = _standard.ERROR, _standard.CRITICAL

_logger = _standard.getLogger("graphc")
if not _logger.handlers and not _standard.getLogger().handlers:
    _handler = _standard.StreamHandler()
    _handler.setFormatter(_standard.Formatter("%(levelname)s:graphc:%(message)s"))
    _logger.addHandler(_handler)
    _logger.propagate = False
    _logger.setLevel(WARN)

debug, info, error, fatal = _logger.debug, _logger.info, _logger.error, _logger.critical
warn = warning = _logger.warning
log, set_verbosity, get_verbosity = _logger.log, _logger.setLevel, _logger.getEffectiveLevel
_counts: dict[str, int] = {}


def vlog(level: int, message: str, *args: Any) -> None:
    """A message at a numeric level: 0 is INFO, above it DEBUG."""
    _logger.log(INFO if level <= 0 else DEBUG, message, *args)


def log_every_n(level: int, message: str, n: int, *args: Any) -> None:
    """The message at every n-th call with that text."""
    count = _counts[message] = _counts.get(message, -1) + 1
    if count % n == 0:
        _logger.log(level, message, *args)


def log_first_n(level: int, message: str, n: int, *args: Any) -> None:
    """The message at the first n calls with that text."""
    count = _counts[message] = _counts.get(message, -1) + 1
    if count < n:
        _logger.log(level, message, *args)
