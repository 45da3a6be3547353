"""``tf.TensorArray``: what it holds, where it may go, and what it refuses."""

import numpy as np
import pytest

import graphc as tf


def run(fetches, feeds=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feeds)


def numbers(size=4, **given):
    return tf.TensorArray(tf.float32, size=size, **given)


# --- writing and reading -------------------------------------------------------------------------


def test_each_write_gives_a_new_array():
    empty = numbers(3, clear_after_read=False)
    one = empty.write(0, 5.0)
    two = one.write(2, 7.0)
    assert one is not empty
    assert run([one.stack(), two.stack()])[0].tolist() == [5, 0, 0]
    assert run(two.identity().gather([2, 0])).tolist() == [7, 5]
    assert two.dtype is tf.float32
    assert not two.dynamic_size
    assert two.element_shape.as_list() == []
    assert run(two.size()) == 3


def test_rows_nobody_wrote_are_zero():
    held = tf.TensorArray(tf.float32, size=3, element_shape=[2], clear_after_read=False)
    assert run(held.stack()).tolist() == [[0, 0]] * 3
    written = held.write(1, [1.0, 2.0])
    assert run(written.read(0)).tolist() == [0, 0]
    assert run(written.read(1)).tolist() == [1, 2]


def test_unstack_scatter_split_and_concat():
    x = np.arange(12, dtype=np.float32).reshape(6, 2)
    assert run(numbers(6).unstack(x).stack()).tolist() == x.tolist()
    moved = numbers(6).scatter([5, 4, 3, 2, 1, 0], x)
    assert run(moved.stack()).tolist() == x[::-1].tolist()
    pieces = numbers(3).split(x, [2, 2, 2])
    assert run(pieces.stack()).tolist() == x.reshape(3, 2, 2).tolist()
    again = numbers(3).split(x, [2, 2, 2]).concat()
    assert run(again).tolist() == x.tolist()


def test_pieces_of_several_lengths():
    x = np.arange(6, dtype=np.float32)
    held = tf.TensorArray(tf.float32, size=3, infer_shape=False).split(x, [1, 2, 3])
    first, last, whole = run([held.read(0), held.read(2), held.concat()])
    assert first.tolist() == [0]
    assert last.tolist() == [3, 4, 5]
    assert whole.tolist() == x.tolist()
    with pytest.raises(tf.errors.GraphcError, match="one by one"):
        held.stack()


def test_a_size_that_is_a_tensor():
    x = tf.placeholder(tf.float32, [None, 2])
    n = tf.placeholder(tf.int32, [])
    copied = numbers(tf.shape(x)[0]).unstack(x).stack()
    counted = numbers(n).write(1, 3.0).stack()
    assert copied.shape.as_list() == [None, 2]
    with tf.Session() as session:
        for rows in (0, 1, 5):
            assert session.run(copied, {x: np.ones((rows, 2))}).shape == (rows, 2)
        assert session.run(counted, {n: 3}).tolist() == [0, 3, 0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="index 1 but array size is: 1"):
            session.run(counted, {n: 1})


def test_strings_and_other_dtypes():
    words = tf.TensorArray(tf.string, size=2).write(1, "b").write(0, "a")
    assert run(words.stack()).tolist() == [b"a", b"b"]
    for dtype in (tf.int64, tf.bool, tf.complex64, tf.float16):
        held = tf.TensorArray(dtype, size=2).write(1, tf.cast(1, dtype)).stack()
        assert run(held).tolist() == [0, 1]


def test_growing():
    held = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
    assert held.dynamic_size
    longer = held.write(2, 5.0)
    assert run([longer.size(), longer.write(3, 1.0).stack()])[1].tolist() == [0, 0, 5, 1]
    place = tf.placeholder(tf.int32, [])
    later = longer.write(place, 7.0)
    assert run(later.stack(), {place: 4}).tolist() == [0, 0, 5, 0, 7]
    assert run(later.stack(), {place: 0}).tolist() == [7, 0, 5]


def test_grad_adds_what_is_written():
    held = numbers(3).unstack([1.0, 2.0, 3.0])
    slopes = held.grad("back").write(1, 2.0).write(1, 3.0)
    assert run(slopes.stack()).tolist() == [0, 5, 0]


def test_handle_and_flow_are_another_face():
    held = numbers(2).unstack([1.0, 2.0])
    other = tf.TensorArray(tf.float32, handle=held.handle, flow=held.flow)
    assert run(other.read(1)) == 2
    run(held.close())


# --- in loops and branches -----------------------------------------------------------------------


def test_a_shape_first_known_in_a_turn():
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    out = tf.while_loop(
        lambda i, _: i < 3, lambda i, a: (i + 1, a.write(i, tf.gather(x, i) * 2)), [0, numbers(3)]
    )[1]
    assert out.element_shape.as_list() == [2]
    assert run(out.stack()).tolist() == (2 * x).tolist()


def test_arrays_nested_among_the_variables_of_a_loop():
    start = {"i": tf.constant(0), "held": (numbers(3), [tf.TensorArray(tf.int32, size=3)])}

    def turn(i, held):
        one, (two,) = held
        return {"i": i + 1, "held": (one.write(i, 0.5), [two.write(i, i * i)])}

    end = tf.while_loop(lambda i, held: i < 3, turn, start)
    found = run([end["i"], end["held"][0].stack(), end["held"][1][0].stack()])
    assert [np.asarray(f).tolist() for f in found] == [3, [0.5] * 3, [0, 1, 4]]


def test_an_array_that_no_turn_touches_is_as_it_was():
    held = numbers(2)
    _, same = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a), [0, held])
    assert run(same.write(0, 1.0).stack()).tolist() == [1, 0]


def test_no_turns_leave_what_there_was():
    n = tf.placeholder(tf.int32, [])
    fixed, growing = (
        tf.while_loop(lambda i, _: i < n, lambda i, a: (i + 1, a.write(i, 1.0)), [0, start])[1]
        for start in (numbers(2), tf.TensorArray(tf.float32, size=0, dynamic_size=True))
    )
    with tf.Session() as session:
        assert session.run([fixed.stack(), growing.size()], {n: 0})[0].tolist() == [0, 0]
        assert session.run(growing.stack(), {n: 0}).tolist() == []
        assert session.run(growing.stack(), {n: 300}).tolist() == [1] * 300


def test_what_was_written_inside_is_read_inside():
    start = numbers(8, clear_after_read=False).write(0, 1.0).write(1, 1.0)
    fibonacci = tf.while_loop(
        lambda i, _: i < 8,
        lambda i, a: (i + 1, a.write(i, a.read(i - 1) + a.read(i - 2))),
        [2, start],
    )[1]
    assert run(fibonacci.stack()).tolist() == [1, 1, 2, 3, 5, 8, 13, 21]


def test_growing_by_an_index_of_its_own():
    held = tf.TensorArray(tf.int32, size=0, dynamic_size=True, clear_after_read=False)
    appended = tf.while_loop(
        lambda i, a: i < 6, lambda i, a: (i + 2, a.write(a.size(), i)), [0, held]
    )[1]
    assert run(appended.stack()).tolist() == [0, 2, 4]


def test_branches_write_or_leave_it():
    chosen = tf.placeholder(tf.bool, [])
    empty = numbers(3, clear_after_read=False)
    one = tf.cond(chosen, lambda: empty, lambda: empty.write(1, 4.0))
    two = tf.cond(chosen, lambda: (1.0, one.write(2, 3.0)), lambda: (2.0, one))[1]
    rows = two.stack()
    with tf.Session() as session:
        assert session.run(rows, {chosen: True}).tolist() == [0, 0, 3]
        assert session.run(rows, {chosen: False}).tolist() == [0, 4, 0]


def test_it_is_read_in_map_fn_and_scan():
    held = numbers(4).unstack([1.0, 2.0, 3.0, 4.0])
    again = numbers(4).unstack([1.0, 2.0, 3.0, 4.0])
    doubled = tf.map_fn(lambda k: 2 * held.read(k), tf.range(4), dtype=tf.float32)
    sums = tf.scan(lambda total, k: total + again.read(k), tf.range(4), 0.0)
    first, second = run([doubled, sums])
    assert first.tolist() == [2, 4, 6, 8]
    assert second.tolist() == [1, 3, 6, 10]


# --- refusals ------------------------------------------------------------------------------------


def test_constructors_are_looked_at():
    for given in (
        {}, {"handle": object(), "size": 3}, {"handle": object(), "dynamic_size": True},
        {"handle": object(), "element_shape": [2]}, {"handle": object()},
        {"handle": object(), "tensor_array_name": "a"}, {"size": -1},
        {"handle": object(), "clear_after_read": True},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"handle|Size"):
            tf.TensorArray(tf.float32, **given)


@pytest.mark.parametrize("place", [4, -1])
def test_an_index_out_of_range_names_the_line(place):
    index = tf.placeholder(tf.int32, [])
    held = numbers(4).unstack([0.0] * 4)
    read, write = held.read(index), numbers(4).write(index, 1.0).stack()
    for fetch, said in ((read, r"not in \[0, 4\)"), (write, "array size is: 4")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=said) as caught:
            run(fetch, {index: place})
        assert "test_tensor_array.py" in str(caught.value)


def test_a_second_write_tells_the_turn():
    held = numbers(4).write(1, 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="index 1 because it has already been"):
        run(held.write(1, 2.0).stack())
    twice = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a.write(2, 1.0)), [0, numbers()])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"turn 1 of .*index 2 because"):
        run(twice[1].stack())


def test_a_second_read_of_what_is_cleared():
    held = numbers(4).unstack([1.0, 2.0, 3.0, 4.0])
    one, two, rows = held.read(0), held.read(0), held.gather([1, 2])
    assert run([one, rows])[0] == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="index 0 twice because it was cle"):
        run([one, two])
    with pytest.raises(tf.errors.InvalidArgumentError, match="clear_after_read"):
        run([held.stack(), rows])
    again = tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s + held.read(3)), [0, 0.0])[1]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"turn 1 of .*index 3 twice"):
        run(again)
    kept = numbers(4, clear_after_read=False).unstack([1.0, 2.0, 3.0, 4.0])
    assert run(kept.read(0) + kept.read(0)) == 2


def test_other_dtypes_and_shapes_are_refused_with_both():
    held = numbers(4).write(0, [1.0, 2.0])
    with pytest.raises(tf.errors.GraphcError, match=r"is float32 but .* int32"):
        held.write(1, tf.constant([1, 2]))
    with pytest.raises(tf.errors.GraphcError, match=r"saw \(3,\) but expected \(2,\)"):
        held.write(1, [1.0, 2.0, 3.0])
    with pytest.raises(tf.errors.GraphcError, match="index is an integer"):
        held.write(1.5, [1.0, 2.0])


def test_nothing_was_written():
    with pytest.raises(tf.errors.GraphcError, match="nothing has been written") as caught:
        numbers(4).read(0)
    assert "element_shape" in str(caught.value)


def test_a_body_that_returns_something_else_for_an_array():
    with pytest.raises(tf.errors.GraphcError, match="loop variable 1 is a TensorArray"):
        tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, i), [0, numbers()])
    with pytest.raises(tf.errors.GraphcError, match="one branch of a cond gives a TensorArray"):
        tf.cond(tf.constant(True), lambda: numbers(), lambda: tf.constant(1.0))
