"""Summaries: values of a run as serialized Summary messages, for TensorBoard.

They run in Python between kernels, and only where they are fetched.  The graph is built without
the tensorboard package; running one needs it.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.dtype import FLOATING, REAL, bfloat16, string
from graphc.ir.dtype import as_dtype as _as_dtype
from graphc.ir.op import Kind, NotDifferentiable, Op, Refuses, Sample, describe
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType
from graphc.ops.running.media import pixels_of, png, wav
from graphc.protocol import message, tensor_message

_REAL = tuple(d for d in REAL if d is not bfloat16)


class Summarizing(Op, abstract=True):
    """An op whose result is a serialized Summary: a string scalar, made in Python."""

    kind = Kind.HOST
    may_fail = True
    vjp = NotDifferentiable("a summary is text")

    check: Any = None  # check(*types): refuse operands a summary of this kind cannot be of
    summary: Any = None  # summary(made, *arrays): add the values to the message ``made``

    def infer_type(self, *types: TensorType) -> TensorType:
        self.check(*types)
        return TensorType(string, ())

    def reference(self, *arrays: np.ndarray) -> np.ndarray:
        made = message("summary", "Summary")()
        self.summary(made, *arrays)
        result = np.empty((), object)
        result[()] = made.SerializeToString()
        return result

    def host(self, *arrays: np.ndarray) -> tuple:
        return (self.reference(*arrays),)


def _tag_is_text(tag: TensorType) -> None:
    if not tag.dtype.is_string:
        raise DTypeMismatch(f"tag must be string, got {tag}")


def _numeric(name: str, values: TensorType, dtypes: tuple = _REAL) -> None:
    if values.dtype not in dtypes:
        raise DTypeMismatch(f"{name} must be {describe(dtypes)}, got {values}")


def _text(value: Any) -> str:
    held = value.item() if isinstance(value, np.ndarray) else value
    return held.decode(errors="replace") if isinstance(held, bytes) else str(held)


class ScalarSummary(Summarizing):
    """Numbers under tags of the same shape (usually one under one)."""

    operands = ("tags", "values")

    def check(self, tags: TensorType, values: TensorType) -> None:
        _tag_is_text(tags)
        _numeric("values", values)
        if tags.rank is not None and values.rank is not None and tags.rank != values.rank:
            raise Mismatch(
                "a scalar summary needs one value per tag",
                "summarise one number: tf.reduce_mean(x), or the whole: tf.summary.histogram",
                tags=tags, values=values,
            )  # fmt: skip

    def summary(self, made: Any, tags: np.ndarray, values: np.ndarray) -> None:
        if tags.shape != values.shape:
            raise InvalidArgumentError(
                f"tags and values are of different shapes: {tags.shape} and {values.shape}"
            )
        for tag, value in zip(tags.ravel(), values.ravel(), strict=True):
            made.value.add(tag=_text(tag), simple_value=float(value))

    samples = [
        Sample("string[]", "float32[]"),
        Sample("string[]", "int64[]"),
        Sample("string[2]", "float64[2]"),
        Refuses("string[]", "string[]", "values must be numeric, got string[]"),
        Refuses("float32[]", "float32[]", "tag must be string, got float32[]"),
        Refuses("string[]", "float32[2]", "a scalar summary needs one value per tag"),
    ]


@lru_cache(maxsize=1)
def bucket_limits() -> np.ndarray:
    """The upper bounds of a histogram's buckets: growing by a tenth from 1e-12 to 1e20, both
    ways."""
    limits = []
    value = 1.0e-12
    while value < 1.0e20:
        limits.append(value)
        value *= 1.1
    limits.append(sys.float_info.max)
    return np.array([-v for v in reversed(limits)] + [0.0] + limits)


def _filled_runs(counts: np.ndarray, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Buckets without their runs of zeros: of each run its last stays."""
    empty = counts <= 0
    dropped = empty & np.append(empty[1:], False)
    return counts[~dropped], limits[~dropped]


class HistogramSummary(Summarizing):
    """How the elements of ``values`` are spread, in TensorFlow's buckets."""

    operands = ("tag", "values")

    def check(self, tag: TensorType, values: TensorType) -> None:
        _tag_is_text(tag)
        _numeric("values", values)

    def summary(self, made: Any, tag: np.ndarray, values: np.ndarray) -> None:
        flat = values.ravel().astype(np.float64)
        if np.isnan(flat).any():
            raise InvalidArgumentError(f"a value is NaN in the histogram of {_text(tag)}")
        if np.isinf(flat).any():
            raise InvalidArgumentError(f"a value is infinite in the histogram of {_text(tag)}")
        histo = made.value.add(tag=_text(tag)).histo
        limits = bucket_limits()
        if not flat.size:
            histo.min, histo.max = limits[-1], limits[0]
            histo.bucket_limit.append(limits[-1])
            histo.bucket.append(0.0)
            return
        found = np.searchsorted(limits, flat, side="right")
        counts = np.bincount(np.minimum(found, limits.size - 1), minlength=limits.size)
        kept, ends = _filled_runs(counts, limits)
        histo.min, histo.max = float(flat.min()), float(flat.max())
        histo.num, histo.sum = float(flat.size), float(flat.sum())
        with np.errstate(over="ignore"):
            histo.sum_squares = float(np.square(flat).sum())
        histo.bucket_limit.extend(ends.tolist())
        histo.bucket.extend(kept.astype(np.float64).tolist())

    samples = [
        Sample("string[]", "float32[3, 4]"),
        Sample("string[]", "int32[]"),
        Sample("string[]", "float64[0]"),
        Sample("string[]", "float16[5]", low=-1e-13, high=1e4),
        Refuses("string[]", "bool[2]", "values must be numeric, got bool[2]"),
    ]


class ImageSummary(Summarizing):
    """The first ``max_images`` of a batch of pictures, as PNG files."""

    operands = ("tag", "tensor")
    attributes = {"max_images": 3}

    def check(self, tag: TensorType, tensor: TensorType) -> None:
        _tag_is_text(tag)
        allowed = (_as_dtype("uint8"), *(d for d in FLOATING if d is not bfloat16))
        if tensor.dtype not in allowed:
            raise DTypeMismatch(f"tensor must be uint8 or floating, got {tensor}")
        if tensor.rank not in (None, 4):
            raise Mismatch(
                "an image summary is of pictures [batch, height, width, channels]",
                "tf.reshape(x, [-1, height, width, 1]) makes them of rows",
                tensor=tensor,
            )

    def summary(self, made: Any, tag: np.ndarray, tensor: np.ndarray) -> None:
        if tensor.ndim != 4 or tensor.shape[3] not in (1, 2, 3, 4):
            raise InvalidArgumentError(
                f"pictures are [batch, height, width, 1, 3 or 4], got {list(tensor.shape)}"
            )
        for k, picture in enumerate(tensor[: self.max_images]):
            name = f"{_text(tag)}/image" + (f"/{k}" if self.max_images > 1 else "")
            image = made.value.add(tag=name).image
            image.height, image.width, image.colorspace = picture.shape
            pixels = picture if picture.dtype == np.uint8 else pixels_of(picture)
            image.encoded_image_string = png(pixels)

    samples = [
        Sample("string[]", "uint8[2, 3, 4, 3]", high=255),
        Sample("string[]", "float32[4, 2, 2, 1]", max_images=1),
        Sample("string[]", "float64[2, 2, 2, 4]", low=0.0),
        Sample("string[]", "float32[0, 2, 2, 3]"),
        Sample("string[]", "float32[1, 1, 2, 1]", values={1: [np.nan, 1.0]}),
        Refuses(
            "string[]", "float32[2, 2]",
            "an image summary is of pictures [batch, height, width, channels]",
        ),
        Refuses("string[]", "int32[1, 2, 2, 1]",
                "tensor must be uint8 or floating, got int32[1, 2, 2, 1]"),
    ]  # fmt: skip


class AudioSummaryV2(Summarizing):
    """The first ``max_outputs`` of a batch of sounds ([batch, frames] or with channels), as
    WAV files."""

    name = "audio_summary"
    operands = ("tag", "tensor", "sample_rate")
    attributes = {"max_outputs": 3}

    def check(self, tag: TensorType, tensor: TensorType, sample_rate: TensorType) -> None:
        _tag_is_text(tag)
        _numeric("tensor", tensor, (_as_dtype("float32"),))
        if tensor.rank not in (None, 2, 3):
            raise Mismatch(
                "an audio summary is of sounds [batch, frames] or [batch, frames, channels]",
                None, tensor=tensor,
            )  # fmt: skip

    def summary(self, made: Any, tag: np.ndarray, tensor: np.ndarray, rate: np.ndarray) -> None:
        sounds = tensor if tensor.ndim == 3 else tensor[..., None]
        for k, sound in enumerate(sounds[: self.max_outputs]):
            name = f"{_text(tag)}/audio" + (f"/{k}" if self.max_outputs > 1 else "")
            audio = made.value.add(tag=name).audio
            audio.sample_rate = float(rate)
            audio.length_frames, audio.num_channels = sound.shape
            audio.encoded_audio_string = wav(sound, int(rate))
            audio.content_type = "audio/wav"

    samples = [
        Sample("string[]", "float32[2, 8]", "float32[]", values={2: 8000.0}),
        Sample("string[]", "float32[2, 8, 2]", "float32[]", values={2: 8000.0}, max_outputs=1),
        Refuses("string[]", "float32[8]", "float32[]",
                "an audio summary is of sounds [batch, frames] or [batch, frames, channels]"),
    ]  # fmt: skip


class TensorSummaryV2(Summarizing):
    """A tensor as it is; the metadata says which part of TensorBoard shows it."""

    name = "tensor_summary"
    operands = ("tag", "tensor", "serialized_summary_metadata")

    def check(self, tag: TensorType, tensor: TensorType, metadata: TensorType) -> None:
        _tag_is_text(tag)
        if tensor.dtype is bfloat16:
            raise DTypeMismatch(f"tensor must not be bfloat16, got {tensor}")

    def summary(self, made: Any, tag: np.ndarray, tensor: np.ndarray, metadata: np.ndarray) -> None:
        value = made.value.add(tag=_text(tag))
        held = metadata.item()
        value.metadata.ParseFromString(held.encode() if isinstance(held, str) else held)
        value.tensor.CopyFrom(tensor_message(tensor, _as_dtype(tensor.dtype)))

    samples = [
        Sample("string[]", "float32[2]", "string[]", values={2: ""}),
        Sample("string[]", "string[2]", "string[]", values={2: ""}),
    ]


class MergeSummary(Summarizing):
    """The values of several summaries in one; a tag may appear once."""

    operands = ("*inputs",)

    def check(self, *inputs: TensorType) -> None:
        if not inputs:
            raise Mismatch("there is no summary to merge")
        for given in inputs:
            if not given.dtype.is_string:
                raise DTypeMismatch(f"inputs must be summaries (string), got {given}")

    def summary(self, made: Any, *inputs: np.ndarray) -> None:
        seen = set()
        kind = message("summary", "Summary")
        for given in (part for array in inputs for part in array.ravel()):
            for value in kind.FromString(given).value:
                if value.tag in seen:
                    raise InvalidArgumentError(f"two summaries have the tag {value.tag!r}")
                seen.add(value.tag)
                made.value.add().CopyFrom(value)

    samples = [
        Sample("string[]", "string[2]", values={
            0: np.array(b"\n\x03\n\x01a", object),
            1: np.array([b"", b"\n\x03\n\x01b"], object)}),
        Refuses("there is no summary to merge"),
        Refuses("float32[]", "inputs must be summaries (string), got float32[]"),
    ]  # fmt: skip
