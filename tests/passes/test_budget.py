"""Which lengths of segments are tried, and what they keep."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.budget import _Loop, _near, _ways
from graphc.passes.options import LoopMemory


def loop(turns, beginning, kept):
    facts = LoopMemory("rnn", "", ("rnn",), turns, beginning, frozenset(), kept=kept)
    return _Loop(facts, turns, beginning, kept)


def test_an_lstm_of_a_thousand_turns():
    found = loop(1000, 51_200, 281_600)
    ways = list(_ways(found))
    assert ways[:4] == [(25,), (10,), (100, 10), (50, 2)]
    assert found.keeps(()) == 281_600_000
    assert found.keeps((25,)) == 40 * 51_200 + 25 * 281_600
    assert found.keeps((100, 10)) == 10 * 51_200 + 10 * 51_200 + 10 * 281_600


def test_turns_that_make_no_whole_segment_are_counted():
    assert loop(13, 10, 100).keeps((5,)) == 2 * 10 + 5 * 100 + 3 * 100


@given(st.integers(0, 5000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_every_way_keeps_less_than_the_one_before(turns, beginning, kept):
    found = loop(turns, beginning, kept)
    least = found.keeps(())
    for lengths in _ways(found):
        assert all(a > b for a, b in pairwise(lengths))
        assert found.keeps(lengths) < least
        least = found.keeps(lengths)


@pytest.mark.parametrize(
    ("turns", "wanted", "length"), [(1000, 31.6, 25), (97, 9.8, 10), (4, 2, 2)]
)
def test_lengths_divide_the_turns_where_one_near_does(turns, wanted, length):
    assert _near(turns, wanted) == length
