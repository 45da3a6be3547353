"""Summaries by their names of TensorFlow 0.x: the tag is given exactly, the operation's name apart.

``tf.scalar_summary(tags, values)`` is ``tf.summary.scalar(name, values)`` without scopes in the
tag.
"""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.building import GraphKeys
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.summary.operations import collected, merge, merge_all, numbers
from frontends.tf.summary.writer import FileWriter
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor

SummaryWriter = FileWriter


def scalar_summary(
    tags: Any, values: Any, collections: Any = None, name: str | None = None
) -> Tensor:
    """Numbers under tags (both scalars, or both of one shape)."""
    found = numbers(values)
    made = builder(found).scalar_summary(convert(tags), found, name=name or "ScalarSummary")
    return collected(made, collections)


def histogram_summary(
    tag: Any, values: Any, collections: Any = None, name: str | None = None
) -> Tensor:
    """How the elements of ``values`` are spread."""
    found = numbers(values)
    made = builder(found).histogram_summary(convert(tag), found, name=name or "HistogramSummary")
    return collected(made, collections)


def image_summary(
    tag: Any, tensor: Any, max_images: int = 3, collections: Any = None, name: str | None = None,
    max_outputs: int | None = None,
) -> Tensor:  # fmt: skip
    """The first ``max_images`` pictures [batch, height, width, channels]."""
    pictures = numbers(tensor)
    most = max_outputs if max_outputs is not None else max_images
    made = builder(pictures).image_summary(
        convert(tag), pictures, max_images=int(most), name=name or "ImageSummary"
    )
    return collected(made, collections)


def audio_summary(
    tag: Any, tensor: Any, sample_rate: Any, max_outputs: int = 3, collections: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """The first ``max_outputs`` sounds [batch, frames] or [batch, frames, channels]."""
    sounds = convert(tensor)
    made = builder(sounds).audio_summary(
        convert(tag), sounds, convert(sample_rate, float32), max_outputs=int(max_outputs),
        name=name or "AudioSummary",
    )  # fmt: skip
    return collected(made, collections)


def merge_summary(inputs: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """One summary with the values of all ``inputs``."""
    return merge(inputs, collections, name)


def merge_all_summaries(key: Any = GraphKeys.SUMMARIES) -> Tensor | None:
    """One summary with all that were made; None when there is none."""
    return merge_all(key)
