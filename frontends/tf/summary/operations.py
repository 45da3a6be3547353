"""Summary operations: their names, tags and collections are as TF1 makes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from frontends.tf.graph.building import GraphKeys, constant, get_collection
from frontends.tf.graph.tensor import builder, convert, listed, whole_number
from frontends.tf.platform import logging
from graphc.errors import AttributeValueError, DTypeError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import bfloat16, float32
from graphc.ir.graph import Node, Tensor, default_graph
from graphc.ir.op import Literal
from graphc.ir.source import here

_ILLEGAL = re.compile(r"[^-/\w\.]")


def scalar(name: str, tensor: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """A number under the name ``name``, drawn over the steps.

    The tag is the operation's name (scopes included, numbered when used again).  ``collections``
    default to ``GraphKeys.SUMMARIES``; ``family`` groups plots.

    >>> tf.summary.scalar("loss", loss)
    """
    values = numbers(tensor)
    with _scope(name, family) as (tag, exact):
        tags = _text_constant(values, tag, "tags")
        made = builder(values).scalar_summary(tags, values, name=exact)
    return collected(made, collections)


def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """How the elements of ``values`` are spread; a NaN or infinity fails the run.

    >>> tf.summary.histogram("weights", w)
    """
    found = numbers(values)
    with _scope(name, family) as (tag, exact):
        label = _text_constant(found, tag, "tag")
        made = builder(found).histogram_summary(label, found, name=exact)
    return collected(made, collections)


def image(
    name: str, tensor: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None
) -> Tensor:
    """The first ``max_outputs`` pictures of ``tensor`` [batch, height, width, 1, 3 or 4].

    uint8 is shown as it is.  Floating pictures are scaled one by one: to 255 when they have no
    negative value, else so that 0 is 128; a pixel that is not finite is red.

    >>> tf.summary.image("input", tf.reshape(x, [-1, 28, 28, 1]))
    """
    pictures = numbers(tensor)
    with _scope(name, family) as (tag, exact):
        label = _text_constant(pictures, tag, "tag")
        made = builder(pictures).image_summary(
            label, pictures, max_images=whole_number(max_outputs, "max_outputs"), name=exact
        )
    return collected(made, collections)


def audio(
    name: str, tensor: Any, sample_rate: Any, max_outputs: int = 3, collections: Any = None,
    family: str | None = None,
) -> Tensor:  # fmt: skip
    """The first ``max_outputs`` sounds of ``tensor`` (float32 [batch, frames] or [batch, frames,
    channels], between -1 and 1)."""
    sounds = convert(tensor)
    with _scope(name, family) as (tag, exact):
        rate = as_tensor(sample_rate)
        if rate is None:
            rate = constant(sample_rate, float32, name="sample_rate")
        label = _text_constant(sounds, tag, "tag")
        made = builder(sounds).audio_summary(
            label, sounds, rate, max_outputs=whole_number(max_outputs, "max_outputs"), name=exact
        )
    return collected(made, collections)


def text(name: str, tensor: Any, collections: Any = None) -> Tensor:
    """Text (a string tensor), shown as Markdown; two axes make a table.

    >>> tf.summary.text("flags", tf.constant("batch_size = 32"))
    """
    words = convert(tensor)
    if not words.dtype.is_string:
        raise ValueError(f"a text summary is of strings, {words.name} is {words.dtype}")
    return _tensor_under(name, words, b"\n\x06\n\x04text", collections, None)


def tensor_summary(
    name: str, tensor: Any, summary_description: Any = None, collections: Any = None,
    summary_metadata: Any = None, family: str | None = None, display_name: str | None = None,
) -> Tensor:  # fmt: skip
    """A tensor as it is, for a plugin of TensorBoard (``summary_metadata`` says which)."""
    metadata = b""
    if summary_metadata is not None or summary_description is not None or display_name is not None:
        from frontends.tf.platform import protos

        held = protos.SummaryMetadata()
        if summary_metadata is not None:
            held.CopyFrom(summary_metadata)
        if display_name is not None:
            held.display_name = display_name
        if summary_description is not None:
            held.summary_description = str(summary_description)
        metadata = held.SerializeToString()
    return _tensor_under(name, convert(tensor), metadata, collections, family)


def merge(inputs: Sequence[Any], collections: Any = None, name: str | None = None) -> Tensor:
    """One summary with the values of all ``inputs``; two with one tag fail the run."""
    if isinstance(inputs, str | bytes | Tensor):
        raise TypeError(f"merge takes a list of summaries, got {inputs!r}")
    summaries = [convert(given) for given in listed(inputs, "inputs")]
    if not summaries:
        raise ValueError("there is no summary to merge")
    b = builder(*summaries)
    with b.home.name_scope(_clean(name) if name else "Merge"):
        made = b.merge_summary(*summaries, name="MergeSummary")
    return collected(made, [] if collections is None else collections)


def merge_all(
    key: Any = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None
) -> Tensor | None:
    """One summary with all that were made in the default graph; None when there is none.

    >>> summaries = tf.summary.merge_all()
    >>> writer.add_summary(sess.run(summaries, feed), step)
    """
    summaries = get_collection(key, scope)
    return merge(summaries, name=name) if summaries else None


def get_summary_description(node_def: Any) -> Any:
    """The description a ``TensorSummary`` node carries."""
    if node_def.op != "TensorSummary":
        raise ValueError(f"a TensorSummary node is needed, {node_def.name} is {node_def.op}")
    from frontends.tf.platform import protos

    written = json.loads(node_def.attr["description"].s)
    return protos.SummaryDescription(type_hint=written.get("typeHint", ""))


def all_v2_summary_ops() -> list[Node]:
    """Always empty: summaries of TF2's kind are not provided."""
    return []


def initialize(graph: Any = None, session: Any = None) -> None:
    """Nothing to do: there are no summaries of TF2's kind."""


# --- names and tags ------------------------------------------------------------------------------


def _clean(name: str) -> str:
    """``name`` with what an operation's name cannot hold made ``_``."""
    if not isinstance(name, str):
        raise AttributeValueError(f"a summary's name must be a string, got {name!r}", site=here())
    clean = _ILLEGAL.sub("_", name).lstrip("/")
    if clean != name:
        logging.info("Summary name %s is illegal; using %s instead.", name, clean)
    return clean


@contextmanager
def _scope(name: str, family: str | None) -> Iterator[tuple[str, str]]:
    """The tag of a summary called ``name``, and the exact name of its operation; inside, names
    are under that name."""
    title = _clean(name)
    group = _clean(family) if family is not None else None
    with default_graph().name_scope(f"{group}/{title}" if group else title or "Summary") as scope:
        own = scope.rstrip("/")
        yield (f"{group}/{own}" if group else own), scope


def _text_constant(beside: Tensor, value: str | bytes, name: str) -> Tensor:
    held = np.empty((), object)
    held[()] = value if isinstance(value, bytes) else value.encode()
    return builder(beside).const(value=Literal(held), name=name)


def numbers(value: Any) -> Tensor:
    tensor = convert(value)
    if tensor.dtype is bfloat16:
        return builder(tensor).cast(tensor, dtype=float32)
    if tensor.dtype.is_string or tensor.dtype.is_complex or tensor.dtype.is_bool:
        raise DTypeError(
            f"{tensor.name} is {tensor.dtype}, a summary of numbers is asked for",
            hint="tf.summary.text shows strings; tf.cast(x, tf.float32) makes numbers of bools",
            site=here(),
        )
    return tensor


def _tensor_under(
    name: str, tensor: Tensor, metadata: bytes, collections: Any, family: str | None
) -> Tensor:
    with _scope(name, family) as (tag, exact):
        label = _text_constant(tensor, tag, "tag")
        held = _text_constant(tensor, metadata, "serialized_summary_metadata")
        made = builder(tensor).tensor_summary(label, tensor, held, name=exact)
    return collected(made, collections)


def collected(summary: Tensor, collections: Any) -> Tensor:
    for key in [GraphKeys.SUMMARIES] if collections is None else collections:
        summary.graph.add_to_collection(key, summary)
    return summary
