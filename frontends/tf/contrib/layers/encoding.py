"""Numbers of classes and words as vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.contrib.arg_scope import add_arg_scope
from frontends.tf.contrib.layers.shared import collected, layer_variable
from frontends.tf.functions.arrays import gather, one_hot
from frontends.tf.functions.math import reduce_mean
from frontends.tf.functions.partition import unique
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.networks.embedding import embedding_lookup
from frontends.tf.variables.scopes import variable_scope
from graphc.ir.dtype import int32, int64
from graphc.ir.graph import Tensor


@add_arg_scope
def one_hot_encoding(
    labels: Any, num_classes: Any, on_value: float = 1.0, off_value: float = 0.0,
    outputs_collections: Any = None, scope: str | None = None,
) -> Tensor:  # fmt: skip
    """Class numbers [...] as float rows [..., num_classes]."""
    x = convert(labels)
    with builder(x).home.name_scope(scope or "OneHotEncoding") as inner:
        chosen = builder(x).cast(x, dtype=int64) if x.dtype is int32 else x
        encoded = one_hot(chosen, num_classes, on_value=on_value, off_value=off_value)
        return collected(encoded, outputs_collections, inner)


def embedding_lookup_unique(
    params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None
) -> Tensor:
    """``tf.nn.embedding_lookup`` that looks every id up once, however often it stands there."""
    index = convert(ids)
    b = builder(index)
    with b.home.name_scope(name or "EmbeddingLookupUnique"):
        flat = b.reshape(index, shape=(index.type.elements,))
        different, places = unique(flat)
        rows = embedding_lookup(params, different, partition_strategy)
        found = gather(rows, places)
        return b.reshape(found, shape=(*index.type.dims, *rows.type.dims[1:]))


def _embeddings(
    ids: Any, vocab_size: int | None, embed_dim: int | None, reuse: Any, **how: Any
) -> Any:
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError(
            f"vocab_size and embed_dim must be given where the embeddings are made, got "
            f"{vocab_size} and {embed_dim}"
        )
    shape = [vocab_size, embed_dim] if vocab_size and embed_dim else None
    return layer_variable("embeddings", shape, None, **how)


def embed_sequence(
    ids: Any,
    vocab_size: int | None = None,
    embed_dim: int | None = None,
    unique: bool = False,
    initializer: Any = None,
    regularizer: Callable | None = None,
    trainable: bool = True,
    scope: Any = None,
    reuse: Any = None,
) -> Tensor:
    """A vector per id: ids [batch, length] -> [batch, length, embed_dim]; the variable is
    ``EmbedSequence/embeddings``."""
    with variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        table = _embeddings(ids, vocab_size, embed_dim, reuse, initializer=initializer,
                            regularizer=regularizer, trainable=trainable)  # fmt: skip
        look_up = embedding_lookup_unique if unique else embedding_lookup
        return look_up(table, ids)


def bow_encoder(
    ids: Any,
    vocab_size: int,
    embed_dim: int,
    sparse_lookup: bool = True,
    initializer: Any = None,
    regularizer: Callable | None = None,
    trainable: bool = True,
    scope: Any = None,
    reuse: Any = None,
) -> Tensor:
    """The mean vector of each row of ids: [batch, length] -> [batch, embed_dim].

    ``sparse_lookup`` leaves out the ids 0.
    """
    from frontends.tf.functions.sparse_ops import dense_to_sparse
    from frontends.tf.networks.embedding import safe_embedding_lookup_sparse

    with variable_scope(scope, "bow_encoder", [ids], reuse=reuse):
        table = _embeddings(ids, vocab_size, embed_dim, reuse, initializer=initializer,
                            regularizer=regularizer, trainable=trainable)  # fmt: skip
        if not sparse_lookup:
            return reduce_mean(embedding_lookup(table, ids), axis=1)
        given = ids if hasattr(ids, "dense_shape") else dense_to_sparse(ids)
        return safe_embedding_lookup_sparse([table], given, combiner="mean")
