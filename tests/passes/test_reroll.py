"""Cells that Python repeated become loops, and give what they gave."""

import re
from textwrap import dedent

import numpy as np
import pytest

import graphc as tf
from graphc.compiler import compile_graph
from graphc.passes.cut import cut
from graphc.passes.options import Options
from graphc.passes.prune import prune
from graphc.passes.reroll import reroll
from graphc.passes.sequence_effects import sequence_effects
from graphc.passes.shape_fold import shape_fold
from graphc.passes.specialise import specialise
from tests.passes.rewriting import is_left_alone, rewritten
from tests.tolerances import assert_close

TURNS, BATCH, WIDTH, VOCABULARY = 7, 3, 5, 6


def weights(name, *shape):
    start = np.random.default_rng(len(name)).standard_normal(shape).astype("f") * 0.5
    return tf.get_variable(name, initializer=tf.constant(start))


def product(x, name):
    return tf.matmul(x, weights(name, WIDTH, WIDTH))


def frames(width=WIDTH):
    return tf.placeholder(tf.float32, [BATCH, TURNS, width], name="x")


def gates(x, state, size=WIDTH):
    """An LSTM's turn, all gates by one product."""
    c, h = state
    both = tf.concat([x, h], 1)
    i, j, f, o = tf.split(tf.matmul(both, weights("w", both.shape[1], 4 * size)) + 0.1, 4, 1)
    c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
    return tf.tanh(c) * tf.sigmoid(o), c


def zeros():
    return tf.zeros([BATCH, WIDTH])


def written_out(turn, inputs, *state):
    """What ``turn(x, *state)`` gives, one after another."""
    outputs = []
    for k, x in enumerate(inputs):
        with tf.variable_scope("cell", reuse=k > 0):
            state = turn(x, *state)
        outputs.append(state[0])
    return outputs, state


def lstm():
    def turn(x, h, c):
        return gates(x, (c, h))

    x = frames()
    outputs, (h, c) = written_out(turn, [x[:, t] for t in range(TURNS)], zeros(), zeros())
    return [tf.reduce_sum(tf.square(tf.stack(outputs, 1))) + tf.reduce_sum(h * c), c]


def four_products():
    def turn(x, h, c):
        i, j, f, o = (product(x, f"w{k}") + product(h, f"u{k}") for k in range(4))
        c = c * tf.sigmoid(f) + tf.sigmoid(i) * tf.tanh(j)
        return tf.tanh(c) * tf.sigmoid(o), c

    outputs, _ = written_out(turn, tf.unstack(frames(), axis=1), zeros(), zeros())
    return [tf.reduce_mean(tf.concat(outputs, 1))]


def plain():
    def turn(x, h):
        return (tf.tanh(product(x, "v") + product(h, "u")),)

    outputs, _ = written_out(turn, tf.unstack(frames(), axis=1), zeros())
    return [tf.reduce_sum(outputs[-1]), outputs[2]]


def backwards():
    def turn(x, h):
        return (tf.tanh(tf.matmul(tf.concat([x, h], 1), weights("w", 2 * WIDTH, WIDTH))),)

    outputs, _ = written_out(turn, tf.unstack(frames(), axis=1)[::-1], zeros())
    return [tf.reduce_sum(tf.stack(outputs[::-1]) ** 2)]


def sliced_backwards():
    """Slices of three columns each, from the last on, with columns left over."""
    x = frames(width=2)

    def turn(x, h):
        return (tf.tanh(tf.matmul(tf.concat([x, h], 1), weights("w", 3 + WIDTH, WIDTH))),)

    flat = tf.reshape(x, [BATCH, 2 * TURNS])
    flat = tf.tile(flat, [1, 2])
    slices = [flat[:, 3 * t + 2 : 3 * t + 5] for t in range(TURNS)]
    outputs, _ = written_out(turn, slices[::-1], zeros())
    return [tf.reduce_sum(tf.stack(outputs) ** 2)]


def loss_in_turns():
    """Logits and losses turn by turn, summed as they come."""
    x, labels = frames(), tf.placeholder(tf.int32, [BATCH, TURNS], name="labels")
    h, c, total = zeros(), zeros(), 0.0
    for t in range(TURNS):
        with tf.variable_scope("cell", reuse=t > 0):
            h, c = gates(x[:, t], (c, h))
            logits = tf.matmul(h, weights("out", WIDTH, VOCABULARY))
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels[:, t], logits=logits)
        total += tf.reduce_mean(losses)
    return [total / TURNS, logits]


def losses_added():
    x, labels = frames(), tf.placeholder(tf.int32, [BATCH, TURNS], name="labels")
    h, c, losses = zeros(), zeros(), []
    for t in range(TURNS):
        with tf.variable_scope("cell", reuse=t > 0):
            h, c = gates(x[:, t], (c, h))
            logits = tf.matmul(h, weights("out", WIDTH, VOCABULARY))
        losses.append(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels[:, t], logits=logits)
        )
    return [tf.reduce_mean(tf.add_n(losses))]


def embedded():
    words = tf.placeholder(tf.int32, [BATCH, TURNS], name="words")
    table = weights("table", VOCABULARY, WIDTH)

    def turn(word, h, c):
        return gates(tf.nn.embedding_lookup(table, word), (c, h))

    outputs, _ = written_out(turn, tf.unstack(words, axis=1), zeros(), zeros())
    return [tf.reduce_mean(tf.stack(outputs) ** 2)]


def one_hot():
    words = tf.placeholder(tf.int32, [BATCH, TURNS], name="words")

    def turn(word, h, c):
        return gates(tf.one_hot(word, VOCABULARY), (c, h))

    outputs, _ = written_out(turn, tf.unstack(words, axis=1), zeros(), zeros())
    return [tf.reduce_mean(tf.stack(outputs) ** 2)]


def fed_one_by_one():
    inputs = [tf.placeholder(tf.float32, [BATCH, WIDTH], name=f"x{t}") for t in range(TURNS)]

    def turn(x, h, c):
        return gates(x, (c, h))

    outputs, _ = written_out(turn, inputs, zeros(), zeros())
    return [tf.reduce_mean(tf.stack(outputs) ** 2), outputs[0]]


def started_outside():
    """The state at the start is computed; x has gradients, too."""
    start = weights("start", 1, WIDTH)
    x = weights("seen", BATCH, TURNS * WIDTH)

    def turn(x, h, c):
        return gates(x, (c, h))

    h, c = tf.tanh(tf.tile(start, [BATCH, 1])) * 0.5, tf.tile(start, [BATCH, 1])
    outputs, _ = written_out(turn, tf.split(x, TURNS, 1), h, c)
    return [tf.reduce_mean(tf.stack(outputs) ** 2)]


def stacked_cells():
    cells = tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicLSTMCell(WIDTH) for _ in range(2)])
    outputs, _ = tf.nn.static_rnn(cells, tf.unstack(frames(), axis=1), dtype=tf.float32)
    return [tf.reduce_mean(tf.stack(outputs) ** 2)]


def gru():
    cell = tf.nn.rnn_cell.GRUCell(WIDTH)
    outputs, last = tf.nn.static_rnn(cell, tf.unstack(frames(), axis=1), dtype=tf.float32)
    return [tf.reduce_mean(tf.stack(outputs) ** 2) + tf.reduce_sum(last)]


def both_ways():
    one, two = tf.nn.rnn_cell.GRUCell(WIDTH), tf.nn.rnn_cell.LSTMCell(WIDTH, use_peepholes=True)
    outputs, _, _ = tf.nn.static_bidirectional_rnn(
        one, two, tf.unstack(frames(), axis=1), dtype=tf.float32
    )
    return [tf.reduce_mean(tf.stack(outputs) ** 2)]


def residual():
    """Equal blocks with one set of weights."""
    h = tf.placeholder(tf.float32, [BATCH, WIDTH], name="x")
    w = weights("w", WIDTH, WIDTH)
    for _ in range(TURNS):
        h = h + tf.nn.relu(tf.matmul(h, w)) * 0.3
    return [tf.reduce_sum(h)]


def counted():
    """A number that differs from turn to turn."""
    h = tf.placeholder(tf.float32, [BATCH, WIDTH], name="x")
    w = weights("w", WIDTH, WIDTH)
    for t in range(TURNS):
        h = tf.tanh(tf.matmul(h, w) * (1.0 / (t + 1)) + float(t))
    return [tf.reduce_sum(h)]


def dropped():
    """Random masks are drawn outside, turn by turn."""
    cell = tf.nn.rnn_cell.DropoutWrapper(
        tf.nn.rnn_cell.BasicRNNCell(WIDTH), output_keep_prob=0.5, seed=3
    )
    outputs, _ = tf.nn.static_rnn(cell, tf.unstack(frames(), axis=1), dtype=tf.float32)
    return [tf.reduce_mean(tf.stack(outputs) ** 2)]


# case: loops it becomes, with those of its gradient
CASES = {
    lstm: 2, four_products: 2, plain: 2, backwards: 2, sliced_backwards: 2, loss_in_turns: 2,
    losses_added: 2,
    embedded: 2, one_hot: 2, fed_one_by_one: 2, started_outside: 2, stacked_cells: 3, gru: 2,
    both_ways: 4, residual: 2, counted: 2, dropped: 2,
}  # fmt: skip


def built(case):
    """The fetches of a case, with gradients of everything; and what to feed."""
    tf.reset_default_graph()
    tf.set_random_seed(1)
    fetches = case()
    nodes = tf.get_default_graph().nodes
    placeholders = [n.outputs[0] for n in nodes if n.op.name == "placeholder"]
    xs = [*tf.trainable_variables(), *(p for p in placeholders if p.dtype.is_floating)]
    fetches += [tf.convert_to_tensor(g) for g in tf.gradients(fetches[0], xs) if g is not None]
    draw = np.random.default_rng(5)
    feeds = {
        p: draw.standard_normal(p.shape.as_list()).astype("f") if p.dtype.is_floating
        else draw.integers(0, VOCABULARY, p.shape.as_list()).astype("i")
        for p in placeholders
    }  # fmt: skip
    return fetches, feeds


def rolled(fetches, feeds):
    """The graph after the pass, and the copies of each loop as it notes them."""
    options = Options()
    part, _ = cut(tf.get_default_graph(), list(feeds), fetches, [], {})
    graph = specialise(part, {})
    for step in (prune, sequence_effects, shape_fold, reroll):
        graph = step(graph, options)
    notes = [note.text for note in options.log.notes if note.stage == "reroll"]
    return graph, [int(re.match(r"\d+", note).group()) for note in notes]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_written_out(case, monkeypatch):
    fetches, feeds = built(case)
    _, copies = rolled(fetches, feeds)
    assert len(copies) == CASES[case]
    assert set(copies) <= {TURNS - 1, TURNS}
    found = []
    monkeypatch.setenv("GRAPHC_CHECK", "1")
    for skip in ("", "reroll"):
        monkeypatch.setenv("GRAPHC_SKIP", skip)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            found.append(session.run(fetches, feeds))
    for one, other in zip(*found, strict=True):
        assert_close(one, other, slack=20)


@pytest.mark.parametrize("case", [lstm, sliced_backwards], ids=lambda case: case.__name__)
def test_slices_side_by_side(case):
    """What a gradient adds to slices is no sum of tensors that are 0 but for one slice."""
    graph, _ = rolled(*built(case))
    assert sum(node.op.name == "pad" for node in graph.nodes) == 1


CHAIN = """
    graph g(x: float32[2, 3]) -> s
      %w = variable(key='w') : float32[3, 3]
      %a1 = matmul(%x, %w) : float32[2, 3]
      %t1 = tanh(%a1) : float32[2, 3]
      %a2 = matmul(%t1, %w) : float32[2, 3]
      %t2 = tanh(%a2) : float32[2, 3]
      %a3 = matmul(%t2, %w) : float32[2, 3]
      %t3 = tanh(%a3) : float32[2, 3]
      %a4 = matmul(%t3, %w) : float32[2, 3]
      %t4 = tanh(%a4) : float32[2, 3]
      %s = reduce_sum(%t4) : float32[]
"""


def test_a_chain_as_text():
    assert rewritten(reroll, CHAIN) == dedent(
        """\
        graph g(x: float32[2, 3]) -> s
          %w = variable(key='w') : float32[3, 3]
          %t3/turns = scan(%x, %w, body=body(0), carried=1, scanned=0, length=4, traced=(0,)) \
: float32[2, 3], float32[4, 2, 3]
          %s = reduce_sum(%t3/turns) : float32[]
        body 0 t3(step: int32[], t3: float32[2, 3], w: float32[3, 3]) -> t3_1
          %a3 = matmul(%t3, %w) : float32[2, 3]
          %t3_1 = tanh(%a3) : float32[2, 3]

        # t1: 4 copies of 2 nodes: a loop"""
    )


def chain(line, count):
    """``count`` lines, each of which reads the one before."""
    lines = [line.format(before=f"t{k}", own=f"t{k + 1}", k=k) for k in range(count)]
    return "\n      ".join(lines).replace("%t0", "%x")


@pytest.mark.parametrize(
    "line",
    [
        "%{own} = tanh(%{before}) : float32[3, 3]",  # one kernel does it
        "%w{k} = variable(key='w{k}') : float32[3, 3]\n"
        "      %{own} = matmul(%{before}, %w{k}) : float32[3, 3]",  # weights of their own
    ],
    ids=["elementwise", "weights"],
)
def test_left_alone(line):
    text = f"""
    graph g(x: float32[3, 3]) -> t6
      {chain(line, 6)}
    """
    assert is_left_alone(reroll, text)


def test_few_are_left_alone():
    line = "%{own} = matmul(%{before}, %x) : float32[3, 3]"
    for count, alone in ((3, True), (6, False)):
        text = f"""
    graph g(x: float32[3, 3]) -> t{count}
      {chain(line, count)}
    """
        assert is_left_alone(reroll, text) is alone


def test_turns_that_write_are_left_alone():
    """Every turn reads what the turn before left of a variable."""
    tf.reset_default_graph()
    count = tf.Variable(tf.ones([WIDTH, WIDTH]), trainable=False)
    x = h = tf.placeholder(tf.float32, [WIDTH, WIDTH])
    for _ in range(TURNS):
        written = tf.assign_add(count, tf.ones([WIDTH, WIDTH]))
        h = tf.matmul(h, written) * 0.1
    assert rolled([h], {x: None})[1] == []


def kernels(turns):
    """The keys of the kernels of an LSTM's training step that is written out."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [BATCH, turns, WIDTH])
        cell = tf.nn.rnn_cell.BasicLSTMCell(WIDTH)
        outputs, _ = tf.nn.static_rnn(cell, tf.unstack(x, axis=1), dtype=tf.float32)
        loss = tf.reduce_mean(tf.square(tf.stack(outputs, 1)))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        program = compile_graph(graph, [x], [loss], [train])
    return {kernel.key for kernel in program.kernels}


def test_more_turns_need_no_more_kernels():
    assert kernels(50) == kernels(60)
    assert len(kernels(50)) < 20


@pytest.mark.parametrize("roll", [True, False])
def test_an_option_leaves_them_written_out(roll):
    fetches, feeds = built(plain)
    with tf.Session(config=tf.Options(reroll=roll)) as session:
        session.run(tf.global_variables_initializer())
        session.run(fetches, feeds)
        text = str(session.inspect(fetches, feeds))
    assert ("copies of" in text) is roll
