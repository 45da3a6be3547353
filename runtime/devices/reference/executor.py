"""The ``/reference:0`` device behind a session: op by op in NumPy, nothing compiled."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.errors import FailedPreconditionError
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Node, Tensor
from runtime.devices.reference.evaluate import evaluate, variable_key
from runtime.feeds import bind_dims
from runtime.fetches import needed_nodes
from runtime.variables import VariableStore

if TYPE_CHECKING:
    from runtime.session import SessionState


class Executor:
    """Prepares runs; keeps no state of its own."""

    def __init__(self, state: SessionState) -> None:
        self.state = state

    def prepare(
        self, feeds: tuple[Tensor, ...], fetches: tuple[Tensor, ...], targets: tuple[Node, ...]
    ) -> Prepared:
        self.state.note(f"reference: {len(fetches)} fetches, {len(targets)} operations")
        return Prepared(self.state, feeds, fetches, targets)


class Prepared:
    """One kind of run: which tensors are fed, fetched, and which nodes run for their effect."""

    def __init__(
        self,
        state: SessionState,
        feeds: tuple[Tensor, ...],
        fetches: tuple[Tensor, ...],
        targets: tuple[Node, ...],
    ) -> None:
        self.state, self.feeds, self.fetches, self.targets = state, feeds, fetches, targets
        nodes = needed_nodes(fetches, targets, feeds)
        self._random = [node for node in nodes if node.op.name == "random_state"]
        self._variables = [node for node in nodes if node.op.name == "variable"]
        self._written = {
            variable_key(node.operands[node.op.writes])
            for node in nodes
            if node.op.writes is not None
        }

    def run(self, arrays: tuple[np.ndarray, ...]) -> tuple:
        bind_dims(self.feeds, arrays)
        store = self.state.variables
        with store.gate.writing():
            states = {
                node.op.path: store.random_state(node.op.path, node.op.seed)
                for node in self._random
            }
            results = self._evaluate(arrays, states)
            for state in states.values():
                state[1] += np.uint64(1)
        return tuple(_owned(value) for value in results)

    def _evaluate(
        self, arrays: tuple[np.ndarray, ...], states: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, ...]:
        store = self.state.variables
        try:
            return evaluate(
                self.state.graph,
                dict(zip(self.feeds, arrays, strict=True)),
                self.fetches,
                variables=_Cells(store),
                random=states,
                targets=self.targets,
            )
        except FailedPreconditionError:
            sites = {_key(node): node.site for node in self._variables}
            store.require_initialized([k for k in sites if k not in self._written], sites)
            raise


def _key(node: Node) -> str:
    return node.op.key


class _Cells(MutableMapping):
    """A session's variables as the mapping the evaluator reads and commits to."""

    def __init__(self, store: VariableStore) -> None:
        self.store = store

    def __getitem__(self, key: str) -> np.ndarray:
        if not self.store.is_initialized(key):
            raise KeyError(key)
        return self.store.array(key)

    def __contains__(self, key: object) -> bool:
        return self.store.is_initialized(str(key))

    def __setitem__(self, key: str, value: np.ndarray) -> None:
        cell = self.store.declare(key, as_dtype(value.dtype), value.shape)
        cell[...] = value
        self.store.mark_initialized([key])

    def __delitem__(self, key: str) -> None:
        raise TypeError("a session's variables cannot be removed")

    def __iter__(self) -> Iterator[str]:
        return iter(self.store.keys())

    def __len__(self) -> int:
        return len(self.store.keys())


def _owned(value: np.ndarray) -> Any:
    """A result the caller may keep and change: never the memory of a variable, feed or constant."""
    return value[()] if value.ndim == 0 else np.array(value)
