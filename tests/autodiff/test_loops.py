"""Gradients through loops and branches, first and second order, against finite differences."""

import numpy as np
import pytest

from graphc.autodiff.reverse import gradients, why_none
from graphc.ir.builder import Builder
from graphc.ir.dtype import float64, int32
from graphc.ir.graph import Graph
from runtime.devices.reference.evaluate import evaluate

STEP = 1e-6


def scanned(b, x, w):
    """A recurrence over the rows of x, with a stacked output and a counter."""

    def turn(_, h, count, row):
        inside = Builder(x.graph)
        h = inside.tanh(h * w + row)
        return [h, count + 1, h * h]

    carries = [b.zeros_like(w), b.tensor(0)]
    (last, _), (rows,) = b.scan_over(turn, carries, [x], 4)
    return b.reduce_sum(rows) + b.reduce_sum(last * x)


def reversed_scan(b, x, w):
    def turn(_, h, row):
        return [Builder(x.graph).sin(h + row * w)]

    (last,), _ = b.scan_over(turn, [w], [x], 4, reverse=True)
    return b.reduce_sum(last * w)


def looped(b, x, w):
    """A loop that stops when its carry has grown, after a number of turns that depends on w."""

    def goes_on(_, i, h):
        inside = Builder(x.graph)
        return [inside.less(inside.reduce_sum(h * h), inside.tensor(40.0, dtype=float64))]

    def turn(_, i, h):
        return [i + 1, h * (w * w + 1.1) + Builder(x.graph).reduce_sum(x, axis=(0,)) * 0.1]

    _, last = b.loop_while(goes_on, turn, [b.tensor(0), w])
    return b.reduce_sum(last * last)


def branched(b, x, w):
    def then(_):
        return [Builder(x.graph).exp(w) * x, w]

    def otherwise(_):
        return [x * 2.0, w * w]

    positive = b.greater(b.reduce_sum(w), b.tensor(0.0, dtype=float64))
    one, two = b.branch(positive, then, otherwise)
    return b.reduce_sum(one * one) + b.reduce_sum(two)


def nested(b, x, w):
    """A scan in a scan, with a branch inside."""

    def row(step, total, values):
        def cell(_, s, v):
            inside = Builder(x.graph)
            odd = inside.equal(inside.floormod(step, 2), 1)
            (kept,) = inside.branch(odd, lambda _: [s * v], lambda _: [s + v * total])
            return [kept]

        inside = Builder(x.graph)
        first = inside.reduce_sum(w)
        (best,), _ = inside.scan_over(cell, [first], [values], 3)
        return [inside.sin(total + best)]

    (total,), _ = b.scan_over(row, [b.tensor(1.0, dtype=float64)], [x], 4)
    return total * total


@pytest.mark.parametrize("model", [scanned, reversed_scan, looped, branched, nested])
def test_gradients_of_first_and_second_order(model):
    graph = Graph()
    b = Builder(graph)
    x, w = (b.placeholder(dtype=float64, shape=s, name=n) for s, n in (((4, 3), "x"), ((3,), "w")))
    y = model(b, x, w)
    dx, dw = gradients(y, [x, w])
    random = np.random.default_rng(3)
    values = {x: random.uniform(0.2, 1, (4, 3)), w: random.uniform(0.2, 1, 3)}
    direction = random.standard_normal(3)
    along = b.reduce_sum(dw * b.tensor(direction))
    hessian_x, hessian_w = gradients(along, [x, w])
    found = evaluate(graph, values, [dx, dw, hessian_x, hessian_w])

    def slope(of, at):
        made = np.zeros_like(values[at])
        for k in np.ndindex(made.shape):
            ends = []
            for sign in (1, -1):
                moved = values[at].copy()
                moved[k] += sign * STEP
                ends.append(evaluate(graph, {**values, at: moved}, [of])[0])
            made[k] = (ends[0] - ends[1]) / (2 * STEP)
        return made

    for got, of, at in zip(found, (y, y, along, along), (x, w, x, w), strict=True):
        np.testing.assert_allclose(got, slope(of, at), rtol=2e-6, atol=1e-7)


def test_no_turns_pass_the_cotangent_on():
    graph = Graph()
    b = Builder(graph)
    x = b.placeholder(dtype=float64, shape=(3,), name="x")
    _, y = b.loop_while(
        lambda _, i, h: [Builder(graph).less(i, b.tensor(0))],
        lambda _, i, h: [i + 1, h * 5.0],
        [b.tensor(0), x],
    )
    (dx,) = gradients(y, [x])
    value = np.array([1.0, 2.0, 3.0])
    same, ones = evaluate(graph, {x: value}, [y, dx])
    assert same.tolist() == value.tolist()
    assert ones.tolist() == [1, 1, 1]


def test_an_integer_that_a_loop_counts_has_no_gradient():
    graph = Graph()
    b = Builder(graph)
    x = b.placeholder(dtype=int32, shape=(), name="x")
    (y,) = b.loop_while(
        lambda _, i: [Builder(graph).less(i, b.tensor(3))], lambda _, i: [i + 1], [x]
    )
    assert gradients(b.cast(y, dtype=float64), [x]) == [None]
    assert "int32" in why_none(y, x)
