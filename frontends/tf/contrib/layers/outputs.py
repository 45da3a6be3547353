"""Outputs of layers by name: a collection as ``{scope of the layer: its output}``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from frontends.tf.graph.building import add_to_collections, get_collection, get_collection_ref
from frontends.tf.graph.shapes import TensorShape
from graphc.ir.graph import Graph, Tensor

_ALIASES: WeakKeyDictionary[Graph, dict[str, list[str]]] = WeakKeyDictionary()


def append_tensor_alias(tensor: Tensor, alias: str) -> Tensor:
    """Give a tensor one more name to be found by."""
    named = _ALIASES.setdefault(tensor.graph, {}).setdefault(tensor.name, [])
    named.append(alias.removesuffix("/"))
    return tensor


def get_tensor_aliases(tensor: Tensor) -> list[str]:
    """The names a tensor was given, or else its own."""
    given = _ALIASES.get(tensor.graph, {}).get(tensor.name)
    return given or [tensor.name.removesuffix(":0")]


def gather_tensors_aliases(tensors: Sequence[Tensor]) -> list[str]:
    """The names of all of the tensors."""
    return [alias for tensor in tensors for alias in get_tensor_aliases(tensor)]


def collect_named_outputs(collections: Any, alias: str, outputs: Tensor) -> Tensor:
    """``outputs``, in ``collections`` under the name ``alias``."""
    if collections:
        append_tensor_alias(outputs, alias)
        add_to_collections(collections, outputs)
    return outputs


def convert_collection_to_dict(
    collection: str, clear_collection: bool = False
) -> OrderedDict[str, Tensor]:
    """The outputs of a collection by name.

    >>> end_points = slim.utils.convert_collection_to_dict("net/end_points")
    """
    found = OrderedDict(
        (alias, tensor)
        for tensor in get_collection(collection)
        for alias in get_tensor_aliases(tensor)
    )
    if clear_collection:
        get_collection_ref(collection).clear()
    return found


def last_dimension(shape: Any, min_rank: int = 1) -> int | None:
    """The last size of a shape of ``min_rank`` axes or more."""
    return TensorShape(shape).with_rank_at_least(min_rank).as_list()[-1]


def channel_dimension(shape: Any, data_format: str, min_rank: int = 1) -> int | None:
    """The channels of a shape: its last size, or that of axis 1 for formats as NCHW."""
    sizes = TensorShape(shape).with_rank_at_least(min_rank).as_list()
    return sizes[1 if data_format.startswith("NC") else -1]


def two_element_tuple(int_or_tuple: Any) -> tuple[int, int]:
    """A number twice, or two numbers as they are."""
    given = int_or_tuple.as_list() if isinstance(int_or_tuple, TensorShape) else int_or_tuple
    found = (given, given) if isinstance(given, int) else tuple(given)
    if len(found) != 2:
        raise ValueError(f"two numbers are needed, got {int_or_tuple!r}")
    return int(found[0]), int(found[1])


def n_positive_integers(n: int, value: Any) -> tuple[int, ...]:
    """A number ``n`` times, or ``n`` numbers as they are; all positive."""
    found = (value,) * n if isinstance(value, int) else tuple(int(v) for v in value)
    if n < 1 or len(found) != n or min(found) < 1:
        raise ValueError(f"{n} positive integers are needed, got {value!r}")
    return found
