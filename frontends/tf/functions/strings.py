"""Strings: ``tf.strings`` and the older names.  Texts are bytes; a Python ``str`` is its UTF-8.

A regular expression has the syntax of Python's ``re``, with ``\\d``, ``\\w`` and ``\\s`` for ASCII.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frontends.tf.functions.math import _one_of, axes_of
from frontends.tf.graph.tensor import builder, convert, listed, whole_number
from graphc.errors import AttributeValueError, UnimplementedError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import as_dtype, bfloat16, float32, string
from graphc.ir.graph import Tensor
from graphc.ir.source import here


def __getattr__(name: str) -> Any:
    """``tf.strings.join`` and its like, which are other names."""
    from frontends.tf.names.missing import elsewhere

    return elsewhere("strings", name)


def _text(value: Any) -> Tensor:
    return convert(value, None if as_tensor(value) is not None else string)


def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False,
    width: int = -1, fill: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Numbers as text, as C's printf writes them (``%f``, or ``%e`` or ``%g``); bools as ``true``
    and ``false``.

    >>> tf.as_string([1.5, 2.0], precision=1)     # [b"1.5", b"2.0"]
    """
    x = convert(input)
    if x.dtype is bfloat16:  # whose arrays are bits
        x = builder(x).cast(x, dtype=float32)
    return builder(x).as_string(
        x, precision=precision, scientific=scientific, shortest=shortest, width=width, fill=fill,
        name=name or "AsString",
    )  # fmt: skip


def string_to_number(
    string_tensor: Any = None, out_type: Any = float32, name: str | None = None, input: Any = None
) -> Tensor:
    """The numbers that strings spell: float32, float64, int32 or int64.  A string that spells none
    is an error when the graph runs."""
    x = _text(_one_of(string_tensor, input, "string_tensor", "input"))
    return builder(x).string_to_number(x, dtype=as_dtype(out_type), name=name or "StringToNumber")


def string_join(inputs: Sequence[Any], separator: str = "", name: str | None = None) -> Tensor:
    """The strings of several tensors one after another, element by element; scalars broadcast.

    >>> tf.string_join(["model-", tf.as_string(step)])
    """
    parts = [_text(part) for part in listed(inputs, "inputs")]
    return builder(*parts).string_join(*parts, separator=separator, name=name or "StringJoin")


def reduce_join(
    inputs: Any, axis: Any = None, keep_dims: bool | None = None, separator: str = "",
    name: str | None = None, reduction_indices: Any = None, keepdims: bool | None = None,
) -> Tensor:  # fmt: skip
    """The strings along ``axis`` as one string each (default: all, in row-major order); of several
    axes the first runs fastest."""
    x = _text(inputs)
    axes = axes_of(_one_of(axis, reduction_indices, "axis", "reduction_indices"))
    kept = bool(_one_of(keepdims, keep_dims, "keepdims", "keep_dims"))
    return builder(x).reduce_join(
        x, axis=axes, keepdims=kept, separator=separator, name=name or "ReduceJoin"
    )


def _sparse(parts: tuple, result_type: str) -> Any:
    if result_type != "SparseTensor":
        raise UnimplementedError(
            f"splitting into a {result_type} is not provided",
            hint='result_type="SparseTensor" is',
            site=here(),
        )
    from frontends.tf.functions.sparse import SparseTensor

    return SparseTensor(*parts)


def string_split(
    source: Any, sep: str | None = None, skip_empty: bool = True, delimiter: str | None = None,
    result_type: str = "SparseTensor", name: str | None = None,
) -> Any:  # fmt: skip
    """The parts of each string of a vector, as rows of a SparseTensor.

    Every character of ``sep`` (default: a space) parts; an empty one parts everywhere.
    """
    x = _text(source)
    separator = _one_of(sep, delimiter, "sep", "delimiter")
    parts = builder(x).split_strings(
        x, " " if separator is None else separator, skip_empty=skip_empty,
        name=name or "StringSplit",
    )  # fmt: skip
    return _sparse(parts, result_type)


def split(
    input: Any = None, sep: str | None = None, maxsplit: int = -1,
    result_type: str = "SparseTensor", source: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The parts of each string of a vector, as rows of a SparseTensor: as Python's ``split``.

    ``sep`` parts as a whole (default: any white space); at most ``maxsplit`` cuts.
    """
    x = _text(_one_of(input, source, "input", "source"))
    b = builder(x)
    if x.type.rank == 0:
        x = b.reshape(x, shape=(1,))
    parts = b.split_strings(
        x, sep or "", each_byte=False, skip_empty=False, most=maxsplit, name=name or "StringSplitV2"
    )
    return _sparse(parts, result_type)


def _characters(unit: str) -> bool:
    if unit not in ("BYTE", "UTF8_CHAR"):
        raise AttributeValueError(f"unit must be 'BYTE' or 'UTF8_CHAR', got {unit!r}", site=here())
    return unit == "UTF8_CHAR"


def substr(input: Any, pos: Any, len: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """``len`` bytes (or UTF-8 characters) of each string from ``pos`` on; a negative ``pos`` counts
    from the end.  One position for all, or one each."""
    x, start = _text(input), convert(pos)
    length = convert(len, like=start) if as_tensor(len) is None else convert(len)
    return builder(x, start, length).substr(
        x, start, length, characters=_characters(unit), name=name or "Substr"
    )


def string_strip(input: Any, name: str | None = None) -> Tensor:
    """Strings without the white space around them."""
    x = _text(input)
    return builder(x).string_strip(x, name=name or "StringStrip")


def length(input: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """How many bytes (or UTF-8 characters) each string has, int32."""
    x = _text(input)
    return builder(x).string_length(x, characters=_characters(unit), name=name or "StringLength")


def lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Strings in lower case: ASCII letters, with ``encoding="utf-8"`` all letters."""
    return _cased(input, encoding, False, name or "StringLower")


def upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """Strings in upper case: ASCII letters, with ``encoding="utf-8"`` all letters."""
    return _cased(input, encoding, True, name or "StringUpper")


def _cased(input: Any, encoding: str, upper: bool, name: str) -> Tensor:
    if encoding not in ("", "utf-8"):
        raise AttributeValueError(f"encoding must be '' or 'utf-8', got {encoding!r}", site=here())
    x = _text(input)
    return builder(x).string_case(x, upper=upper, unicode=bool(encoding), name=name)


# --- hashes and patterns -------------------------------------------------------------------------


def string_to_hash_bucket(
    string_tensor: Any = None, num_buckets: int | None = None, name: str | None = None,
    input: Any = None,
) -> Tensor:  # fmt: skip
    """The bucket of each string, int64 in [0, num_buckets); as TF1 hashes."""
    given = _one_of(string_tensor, input, "string_tensor", "input")
    return _bucket(given, num_buckets, "murmur", name or "StringToHashBucket")


def string_to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
    """The bucket of each string by FarmHash's fingerprint, int64; the same on every machine."""
    return _bucket(input, num_buckets, "farm", name or "StringToHashBucketFast")


def string_to_hash_bucket_strong(
    input: Any, num_buckets: int, key: Sequence[int], name: str | None = None
) -> Tensor:
    """The bucket of each string by SipHash under ``key``, two numbers; int64."""
    return _bucket(input, num_buckets, "sip", name or "StringToHashBucketStrong", tuple(key))


def _bucket(
    input: Any, buckets: int | None, how: str, name: str, key: tuple[int, ...] = (0, 0)
) -> Tensor:
    if buckets is None:
        raise TypeError("num_buckets is missing")
    x = _text(input)
    count = whole_number(buckets, "num_buckets")
    return builder(x).hash_bucket(x, buckets=count, kind_of_hash=how, key=key, name=name)


def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Tensor:
    """Strings with what matches ``pattern`` replaced by ``rewrite`` (``\\1``: the first group,
    ``\\0``: all of the match)."""
    x = _text(input)
    return builder(x).regex_replace(
        x, _text(pattern), _text(rewrite), replace_global=replace_global,
        name=name or "RegexReplace",
    )  # fmt: skip


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Whether ``pattern`` matches the whole of each string."""
    x = _text(input)
    return builder(x).regex_full_match(x, _text(pattern), name=name or "RegexFullMatch")


# --- bytes ---------------------------------------------------------------------------------------


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Tensor:
    """Strings in base 64, of the alphabet that is safe in addresses."""
    x = _text(input)
    return builder(x).encode_base64(x, pad=pad, name=name or "EncodeBase64")


def decode_base64(input: Any, name: str | None = None) -> Tensor:
    """What :func:`encode_base64` encoded, with or without padding."""
    x = _text(input)
    return builder(x).decode_base64(x, name=name or "DecodeBase64")


def decode_raw(
    input_bytes: Any = None, out_type: Any = None, little_endian: bool = True,
    name: str | None = None, bytes: Any = None,
) -> Tensor:  # fmt: skip
    """The bytes of each string read as numbers of ``out_type``, along a new last axis.

    All strings must have one length, known when the graph runs.

    >>> pixels = tf.decode_raw(record, tf.uint8)
    """
    x = _text(_one_of(input_bytes, bytes, "input_bytes", "bytes"))
    if out_type is None:
        raise TypeError("out_type is missing")
    return builder(x).raw_numbers(
        x, as_dtype(out_type), little_endian=little_endian, name=name or "DecodeRaw"
    )


def format(
    template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """``template`` with each ``placeholder`` replaced by a tensor's summary, a string scalar.

    >>> tf.strings.format("after {} steps: {}", (step, loss))
    """
    given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    tensors = [convert(value) for value in given]
    return builder(*tensors).string_format(
        *tensors, template=template, placeholder=placeholder, summarize=summarize,
        name=name or "StringFormat",
    )  # fmt: skip


def decode_csv(
    records: Any, record_defaults: Sequence[Any], field_delim: str = ",",
    use_quote_delim: bool = True, name: str | None = None, na_value: str = "",
    select_cols: Sequence[int] | None = None,
) -> list[Tensor]:  # fmt: skip
    """Lines of comma-separated values as one tensor per column, in the shape of ``records``.

    A column's dtype is that of its default (float32, float64, int32, int64 or string), which stands
    for a field that is empty or ``na_value``; an empty default makes the field required.

    >>> a, b, label = tf.decode_csv(line, [[0.0], [0.0], [0]])
    """
    x = _text(records)
    defaults = [convert(default) for default in listed(record_defaults, "record_defaults")]
    made = builder(x, *defaults).decode_csv(
        x, *defaults, field_delim=field_delim, use_quote_delim=use_quote_delim, na_value=na_value,
        select_cols=tuple(select_cols or ()), name=name or "DecodeCSV",
    )  # fmt: skip
    return list(made) if isinstance(made, tuple | list) else [made]


def edit_distance(
    hypothesis: Any, truth: Any, normalize: bool = True, name: str = "edit_distance"
) -> Tensor:
    """How many insertions, deletions and replacements make each sequence of ``hypothesis`` that of
    ``truth``; ``normalize`` divides by the length of the latter.

    Both are SparseTensors whose sequences lie along the last axis; the result is dense, float32,
    and has the other axes.  Where only the truth is empty a normalized distance is infinite.
    """
    from frontends.tf.functions.sparse import as_sparse

    parts = [(sp.indices, sp.values, sp.dense_shape) for sp in map(as_sparse, (hypothesis, truth))]
    b = builder(*parts[0])
    return b.edit_distances(parts[0], parts[1], normalize=normalize, name=name)
