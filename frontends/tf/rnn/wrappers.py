"""Cells made of cells: several on top of each other, with dropout, with a residual connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.graph.tensor import builder, convert
from frontends.tf.names.missing import resolve
from frontends.tf.platform import nest
from frontends.tf.rnn.cell import RNNCell
from frontends.tf.variables.scopes import variable_scope
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


class MultiRNNCell(RNNCell):
    """Cells on top of each other: each is given the output of the one below."""

    def __init__(self, cells: Sequence[RNNCell], state_is_tuple: bool = True) -> None:
        super().__init__()
        if not isinstance(cells, list | tuple):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells!r}.")
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if len({id(cell) for cell in cells}) < len(cells):
            import logging

            logging.getLogger("graphc").warning(
                "the same cell stands at several places of a MultiRNNCell and shares its variables"
            )
        self._cells, self._state_is_tuple = list(cells), state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = [cell.state_size for cell in self._cells]
        return tuple(sizes) if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    @property
    def trainable_variables(self) -> list:
        return [v for cell in self._cells for v in cell.trainable_variables]

    @property
    def non_trainable_variables(self) -> list:
        return [v for cell in self._cells for v in cell.non_trainable_variables]

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with resolve("name_scope")(f"{type(self).__name__}ZeroState", values=[batch_size]):
            if self._state_is_tuple:
                return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
            return super().zero_state(batch_size, dtype)

    def call(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        if self._state_is_tuple and len(state) != len(self._cells):
            raise ValueError(f"Expected state to be a tuple of length {len(self._cells)}: {state}")
        b, at, news = builder(inputs), 0, []
        for k, cell in enumerate(self._cells):
            with variable_scope(f"cell_{k}"):
                if self._state_is_tuple:
                    held = state[k]
                else:
                    rows = state.type.dims[0]
                    held = b.slice(state, begin=(0, at), size=(rows, cell.state_size))
                    at += cell.state_size
                inputs, new = cell(inputs, held)
                news.append(new)
        return inputs, tuple(news) if self._state_is_tuple else b.concat(*news, axis=1)


class Wrapper(RNNCell):
    """A cell around ``cell``, in no variable scope of its own."""

    def __init__(self, cell: RNNCell) -> None:
        super().__init__()
        if not hasattr(cell, "output_size") or not callable(cell):
            raise TypeError(f"The parameter cell is not a RNNCell: {cell!r}")
        self._cell = cell

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        return self.call(inputs, state, {} if scope is None else {"scope": scope})

    @property
    def wrapped_cell(self) -> RNNCell:
        return self._cell

    @property
    def state_size(self) -> Any:
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        return self._cell.output_size

    @property
    def trainable_variables(self) -> list:
        return self._cell.trainable_variables

    @property
    def non_trainable_variables(self) -> list:
        return self._cell.non_trainable_variables

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with resolve("name_scope")(f"{type(self).__name__}ZeroState", values=[batch_size]):
            return self._cell.zero_state(batch_size, dtype)


class DropoutWrapper(Wrapper):
    """Dropout of what goes into a cell, of its state, and of what comes out of it.

    The probabilities are of keeping.  ``variational_recurrent`` draws one mask for all turns (Gal
    and Ghahramani, 2016) and needs ``input_size`` and ``dtype``; a state is never dropped in the
    ``c`` of an LSTM unless ``dropout_state_filter_visitor`` says otherwise.
    """

    def __init__(
        self,
        cell: RNNCell,
        input_keep_prob: Any = 1.0,
        output_keep_prob: Any = 1.0,
        state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: Any = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Callable | None = None,
    ) -> None:
        super().__init__(cell)
        for label, value in (
            ("input", input_keep_prob), ("output", output_keep_prob), ("state", state_keep_prob),
        ):  # fmt: skip
            if as_tensor(value) is None and not 0.0 < float(value) <= 1.0:
                raise ValueError(f"Parameter {label}_keep_prob must be between 0 and 1: {value}")
        self._keep = {
            "input": input_keep_prob,
            "output": output_keep_prob,
            "state": state_keep_prob,
        }
        self._seed, self._visitor = seed, dropout_state_filter_visitor
        self._noise: dict[str, list[Tensor]] = {}
        if variational_recurrent:
            if dtype is None:
                raise ValueError("When variational_recurrent=True, dtype must be provided")
            self._draw(input_size, dtype)
        self._variational = variational_recurrent

    def _draw(self, input_size: Any, dtype: Any) -> None:
        """One mask for every turn."""
        sizes = {"state": self.state_size, "output": self.output_size}
        if input_size is not None:
            sizes["input"] = input_size
        elif not self._is_one("input"):
            raise ValueError("When variational_recurrent=True, input_size must be provided")
        uniform = resolve("random_uniform")
        for what, size in sizes.items():
            self._noise[what] = [
                uniform([1, one], dtype=dtype, seed=self._seed) for one in nest.flatten(size)
            ]

    def _is_one(self, what: str) -> bool:
        value = self._keep[what]
        return as_tensor(value) is None and float(value) == 1.0

    def call(self, inputs: Any, state: Any, where: dict) -> tuple[Any, Any]:
        output, new = self._cell(self._dropped("input", inputs, None), state, **where)
        new = self._dropped("state", new, self._is_dropped)
        return self._dropped("output", output, None), new

    def _is_dropped(self, substate: Any) -> Any:
        """Which parts of a state are dropped, nested like it."""
        if self._visitor is not None:
            return self._visitor(substate)
        from frontends.tf.rnn.cells import LSTMStateTuple

        if isinstance(substate, LSTMStateTuple):
            return LSTMStateTuple(c=False, h=True)
        if nest.is_nested(substate):
            parts = [self._is_dropped(part) for part in substate]
            return type(substate)(parts) if isinstance(substate, list) else tuple(parts)
        return True

    def _dropped(self, what: str, values: Any, chosen: Callable | None) -> Any:
        if self._is_one(what):
            return values
        leaves = [convert(v) for v in nest.flatten(values)]
        which = [True] * len(leaves) if chosen is None else _spread(chosen(values), values)
        out = [
            self._one(what, k, leaf) if wanted else leaf
            for k, (leaf, wanted) in enumerate(zip(leaves, which, strict=True))
        ]
        return nest.pack_sequence_as(values, out)

    def _one(self, what: str, k: int, value: Tensor) -> Tensor:
        keep = self._keep[what]
        if not self._variational:
            return resolve("nn.dropout")(value, keep_prob=keep, seed=self._seed)
        b = builder(value)
        noise = self._noise[what][k]
        mask = b.floor(b.add(noise, b.tensor(keep, like=noise)))
        return b.mul(b.truediv(value, b.tensor(keep, like=value)), mask)


def _spread(which: Any, values: Any) -> list[bool]:
    """A flag for each leaf of ``values``; one flag stands for all that is below it."""
    if nest.is_nested(which):
        return [flag for w, v in zip(which, values, strict=True) for flag in _spread(w, v)]
    return [bool(which)] * len(nest.flatten(values))


class ResidualWrapper(Wrapper):
    """A cell whose output has the inputs added (He et al., 2015), or ``residual_fn(inputs,
    outputs)``."""

    def __init__(self, cell: RNNCell, residual_fn: Callable | None = None) -> None:
        super().__init__(cell)
        self._residual_fn = residual_fn

    def call(self, inputs: Any, state: Any, where: dict) -> tuple[Any, Any]:
        outputs, new = self._cell(inputs, state, **where)

        def added(x: Any, y: Any) -> Any:
            nest.assert_same_structure(x, y)
            return nest.map_structure(lambda a, b: builder(a).add(a, b), x, y)

        return (self._residual_fn or added)(inputs, outputs), new


class DeviceWrapper(Wrapper):
    """A cell that asks for a device."""

    def __init__(self, cell: RNNCell, device: Any) -> None:
        super().__init__(cell)
        self._device = device

    def call(self, inputs: Any, state: Any, where: dict) -> tuple[Any, Any]:
        with resolve("device")(self._device):
            return self._cell(inputs, state, **where)
