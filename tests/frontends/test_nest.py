"""``tf.nest``: flat lists of nests and back."""

from collections import OrderedDict, namedtuple

import pytest

import graphc as tf

Pair = namedtuple("Pair", "x y")


def test_leaves_come_in_order_with_dict_keys_sorted():
    assert tf.nest.flatten({"b": 2, "a": [1, (3,)]}) == [1, 3, 2]
    assert tf.nest.flatten(Pair("ab", [2])) == ["ab", 2]
    assert tf.nest.flatten(5) == [5]
    assert tf.nest.flatten([]) == []


def test_a_flat_list_goes_back_into_the_nest():
    nest = OrderedDict([("b", Pair(0, (0,))), ("a", 0)])
    packed = tf.nest.pack_sequence_as(nest, [1, 2, 3])
    assert packed == OrderedDict([("b", Pair(2, (3,))), ("a", 1)])
    assert list(packed) == ["b", "a"]
    with pytest.raises(ValueError, match=r"Structure had 2 atoms, but flat_sequence had 1 items"):
        tf.nest.pack_sequence_as([1, 2], [1])
    with pytest.raises(TypeError, match="must be a list or tuple"):
        tf.nest.pack_sequence_as([1, 2], 1)


def test_a_function_is_mapped_over_nests_of_one_structure():
    assert tf.nest.map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)]) == [11, (22,)]
    with pytest.raises(TypeError, match="a list stands where a tuple does"):
        tf.nest.map_structure(lambda a, b: a, [1], (1,))
    assert tf.nest.map_structure(lambda a, b: b, [1], (2,), check_types=False) == [2]
    with pytest.raises(TypeError, match="func must be callable"):
        tf.nest.map_structure(3, [1])


@pytest.mark.parametrize(
    ("one", "other", "error"),
    [
        ([1, [2]], [1, 2], ValueError), ({"a": 1}, {"b": 1}, ValueError), (1, [1], ValueError),
        ([1], [1, 2], ValueError), (Pair(1, 2), (1, 2), TypeError),
    ],
)  # fmt: skip
def test_structures_that_differ_are_refused(one, other, error):
    with pytest.raises(error, match="don't have the same nested structure"):
        tf.nest.assert_same_structure(one, other)


def test_what_is_nested():
    assert all(map(tf.nest.is_nested, [[1], (), {}, Pair(1, 1)]))
    assert not any(map(tf.nest.is_nested, ["abc", b"x", {1, 2}, 3]))
