"""Gamma and Poisson numbers have their distributions, and every int64 range is drawn evenly."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.stats

from graphc.ir.dtype import float64, int64
from graphc.ops.drawing.random import RandomUniformInt
from graphc.ops.drawing.rejection import RandomGamma, RandomPoisson

STATE = np.array([0x123456789ABCDEF, 3], np.uint64)


@pytest.mark.parametrize("alpha", [0.05, 0.5, 1.0, 2.5, 40.0, 1e4])
def test_gamma_numbers_have_the_gamma_distribution(alpha):
    drawn = RandomGamma(shape=(20_000,)).reference(STATE, np.array(alpha))
    assert scipy.stats.kstest(drawn, scipy.stats.gamma(alpha).cdf).pvalue > 1e-3


@pytest.mark.parametrize("rate", [0.0, 0.1, 1.0, 9.5, 10.0, 45.0, 3000.0])
def test_poisson_numbers_have_the_poisson_distribution(rate):
    drawn = RandomPoisson(shape=(20_000,), dtype=float64).reference(STATE, np.array(rate))
    if rate == 0:
        np.testing.assert_array_equal(np.unique(drawn), [0])
        return
    steps = np.quantile(drawn, np.linspace(0, 1, 12)[1:-1])
    edges = np.unique(np.concatenate([[-1], steps, [np.inf]]))
    found = np.array([((drawn > a) & (drawn <= b)).sum() for a, b in pairwise(edges)])
    expected = np.diff(scipy.stats.poisson(rate).cdf(edges)) * drawn.size
    assert scipy.stats.chisquare(found, expected).pvalue > 1e-3


@pytest.mark.parametrize(("low", "high"), [(-3, 9), (0, 2**40), (-(2**63), 2**63 - 1)])
def test_int64_numbers_are_spread_evenly(low, high):
    op = RandomUniformInt(shape=(20_000,), dtype=int64)
    drawn = op.reference(STATE, np.array(low, np.int64), np.array(high, np.int64))
    assert drawn.min() >= low
    assert drawn.max() < high
    place = (drawn.astype(np.float64) - low) / (float(high) - low)
    shares = np.histogram(place, 4 if high - low < 99 else 10, (0, 1))[0] / drawn.size
    np.testing.assert_allclose(shares, 1 / shares.size, atol=0.012)


def test_more_elements_do_not_change_the_first_ones():
    few = RandomGamma(shape=(5,)).reference(STATE, np.array(0.4))
    many = RandomGamma(shape=(500,)).reference(STATE, np.array(0.4))
    np.testing.assert_array_equal(few, many[:5])
