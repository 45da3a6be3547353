"""JAX: one jitted function per subject, its state donated."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from tests.benchmarks import contractions, subjects
from tests.benchmarks.frameworks import jax_recurrence

VERSION = jax.__version__

recurrent, sequence = jax_recurrence.training, jax_recurrence.inference
loop = jax_recurrence.loop


def mlp(spec: subjects.Mlp) -> Callable[[np.ndarray, np.ndarray], float]:
    layers = len(spec.widths) - 1

    def loss_of(theta, x, labels):
        h = x
        for i in range(layers):
            h = h @ theta[f"w{i}"] + theta[f"b{i}"]
            if i < layers - 1:
                h = jax.nn.relu(h)
        log_p = jax.nn.log_softmax(h)
        return -jnp.take_along_axis(log_p, labels[:, None], axis=1).mean()

    def update(state, x, labels):
        theta, first, second, t = state
        t = t + 1
        loss, gradients = jax.value_and_grad(loss_of)(theta, x, labels)
        rate = subjects.LEARNING_RATE * jnp.sqrt(1 - subjects.BETA2**t) / (1 - subjects.BETA1**t)
        first = jax.tree.map(
            lambda m, g: subjects.BETA1 * m + (1 - subjects.BETA1) * g, first, gradients
        )
        second = jax.tree.map(
            lambda v, g: subjects.BETA2 * v + (1 - subjects.BETA2) * g * g, second, gradients
        )
        theta = jax.tree.map(
            lambda p, m, v: p - rate * m / (jnp.sqrt(v) + subjects.EPSILON), theta, first, second
        )
        return (theta, first, second, t), loss

    compiled = jax.jit(update, donate_argnums=0)
    theta = {name: jnp.asarray(value) for name, value in spec.parameters().items()}
    zeros = jax.tree.map(jnp.zeros_like, theta)
    state = (theta, zeros, jax.tree.map(jnp.zeros_like, theta), jnp.float32(0))

    def step(x: np.ndarray, labels: np.ndarray) -> float:
        nonlocal state
        state, loss = compiled(state, x, labels)
        return float(loss)

    return step


def rows(spec: subjects.Rows) -> tuple[Callable[[], object], Callable[[object], np.ndarray]]:
    inputs = {name: jnp.asarray(value) for name, value in spec.inputs().items()}

    def chain(x):
        return jnp.tanh(2 * x + 1) * jnp.exp(-x * x) + jnp.log1p(jnp.abs(x))

    def softmax(x):
        return jax.nn.softmax(x, axis=1)

    def layer_norm(x, gamma, beta):
        mean = x.mean(axis=1, keepdims=True)
        variance = x.var(axis=1, keepdims=True)
        z = (x - mean) * jax.lax.rsqrt(variance + subjects.LAYER_NORM_EPSILON) * gamma + beta
        return x + jax.nn.gelu(z, approximate=False)

    meaning = {"chain": chain, "softmax": softmax, "layer_norm": layer_norm}[spec.name]
    compiled = jax.jit(meaning)
    operands = tuple(inputs.values())

    def call() -> object:
        return compiled(*operands).block_until_ready()

    return call, np.asarray


def product(
    spec: contractions.Product,
) -> tuple[Callable[[], object], Callable[[object], np.ndarray]]:
    a, b, bias = (jnp.asarray(value) for value in spec.operands())

    def meaning(a, b, bias):
        y = (a.T if spec.transpose_a else a) @ (b.T if spec.transpose_b else b)
        return jax.nn.relu(y + bias) if spec.fused else y

    compiled = jax.jit(meaning)
    return lambda: compiled(a, b, bias).block_until_ready(), np.asarray


def convolution(
    spec: contractions.Convolution,
) -> tuple[Callable[[], object], Callable[[object], np.ndarray]]:
    x, w, ct = (jnp.asarray(value) for value in spec.operands())
    channels = spec.images[3]

    def forward(x, w):
        if spec.depthwise:
            w = w.reshape(spec.window, spec.window, 1, channels)
        return jax.lax.conv_general_dilated(
            x, w, [spec.stride] * 2, [(spec.pad, spec.pad)] * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=channels if spec.depthwise else 1,
        )  # fmt: skip

    def meaning(x, w, ct):
        if spec.of == "forward":
            return forward(x, w)
        return jax.vjp(forward, x, w)[1](ct)[0 if spec.of == "input" else 1]

    compiled = jax.jit(meaning)
    return lambda: compiled(x, w, ct).block_until_ready(), np.asarray


def unrolled(spec: subjects.UnrolledCell) -> tuple[Callable[[], float], int | None]:
    """Traced and compiled in one go: there is no graph to build first."""
    xs, start, w, u = (jnp.asarray(value) for value in spec.inputs())

    def loss(w, u):
        state = start
        for t in range(spec.cells):
            state = jnp.tanh(xs[t] @ w + state @ u)
        return (state * state).sum()

    compiled = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
    return lambda: float(compiled(w, u)[0]), None
