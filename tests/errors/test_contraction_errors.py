"""What a person reads whose operands cannot be multiplied, summed over or pooled.

The comment beside each is what TensorFlow 2.21 says of the same program.
"""

import numpy as np
import pytest

import graphc as tf
from tests.errors.conftest import PRESENT, complaint_on

SMALL = "a = tf.zeros([3, 4], name='a')\n"
IMAGES = "x = tf.zeros([2, 8, 8, 6], name='x')\n"

REFUSED = [
    # Dimensions must be equal, but are 4 and 5
    (SMALL + "y = tf.matmul(a, tf.zeros([5, 6]))", "ShapeError", "inner dimensions differ"),
    # Shape must be rank 2 but is rank 1
    (SMALL + "y = tf.matmul(a[0], a)", "ShapeError", "a must be a matrix, its rank is 1"),
    # Dimensions must be equal, but are 2 and 3
    ("a = tf.zeros([2, 3, 4])\ny = tf.matmul(a, tf.zeros([3, 4, 6]))", "ShapeError",
     "the axes before the matrices do not broadcast (axis -1)"),
    # Input 'b' of 'MatMul' Op has type float64 that does not match type float32
    (SMALL + "y = tf.matmul(a, tf.zeros([4, 6], tf.float64))", "DTypeError",
     "dtypes of a and b differ"),
    # Value passed to parameter 'a' has DataType bool not in list of allowed values
    ("a = tf.zeros([3, 4], tf.bool)\ny = tf.matmul(a, tf.zeros([4, 6], tf.bool))", "DTypeError",
     "a must be floating, complex or a signed integer, got bool[3, 4]"),
    # Output subscripts contain the label l not present in the input subscripts
    (SMALL + "y = tf.einsum('ij,jk->il', a, tf.zeros([4, 6]))", "ShapeError",
     "label 'l' of the result of 'ij,jk->il' is in no operand"),
    # Shape must be rank 3 but is rank 2
    (SMALL + "y = tf.einsum('ijk,jk->i', a, tf.zeros([4, 6]))", "ShapeError",
     "has rank 2, 'ijk' has 3 labels"),
    # Dimensions must be equal, but are 4 and 5
    (SMALL + "y = tf.einsum('ij,jk->ik', a, tf.zeros([5, 6]))", "ShapeError",
     "label 'j' of 'ij,jk->ik' has sizes 4 and 5"),
    # Dimensions must be equal, but are 4 and 5
    (SMALL + "y = tf.tensordot(a, tf.zeros([5, 6]), 1)", "ShapeError", "has sizes 4 and 5"),
    # Negative dimension size caused by subtracting 9 from 8
    (IMAGES + "y = tf.nn.max_pool(x, [1, 9, 3, 1], [1, 1, 1, 1], 'VALID')", "ShapeError",
     "a window of 9 does not fit into 8 along spatial axis 0"),
    # Value passed to parameter 'value' has DataType int32 not in list of allowed values
    (IMAGES + "y = tf.nn.avg_pool(tf.cast(x, tf.int32), 2, 2, 'SAME')", "DTypeError",
     "x must be floating, got int32[2, 8, 8, 6]"),
    # `ksize` cannot be zero
    (IMAGES + "y = tf.nn.max_pool(x, [1, 0, 3, 1], [1, 1, 1, 1], 'VALID')",
     "AttributeValueError", "ksize must be at least 1"),
    # (builds; fails when run: Current implementation does not support strides in the batch)
    (IMAGES + "y = tf.nn.max_pool(x, [2, 3, 3, 1], [1, 1, 1, 1], 'VALID')",
     "AttributeValueError", "ksize must be 1 along the batch and the channels"),
    # Dimensions must be equal, but are 6 and 4
    (IMAGES + "y = tf.nn.depthwise_conv2d(x, tf.zeros([3, 3, 4, 1]), [1, 1, 1, 1], 'SAME')",
     "ShapeError", "the filter takes 4 channels, there are 6"),
    # Depth of input (12) is not a multiple of input depth of filter (5)
    (IMAGES + "y = tf.nn.separable_conv2d(x, tf.zeros([3, 3, 6, 2]), tf.zeros([1, 1, 5, 7]), "
     "[1, 1, 1, 1], 'SAME')", "ShapeError", "5 channels, there are 12"),
    # (builds; fails when run: Size of out_backprop doesn't match computed)
    (IMAGES + "y = tf.nn.conv2d_transpose(x, tf.zeros([3, 3, 4, 6]), [2, 19, 19, 4], "
     "[1, 2, 2, 1], 'SAME')", "ShapeError", "must be 10"),
    # (builds; fails when run: input and filter must have the same depth)
    (IMAGES + "y = tf.nn.conv2d_transpose(x, tf.zeros([3, 3, 4, 6]), [2, 16, 16, 5], "
     "[1, 2, 2, 1], 'SAME')", "ShapeError", "4 channels, there are 5"),
    # Negative dimension size caused by subtracting 9 from 8
    (IMAGES + "y = tf.nn.conv2d(x, tf.zeros([3, 3, 6, 4]), 1, 'VALID', dilations=4)",
     "ShapeError", "9"),
    # Input 'filter' of 'Conv2D' Op has type float64 that does not match type float32
    (IMAGES + "y = tf.nn.conv2d(x, tf.zeros([3, 3, 6, 4], tf.float64), 1, 'SAME')",
     "DTypeError", "dtypes of x and filter differ"),
    # Nonzero explicit padding in the batch or depth dimensions is not supported
    (IMAGES + "y = tf.nn.conv2d(x, tf.zeros([3, 3, 6, 4]), 1, [[1, 0], [1, 1], [1, 1], [0, 0]])",
     "AttributeValueError", "padding must be 0 along the batch and the channels"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "kind", "says"), REFUSED)
def test_operands_that_do_not_belong_together(complaint, source, kind, says):
    text = complaint(source)
    assert text.startswith(kind)
    assert says in text
    assert "train.py:2" in text


@pytest.mark.parametrize("device", PRESENT)
def test_operands_that_are_fed_and_do_not_fit(device):
    text = complaint_on(device, """
        a = tf.placeholder(tf.float32, [None, None], name="a")
        b = tf.placeholder(tf.float32, [None, None], name="b")
        y = tf.matmul(a, b)
        session().run(y, {a: np.zeros([3, 4]), b: np.zeros([5, 6])})
    """)  # fmt: skip
    assert text.startswith("FedShapeError")
    assert "4" in text
    assert "5" in text
    assert "at train.py:3   y = tf.matmul(a, b)" in text


def test_a_result_of_more_elements_than_32_bits_count_is_refused_for_its_size():
    text = complaint_on("/cpu:0", """
        x = tf.placeholder(tf.float32, [None, 1])
        y = tf.matmul(x, x, transpose_b=True)
        session().run(y, {x: np.ones([1 << 23, 1])})
    """)  # fmt: skip
    assert text.startswith("ResourceExhaustedError")
    assert "262144.0 GiB" in text


def test_sizes_of_zero_give_sums_of_nothing():
    x = tf.placeholder(tf.float32, [None, None])
    w = tf.placeholder(tf.float32, [None, None])
    y = tf.matmul(x, w)
    slopes = tf.gradients(y, [x, w])
    with tf.Session() as session:
        for rows, depth, columns in ((0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0)):
            given = {x: np.ones((rows, depth)), w: np.ones((depth, columns))}
            found, *passed = session.run([y, *slopes], given)
            assert found.shape == (rows, columns)
            assert not found.any()
            assert [p.shape for p in passed] == [(rows, depth), (depth, columns)]
