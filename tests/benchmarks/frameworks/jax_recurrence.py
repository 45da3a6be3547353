"""JAX: ``lax.scan`` over a cell, the same function unrolled, and counting loops."""

from collections.abc import Callable
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np

from tests.benchmarks import networks, recurrence

_M = SimpleNamespace(
    sigmoid=jax.nn.sigmoid, tanh=jnp.tanh, split=lambda x, parts: jnp.split(x, parts, axis=1)
)


def _outputs(spec: recurrence.Recurrent, theta: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    """``x`` is [batch, turns, units], and so is what comes out."""
    equations, states, _ = recurrence.CELLS[spec.cell]
    state = (jnp.zeros((x.shape[0], spec.units)),) * states
    if spec.unrolled:
        made = []
        for t in range(spec.turns):
            state = equations(_M, x[:, t], state, theta)
            made.append(state[-1])
        return jnp.stack(made, 1)

    def turn(state, now):
        state = equations(_M, now, state, theta)
        return state, state[-1]

    return jax.lax.scan(turn, state, x.swapaxes(0, 1))[1].swapaxes(0, 1)


def training(spec: recurrence.Recurrent) -> Callable[[np.ndarray, np.ndarray], float]:
    def loss_of(theta, symbols, following):
        h = _outputs(spec, theta, theta["embedding"][symbols])
        log_p = jax.nn.log_softmax(h @ theta["logits_w"] + theta["logits_b"])
        return -jnp.take_along_axis(log_p, following[:, :, None], axis=2).mean()

    def update(state, symbols, following):
        theta, first, second, t = state
        t = t + 1
        loss, gradients = jax.value_and_grad(loss_of)(theta, symbols, following)
        b1, b2 = networks.BETA1, networks.BETA2
        rate = networks.ADAM_RATE * jnp.sqrt(1 - b2**t) / (1 - b1**t)
        first = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, first, gradients)
        second = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, second, gradients)
        theta = jax.tree.map(
            lambda p, m, v: p - rate * m / (jnp.sqrt(v) + networks.EPSILON), theta, first, second
        )
        return (theta, first, second, t), loss

    compiled = jax.jit(update, donate_argnums=0)
    theta = {name: jnp.asarray(value) for name, value in spec.parameters().items()}
    zeros = jax.tree.map(jnp.zeros_like, theta)
    state = (theta, zeros, jax.tree.map(jnp.zeros_like, theta), jnp.float32(0))

    def step(symbols: np.ndarray, following: np.ndarray) -> float:
        nonlocal state
        state, loss = compiled(state, symbols, following)
        return float(loss)

    return step


def inference(spec: recurrence.Recurrent) -> Callable[[np.ndarray], np.ndarray]:
    theta = {name: jnp.asarray(value) for name, value in spec.parameters().items()}
    compiled = jax.jit(lambda x: _outputs(spec, theta, x))
    return lambda x: np.asarray(compiled(x))


def loop(spec: recurrence.Loop) -> tuple[Callable[[], jax.Array], Callable[..., np.ndarray]]:
    """A loop of known length, because there is no gradient of another."""

    def last(x):
        return jax.lax.fori_loop(0, spec.turns, lambda _, x: x * spec.FACTOR + 1.0, x)

    with jax.enable_x64(True):
        compiled = jax.jit(jax.grad(last) if spec.gradient else last)
        begin = jnp.zeros((), jnp.float64)
        compiled(begin)

    def call() -> jax.Array:
        with jax.enable_x64(True):
            return compiled(begin).block_until_ready()

    return call, np.asarray
