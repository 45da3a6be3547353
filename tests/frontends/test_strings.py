"""``tf.strings`` and its older names; expected values were recorded from TensorFlow."""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import DTypeError, InvalidArgumentError, ShapeError

REALS = np.array([1.5, -2.25, 1e10, 1e-7, np.nan, np.inf, 0.1], np.float32)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, "1.500000 -2.250000 10000000000.000000 0.000000 nan inf 0.100000"),
        ({"precision": 2}, "1.50 -2.25 10000000000.00 0.00 nan inf 0.10"),
        ({"shortest": True}, "1.5 -2.25 1e+10 1e-07 nan inf 0.1"),
        ({"scientific": True, "precision": 1}, "1.5e+00 -2.2e+00 1.0e+10 1.0e-07 nan inf 1.0e-01"),
    ],
)
def test_numbers_as_text(session, how, expected):
    assert session().run(tf.as_string(REALS, **how)).tolist() == expected.encode().split()


def test_integers_and_bools_as_text(session):
    made = [
        tf.as_string([1, -20], width=5, fill="0"),
        tf.as_string([1, -20], width=4),
        tf.as_string([True, False]),
    ]
    found = [part.tolist() for part in session().run(made)]
    assert found == [[b"00001", b"-0020"], [b"   1", b" -20"], [b"true", b"false"]]
    with pytest.raises(ShapeError, match="precision, scientific and shortest are for floating x"):
        tf.as_string([1], precision=2)


def test_text_as_numbers(session):
    x = tf.placeholder(tf.string, [None])
    sess = session()
    spelled = ["1.5", " 2 ", "1e3", "-inf", "nan", "+4", "0x10", ".5", "5."]
    np.testing.assert_array_equal(
        sess.run(tf.string_to_number(x), {x: spelled}),
        np.float32([1.5, 2, 1000, -np.inf, np.nan, 4, 16, 0.5, 5]),
    )
    assert sess.run(tf.string_to_number(["3000000000"], tf.int64)) == [3000000000]
    with pytest.raises(InvalidArgumentError, match=r"x\[1\] = b'abc' is not a number"):
        sess.run(tf.string_to_number(x), {x: ["1", "abc"]})
    with pytest.raises(InvalidArgumentError, match="b'1_0' is not an integer"):
        sess.run(tf.string_to_number(x, tf.int32), {x: ["1_0"]})
    with pytest.raises(InvalidArgumentError, match="b'3000000000' is outside int32"):
        sess.run(tf.string_to_number(x, tf.int32), {x: ["3000000000"]})


def test_joined_and_reduced(session):
    square = [["a", "b"], ["c", "d"]]
    made = [
        tf.string_join([["a", "c"], "b"], separator="-"),
        tf.reduce_join(square),
        tf.reduce_join(square, 0),
        tf.reduce_join(square, [0, 1]),
        tf.reduce_join(square, [1, 0], separator="."),
        tf.reduce_join(square, -1, keep_dims=True),
    ]
    found = [np.asarray(part).tolist() for part in session().run(made)]
    assert found == [
        [b"a-b", b"c-b"], b"abcd", [b"ac", b"bd"], b"acbd", b"a.b.c.d", [[b"ab"], [b"cd"]],
    ]  # fmt: skip


def test_strings_are_added(session):
    x = tf.placeholder(tf.string, [None])
    made = [x + "!", "?" + x, tf.add(x, x)]
    found = [part.tolist() for part in session().run(made, {x: ["a", "b"]})]
    assert found == [[b"a!", b"b!"], [b"?a", b"?b"], [b"aa", b"bb"]]
    with pytest.raises(DTypeError, match="dtypes of x and y differ"):
        x + tf.constant(1)


def test_cut_stripped_counted_and_cased(session):
    made = [
        tf.substr(["hello", "world"], [-3, 2], [2, 9]),
        tf.substr("hello", 5, 1),
        tf.strings.substr(["héllo"], 1, 2, unit="UTF8_CHAR"),
        tf.string_strip(["  a b \n", "\t"]),
        tf.strings.length(["abc", "ü"]),
        tf.strings.length(["abc", "ü"], unit="UTF8_CHAR"),
        tf.strings.lower(["AbC", "Ü"]),
        tf.strings.upper(["AbC", "ü"], encoding="utf-8"),
    ]
    found = [np.asarray(part).tolist() for part in session().run(made)]
    assert found == [
        [b"ll", b"rld"], b"", ["él".encode()], [b"a b", b""], [3, 2], [3, 1],
        [b"abc", "Ü".encode()], [b"ABC", "Ü".encode()],
    ]  # fmt: skip
    with pytest.raises(InvalidArgumentError, match="x = b'hello' has no position 7"):
        session().run(tf.substr("hello", 7, 1))


def test_hashes_are_tensorflows(session):
    words = ["", "abc", "hello world", "x" * 40, "y" * 200]
    made = [
        tf.string_to_hash_bucket_fast(words, 1 << 62),
        tf.string_to_hash_bucket(words, 1000),
        tf.string_to_hash_bucket_strong(words, 1000, [1, 2]),
    ]
    assert [part.tolist() for part in session().run(made)] == HASHES


HASHES = [
    [
        1936946117179621455,
        2640714258260161385,
        1769834696496558107,
        3168538174772821140,
        577833072005583796,
    ],
    [899, 710, 655, 365, 583],
    [435, 917, 446, 927, 446],
]


def test_patterns(session):
    made = [
        tf.regex_replace(["a1b22", "xyz"], "[0-9]+", r"<\0>"),
        tf.strings.regex_replace(["a1b22"], "([a-z])", r"\1\1", replace_global=False),
        tf.strings.regex_full_match(["abc", "ab"], "a.c"),
    ]
    found = [part.tolist() for part in session().run(made)]
    assert found == [[b"a<1>b<22>", b"xyz"], [b"aa1b22"], [True, False]]
    with pytest.raises(InvalidArgumentError, match="is not a regular expression"):
        session().run(tf.regex_replace(["a"], "(", ""))


def test_bytes(session):
    made = [
        tf.encode_base64(["a", "hello??>"]),
        tf.decode_base64(["YQ", "YQ==", "aGVsbG8_Pz4"]),
        tf.decode_raw(["abcd", "efgh"], tf.int16),
        tf.decode_raw(["abcd"], tf.int16, little_endian=False),
    ]
    found = [part.tolist() for part in session().run(made)]
    assert found == [
        [b"YQ", b"aGVsbG8_Pz4"], [b"a", b"a", b"hello??>"],
        [[25185, 25699], [26213, 26727]], [[24930, 25444]],
    ]  # fmt: skip
    with pytest.raises(InvalidArgumentError, match="all strings must have one length"):
        session().run(tf.decode_raw(["ab", "c"], tf.uint8))


def test_tensors_in_a_template(session):
    made = [
        tf.strings.format("x: {} {}", (tf.constant([1.5, 2, 1 / 3]), tf.constant("abc"))),
        tf.strings.format("{}", tf.range(10)),
        tf.strings.format("{}", tf.reshape(tf.range(80), [8, 10])),
        tf.strings.format("{}", tf.constant([True, False])),
    ]
    assert session().run(made) == [
        b'x: [1.5 2 0.333333343] "abc"',
        b"[0 1 2 ... 7 8 9]",
        b"[[0 1 2 ... 7 8 9]\n [10 11 12 ... 17 18 19]\n [20 21 22 ... 27 28 29]\n ...\n"
        b" [50 51 52 ... 57 58 59]\n [60 61 62 ... 67 68 69]\n [70 71 72 ... 77 78 79]]",
        b"[1 0]",
    ]


def test_no_string_is_refused_where_one_is_needed():
    with pytest.raises(DTypeError, match=r"x must be string, got float32\[2\]"):
        tf.string_to_number(tf.constant([1.0, 2.0]))


def test_lines_of_values_become_columns(session):
    lines = tf.constant(['1.5,2,"a,""b"""', ",,x"])
    a, b, c = session().run(tf.decode_csv(lines, [[9.0], [7], ["d"]]))
    assert (a.tolist(), b.tolist(), c.tolist()) == ([1.5, 9.0], [2, 7], [b'a,"b"', b"x"])
    assert a.dtype == np.float32
    assert session().run(tf.decode_csv("1,2,3", [[1.0]], select_cols=[2])) == [3.0]
    required = tf.constant([], tf.int32)
    for line, words in (("1,", "field 1 of records is required"), ("1", "has 1 fields, 2 are"),
                        ("x,1", "field 0 of records = b'x' is not an integer")):  # fmt: skip
        with pytest.raises(InvalidArgumentError, match=words):
            session().run(tf.decode_csv(line, [[1], required]))


def test_edit_distances_of_sparse_sequences(session):
    said = tf.SparseTensor([[0, 0], [0, 1], [0, 2], [2, 0]], [1, 2, 3, 9], [3, 3])
    wanted = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], [1, 3, 5], [3, 2])
    made = [tf.edit_distance(said, wanted), tf.edit_distance(said, wanted, normalize=False)]
    found = session().run(made)
    np.testing.assert_array_equal(found[0], [0.5, 1, np.inf])
    np.testing.assert_array_equal(found[1], [1, 1, 1])


def test_both_addresses_of_a_name_are_one_function():
    assert tf.strings.join is tf.string_join
    assert tf.strings.to_number is tf.string_to_number


def test_zeros_of_strings_are_empty(session):
    found = session().run([tf.zeros([2], tf.string), tf.zeros_like(["a"])])
    assert [part.tolist() for part in found] == [[b"", b""], [b""]]


def test_split_gives_a_sparse_tensor(session):
    x = tf.placeholder(tf.string, [None])
    sess = session()
    found = sess.run(tf.string_split(x), {x: ["a b c", " d  e", ""]})
    assert found.indices.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1]]
    assert found.values.tolist() == [b"a", b"b", b"c", b"d", b"e"]
    assert found.dense_shape.tolist() == [3, 3]
    kept = sess.run(tf.string_split(x, ",;", skip_empty=False), {x: ["a,b;c", ""]})
    assert kept.values.tolist() == [b"a", b"b", b"c"]
    assert sess.run(tf.strings.split(["a--b-c"], sep="--").values).tolist() == [b"a", b"b-c"]
    numbers = tf.string_to_number(tf.string_split([tf.constant("1 2 3")]).values, tf.int32)
    assert sess.run(numbers).tolist() == [1, 2, 3]
