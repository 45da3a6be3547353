"""What a test case can assert about arrays, nests, texts and collections."""

from __future__ import annotations

import math
import re
import unittest
from collections.abc import Mapping
from typing import Any

import numpy as np

from frontends.tf.platform import nest
from graphc.protocol import read_text


class Assertions(unittest.TestCase):
    """The assertions of ``tf.test.TestCase``."""

    def _array(self, value: Any) -> np.ndarray:
        return np.asarray(value)

    # --- closeness -----------------------------------------------------------------------------

    def assertAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None
    ) -> None:
        """``|a - b| <= atol + rtol * |b|`` in every element of two arrays or equal nests."""
        self._close_nests(a, b, rtol, atol, msg, ())

    def _close_nests(
        self, a: Any, b: Any, rtol: float, atol: float, msg: str | None, path: tuple
    ) -> None:
        where = "".join(f"[{key!r}]" for key in path)
        if hasattr(a, "_asdict") and hasattr(b, "_asdict"):
            a, b = a._asdict(), b._asdict()
        if isinstance(a, Mapping) != isinstance(b, Mapping):
            self.fail(
                f"{msg or ''} a dict beside {type(b if isinstance(a, Mapping) else a)} {where}"
            )
        if isinstance(a, Mapping):
            self.assertEqual(set(a), set(b), msg)
            for key in a:
                self._close_nests(a[key], b[key], rtol, atol, msg, (*path, key))
        elif isinstance(a, list | tuple) and not self._is_rectangular(a, b):
            self.assertEqual(len(a), len(b), msg)
            for key, (x, y) in enumerate(zip(a, b, strict=True)):
                self._close_nests(x, y, rtol, atol, msg, (*path, key))
        else:
            self._close_arrays(a, b, rtol, atol, f"{msg or ''} {where}".strip())

    def _is_rectangular(self, a: Any, b: Any) -> bool:
        if any(isinstance(part, Mapping) for part in nest.flatten([*a])):
            return False
        try:
            return bool(self._array(a).dtype != object and self._array(b).dtype != object)
        except ValueError:
            return False

    def _close_arrays(self, a: Any, b: Any, rtol: float, atol: float, msg: str) -> None:
        x, y = self._array(a), self._array(b)
        if x.shape != y.shape:
            self.fail(f"Shape mismatch: expected {x.shape}, got {y.shape}. {msg}")
        np.testing.assert_allclose(
            x, y, rtol=rtol, atol=atol, equal_nan=True, err_msg=f"Mismatched value: a is different "
            f"from b. {msg}",
        )  # fmt: skip

    def assertAllCloseAccordingToType(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, float_rtol: float = 1e-6,
        float_atol: float = 1e-6, half_rtol: float = 1e-3, half_atol: float = 1e-3,
        bfloat16_rtol: float = 1e-2, bfloat16_atol: float = 1e-2, msg: str | None = None,
    ) -> None:  # fmt: skip
        """:meth:`assertAllClose` with the tolerance of the coarser element type of the two."""
        x, y = self._array(a), self._array(b)
        kinds = {x.dtype, y.dtype}
        if kinds & {np.dtype(np.float32), np.dtype(np.complex64)}:
            rtol, atol = max(rtol, float_rtol), max(atol, float_atol)
        if np.dtype(np.float16) in kinds:
            rtol, atol = max(rtol, half_rtol), max(atol, half_atol)
        self.assertAllClose(x, y, rtol, atol, msg)

    def assertNotAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None
    ) -> None:
        """Two arrays differ somewhere by more than the tolerance."""
        try:
            self.assertAllClose(a, b, rtol, atol)
        except AssertionError:
            return
        raise AssertionError(msg or "The two values are close at all elements")

    def assertNear(self, f1: float, f2: float, err: float, msg: str | None = None) -> None:
        """``|f1 - f2| <= err``."""
        fits = f1 == f2 or math.fabs(f1 - f2) <= err
        self.assertTrue(fits, f"{f1!r} != {f2!r} +/- {err!r}{f' ({msg})' if msg else ''}")

    def assertArrayNear(
        self, farray1: Any, farray2: Any, err: float, msg: str | None = None
    ) -> None:
        """:meth:`assertNear` for each pair of two lists."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for f1, f2 in zip(farray1, farray2, strict=True):
            self.assertNear(float(f1), float(f2), err, msg)

    def assertNDArrayNear(
        self, ndarray1: Any, ndarray2: Any, err: float, msg: str | None = None
    ) -> None:
        """The Euclidean distance of two arrays is below ``err``."""
        distance = float(np.linalg.norm(np.subtract(ndarray1, ndarray2)))
        self.assertTrue(distance < err, msg or f"the distance is {distance}, {err} is allowed")

    # --- equality and order --------------------------------------------------------------------

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Two arrays have one shape and equal elements; NaN equals NaN."""
        x, y = self._array(a), self._array(b)
        if x.shape != y.shape:
            self.fail(f"Shape mismatch: expected {x.shape}, got {y.shape}. {msg or ''}")
        np.testing.assert_array_equal(_texts(x), _texts(y), err_msg=msg or "")

    def assertNotAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Two arrays differ."""
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(msg or "The two values are equal at all elements")

    def _all(self, a: Any, fine: Any, said: str) -> None:
        wrong = self._array(a)[~fine]
        self.assertFalse(wrong.size, f"not {said}: {wrong[:5]}{'...' if wrong.size > 5 else ''}")

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:
        self._all(a, self._array(a) > comparison_target, f"greater than {comparison_target}")

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:
        self._all(a, self._array(a) >= comparison_target, f"at least {comparison_target}")

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:
        self._all(a, self._array(a) < comparison_target, f"less than {comparison_target}")

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:
        self._all(a, self._array(a) <= comparison_target, f"at most {comparison_target}")

    def assertAllInRange(
        self, target: Any, lower_bound: Any, upper_bound: Any, open_lower_bound: bool = False,
        open_upper_bound: bool = False,
    ) -> None:  # fmt: skip
        """Every element is between the bounds, which count unless they are open."""
        x = self._array(target)
        low = x > lower_bound if open_lower_bound else x >= lower_bound
        high = x < upper_bound if open_upper_bound else x <= upper_bound
        said = f"in {'(' if open_lower_bound else '['}{lower_bound}, {upper_bound}"
        self._all(x, low & high, f"{said}{')' if open_upper_bound else ']'}")

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        """Every element is one of these."""
        x = self._array(target)
        self._all(x, np.isin(x, list(expected_set)), f"in {expected_set}")

    def assertBetween(self, value: Any, minv: Any, maxv: Any, msg: str | None = None) -> None:
        self.assertTrue(minv <= value <= maxv, msg or f"{value!r} unexpectedly not between")

    # --- messages ------------------------------------------------------------------------------

    def assertProtoEquals(
        self, expected_message_maybe_ascii: Any, message: Any, msg: str | None = None,
        relative_tolerance: float | None = None,
    ) -> None:  # fmt: skip
        """Two messages are equal; the expected one may be given as text."""
        expected = expected_message_maybe_ascii
        if isinstance(expected, str | bytes):
            text = expected.decode() if isinstance(expected, bytes) else expected
            expected = read_text(text, type(message)())
        self.assertMultiLineEqual(str(expected), str(message), msg)
        self.assertEqual(expected, message, msg)

    def assertProtoEqualsVersion(
        self, expected: Any, actual: Any, producer: int = 0, min_consumer: int = 0,
        msg: str | None = None,
    ) -> None:  # fmt: skip
        """:meth:`assertProtoEquals` for graphs, whose versions do not count."""
        copied = type(actual)()
        copied.CopyFrom(actual)
        copied.ClearField("versions")
        copied.ClearField("library")
        self.assertProtoEquals(expected, copied, msg)

    # --- texts and collections -----------------------------------------------------------------

    def assertStartsWith(self, actual: str, expected_start: str, msg: str | None = None) -> None:
        if not actual.startswith(expected_start):
            self.fail(f"{actual!r} does not start with {expected_start!r} {msg or ''}")

    def assertEndsWith(self, actual: str, expected_end: str, msg: str | None = None) -> None:
        if not actual.endswith(expected_end):
            self.fail(f"{actual!r} does not end with {expected_end!r} {msg or ''}")

    def assertRegexMatch(self, actual_str: str, regexes: Any, message: str | None = None) -> None:
        """One of the patterns is found."""
        if not any(re.search(regex, actual_str, re.DOTALL) for regex in regexes):
            self.fail(f"{message or ''} {actual_str!r} has none of {regexes}")

    def assertLen(self, container: Any, expected_len: int, msg: str | None = None) -> None:
        self.assertEqual(len(container), expected_len, msg)

    def assertEmpty(self, container: Any, msg: str | None = None) -> None:
        self.assertEqual(len(container), 0, msg)

    def assertNotEmpty(self, container: Any, msg: str | None = None) -> None:
        self.assertGreater(len(container), 0, msg)

    def assertItemsEqual(self, expected_seq: Any, actual_seq: Any, msg: str | None = None) -> None:
        self.assertCountEqual(expected_seq, actual_seq, msg)

    def assertSameElements(
        self, expected_seq: Any, actual_seq: Any, msg: str | None = None
    ) -> None:
        self.assertEqual(set(expected_seq), set(actual_seq), msg)

    def assertContainsSubset(
        self, expected_subset: Any, actual_set: Any, msg: str | None = None
    ) -> None:
        missing = set(expected_subset) - set(actual_set)
        self.assertFalse(missing, msg or f"missing: {missing}")

    def assertNoCommonElements(
        self, expected_seq: Any, actual_seq: Any, msg: str | None = None
    ) -> None:
        common = set(expected_seq) & set(actual_seq)
        self.assertFalse(common, msg or f"in both: {common}")

    def assertSequenceStartsWith(self, prefix: Any, whole: Any, msg: str | None = None) -> None:
        self.assertSequenceEqual(list(whole)[: len(prefix)], list(prefix), msg)

    def assertContainsInOrder(self, strings: Any, target: str, msg: str = "") -> None:
        """The texts are found in the target, one after the other."""
        place = 0
        for text in [strings] if isinstance(strings, str) else strings:
            found = target.find(text, place)
            self.assertGreaterEqual(found, 0, f"{msg} {text!r} is not in order in {target!r}")
            place = found + len(text)

    def assertSameStructure(self, a: Any, b: Any, **names: Any) -> None:
        nest.assert_same_structure(a, b)


def _texts(array: np.ndarray) -> np.ndarray:
    """Strings as bytes, so that both spellings compare."""
    if array.dtype.kind not in "OUS":
        return array
    flat = [v.encode() if isinstance(v, str) else v for v in array.ravel().tolist()]
    made = np.empty(len(flat), object)
    made[:] = flat
    return made.reshape(array.shape)


# Spellings that Python 3.12 took out of unittest, and tests of TF1's time use.
_OLDER = {
    "assert_": "assertTrue",
    "assertAlmostEquals": "assertAlmostEqual",
    "assertEquals": "assertEqual",
    "assertNotAlmostEquals": "assertNotAlmostEqual",
    "assertNotEquals": "assertNotEqual",
    "assertNotRegexpMatches": "assertNotRegex",
    "assertRaisesRegexp": "assertRaisesRegex",
    "assertRegexpMatches": "assertRegex",
}
for _older, _now in _OLDER.items():
    setattr(Assertions, _older, getattr(Assertions, _now))
