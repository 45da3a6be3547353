"""Decorators of tests that say in which of TensorFlow's modes they run: here it is always the
graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any


def run_in_graph_and_eager_modes(
    func: Callable | None = None, config: Any = None, use_gpu: bool = True, **rest: Any
) -> Any:
    """Run the test with a session that is the default."""

    def decorate(test: Callable) -> Callable:
        if isinstance(test, type):
            raise ValueError(
                "`run_in_graph_and_eager_modes` only supports test methods. "
                "Did you mean to use `run_all_in_graph_and_eager_modes`?"
            )

        @wraps(test)
        def in_session(self: Any, *args: Any, **kwargs: Any) -> None:
            with self.test_session(use_gpu=use_gpu, config=config):
                test(self, *args, **kwargs)

        return in_session

    return decorate if func is None else decorate(func)


def run_deprecated_v1(func: Callable | None = None) -> Any:
    """The test as it is: it runs in a graph."""
    return (lambda test: test) if func is None else func


deprecated_graph_mode_only = run_deprecated_v1
run_all_in_deprecated_graph_mode_only = run_deprecated_v1


def run_v1_only(reason: str, func: Callable | None = None) -> Any:
    """The test as it is: what TF1 means is all there is."""
    return (lambda test: test) if func is None else func


disable_xla = run_v1_only


def run_all_in_graph_and_eager_modes(cls: type) -> type:
    """Run every test of the class with a session that is the default."""
    for name, member in list(vars(cls).items()):
        if name.startswith("test") and callable(member) and name != "test_session":
            setattr(cls, name, run_in_graph_and_eager_modes(member))
    return cls
