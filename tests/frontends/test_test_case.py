"""``tf.test``: test cases and checked gradients."""

import subprocess
import sys
import unittest
from collections import namedtuple

import numpy as np
import pytest

import graphc as tf
from tests.conftest import TESTS


@pytest.fixture
def case() -> tf.test.TestCase:
    class One(tf.test.TestCase):
        def runTest(self):
            pass

    made = One()
    made.setUp()
    yield made
    made.tearDown()


def test_each_test_starts_with_an_empty_graph_and_fixed_seeds(case):
    first = np.random.rand()  # noqa: NPY002
    drawn = case.evaluate(tf.random_uniform([2]))
    tf.constant(1.0)
    case.setUp()
    assert tf.get_default_graph().get_operations() == []
    assert np.random.rand() == first  # noqa: NPY002
    np.testing.assert_array_equal(case.evaluate(tf.random_uniform([2])), drawn)


def test_the_session_of_a_test_is_one(case):
    v = tf.Variable(1.0)
    with case.test_session() as sess:
        v.initializer.run()
    with case.cached_session() as again:
        assert again is sess
        assert v.eval() == 1.0
    with case.session() as other:
        assert other is not sess
    with (
        tf.Graph().as_default(),
        pytest.raises(ValueError, match="graph used to get the cached session is different"),
        case.cached_session(),
    ):
        pass


def test_nests_are_close_element_by_element(case):
    Pair = namedtuple("Pair", "x y")
    case.assertAllClose({"a": [1.0, (2.0, 3.0)]}, {"a": [1.0, (2.0, 3.0 + 1e-7)]})
    case.assertAllClose(Pair(1.0, [2.0]), Pair(1.0, [2.0]))
    case.assertAllClose(tf.constant([1.0]), [1.0])
    for wrong in ([1.0, 2.1], [1.0], [[1.0, 2.0]]):
        with pytest.raises(AssertionError):
            case.assertAllClose([1.0, 2.0], wrong)
        case.assertNotAllClose([1.0, 2.0], wrong)
    with pytest.raises(AssertionError, match="'b'"):
        case.assertAllClose({"b": [1.0]}, {"b": [2.0]})


def test_half_floats_may_differ_more(case):
    one = np.float16(1.0)
    case.assertAllCloseAccordingToType(one, 1.0009)
    with pytest.raises(AssertionError):
        case.assertAllCloseAccordingToType(np.float32(1.0), np.float32(1.0009))


@pytest.mark.parametrize(
    ("name", "fine", "wrong"),
    [
        ("assertAllEqual", ([1, np.nan], [1, np.nan]), ([1], [[1]])),
        ("assertAllEqual", (["a"], [b"a"]), (["a"], ["b"])),
        ("assertNotAllEqual", ([1], [2]), ([1], [1])),
        ("assertNear", (1.0, 1.05, 0.1), (1.0, 1.2, 0.1)),
        ("assertArrayNear", ([1.0, 2.0], [1.0, 2.05], 0.1), ([1.0], [2.0], 0.1)),
        ("assertNDArrayNear", ([[1.0]], [[1.05]], 0.1), ([[1.0]], [[1.2]], 0.1)),
        ("assertAllGreater", ([2, 3], 1), ([1, 3], 1)),
        ("assertAllGreaterEqual", ([1, 3], 1), ([0], 1)),
        ("assertAllLess", ([0], 1), ([1], 1)),
        ("assertAllLessEqual", ([1], 1), ([2], 1)),
        ("assertAllInRange", ([1, 2], 1, 2), ([1, 2], 1, 2, True)),
        ("assertAllInSet", ([1, 2], {1, 2}), ([3], {1, 2})),
        ("assertBetween", (1, 0, 2), (3, 0, 2)),
        ("assertStartsWith", ("abc", "ab"), ("abc", "b")),
        ("assertEndsWith", ("abc", "bc"), ("abc", "b")),
        ("assertLen", ([1], 1), ([1], 2)),
        ("assertEmpty", ([],), ([1],)),
        ("assertNotEmpty", ([1],), ([],)),
        ("assertItemsEqual", ([1, 2], [2, 1]), ([1], [1, 1])),
        ("assertSameElements", ([1, 1], [1]), ([1], [2])),
        ("assertContainsSubset", ({1}, {1, 2}), ({3}, {1})),
        ("assertNoCommonElements", ([1], [2]), ([1], [1])),
        ("assertSequenceStartsWith", ([1], [1, 2]), ([2], [1, 2])),
        ("assertContainsInOrder", (["a", "b"], "xaxb"), (["b", "a"], "ab")),
        ("assertShapeEqual", (np.zeros((2, 3)), np.ones((2, 3))), (np.zeros(2), np.zeros(3))),
        ("assertDTypeEqual", (np.zeros(2, np.float32), "float32"), (np.zeros(2), "float32")),
        ("assertDeviceEqual", ("/cpu:0", "/device:CPU:0"), ("/cpu:0", "/gpu:0")),
    ],
)
def test_an_assertion_holds_for_one_and_not_for_the_other(case, name, fine, wrong):
    getattr(case, name)(*fine)
    with pytest.raises(AssertionError):
        getattr(case, name)(*wrong)


def test_static_shapes_of_tensors_are_compared(case):
    case.assertShapeEqual(np.zeros((2, 3)), tf.zeros([2, 3]))


def test_errors_of_runs_are_matched_by_message(case):
    x = tf.placeholder(tf.float32, [])
    check = tf.check_numerics(x, "not a number")
    with case.test_session() as sess, case.assertRaisesOpError("not a number"):
        sess.run(check, {x: np.nan})
    with case.assertRaisesWithPredicateMatch(ValueError, lambda e: "b" in str(e)):
        raise ValueError("abc")
    with pytest.raises(AssertionError, match="not raised"), case.assertRaisesOpError("x"):
        pass
    with (
        pytest.raises(AssertionError, match="is not what was expected"),
        case.assertRaisesWithPredicateMatch(ValueError, "z"),
    ):
        raise ValueError("abc")


def test_messages_compare_with_their_text(case):
    case.assertProtoEquals('name: "x" op: "NoOp"', tf.NodeDef(name="x", op="NoOp"))
    with pytest.raises(AssertionError):
        case.assertProtoEquals('name: "y"', tf.NodeDef(name="x"))


def test_an_error_in_a_thread_fails_the_test(case):
    thread = case.checkedThread(lambda: 1 / 0)
    thread.start()
    with pytest.raises(AssertionError, match="division by zero"):
        thread.join()


def test_gradients_agree_with_differences(case):
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]], tf.float64)
    w = tf.constant([[1.0], [-1.0]], tf.float64)
    y = tf.tanh(tf.matmul(x, w))
    start = [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [-1.0]])]
    with case.test_session():
        pairs = tf.test.compute_gradient([x, w], [[2, 2], [2, 1]], y, [2, 1], start)
        assert [theory.shape for theory, _ in pairs] == [(4, 2), (2, 2)]
        for theory, numbers in pairs:
            np.testing.assert_allclose(theory, numbers, atol=1e-4)
        assert tf.test.compute_gradient_error(x, [2, 2], y, [2, 1]) < 1e-4
        wrong = tf.stop_gradient(y) + 0.0 * y
        assert tf.test.compute_gradient_error(x, [2, 2], wrong, [2, 1]) > 1e-3


def test_decorated_tests_run_with_a_default_session():
    seen = []

    class Two(tf.test.TestCase):
        @tf.test.run_in_graph_and_eager_modes
        def testA(self):
            seen.append(tf.constant(1.0).eval())

        @tf.test.run_deprecated_v1
        def testB(self):
            seen.append(self.evaluate(tf.constant(2.0)))

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Two).run(result)
    assert result.wasSuccessful()
    assert sorted(seen) == [1.0, 2.0]


def test_the_folder_of_a_test_is_gone_after_it(tmp_path):
    folders = []

    class Three(tf.test.TestCase):
        def testA(self):
            folders.append(self.get_temp_dir())
            assert tf.gfile.IsDirectory(folders[0])

    Three("testA").run(unittest.TestResult())
    assert not tf.gfile.Exists(folders[0])


def test_main_runs_the_tests_of_a_program(tmp_path):
    script = tmp_path / "square_test.py"
    script.write_text(
        "import graphc as tf\n"
        "tf.flags.DEFINE_integer('n', 2, '')\n"
        "class SquareTest(tf.test.TestCase):\n"
        "    def testSquare(self):\n"
        "        with self.test_session():\n"
        "            self.assertAllEqual(tf.square([tf.flags.FLAGS.n]).eval(), [9])\n"
        "if __name__ == '__main__':\n"
        "    tf.test.main()\n"
    )

    def status(*words: str) -> int:
        how = {"env": {"PYTHONPATH": str(TESTS.parent), "PATH": ""}, "capture_output": True}
        return subprocess.run([sys.executable, str(script), *words], check=False, **how).returncode

    assert status("--n=3") == 0
    assert status() == 1


@pytest.mark.parametrize(
    ("older", "passes", "fails"),
    [
        ("assertEquals", (1, 1), (1, 2)),
        ("assertNotEquals", (1, 2), (1, 1)),
        ("assert_", (True,), (False,)),
        ("assertAlmostEquals", (1.0, 1.0 + 1e-9), (1.0, 1.1)),
        ("assertNotAlmostEquals", (1.0, 1.1), (1.0, 1.0 + 1e-9)),
        ("assertRegexpMatches", ("abc", "b"), ("abc", "d")),
        ("assertNotRegexpMatches", ("abc", "d"), ("abc", "b")),
        ("assertRaisesRegexp", (ValueError, "invalid", int, "x"), (ValueError, "y", int, "x")),
    ],
)
def test_spellings_of_older_pythons_are_there(case, older, passes, fails):
    getattr(case, older)(*passes)
    with pytest.raises(AssertionError):
        getattr(case, older)(*fails)
