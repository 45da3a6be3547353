"""The programs of :mod:`random_control` as graphs: built of ``tf.cond``, ``tf.while_loop``,
``tf.scan`` and the others, with their gradients."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc as tf
from tests.properties.random_control import Block, Choice, Fold, Plain, Program, Result, While

Named = {k: namedtuple(f"Named{k}", [f"part{i}" for i in range(k)]) for k in range(1, 4)}

UNARY = {
    "sin": tf.sin,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "softplus": tf.nn.softplus,
    "bump": lambda x: x / (1 + x * x),
    "half": lambda x: x * 0.5,
}
BINARY = {
    "add": tf.add,
    "sub": tf.subtract,
    "mul": lambda a, b: a * tf.sin(b),
    "ratio": lambda a, b: a / (1 + b * b),
    "above": lambda a, b: tf.where(b + tf.zeros_like(a) > 0.2, a + tf.zeros_like(b),
                                   tf.sin(a) + tf.zeros_like(b)),
}  # fmt: skip


def packed(form: str, parts: list) -> Any:
    """The parts as a structure that loops may carry."""
    if form == "tuple":
        return tuple(parts)
    if form == "dict":
        return {f"key{k}": part for k, part in enumerate(parts)}
    if form == "named":
        return Named[len(parts)](*parts)
    if form == "nested":
        return [parts[0], (*parts[1:],)] if len(parts) > 1 else [parts[0]]
    return list(parts)


def parts_of(form: str, structure: Any) -> list:
    if form == "dict":
        return [structure[key] for key in sorted(structure)]
    if form == "nested":
        return [structure[0], *(structure[1] if len(structure) > 1 else ())]
    return list(structure)


class Building:
    """Builds a program; ``counter`` is the variable that its blocks add their ticks to."""

    def __init__(self, counter: Any, feeds: dict) -> None:
        self.counter, self.feeds = counter, feeds

    def block(self, block: Block, values: list) -> list:
        values, before = list(values), len(values)
        for statement in block.statements:
            values += getattr(self, type(statement).__name__.lower())(statement, values)
        results = [self.result(r, values) for r in block.results]
        if block.ticks is None:
            return results
        # What a block counts is certain only where all that it does is waited for.
        tick = tf.assign_add(self.counter, block.ticks)
        with tf.control_dependencies([tick, *values[before:]]):
            return [tf.identity(t) for t in results]

    @staticmethod
    def result(r: Result, values: list) -> Any:
        like, new = values[r.like], values[r.new]
        if not r.fits:
            new = tf.reduce_sum(new) / tf.cast(tf.maximum(tf.size(new), 1), tf.float64)
        mixed = {
            "sin": lambda: tf.sin(like + new),
            "half": lambda: like * 0.5 + new * 0.5,
            "add": lambda: like + new * 0.1,
            "only": lambda: new + tf.zeros_like(like),
        }
        return mixed[r.mix]()

    def plain(self, p: Plain, values: list) -> list:
        args = [values[k] for k in p.args]
        if p.op in UNARY:
            return [UNARY[p.op](*args)]
        if p.op in BINARY:
            return [BINARY[p.op](*args)]
        return [getattr(self, p.op.replace(" ", "_"))(p, args[0], args[-1])]

    def times_turn(self, p: Plain, a: Any, turn: Any) -> Any:
        return a * tf.cast(turn + 1, tf.float64) * 0.3

    def row_of_turn(self, p: Plain, a: Any, turn: Any) -> Any:
        return tf.gather(a, turn % tf.shape(a)[0])

    def matmul(self, p: Plain, a: Any, b: Any) -> Any:
        if len(a.shape) == 1:
            return tf.squeeze(tf.matmul(a[tf.newaxis], b), [0])
        return tf.matmul(a, b)

    def sum(self, p: Plain, a: Any, _: Any) -> Any:
        return tf.reduce_sum(a, p.how)

    def mean(self, p: Plain, a: Any, _: Any) -> Any:
        count = tf.maximum(tf.shape(a)[p.how], 1)
        return tf.reduce_sum(a, p.how) / tf.cast(count, tf.float64)

    def backwards(self, p: Plain, a: Any, _: Any) -> Any:
        return tf.reverse(a, [0])

    def row(self, p: Plain, a: Any, _: Any) -> Any:
        return a[p.how]

    def rows_from(self, p: Plain, a: Any, _: Any) -> Any:
        return a[p.how :]

    def join(self, p: Plain, a: Any, b: Any) -> Any:
        return tf.concat([a, b], 0)

    def transpose(self, p: Plain, a: Any, _: Any) -> Any:
        return tf.transpose(a)

    def choice(self, c: Choice, values: list) -> list:
        functions = [lambda b=b: packed(c.form, self.block(b, values)) for b in c.blocks]
        tests = [tf.reduce_sum(values[k]) > bound for k, bound in c.tests]
        if len(tests) == 1:
            made = tf.cond(tests[0], *functions, strict=True)
        else:
            pairs = list(zip(tests, functions, strict=False))
            made = tf.case(pairs, default=functions[-1], strict=True)
        return parts_of(c.form, made)

    def _while(self, w: While, values: list) -> list:
        starts, limit = [values[k] for k in w.carried], None
        if w.way == "down":
            first, step, number = w.turns, -1, lambda k: w.turns - k
            going = lambda k: k > 0  # noqa: E731
        elif w.way == "by two":
            first, step, number = 0, 2, lambda k: k // 2
            going = lambda k: k < 2 * w.turns  # noqa: E731
        else:
            first, step, number = 0, 1, lambda k: k
            going = lambda k: k < w.turns  # noqa: E731
        if w.way == "fed":
            bound = tf.placeholder(tf.int32, [])
            self.feeds[bound] = w.turns
            going = lambda k: k < bound  # noqa: E731
        elif w.way == "limit":
            limit = w.turns
            going = lambda k: True  # noqa: E731

        def test(k: Any, held: Any) -> Any:
            if w.bound is None:
                return going(k)
            below = tf.logical_not(tf.reduce_sum(tf.square(parts_of(w.form, held)[0])) > w.bound)
            return below if w.way == "limit" else tf.logical_and(going(k), below)

        def turn(k: Any, held: Any) -> Any:
            parts = parts_of(w.form, held)
            seen = [tf.reduce_mean(parts[0], 0), *parts[1:]] if w.grows else parts
            made = self.block(w.block, [*values, *seen, number(k)])
            if w.grows:
                made[0] = tf.concat([parts[0], made[0][tf.newaxis]], 0)
            return k + step, packed(w.form, made)

        given = (tf.constant(first), packed(w.form, starts))
        shapes = None
        if w.grows:
            opened = tf.TensorShape([None, *starts[0].shape[1:]])
            kept = [opened, *(t.shape for t in starts[1:])]
            shapes = (tf.TensorShape([]), packed(w.form, kept))
        _, made = tf.while_loop(test, turn, given, shapes, maximum_iterations=limit)
        parts = parts_of(w.form, made)
        return [tf.reduce_sum(parts[0], 0), *parts[1:]] if w.grows else parts

    def fold(self, f: Fold, values: list) -> list:
        elems = [values[k] for k in f.elems]
        starts = [values[k] for k in f.starts]
        numbered = bool(f.starts) or f.kind == "map"
        if numbered:
            elems.append(tf.range(tf.shape(elems[0])[0]))
        if f.by_array:
            return self.by_arrays(f, values, elems, starts)
        xs = packed(f.form, elems)
        if f.kind == "map":

            def row(part: Any) -> Any:
                slices = parts_of(f.form, part)
                return packed(f.form, self.block(f.block, [*values, *slices]))

            dtype = packed(f.form, [tf.float64] * len(f.elems))
            return parts_of(f.form, tf.map_fn(row, xs, dtype=dtype))

        def turn(held: Any, part: Any) -> Any:
            inside = [*values, *parts_of(f.form, held), *parts_of(f.form, part)]
            return packed(f.form, self.block(f.block, inside))

        initial = packed(f.form, starts) if starts else None
        more = {"reverse": f.reverse} if f.kind == "scan" else {}
        return parts_of(f.form, getattr(tf, f.kind)(turn, xs, initial, **more))

    def by_arrays(self, f: Fold, values: list, elems: list, starts: list) -> list:
        """A map or a scan as a while loop that reads its slices from arrays and writes to some."""
        length = tf.shape(elems[0])[0]
        given = [tf.TensorArray(t.dtype, length).unstack(t) for t in elems]
        count = len(starts) or len(f.elems)
        taken = [tf.TensorArray(tf.float64, length) for _ in range(count)]

        def turn(k: Any, held: Any, taken: Any) -> Any:
            at = length - 1 - k if f.reverse else k
            slices = [array.read(at) for array in given]
            made = self.block(f.block, [*values, *held, *slices])
            taken = [array.write(at, row) for array, row in zip(taken, made, strict=True)]
            return k + 1, made if starts else [], taken

        _, _, taken = tf.while_loop(lambda k, *_: k < length, turn, (0, starts, taken))
        return [array.stack() for array in taken]


setattr(Building, "while", Building._while)


@dataclass
class Built:
    """A program in a graph: its parameters, what it gives, gradients of its loss.

    ``slopes`` are the gradients of the loss, ``curves`` those of ``sum(slope * direction)``."""

    feeds: dict
    inputs: list
    results: list
    loss: Any
    slopes: list
    curves: list
    counter: Any

    def fed(self, values: list) -> dict:
        """The feeds, for the values of the parameters; variables are loaded."""
        given = dict(self.feeds)
        for tensor, value in zip(self.inputs, values, strict=True):
            if isinstance(tensor, tf.Variable):
                tensor.load(value)
            else:
                given[tensor] = value
        return given


def build(program: Program, values: list[np.ndarray], directions: list[np.ndarray]) -> Built:
    """The program in the default graph, with gradients of first and second order."""
    inputs: list = []
    for shape, is_open, value in zip(program.inputs, program.open, values, strict=True):
        if is_open:
            inputs.append(tf.placeholder(tf.float64, [None, *shape[1:]] if shape else []))
        else:
            inputs.append(tf.Variable(value, dtype=tf.float64))
    counter = tf.Variable(0, trainable=False)
    building = Building(counter, {})
    results = building.block(program.block, [tf.convert_to_tensor(t) for t in inputs])
    loss = tf.add_n([tf.reduce_sum(tf.sin(r) * (k + 1)) for k, r in enumerate(results)])
    slopes = derivatives(loss, inputs)
    along = tf.add_n([tf.reduce_sum(s * d) for s, d in zip(slopes, directions, strict=True)])
    return Built(building.feeds, inputs, results, loss, slopes, derivatives(along, inputs), counter)


def derivatives(of: Any, inputs: list) -> list:
    """The gradients; zeros where none flows."""
    found = tf.gradients(of, inputs)
    return [tf.zeros_like(t) if g is None else g for t, g in zip(inputs, found, strict=True)]
