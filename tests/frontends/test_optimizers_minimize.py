"""What ``minimize`` and its parts take, refuse and name."""

from collections.abc import Callable

import numpy as np
import pytest

import graphc as tf
from graphc.errors import ShapeError

ONE = np.ones(2, np.float32)


def started(sess: tf.Session) -> tf.Session:
    sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    return sess


def names() -> list[str]:
    return [v.op.name for v in tf.global_variables()]


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (
            (tf.name_scope, "train"),
            ["train/beta1_power", "train/beta2_power", "w/Adam", "w/Adam_1"],
        ),
        (
            (tf.variable_scope, "train"),
            ["train/beta1_power", "train/beta2_power", "train/w/Adam", "train/w/Adam_1"],
        ),
    ],
)
def test_scopes_name_slots_as_tensorflow_does(scopes: tuple, expected: list[str]) -> None:
    w = tf.get_variable("w", [2])
    loss = tf.reduce_sum(w * w)
    scope, name = scopes
    with scope(name):
        assert tf.train.AdamOptimizer().minimize(loss).name == "train/Adam"
    assert names()[1:] == expected


def test_two_optimizers_of_one_kind_number_their_slots() -> None:
    w = tf.get_variable("w", [2])
    loss = tf.reduce_sum(w * w)
    tf.train.AdamOptimizer().minimize(loss)
    tf.train.AdamOptimizer().minimize(loss)
    assert names()[1:] == [
        "beta1_power", "beta2_power", "w/Adam", "w/Adam_1",
        "beta1_power_1", "beta2_power_1", "w/Adam_2", "w/Adam_3",
    ]  # fmt: skip


def test_slots_go_by_their_names() -> None:
    w = tf.get_variable("w", [2])
    loss = tf.reduce_sum(w * w)
    made = {
        tf.train.RMSPropOptimizer(0.1, centered=True): {"rms": "", "mg": "_1", "momentum": "_2"},
        tf.train.FtrlOptimizer(0.1): {"accum": "", "linear": "_1"},
        tf.train.AdadeltaOptimizer(): {"accum": "", "accum_update": "_1"},
        tf.train.ProximalAdagradOptimizer(0.1): {"accumulator": ""},
        tf.train.AdagradDAOptimizer(0.1, tf.train.get_or_create_global_step()): {
            "gradient_accumulator": "", "gradient_squared_accumulator": "_1",
        },
    }  # fmt: skip
    for optimizer, slots in made.items():
        optimizer.minimize(loss)
        assert optimizer.get_slot_names() == sorted(slots)
        for slot, suffix in slots.items():
            assert optimizer.get_slot(w, slot).op.name == f"w/{optimizer.get_name()}{suffix}"
        assert len(optimizer.variables()) == len(slots)


def test_a_loss_may_be_a_function_and_variables_a_nest(session: Callable) -> None:
    a, b = tf.Variable(2.0, name="a"), tf.Variable(3.0, name="b")
    optimizer = tf.train.GradientDescentOptimizer(lambda: tf.constant(0.5))
    step = optimizer.minimize(lambda: a * b, var_list={"one": a, "more": [b]})
    sess = started(session())
    sess.run(step)
    assert sess.run([a, b]) == [0.5, 2.0]


def test_a_callable_rate_is_called_once(session: Callable) -> None:
    calls = []
    a, b = tf.Variable(2.0, name="a"), tf.Variable(3.0, name="b")
    optimizer = tf.train.AdamOptimizer(lambda: calls.append(1) or 0.1)
    optimizer.minimize(a + b)
    assert len(calls) == 1


def test_grad_loss_weighs_the_gradient(session: Callable) -> None:
    w = tf.Variable([1.0, 1.0])
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    step = optimizer.minimize(w * [1.0, 10.0], grad_loss=tf.constant([3.0, 0.5]))
    sess = started(session())
    sess.run(step)
    np.testing.assert_array_equal(sess.run(w), [-2.0, -4.0])


@pytest.mark.parametrize("gate", [0, 1, 2])
def test_every_gating_gives_the_same_step(session: Callable, gate: int) -> None:
    a, b = tf.Variable(2.0), tf.Variable(3.0)
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    step = optimizer.minimize(
        a * b, gate_gradients=gate, aggregation_method=2, colocate_gradients_with_ops=True
    )
    sess = started(session())
    sess.run(step)
    assert sess.run([a, b]) == [-1.0, 1.0]


@pytest.mark.filterwarnings("ignore:.*unreached-variables")
def test_what_cannot_be_minimised_is_refused() -> None:
    w, whole = tf.get_variable("w", [2]), tf.Variable([1, 2], name="whole")
    loss = tf.reduce_sum(w * w)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    refused = {
        "Sum:0 has no gradient in any of the variables": (loss, [whole]),
        "Invalid type int32 for": (tf.reduce_sum(whole), [whole]),
        "var_list is empty": (loss, []),
        "must hold variables, got 'w'": (loss, ["w"]),
        "must hold variables, got <tf.Tensor": (loss, [loss]),
    }
    for message, (target, variables) in refused.items():
        with pytest.raises((ValueError, TypeError), match=message):
            optimizer.minimize(target, var_list=variables)
    with pytest.raises(ValueError, match="gate_gradients must be one of"):
        optimizer.minimize(loss, gate_gradients=5)
    with pytest.raises(TypeError, match="only a variable can be assigned"):
        optimizer.minimize(loss, global_step=tf.constant(1))


def test_what_cannot_be_applied_is_refused() -> None:
    w = tf.get_variable("w", [2])
    apply = tf.train.GradientDescentOptimizer(0.1).apply_gradients
    with pytest.raises(ValueError, match="no variables were given"):
        apply([])
    with pytest.raises(ValueError, match="no gradients for any variable"):
        apply([(None, w)])
    with pytest.raises(ValueError, match="gradient of w:0 is float64"):
        apply([(tf.constant(ONE, tf.float64), w)])
    with pytest.raises(ShapeError, match="gradient of w:0 has another shape"):
        apply([(tf.constant([1.0, 2.0, 3.0]), w)])
    with pytest.raises(TypeError, match="only a variable can be assigned"):
        apply([(ONE, tf.constant(ONE))])


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="initial_accumulator_value -1"):
        tf.train.FtrlOptimizer(0.1, initial_accumulator_value=-1.0)
    with pytest.raises(ValueError, match="learning_rate_power 1"):
        tf.train.FtrlOptimizer(0.1, learning_rate_power=1.0)
    with pytest.raises(ValueError, match="initial_accumulator_value must be positive"):
        tf.train.ProximalAdagradOptimizer(0.1, initial_accumulator_value=0.0)
    with pytest.raises(ValueError, match="needs a name"):
        tf.train.AdamOptimizer(name="")


def test_rows_given_by_the_user_add_up(session: Callable) -> None:
    table = tf.Variable(np.zeros((4, 2), np.float32))
    rows = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), [3, 0, 3])
    optimizer = tf.train.FtrlOptimizer(0.5)
    dense = tf.Variable(np.zeros((4, 2), np.float32))
    whole = tf.constant([[3.0, 4.0], [0.0, 0.0], [0.0, 0.0], [6.0, 8.0]])
    step = optimizer.apply_gradients([(rows, table), (whole, dense), (None, tf.Variable(1.0))])
    sess = started(session())
    for _ in range(3):
        sess.run(step)
    got = sess.run(table)
    np.testing.assert_allclose(got, sess.run(dense), rtol=1e-6)
    assert (got[[0, 3]] < 0).all()
    assert not got[[1, 2]].any()


def test_a_row_that_is_not_there_changes_nothing(session: Callable) -> None:
    table = tf.Variable(np.zeros((4, 2), np.float32))
    place = tf.placeholder(tf.int32, [1])
    slices = tf.IndexedSlices(tf.ones([1, 2]), place)
    step = tf.train.AdadeltaOptimizer(1.0).apply_gradients([(slices, table)])
    sess = started(session())
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(step, {place: [4]})
    assert not sess.run(table).any()


def test_float16_parameters_are_trained(session: Callable) -> None:
    w = tf.Variable(np.array([1.0, -2.0], np.float16))
    steps = [
        tf.train.AdamOptimizer(0.1),
        tf.train.FtrlOptimizer(0.1),
        tf.train.RMSPropOptimizer(0.1, centered=True, epsilon=0.01),
    ]
    ops = [o.minimize(tf.reduce_sum(w * w)) for o in steps]
    sess = started(session())
    for op in ops:
        before = sess.run(w)
        sess.run(op)
        assert sess.run(w).dtype == np.float16
        assert (np.abs(sess.run(w)) < np.abs(before)).all()


def test_several_optimizers_train_parts_of_one_graph(session: Callable) -> None:
    a, b = tf.Variable([4.0]), tf.Variable([4.0])
    loss = tf.reduce_sum(a * a + b * b)
    both = tf.group(
        tf.train.GradientDescentOptimizer(0.25).minimize(loss, var_list=[a]),
        tf.train.MomentumOptimizer(0.125, 0.5).minimize(loss, var_list=[b]),
    )
    sess = started(session())
    sess.run(both)
    assert [float(v[0]) for v in sess.run([a, b])] == [2.0, 3.0]
    sess.run(both)
    assert [float(v[0]) for v in sess.run([a, b])] == [1.0, 1.75]


def test_what_depends_on_a_step_sees_its_result(session: Callable) -> None:
    w = tf.Variable(1.0)
    step = tf.train.GradientDescentOptimizer(0.5).minimize(w * 1.0)
    with tf.control_dependencies([step]):
        after = tf.identity(w)
    sess = started(session())
    assert sess.run(after) == 0.5
    assert sess.run([after, w])[0] == 0.0


def test_a_subclass_keeps_slots_as_tf1_wrote_them(session: Callable) -> None:
    class Averaged(tf.train.Optimizer):
        def __init__(self, rate: float) -> None:
            super().__init__(False, "Averaged")
            self._rate = rate

        def _create_slots(self, var_list: list) -> None:
            for v in var_list:
                self._get_or_make_slot(v, tf.ones(v.shape, v.dtype), "mean", self._name)
            self._create_non_slot_variable(0.0, "count", var_list[0])

        def _prepare(self) -> None:
            self._rate_t = tf.convert_to_tensor(self._call_if_callable(self._rate))

        def _resource_apply_dense(self, grad: tf.Tensor, var: tf.Variable) -> object:
            mean = self.get_slot(var, "mean")
            now = mean.assign(0.5 * mean + 0.5 * grad)
            return tf.group(var.assign_sub(self._rate_t * now), now)

        def _finish(self, update_ops: list, name_scope: str) -> object:
            count = self._get_non_slot_variable("count", tf.get_default_graph())
            with tf.control_dependencies(update_ops):
                counted = count.assign_add(1.0)
            return tf.group(*update_ops, counted, name=name_scope)

    w = tf.Variable([1.0, 2.0], name="w")
    optimizer = Averaged(0.5)
    step = optimizer.minimize(tf.reduce_sum(3.0 * w))
    sess = started(session())
    sess.run(step)
    np.testing.assert_array_equal(sess.run(w), [0.0, 1.0])
    assert step.name == "Averaged"
    assert names() == ["w", "w/Averaged", "count"]
    assert sess.run(optimizer._get_non_slot_variable("count")) == 1.0


def test_a_variable_of_that_name_is_the_global_step(session: Callable) -> None:
    assert tf.train.get_global_step() is None
    counter = tf.Variable(7, name="global_step", trainable=False)
    assert tf.train.get_global_step() is counter
    assert tf.train.get_or_create_global_step() is counter
    with pytest.raises(ValueError, match="has a global step already"):
        tf.train.create_global_step()
    w = tf.Variable(1.0)
    step = tf.train.GradientDescentOptimizer(0.1).minimize(w * w, global_step=counter)
    sess = started(session())
    sess.run(step)
    assert tf.train.global_step(sess, counter) == 8


def test_what_cannot_count_is_no_global_step() -> None:
    for wrong in (tf.constant(1.0), tf.Variable([1, 2]), 3):
        with pytest.raises(TypeError, match="integer scalar"):
            tf.train.assert_global_step(wrong)
    tf.train.assert_global_step(tf.Variable(1))
