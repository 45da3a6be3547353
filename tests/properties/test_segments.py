"""Random cells under random limits, and in random segments, give what they give with all kept."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import graphc as tf
from tests.properties.test_loops import BATCH, NAMES, TURNS, WIDTH, built

PARTS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)


def results(parts, reverse, form, value, **options):
    with tf.Graph().as_default():
        x, wanted = built(parts, reverse, form)
        start = [v.initializer for v in tf.global_variables()]
        weights = np.random.default_rng(7)
        filled = [
            (v, weights.standard_normal(v.shape.as_list()) * 0.4) for v in tf.global_variables()
        ]
        with tf.Session(config=tf.Options(**options)) as session:
            session.run(start)
            for variable, given_value in filled:
                variable.load(given_value.astype("f"), session)
            found = session.run(wanted, {x: value})
            return found, session.compile_log()[-1]


def assert_close(got, expected):
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * max(1, np.abs(b).max(initial=0)))


@settings(max_examples=15, deadline=None)
@given(
    parts=PARTS,
    form=st.sampled_from(["scan", "while"]),
    reverse=st.booleans(),
    lengths=st.lists(st.integers(1, TURNS), min_size=1, max_size=3, unique=True),
)
def test_segments_change_no_result(parts, form, reverse, lengths):
    value = np.random.default_rng(3).standard_normal((TURNS, BATCH, WIDTH)).astype("f")
    expected, _ = results(parts, reverse, form, value)
    way = tuple(sorted(lengths, reverse=True))
    assert_close(results(parts, reverse, form, value, segments={"*": way})[0], expected)


@settings(max_examples=10, deadline=None)
@given(parts=PARTS, reverse=st.booleans(), share=st.floats(0.05, 1.1))
def test_limits_change_no_result(parts, reverse, share):
    value = np.random.default_rng(3).standard_normal((TURNS, BATCH, WIDTH)).astype("f")
    expected, line = results(parts, reverse, "scan", value)
    whole = int(line.split("arena ")[1].split()[0])
    limit = max(1, int(whole * share))
    try:
        got, line = results(parts, reverse, "scan", value, memory_limit=limit)
    except tf.errors.ResourceExhaustedError as error:
        assert share < 1
        least = int(str(error).split("allow memory_limit=")[1].split(",")[0])
        assert least > limit
        got, line = results(parts, reverse, "scan", value, memory_limit=least)
        limit = least
    assert int(line.split("arena ")[1].split()[0]) <= limit
    assert_close(got, expected)
