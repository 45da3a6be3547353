"""``arg_scope``: arguments that functions get inside a ``with`` block."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import update_wrapper
from typing import Any

Scope = dict[Any, dict[str, Any]]
_held = threading.local()


def _stack() -> list[Scope]:
    if not hasattr(_held, "scopes"):
        _held.scopes = [{}]
    return _held.scopes


def current_arg_scope() -> Scope:
    """The arguments in force, by function."""
    return _stack()[-1]


def arg_scope_func_key(op: Callable) -> Any:
    """What stands for a function in a scope."""
    return getattr(op, "_key_op", str(op))


@contextmanager
def arg_scope(list_ops_or_scope: Any, **kwargs: Any) -> Iterator[Scope]:
    """Give the functions listed these arguments inside, unless a call says otherwise; or put a
    scope that another ``arg_scope`` gave in force again.

    >>> with arg_scope([tf.contrib.layers.fully_connected], activation_fn=tf.nn.tanh):
    ...     y = tf.contrib.layers.fully_connected(x, 10)
    """
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError("a scope that is used again takes no arguments")
        scope = dict(list_ops_or_scope)
    else:
        if not isinstance(list_ops_or_scope, list | tuple):
            raise TypeError("arg_scope takes a list of functions, or a scope to use again")
        scope = dict(current_arg_scope())
        for op in list_ops_or_scope:
            if not has_arg_scope(op):
                raise ValueError(f"{_title(op)} is not decorated with @add_arg_scope")
            key = arg_scope_func_key(op)
            scope[key] = {**scope.get(key, {}), **kwargs}
    _stack().append(scope)
    try:
        yield scope
    finally:
        _stack().pop()


def add_arg_scope(func: Callable) -> Callable:
    """Let ``arg_scope`` give a function its arguments."""
    key = f"{func.__module__}.{getattr(func, '__qualname__', func)}"
    parameters = list(inspect.signature(func).parameters)

    def with_scope(*args: Any, **kwargs: Any) -> Any:
        given = current_arg_scope().get(key)
        if given:
            placed = set(parameters[: len(args)])
            kwargs = {**{k: v for k, v in given.items() if k not in placed}, **kwargs}
        return func(*args, **kwargs)

    update_wrapper(with_scope, func)
    with_scope._key_op = key  # type: ignore[attr-defined]
    return with_scope


def has_arg_scope(func: Callable) -> bool:
    """Whether a function is decorated with ``add_arg_scope``."""
    return hasattr(func, "_key_op")


def arg_scoped_arguments(func: Callable) -> Sequence[str]:
    """The names of the arguments with a default: those that a scope may give."""
    if not has_arg_scope(func):
        raise ValueError(f"{_title(func)} is not decorated with @add_arg_scope")
    parameters = inspect.signature(func).parameters.values()
    return tuple(p.name for p in parameters if p.default is not p.empty)


def _title(op: Any) -> str:
    return getattr(op, "__name__", str(op))
