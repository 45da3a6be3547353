"""What the layers of ``tf.contrib.layers`` have in common: where their variables and outputs are
kept."""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.building import GraphKeys, add_to_collections
from frontends.tf.variables.variable_getting import get_variable
from graphc.ir.graph import Tensor


def layer_variable(
    name: str, shape: Any, dtype: Any, variables_collections: Any = None, kind: str | None = None,
    **how: Any,
) -> Any:  # fmt: skip
    """A variable in MODEL_VARIABLES and in ``variables_collections``: keys, or keys by the name of
    the variable (``kind`` where that is another)."""
    more = variables_collections
    if isinstance(more, dict):
        more = more.get(kind or name)
    more = [more] if isinstance(more, str) else list(more or ())
    keys = dict.fromkeys([GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES, *more])
    return get_variable(name, shape, dtype, collections=list(keys), **how)


def collected(output: Tensor, collections: Any) -> Tensor:
    """A layer's output, counted in its collections."""
    if collections:
        add_to_collections(collections, output)
    return output
