"""What is made straight in the variable it is assigned to, and what is copied there."""

from __future__ import annotations

from textwrap import dedent, indent

import numpy as np
import pytest

import graphc as tf
from graphc.ir.text import parse_graph
from graphc.lowering.program import Copy, Launch, Place, Program
from tests.devices import DEVICES
from tests.lowering.lowered import program_of

SHAPE = "float32[4, 4]"


def text(body: str, results: str = "z") -> str:
    """A graph over ``x``, ``w`` and the variables ``v`` and ``u``."""
    return f"""
graph g(x: {SHAPE}, w: {SHAPE}) -> {results}
  %v = variable(key="v", dtype=float32, shape=(4, 4)) : {SHAPE}
  %u = variable(key="u", dtype=float32, shape=(4, 4)) : {SHAPE}
{indent(dedent(body).strip().replace(" : S", f" : {SHAPE}"), "  ")}
"""


def steps(program: Program) -> list[str]:
    """Kernels and what they write; from the commit point on with a star."""
    found = []
    for number, step in enumerate(program.steps):
        assert isinstance(step, Launch | Copy)
        places = [program.buffers[b] for b in program.writes(step)]
        made = [
            b.key if b.place is Place.VARIABLE else b.place.value
            for b in places
            if b.label != "workspace"
        ]
        name = "copy" if isinstance(step, Copy) else program.kernels[step.kernel].name
        found.append(" ".join(["*" * (number >= program.commit) + name, *made]))
    return found


MADE = {
    "a product": ("%p = matmul(%x, %w) : S\n%z = assign(%v, %p) : S", ["*matmul v"]),
    "a product with an epilogue": (
        "%q = matmul(%x, %w) : S\n%p = tanh(%q) : S\n%z = assign(%v, %p) : S",
        ["*matmul_tanh v"],
    ),
    "rows": (
        """
        %s = reduce_sum(%x, axis=(1,), keepdims=True) : float32[4, 1]
        %p = sub(%x, %s) : S
        %z = assign(%v, %p) : S
        """,
        ["*fused_reduce_sum_sub v"],
    ),
    "a view of a product": (
        """
        %a = reshape(%x, shape=(2, 8)) : float32[2, 8]
        %b = reshape(%w, shape=(8, 2)) : float32[8, 2]
        %q = matmul(%b, %a) : float32[8, 8]
        %r = matmul(%q, %b) : float32[8, 2]
        %p = reshape(%r, shape=(4, 4)) : S
        %z = assign(%v, %p) : S
        """,
        ["matmul arena", "*matmul v"],
    ),
    "a product beside which the version before is read": (
        """
        %p = matmul(%x, %w) : S
        %z = assign(%v, %p) : S
        %r = matmul(%v, %w) : S
        %y = matmul(%r, %z) : S
        """,
        ["matmul arena", "*matmul v", "*matmul fetch"],
    ),
    "two products, one of what the other made": (
        """
        %p = matmul(%x, %w) : S
        %s = assign(%v, %p) : S
        %q = matmul(%s, %w) : S
        %z = assign(%u, %q) : S
        """,
        ["*matmul v", "*matmul u"],
    ),
    "two outputs of one unit": (
        """
        %s = reduce_sum(%x, axis=(1,), keepdims=True) : float32[4, 1]
        %p = sub(%x, %s) : S
        %q = add(%x, %s) : S
        %z = assign(%v, %p) : S
        %y = assign(%u, %q) : S
        """,
        ["*fused_reduce_sum_sub_add v u"],
    ),
}

COPIED = {
    "it reads the variable": (
        "%p = matmul(%v, %w) : S\n%z = assign(%v, %p) : S",
        ["matmul arena", "*only_assign v"],
    ),
    "it reads a later version of the variable": (
        """
        %s = assign(%v, %x) : S
        %p = matmul(%s, %w) : S
        %z = assign(%s, %p) : S
        """,
        ["*only_assign v", "*matmul arena", "*only_assign v"],
    ),
    "it reads the variable through a view": (
        """
        %a = reshape(%v, shape=(2, 8)) : float32[2, 8]
        %b = reshape(%w, shape=(8, 2)) : float32[8, 2]
        %c = matmul(%b, %a) : float32[8, 8]
        %d = matmul(%a, %c) : float32[2, 8]
        %p = reshape(%d, shape=(4, 4)) : S
        %z = assign(%v, %p) : S
        """,
        ["matmul arena", "matmul arena", "*only_assign v"],
    ),
    "somebody else reads the value": (
        """
        %p = matmul(%x, %w) : S
        %z = assign(%v, %p) : S
        %q = matmul(%p, %w) : S
        %y = assign(%u, %q) : S
        """,
        ["matmul arena", "*only_assign v", "*matmul u"],
    ),
    "it can fail": (
        """
        %i = const(value=int32([0, 3, 1, 2])) : int32[4]
        %s = replace_rows(%x, %i, %w) : S
        %z = assign(%v, %s) : S
        """,
        ["replace_rows arena", "*only_assign v"],
    ),
    "both outputs are wanted, and a path leads from the one assignment to the other": (
        """
        %s = reduce_sum(%x, axis=(1,), keepdims=True) : float32[4, 1]
        %p = sub(%x, %s) : S
        %q = add(%x, %s) : S
        %z = assign(%v, %p) : S
        %m = matmul(%z, %u) : S
        %y = assign(%u, %q) : S
        """,
        [
            "fused_reduce_sum_sub_add arena arena",
            "*only_assign v",
            "*matmul arena",
            "*only_assign u",
        ],
    ),
}


def lowered(body: str) -> Program:
    """The program; of results, only a computed one is fetched: the others are copies."""
    return program_of(text(body, "y" if "%y = m" in body else ""))


@pytest.mark.parametrize("what", MADE)
def test_it_is_made_in_the_variable(what: str) -> None:
    body, wanted = MADE[what]
    program = lowered(body)
    assert steps(program) == wanted
    assert not program.declined


@pytest.mark.parametrize("what", COPIED)
def test_it_is_copied_because(what: str) -> None:
    body, wanted = COPIED[what]
    assert steps(lowered(body)) == wanted


@pytest.mark.parametrize("device", ["plain", "cpu"])
@pytest.mark.parametrize("what", [*MADE, *COPIED])
def test_every_device_leaves_the_same_in_the_variables(what: str, device: str) -> None:
    body, _ = (MADE | COPIED)[what]
    rng = np.random.default_rng(3)
    start = {key: rng.normal(size=(4, 4)).astype(np.float32) for key in "vu"}
    fed = [rng.normal(size=(4, 4)).astype(np.float32) for _ in range(2)]

    def left_by(name: str) -> dict[str, np.ndarray]:
        graph = parse_graph(dedent(text(body, "")).strip() + "\n")
        variables = {key: value.copy() for key, value in start.items()}
        writes = [node for node in graph.nodes if node.op.writes is not None]
        DEVICES[name](graph, dict(zip(graph.inputs, fed, strict=True)), [], writes, variables)
        return variables

    wanted = left_by("reference")
    made = left_by(device)
    for key in "vu":
        np.testing.assert_allclose(made[key], wanted[key], rtol=1e-5, atol=1e-5)


@pytest.fixture
def fresh_graph() -> None:
    tf.reset_default_graph()


@pytest.mark.usefixtures("fresh_graph")
def test_a_failure_behind_it_leaves_the_variable_as_it_was() -> None:
    x = tf.placeholder(tf.float32, [3, 3])
    at = tf.placeholder(tf.int32, [2])
    v = tf.Variable(tf.ones([3, 3]))
    stored = tf.assign(v, tf.matmul(x, x))
    rows = tf.gather(stored, at)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        value = np.arange(9, dtype=np.float32).reshape(3, 3)
        with pytest.raises(tf.errors.InvalidArgumentError, match="7"):
            sess.run(rows, {x: value, at: [0, 7]})
        assert (sess.run(v) == 1).all()
        found = sess.run(rows, {x: value, at: [0, 2]})
        np.testing.assert_array_equal(found, (value @ value)[[0, 2]])
        np.testing.assert_array_equal(sess.run(v), value @ value)


@pytest.mark.usefixtures("fresh_graph")
def test_a_failure_elsewhere_comes_before_it() -> None:
    x = tf.placeholder(tf.float32, [3, 3])
    at = tf.placeholder(tf.int32, [2])
    v = tf.Variable(tf.ones([3, 3]))
    stored = tf.assign(v, tf.matmul(x, x))
    rows = tf.gather(x, at)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError):
            sess.run([rows, stored.op], {x: np.zeros((3, 3)), at: [0, 3]})
        assert (sess.run(v) == 1).all()


@pytest.mark.usefixtures("fresh_graph")
def test_what_is_fetched_beside_is_the_version_asked_for() -> None:
    x = tf.placeholder(tf.float32, [3, 3])
    v = tf.Variable(tf.ones([3, 3]))
    before = v.read_value() + 0.0
    with tf.control_dependencies([before]):
        stored = tf.assign(v, tf.matmul(x, x))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        value = np.full((3, 3), 2, np.float32)
        old, new = sess.run([before, stored], {x: value})
        assert (old == 1).all()
        np.testing.assert_array_equal(new, value @ value)
