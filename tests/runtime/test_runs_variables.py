"""What a session owns keeps its place: programs hold its address."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import graphc as tf
from graphc.errors import ShapeError
from graphc.ir.dtype import as_dtype
from runtime.variables import VariableStore
from tests.runtime.models import assert_same_bits, classifier, ready

FLOAT = as_dtype("float32")


@pytest.fixture(autouse=True)
def fresh_graph() -> None:
    tf.reset_default_graph()


def test_a_declared_array_never_moves():
    store = VariableStore()
    array = store.declare("v", FLOAT, (3,))
    assert store.declare("v", FLOAT, (3,)) is array
    for dtype, shape in ((FLOAT, (4,)), (as_dtype("float64"), (3,))):
        with pytest.raises(ShapeError, match="holds the variable in another shape or dtype"):
            store.declare("v", dtype, shape)
    store.set("v", np.ones(3))
    assert store.array("v") is array
    assert (array == 1).all()


def test_a_value_set_before_its_variable_is_declared_is_taken_over_or_dropped():
    store = VariableStore()
    store.set("same", np.ones(3, np.float32))
    store.set("other", np.ones(4, np.float64))
    assert (store.declare("same", FLOAT, (3,)) == 1).all()
    store.declare("other", FLOAT, (3,))
    assert store.uninitialized(["same", "other"]) == ["other"]


def test_arrays_start_at_a_cache_line():
    store = VariableStore()
    arrays = [store.declare(f"v{k}", FLOAT, (k,)) for k in range(1, 20)]
    assert all(array.ctypes.data % 64 == 0 for array in arrays)
    assert store.random_state("noise", (1, 2)).ctypes.data % 64 == 0


def test_threads_that_declare_at_once_get_one_array():
    store = VariableStore()
    with ThreadPoolExecutor(8) as threads:
        for key in map(str, range(200)):
            arrays = list(threads.map(lambda _, key=key: store.declare(key, FLOAT, (2,)), range(8)))
            assert all(array is arrays[0] for array in arrays)
            states = list(threads.map(lambda _, key=key: store.random_state(key, (0, 1)), range(8)))
            assert all(state is states[0] for state in states)


def test_a_random_state_keeps_its_place_when_its_seed_changes():
    store = VariableStore()
    state = store.random_state("noise", (1, 2))
    key = int(state[0])
    assert store.random_state("noise", (1, 3)) is state
    assert int(state[0]) != key


def test_programs_compiled_before_and_after_share_a_variables_memory():
    model = classifier()
    feeds = model.feeds(8, 0)
    with ready(model) as sess:
        sess.run(model.everything, feeds)
        place = sess.variables.array("hidden/kernel").ctypes.data
        sess.variables.set("hidden/kernel", np.zeros((20, 24), np.float32))
        looked_up = sess.run("hidden/kernel:0")
        assert not looked_up.any()
        sess.run(model.train, model.feeds(300, 1))
        assert sess.variables.array("hidden/kernel").ctypes.data == place
        assert_same_bits(sess.run("hidden/kernel:0"), sess.variables.get("hidden/kernel"))


def test_a_value_of_another_shape_is_refused_and_changes_nothing():
    v = tf.Variable([1.0, 2.0], name="v")
    with tf.Session() as sess:
        sess.run(v.initializer)
        with pytest.raises(ShapeError, match="another shape"):
            sess.variables.set("v", np.ones(3, np.float32))
        assert sess.run(v).tolist() == [1, 2]
