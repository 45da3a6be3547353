"""The cells of ``tf.contrib.rnn`` beside their equations in NumPy: values, names and shapes of the
variables, gradients by finite differences, and whole sequences."""

import numpy as np
import pytest

import graphc as tf

rnn = tf.contrib.rnn
BATCH, DEPTH, UNITS = 3, 4, 6
RANDOM = np.random.RandomState(11)
X = RANDOM.uniform(-1, 1, (BATCH, DEPTH))
H = RANDOM.uniform(-1, 1, (BATCH, UNITS))
C = RANDOM.uniform(-1, 1, (BATCH, UNITS))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def joined(*parts):
    return np.concatenate(parts, 1)


def quarters(x, n=4):
    return np.split(x, n, 1)


def normalised(x, v, scope, epsilon=1e-12):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * v[f"{scope}/gamma"] + v[f"{scope}/beta"]


def lstm(gates, c, forget_bias=1.0, clip=None, v=None):
    """Hochreiter and Schmidhuber (1997) with Gers's forget gate; peepholes from ``v``."""
    i, j, f, o = quarters(gates)
    f = f + forget_bias
    if v:
        i, f = i + v["w_i_diag"] * c, f + v["w_f_diag"] * c
    new = sigmoid(f) * c + sigmoid(i) * np.tanh(j)
    if clip is not None:
        new = np.clip(new, -clip, clip)
    if v:
        o = o + v["w_o_diag"] * new
    return new, np.tanh(new) * sigmoid(o)


def two(c, h):
    return h, (c, h)


def block_lstm(x, state, v):
    gates = joined(x, state[1]) @ v["kernel"] + v["bias"]
    return two(*lstm(gates, state[0], 0.7, 0.5, v))


def gru_of(names):
    def step(x, h, v):
        ru, b_ru, c, b_c = (v[name] for name in names)
        r, u = np.split(sigmoid(joined(x, h) @ ru + b_ru), 2, 1)
        candidate = np.tanh(joined(x, r * h) @ c + b_c)
        new = u * h + (1 - u) * candidate
        return new, new

    return step


def cudnn_gru(x, h, v):
    r, u = np.split(sigmoid(joined(x, h) @ v["gates/kernel"] + v["gates/bias"]), 2, 1)
    inside = x @ v["candidate/input_projection/kernel"] + v["candidate/input_projection/bias"]
    hidden = h @ v["candidate/hidden_projection/kernel"] + v["candidate/hidden_projection/bias"]
    new = (1 - u) * np.tanh(inside + r * hidden) + u * h
    return new, new


def layer_norm_basic(x, state, v):
    c, h = state
    parts = quarters(joined(x, h) @ v["kernel"])
    names = ("input", "transform", "forget", "output")
    i, j, f, o = (normalised(p, v, n) for p, n in zip(parts, names, strict=True))
    new = normalised(c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j), v, "state")
    return two(new, np.tanh(new) * sigmoid(o))


def layer_norm_lstm(x, state, v):
    c, h = state
    parts = quarters(joined(x, h) @ v["kernel"])
    names = ("input", "transform", "forget", "output")
    i, j, f, o = (normalised(p, v, n) for p, n in zip(parts, names, strict=True))
    new = sigmoid(f + 1 + v["w_f_diag"] * c) * c + sigmoid(i + v["w_i_diag"] * c) * np.tanh(j)
    new = normalised(new, v, "state")
    out = sigmoid(o + v["w_o_diag"] * new) * np.tanh(new) @ v["projection/kernel"]
    return two(new, np.clip(out, -0.1, 0.1))


def weight_norm(x, state, v):
    c, h = state

    def columns(w, name):
        return w / np.sqrt((w * w).sum(0, keepdims=True)) * v[name]

    inner = "wn_lstm_cell/"
    w = v[inner + "kernel"]
    w = np.concatenate([columns(w[:DEPTH], inner + "norm_0"), columns(w[DEPTH:], inner + "norm_1")])
    return two(*lstm(joined(x, h) @ w + v[inner + "bias"], c))


def coupled(x, state, v):
    c, h = state
    j, f, o = quarters(joined(x, h) @ v["W_0"] + v["B"], 3)
    f = sigmoid(f + 1 + v["W_F_diag"] * c)
    new = f * c + (1 - f) * np.tanh(j)
    return two(new, sigmoid(o + v["W_O_diag"] * new) * np.tanh(new) @ v["W_P_0"])


def grouped(x, state, v):
    c, h = state
    gates = [[], [], [], []]
    for k, (part, held) in enumerate(zip(np.split(x, 2, 1), np.split(h, 2, 1), strict=True)):
        for gate, value in zip(gates, quarters(joined(part, held) @ v[f"group{k}/kernel"]),
                               strict=True):  # fmt: skip
            gate.append(value)
    i, j, f, o = (joined(*g) + v[f"bias_{n}"] for g, n in zip(gates, "ijfo", strict=True))
    new = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j)
    return two(new, sigmoid(o) * np.tanh(new))


def update_gate(x, h, v):
    g, c = quarters(joined(x, h) @ v["kernel"] + v["bias"], 2)
    g = sigmoid(g + 1)
    new = g * h + (1 - g) * np.tanh(c)
    return new, new


def intersection(x, h, v):
    x = x @ v["in_projection/kernel"] + v["in_projection/bias"]
    gh, hh, gy, y = quarters(joined(x, h) @ v["kernel"] + v["bias"])
    gh, gy = sigmoid(gh + 1), sigmoid(gy + 1)
    return gy * x + (1 - gy) * relu(y), gh * h + (1 - gh) * np.tanh(hh)


def nas(x, state, v):
    c, h = state
    m, n = quarters(h @ v["recurrent_kernel"] + v["bias"], 8), quarters(x @ v["kernel"], 8)
    kinds = (sigmoid, relu, sigmoid, relu, np.tanh, sigmoid, np.tanh, sigmoid)
    a = [kind(p + q) for kind, p, q in zip(kinds, m, n, strict=True)]
    a[3] = relu(m[3] * n[3])
    first = np.tanh(np.tanh(a[0] * a[1]) + c)
    new = first * np.tanh(a[2] + a[3])
    last = np.tanh(np.tanh(a[4] * a[5]) + sigmoid(a[6] + a[7]))
    return two(new, np.tanh(new * last) @ v["projection_weights"])


def simple_unit(x, c, v):
    u, f, r, t = quarters(x @ v["kernel"])
    f, r = np.split(sigmoid(joined(f, r) + v["bias"]), 2, 1)
    new = f * c + (1 - f) * u
    return r * np.tanh(new) + (1 - r) * t, new


def minimal(x, h, v):
    seen = np.tanh(x @ v["kernel"][:DEPTH])
    u = sigmoid(joined(seen, h) @ v["kernel"][DEPTH:] + v["bias"])
    new = u * h + (1 - u) * seen
    return new, new


def chaos_free(x, h, v):
    gates = h @ v["recurrent_kernel"] + x @ v["kernel"][:, : 2 * UNITS] + v["bias"]
    theta, eta = np.split(sigmoid(gates), 2, 1)
    new = theta * np.tanh(h) + (1 - eta) * np.tanh(x @ v["kernel"][:, 2 * UNITS :])
    return new, new


def independent(x, h, v):
    new = np.tanh(x @ v["kernel_w"] + h * v["kernel_u"] + v["bias"])
    return new, new


def independent_gru(x, h, v):
    w, u, b = (v[f"gates/{n}"] for n in ("kernel_w", "kernel_u", "bias"))
    r, z = np.split(sigmoid(x @ w + np.tile(h, (1, 2)) * u + b), 2, 1)
    w, u, b = (v[f"candidate/{n}"] for n in ("kernel", "kernel_u", "bias"))
    new = z * h + (1 - z) * np.tanh(x @ w + r * h * u + b)
    return new, new


def independent_lstm(x, state, v):
    gates = x @ v["kernel_w"] + np.tile(state[1], (1, 4)) * v["kernel_u"] + v["bias"]
    return two(*lstm(gates, state[0]))


def highway(x, h, v):
    x = x[:, :DEPTH]
    out = np.tanh(joined(x, h) @ v["basic_rnn_cell/kernel"] + v["basic_rnn_cell/bias"])
    gate = sigmoid(x @ v["carry_w"] + v["carry_b"])
    other = sigmoid(x @ v["transform_w"] + v["transform_b"])
    return x * gate + out * other, out


def input_projection(x, h, v):
    x = relu(x @ v["kernel"] + v["bias"])
    new = np.tanh(joined(x, h) @ v["basic_rnn_cell/kernel"] + v["basic_rnn_cell/bias"])
    return new, new


def output_projection(x, h, v):
    new = np.tanh(joined(x, h) @ v["basic_rnn_cell/kernel"] + v["basic_rnn_cell/bias"])
    return new @ v["kernel"] + v["bias"], new


def attention(x, state, v):
    """Bahdanau's attention to the last outputs."""
    h, seen, kept = state
    kept = kept.reshape(BATCH, 2, 5)
    inside = joined(x, seen) @ v["kernel"] + v["bias"]
    new = np.tanh(joined(inside, h) @ v["basic_rnn_cell/kernel"] + v["basic_rnn_cell/bias"])
    wanted = new @ v["attention/kernel"] + v["attention/bias"]
    scores = (v["attention/attn_v"] * np.tanh(kept @ v["attention/attn_w"][0, 0]
              + wanted[:, None])).sum(2)  # fmt: skip
    weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    seen = (weights[:, :, None] * kept).sum(1)
    name = "attn_output_projection"
    out = joined(new, seen) @ v[f"{name}/kernel"] + v[f"{name}/bias"]
    kept = np.concatenate([kept[:, 1:], out[:, None]], 1).reshape(BATCH, 10)
    return out, (new, seen, kept)


basic = tf.nn.rnn_cell.BasicRNNCell
K = DEPTH + UNITS
N = UNITS
# a cell; its step in NumPy; the name of its scope; its variables' shapes
CELLS = {
    "block lstm": (
        lambda: rnn.LSTMBlockCell(N, 0.7, 0.5, use_peephole=True), block_lstm, "lstm_cell",
        {"kernel": (K, 4 * N), "bias": (4 * N,), "w_i_diag": (N,), "w_f_diag": (N,),
         "w_o_diag": (N,)},
    ),
    "cudnn lstm": (
        lambda: tf.contrib.cudnn_rnn.CudnnCompatibleLSTMCell(N),
        lambda x, s, v: two(*lstm(joined(x, s[1]) @ v["kernel"] + v["bias"], s[0], 0.0)),
        "cudnn_compatible_lstm_cell", {"kernel": (K, 4 * N), "bias": (4 * N,)},
    ),
    "block gru": (
        lambda: rnn.GRUBlockCell(N), gru_of(("w_ru", "b_ru", "w_c", "b_c")), "gru_cell",
        {"w_ru": (K, 2 * N), "b_ru": (2 * N,), "w_c": (K, N), "b_c": (N,)},
    ),
    "block gru 2": (
        lambda: rnn.GRUBlockCellV2(N),
        gru_of(("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")), "gru_cell",
        {"gates/kernel": (K, 2 * N), "gates/bias": (2 * N,), "candidate/kernel": (K, N),
         "candidate/bias": (N,)},
    ),
    "cudnn gru": (
        lambda: tf.contrib.cudnn_rnn.CudnnCompatibleGRUCell(N), cudnn_gru,
        "cudnn_compatible_gru_cell",
        {"gates/kernel": (K, 2 * N), "gates/bias": (2 * N,),
         "candidate/input_projection/kernel": (DEPTH, N),
         "candidate/input_projection/bias": (N,),
         "candidate/hidden_projection/kernel": (N, N),
         "candidate/hidden_projection/bias": (N,)},
    ),
    "layer norm basic": (
        lambda: rnn.LayerNormBasicLSTMCell(N), layer_norm_basic, "layer_norm_basic_lstm_cell",
        {"kernel": (K, 4 * N)} | {f"{s}/{n}": (N,) for s in
         ("input", "transform", "forget", "output", "state") for n in ("gamma", "beta")},
    ),
    "layer norm": (
        lambda: rnn.LayerNormLSTMCell(N, use_peepholes=True, num_proj=N, proj_clip=0.1,
                                      layer_norm=True),
        layer_norm_lstm, "layer_norm_lstm_cell",
        {"kernel": (K, 4 * N), "bias": (4 * N,), "projection/kernel": (N, N), "w_f_diag": (N,),
         "w_i_diag": (N,), "w_o_diag": (N,)} | {f"{s}/{n}": (N,) for s in
         ("input", "transform", "forget", "output", "state") for n in ("gamma", "beta")},
    ),
    "weight norm": (
        lambda: rnn.WeightNormLSTMCell(N), weight_norm, "wn_lstm_cell",
        {"wn_lstm_cell/kernel": (K, 4 * N), "wn_lstm_cell/norm_0": (4 * N,),
         "wn_lstm_cell/norm_1": (4 * N,), "wn_lstm_cell/bias": (4 * N,)},
    ),
    "coupled": (
        lambda: rnn.CoupledInputForgetGateLSTMCell(N, use_peepholes=True, num_proj=N), coupled,
        "coupled_input_forget_gate_lstm_cell",
        {"W_0": (K, 3 * N), "B": (3 * N,), "W_F_diag": (N,), "W_O_diag": (N,), "W_P_0": (N, N)},
    ),
    "groups": (
        lambda: rnn.GLSTMCell(N, number_of_groups=2), grouped, "glstm_cell",
        {"group0/kernel": (K // 2, 2 * N), "group1/kernel": (K // 2, 2 * N),
         "bias_i": (N,), "bias_j": (N,), "bias_f": (N,), "bias_o": (N,)},
    ),
    "update gate": (
        lambda: rnn.UGRNNCell(N), update_gate, "ugrnn_cell",
        {"kernel": (K, 2 * N), "bias": (2 * N,)},
    ),
    "intersection": (
        lambda: rnn.IntersectionRNNCell(N, num_in_proj=N), intersection, "intersection_rnn_cell",
        {"in_projection/kernel": (DEPTH, N), "in_projection/bias": (N,), "kernel": (2 * N, 4 * N),
         "bias": (4 * N,)},
    ),
    "nas": (
        lambda: rnn.NASCell(N, num_proj=N, use_bias=True), nas, "nas_cell",
        {"recurrent_kernel": (N, 8 * N), "kernel": (DEPTH, 8 * N), "bias": (8 * N,),
         "projection_weights": (N, N)},
    ),
    "sru": (
        lambda: rnn.SRUCell(N), simple_unit, "sru_cell",
        {"kernel": (DEPTH, 4 * N), "bias": (2 * N,)},
    ),
    "minimal": (
        lambda: rnn.MinimalRNNCell(N), minimal, "minimal_rnn_cell",
        {"kernel": (DEPTH + 2 * N, N), "bias": (N,)},
    ),
    "chaos free": (
        lambda: tf.contrib.rnn.CFNCell(N), chaos_free, "cfn_cell",
        {"kernel": (DEPTH, 3 * N), "recurrent_kernel": (N, 2 * N), "bias": (2 * N,)},
    ),
    "independent": (
        lambda: rnn.IndRNNCell(N), independent, "ind_rnn_cell",
        {"kernel_w": (DEPTH, N), "kernel_u": (1, N), "bias": (N,)},
    ),
    "independent gru": (
        lambda: rnn.IndyGRUCell(N), independent_gru, "indy_gru_cell",
        {"gates/kernel_w": (DEPTH, 2 * N), "gates/kernel_u": (1, 2 * N), "gates/bias": (2 * N,),
         "candidate/kernel": (DEPTH, N), "candidate/kernel_u": (1, N), "candidate/bias": (N,)},
    ),
    "independent lstm": (
        lambda: rnn.IndyLSTMCell(N), independent_lstm, "indy_lstm_cell",
        {"kernel_w": (DEPTH, 4 * N), "kernel_u": (1, 4 * N), "bias": (4 * N,)},
    ),
    "highway": (
        lambda: rnn.HighwayWrapper(basic(DEPTH), couple_carry_transform_gates=False), highway, "",
        {"basic_rnn_cell/kernel": (2 * DEPTH, DEPTH), "basic_rnn_cell/bias": (DEPTH,),
         "carry_w": (DEPTH, DEPTH), "carry_b": (DEPTH,), "transform_w": (DEPTH, DEPTH),
         "transform_b": (DEPTH,)},
    ),
    "input projection": (
        lambda: rnn.InputProjectionWrapper(basic(N), 5, activation=tf.nn.relu), input_projection,
        "input_projection_wrapper",
        {"kernel": (DEPTH, 5), "bias": (5,), "basic_rnn_cell/kernel": (5 + N, N),
         "basic_rnn_cell/bias": (N,)},
    ),
    "output projection": (
        lambda: rnn.OutputProjectionWrapper(basic(N), 5), output_projection,
        "output_projection_wrapper",
        {"basic_rnn_cell/kernel": (K, N), "basic_rnn_cell/bias": (N,), "kernel": (N, 5),
         "bias": (5,)},
    ),
    "attention": (
        lambda: rnn.AttentionCellWrapper(basic(N), 2, attn_size=5, attn_vec_size=3), attention,
        "attention_cell_wrapper",
        {"kernel": (DEPTH + 5, DEPTH), "bias": (DEPTH,), "basic_rnn_cell/kernel": (K, N),
         "basic_rnn_cell/bias": (N,), "attention/attn_w": (1, 1, 5, 3), "attention/attn_v": (3,),
         "attention/kernel": (N, 3), "attention/bias": (3,),
         "attn_output_projection/kernel": (N + 5, 5), "attn_output_projection/bias": (5,)},
    ),
}  # fmt: skip


def start(cell):
    """A state of numbers that are not 0."""

    def one(size, k):
        return np.sin(np.arange(BATCH * size).reshape(BATCH, size) + k) / 2

    sizes = tf.nest.flatten(cell.state_size)
    return tf.nest.pack_sequence_as(cell.state_size, [one(n, k) for k, n in enumerate(sizes)])


def spread(sess, variables):
    """Give variables numbers that do not depend on how they are drawn."""
    values = {}
    for k, v in enumerate(sorted(variables, key=lambda v: v.op.name)):
        shape = v.shape.as_list()
        value = np.sin(np.arange(int(np.prod(shape))) * 0.7 + k).reshape(shape) * 0.6
        v.load(value, sess)
        values[v.op.name] = value
    return values


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_computes_what_its_equations_say(session, name):
    make, step, scope, shapes = CELLS[name]
    cell = make()
    state = start(cell)
    x = tf.constant(X, tf.float64)
    output, new = cell(x, tf.nest.map_structure(lambda t: tf.constant(t, tf.float64), state))
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        again, _ = cell(x, new)
    variables = tf.trainable_variables()
    prefix = f"{scope}/" if scope else ""
    found = {v.op.name.removeprefix(prefix): tuple(v.shape.as_list()) for v in variables}
    assert found == shapes
    sess = session()
    sess.run(tf.global_variables_initializer())
    values = {n.removeprefix(prefix): v for n, v in spread(sess, variables).items()}
    given, held = step(X, state, values)
    given_again, _ = step(X, held, values)
    shown = sess.run([output, new, again])
    np.testing.assert_allclose(shown[0], given, rtol=1e-9, atol=1e-11)
    for a, b in zip(tf.nest.flatten(shown[1]), tf.nest.flatten(held), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(shown[2], given_again, rtol=1e-9, atol=1e-11)
    assert cell.output_size == given.shape[1]


@pytest.mark.parametrize("name", CELLS)
def test_the_gradient_through_three_turns_is_that_of_finite_differences(name):
    make = CELLS[name][0]
    x = tf.placeholder(tf.float64, [BATCH, 3, DEPTH])
    outputs, _ = tf.nn.dynamic_rnn(make(), x, sequence_length=[3, 0, 2], dtype=tf.float64)
    loss = tf.reduce_sum(outputs * tf.cos(outputs + 1))
    variables = tf.trainable_variables()
    slopes = tf.gradients(loss, [x, *variables])
    unread = {"layer norm": 1}  # its bias is there and not added
    assert sum(s is None for s in slopes) == unread.get(name, 0)
    read = [v for v, s in zip([x, *variables], slopes, strict=True) if s is not None]
    slopes = [s for s in slopes if s is not None]
    value = np.random.RandomState(2).uniform(-1, 1, (BATCH, 3, DEPTH))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        held = spread(sess, variables)
        found = sess.run(slopes, {x: value})
        random, h = np.random.RandomState(3), 1e-5
        for v, slope in zip(read, found, strict=True):
            at = value if v is x else held[v.op.name]
            direction = random.uniform(-1, 1, at.shape)

            def moved(by, v=v, at=at, direction=direction):
                if v is x:
                    return sess.run(loss, {x: at + by * direction})
                v.load(at + by * direction, sess)
                result = sess.run(loss, {x: value})
                v.load(at, sess)
                return result

            expected = (moved(h) - moved(-h)) / (2 * h)
            np.testing.assert_allclose((slope * direction).sum(), expected, rtol=1e-6, atol=1e-8)


def test_a_cell_needs_to_know_the_size_of_its_inputs():
    x = tf.placeholder(tf.float32, [None, None])
    for make in (lambda: rnn.UGRNNCell(3), lambda: rnn.LSTMBlockCell(3), lambda: rnn.NASCell(3)):
        cell = make()
        with pytest.raises(ValueError, match="last axis must be known"):
            cell(x, cell.zero_state(2, tf.float32))


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match=r"num_units \(5\) must be divisible"):
        rnn.GLSTMCell(5, number_of_groups=2)
    with pytest.raises(ValueError, match="Exactly one of num_units or cell_size"):
        rnn.GRUBlockCell()
    with pytest.raises(ValueError, match="Invalid input_shape"):
        rnn.ConvLSTMCell(2, [4, 3], 2, [3])
    with pytest.raises(ValueError, match="attn_length should be greater than zero"):
        rnn.AttentionCellWrapper(basic(3), 0)
    with pytest.raises(ValueError, match="input size == output size"):
        rnn.IntersectionRNNCell(3)(tf.zeros([2, 4]), tf.zeros([2, 3]))


def test_layer_norm_without_normalization_is_a_basic_lstm(session):
    cell = rnn.LayerNormBasicLSTMCell(UNITS, layer_norm=False, forget_bias=0.3)
    _, state = cell(tf.constant(X), (tf.constant(C), tf.constant(H)))
    sess = session()
    sess.run(tf.global_variables_initializer())
    values = spread(sess, tf.trainable_variables())
    scope = "layer_norm_basic_lstm_cell"
    gates = joined(X, H) @ values[f"{scope}/kernel"] + values[f"{scope}/bias"]
    np.testing.assert_allclose(sess.run(state.h), lstm(gates, C, 0.3)[1], rtol=1e-9)


def test_recurrent_dropout_keeps_the_mean_of_the_candidate(session):
    wide = 4000
    cell = rnn.LayerNormBasicLSTMCell(wide, layer_norm=False, dropout_keep_prob=0.25)
    state = cell.zero_state(1, tf.float32)
    _, new = cell(tf.zeros([1, 1]), state)
    sess = session()
    sess.run(tf.global_variables_initializer())
    kernel, bias = tf.trainable_variables()
    number = np.zeros((1, wide)), np.ones((1, wide)), np.zeros((1, wide)), np.zeros((1, wide))
    kernel.load(np.zeros(kernel.shape.as_list(), np.float32), sess)
    bias.load(np.concatenate(number, 1)[0].astype(np.float32), sess)
    c = sess.run(new.c)
    kept = 0.5 * np.tanh(1) / 0.25
    assert set(np.unique(np.round(c, 5))) == {0.0, np.round(np.float32(kept), 5)}
    assert abs((c > 0).mean() - 0.25) < 0.03


def test_embedding_wrapper_looks_its_inputs_up(session):
    cell = rnn.EmbeddingWrapper(basic(UNITS), embedding_classes=7, embedding_size=DEPTH)
    output, _ = cell(tf.constant([[2], [5], [2]]), tf.zeros([3, UNITS]))
    names = {v.op.name: v.shape.as_list() for v in tf.trainable_variables()}
    assert names["embedding_wrapper/embedding"] == [7, DEPTH]
    assert "embedding_wrapper/basic_rnn_cell/kernel" in names
    sess = session()
    sess.run(tf.global_variables_initializer())
    values = spread(sess, tf.trainable_variables())
    seen = values["embedding_wrapper/embedding"][[2, 5, 2]]
    inner = "embedding_wrapper/basic_rnn_cell/"
    expected = np.tanh(joined(seen, np.zeros((3, UNITS))) @ values[inner + "kernel"]
                       + values[inner + "bias"])  # fmt: skip
    np.testing.assert_allclose(sess.run(output), expected, rtol=1e-5, atol=1e-6)


def test_phased_lstm_opens_in_its_part_of_the_period(session):
    cell = rnn.PhasedLSTMCell(2, leak=0.1, ratio_on=0.5)
    time = tf.placeholder(tf.float32, [None, 1])
    state = tf.nn.rnn_cell.LSTMStateTuple(tf.constant([[0.3, 0.3]]), tf.constant([[0.2, 0.2]]))
    _, new = cell((time, tf.ones([1, DEPTH])), state)
    sess = session()
    sess.run(tf.global_variables_initializer())
    v = {v.op.name.removeprefix("phased_lstm_cell/"): v for v in tf.trainable_variables()}
    assert {n: t.shape.as_list() for n, t in v.items()} == {
        "mask_gates/kernel": [DEPTH + 2, 4], "mask_gates/bias": [4],
        "new_input/kernel": [DEPTH + 2, 2], "new_input/bias": [2],
        "output_gate/kernel": [DEPTH + 2, 2], "output_gate/bias": [2],
        "period": [2], "phase": [2], "ratio_on": [2],
    }  # fmt: skip
    period, phase = sess.run([v["period"], v["phase"]])
    assert ((period >= 1) & (period <= 1000)).all()
    assert ((phase >= 0) & (phase <= period)).all()
    v["period"].load(np.array([4, 4], np.float32), sess)
    v["phase"].load(np.array([0, 1], np.float32), sess)
    gates = {n: sess.run(t) for n, t in v.items()}
    x = joined(np.ones((1, DEPTH)), [[0.2, 0.2]])
    i, f = np.split(sigmoid(x @ gates["mask_gates/kernel"] + gates["mask_gates/bias"]), 2, 1)
    c = 0.3 * f + i * np.tanh(x @ gates["new_input/kernel"] + gates["new_input/bias"])
    for at in (0.5, 1.5, 3.0, 7.9):
        ratio = np.array([at % 4, (at - 1) % 4]) / 4
        k = np.where(ratio < 0.25, 4 * ratio, np.where(ratio < 0.5, 2 - 4 * ratio, 0.1 * ratio))
        found = sess.run(new.c, {time: [[at]]})
        np.testing.assert_allclose(found, k * c + (1 - k) * 0.3, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("ndims", [1, 2, 3])
def test_a_convolutional_lstm_is_a_convolution_and_an_lstm(session, ndims):
    make = (rnn.Conv1DLSTMCell, rnn.Conv2DLSTMCell, rnn.Conv3DLSTMCell)[ndims - 1]
    sizes = [5, 4, 3][:ndims]
    cell = make(input_shape=[*sizes, 2], output_channels=3, kernel_shape=[3] * ndims,
                skip_connection=True)  # fmt: skip
    assert cell.output_size.as_list() == [*sizes, 5]
    assert [s.as_list() for s in cell.state_size] == [[*sizes, 3]] * 2
    random = np.random.RandomState(0)
    x = random.randn(2, 4, *sizes, 2).astype(np.float32)
    outputs, state = tf.nn.dynamic_rnn(cell, tf.constant(x), dtype=tf.float32)
    name = f"rnn/conv_{ndims}d_lstm_cell"
    shapes = {v.op.name: v.shape.as_list() for v in tf.trainable_variables()}
    assert shapes == {f"{name}/kernel": [3] * ndims + [5, 12], f"{name}/biases": [12]}
    kernel, bias = tf.trainable_variables()
    conv = (tf.nn.conv1d, tf.nn.conv2d, tf.nn.conv3d)[ndims - 1]
    seen = tf.placeholder(tf.float32, [2, *sizes, 5])
    stride = 1 if ndims == 1 else [1] * (ndims + 2)
    gates = conv(seen, kernel, stride, padding="SAME") + bias
    sess = session()
    sess.run(tf.global_variables_initializer())
    spread(sess, tf.trainable_variables())
    got, last = sess.run([outputs, state])
    c = h = np.zeros((2, *sizes, 3))
    for t in range(4):
        both = np.concatenate([x[:, t], h], -1)
        i, j, f, o = np.split(sess.run(gates, {seen: both}), 4, -1)
        c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j)
        h = np.tanh(c) * sigmoid(o)
        np.testing.assert_allclose(got[:, t, ..., :3], h, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(got[:, t, ..., 3:], x[:, t])
    np.testing.assert_allclose(last.c, c, rtol=1e-4, atol=1e-5)
