"""Strings: numbers in text, joining, cutting, patterns, hashes, bytes; and assertions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.against_tensorflow.inputs import fed, special, texts, truths, whole
from tests.against_tensorflow.outcome import Case, Fed


def cases() -> Iterator[Case]:
    yield from _numbers()
    yield from _joined()
    yield from _cut()
    yield from _patterns()
    yield from _bytes()
    yield from _templates()
    yield from _moved()


def words(*values: Any) -> Fed:
    return fed(texts(*values))


def _numbers() -> Iterator[Case]:
    reals = np.float32([1.5, -2.25, 1e10, 1e-7, 0.1, 123456.789, 3, 0])
    for how in (
        {}, {"precision": 2}, {"scientific": True}, {"shortest": True},
        {"shortest": True, "precision": 3, "width": 10}, {"width": 12, "fill": "0"},
        {"width": 12, "fill": "-"}, {"fill": "+"}, {"scientific": True, "shortest": True},
    ):  # fmt: skip
        yield Case("as_string", (fed(reals),), how)
        yield Case("as_string", (fed(special()),), how, note="special")
        yield Case("as_string", (fed(reals.astype(np.float64)),), how)
    for how in ({}, {"width": 5, "fill": "0"}, {"width": 5}, {"precision": 2}):
        yield Case("as_string", (fed(whole(4)),), how)
        yield Case("as_string", (fed(whole(2, 2, dtype="int64")),), how)
    yield Case("as_string", (fed(truths(3)),))
    yield Case("as_string", (fed(truths(3)),), {"width": 7})
    spelled = words("1.5", " 2 ", "1e3", "inf", "-inf", "nan", "+4", "0x10", ".5", "5.", "1e400")
    yield Case("string_to_number", (spelled,))
    yield Case("string_to_number", (spelled, "tf.float64"))
    for bad in ("", "abc", "1_0", "1,5", "--1"):
        yield Case("string_to_number", (words(bad),))
    for good in ("12", "-7", " 5 ", "+12", "2147483647"):
        yield Case("string_to_number", (words(good), "tf.int32"))
    for bad in ("1.5", "3000000000", "", "1_0", "0x10"):
        yield Case("string_to_number", (words(bad), "tf.int32"))
    yield Case("string_to_number", (words("3000000000"), "tf.int64"))


def _joined() -> Iterator[Case]:
    square = fed(texts("a", "b", "c", "d").reshape(2, 2))
    yield Case("string_join", ([words("a", "c"), "b"],), {"separator": "-"})
    yield Case("string_join", ([words("a", "c"), words("x", "y")],))
    yield Case("string_join", ([words("a", "c"), words("x", "y", "z")],))
    for axis in (0, 1, -1, [0, 1], [1, 0], []):
        yield Case("reduce_join", (square, axis))
        yield Case("reduce_join", (square, axis), {"keep_dims": True, "separator": "."})
    yield Case("reduce_join", (square,))


def _cut() -> Iterator[Case]:
    pair = words("hello", "world")
    for start, size in ((1, 3), (-3, 2), (0, 99), (5, 1), (7, 1), (-6, 1), (1, -1)):
        yield Case("substr", (pair, start, size))
    yield Case("substr", (pair, np.int32([-3, 2]), np.int32([2, 9])))
    yield Case("substr", (words("héllo"), 1, 2), {"unit": "UTF8_CHAR"})
    yield Case("string_strip", (words("  a b \n", "\t", ""),))
    for unit in ("BYTE", "UTF8_CHAR"):
        yield Case("strings.length", (words("abc", "ü", ""),), {"unit": unit})
    for name in ("strings.lower", "strings.upper"):
        yield Case(name, (words("AbC", "Ü", "ü"),))
        yield Case(name, (words("AbC", "Ü", "ü"),), {"encoding": "utf-8"})


def _patterns() -> Iterator[Case]:
    x = words("a1b22", "xyz", "")
    for pattern, rewrite in (("[0-9]+", r"<\0>"), ("([a-z])", r"\1\1"), ("b", "\\\\"), ("^", "-")):
        yield Case("regex_replace", (x, pattern, rewrite))
        yield Case("regex_replace", (x, pattern, rewrite), {"replace_global": False})
    yield Case("regex_replace", (x, "(", "x"))
    yield Case("regex_replace", (words("üé"), ".", "x"))
    for pattern in ("a.*", r"[a-z]\d[a-z]\d\d", "", "x|xyz"):
        yield Case("strings.regex_full_match", (x, pattern))
    long = words("", "a", "abcd", "abcdefgh", "x" * 17, "y" * 33, "z" * 65, "w" * 200, "ü")
    for buckets in (1, 7, 1 << 40):
        yield Case("string_to_hash_bucket", (long, buckets))
        yield Case("string_to_hash_bucket_fast", (long, buckets))
        yield Case("string_to_hash_bucket_strong", (long, buckets, [3, 4]))


def _bytes() -> Iterator[Case]:
    for pad in (False, True):
        yield Case("encode_base64", (words("a", "hello??>", "", b"\xff\xfe"),), {"pad": pad})
    for text in ("YQ", "YQ==", "aGVsbG8_Pz4", "", "Y", "+/", "YQ="):
        yield Case("decode_base64", (words(text),))
    for dtype in ("tf.uint8", "tf.int16", "tf.int32", "tf.float32"):
        yield Case("decode_raw", (words("abcd", "efgh"), dtype))
        yield Case("decode_raw", (words("abcd"), dtype), {"little_endian": False})
    yield Case("decode_raw", (words("abc"), "tf.int16"))
    yield Case("decode_raw", (words("abc", "d"), "tf.uint8"))
    lines = words('1.5,2,"a,""b"""', ",,x")
    yield Case("decode_csv", (lines, [[9.0], [7], ["d"]]))
    yield Case("decode_csv", (words("1,2,3"), [[1], [1]]))
    yield Case("decode_csv", (words("a,2"), [[1], [1]]))
    yield Case("decode_csv", (words("1;NA"), [[1], [5]]), {"field_delim": ";", "na_value": "NA"})
    yield Case("decode_csv", (words("1,2,3"), [[1.0]]), {"select_cols": [2]})


def _templates() -> Iterator[Case]:
    form = "strings.format"
    numbers = np.float32([1 / 3, 2 / 3, 1e20, 1e-5, 12345678, 1e5, 1e16, 1e10, 0.1])
    yield Case(form, ("x: {}", fed(np.float32([1.5, 2, 3]))))
    yield Case(form, ("{}", fed(numbers)), {"summarize": 20})
    yield Case(form, ("{}", fed(numbers.astype(np.float64))), {"summarize": 20})
    yield Case(form, ("{}", fed(special())), {"summarize": -1})
    for shape in ((10,), (3, 3, 3), (8, 10), (1, 1)):
        yield Case(form, ("{}", fed(np.arange(np.prod(shape), dtype=np.int32).reshape(shape))))
    yield Case(form, ("{}", fed(truths(3))))
    yield Case(form, ("{} and {}", (fed(np.int32(1)), fed(np.asarray(b"one", object)))))
    yield Case(form, ("{}", words("abc", "d")))
    yield Case(form, ("{} {}", fed(np.int32([1]))))


def _moved() -> Iterator[Case]:
    x, y = words("a", "b", "c"), words("c", "b", "a")
    yield Case("equal", (x, y))
    yield Case("not_equal", (x, y))
    yield Case("where", (fed(truths(3)), x, y))
    yield Case("concat", ([x, y], 0))
    yield Case("stack", ([x, y],), {"axis": 1})
    yield Case("gather", (x, fed(np.int32([2, 0]))))
    yield Case("gather", (x, fed(np.int32([5]))))
    yield Case("reshape", (x, [3, 1]))
    yield Case("tile", (x, [2]))
    yield Case("expand_dims", (x, 0))
    yield Case("transpose", (fed(texts("a", "b", "c", "d").reshape(2, 2)),))
    yield Case("boolean_mask", (x, fed(truths(3))))
    yield Case("unique", (words("b", "a", "b"),))
    yield Case("unique_with_counts", (words("b", "a", "b"),))
    yield Case("setdiff1d", (x, words("b")))
    yield Case("dynamic_partition", (x, fed(np.int32([1, 0, 1])), 2))
    yield Case("dynamic_stitch", ([fed(np.int32([0, 2])), [1]], [words("a", "c"), words("b")]))
    yield Case("zeros_like", (x,))
    yield Case("shape", (x,))
    yield Case("size", (x,))
    yield Case("fill", ([2], "a"))
    yield Case("reverse", (x, [0]))
    yield Case("slice", (x, [1], [2]))
    yield Case("split", (x, 3))
    yield Case("unstack", (x,))
    yield Case("identity", (x,))
    yield Case("is_non_decreasing", (fed(np.float32([1, 2, 2])),))
    yield Case("is_strictly_increasing", (fed(np.float32([1, 2, 2])),))
    yield Case("is_strictly_increasing", (fed(np.float32([])),))
