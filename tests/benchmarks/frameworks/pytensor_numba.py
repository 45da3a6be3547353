"""PyTensor in its Numba mode, state in shared variables."""

from collections.abc import Callable

import numpy as np
import pytensor
import pytensor.tensor as pt

from tests.benchmarks import subjects

VERSION = pytensor.__version__

pytensor.config.floatX = "float32"


def _shared(value: np.ndarray) -> pytensor.compile.SharedVariable:
    return pytensor.shared(value.copy(), borrow=True)


def mlp(spec: subjects.Mlp) -> Callable[[np.ndarray, np.ndarray], float]:
    layers = len(spec.widths) - 1
    x, labels = pt.matrix("x", dtype="float32"), pt.vector("labels", dtype="int32")
    theta = {name: _shared(value) for name, value in spec.parameters().items()}
    h = x
    for i in range(layers):
        h = h @ theta[f"w{i}"] + theta[f"b{i}"]
        if i < layers - 1:
            h = pt.maximum(h, np.float32(0))
    log_p = pt.special.log_softmax(h, axis=1)
    loss = -log_p[pt.arange(labels.shape[0]), labels].mean()

    one = np.float32(1)
    beta1, beta2 = np.float32(subjects.BETA1), np.float32(subjects.BETA2)
    t = _shared(np.float32(0))
    now = t + one
    rate = np.float32(subjects.LEARNING_RATE) * pt.sqrt(one - beta2**now) / (one - beta1**now)
    updates = [(t, now)]
    for parameter, gradient in zip(
        theta.values(), pt.grad(loss, list(theta.values())), strict=True
    ):
        first, second = (_shared(np.zeros_like(parameter.get_value())) for _ in range(2))
        m = beta1 * first + (one - beta1) * gradient
        v = beta2 * second + (one - beta2) * gradient * gradient
        moved = parameter - rate * m / (pt.sqrt(v) + np.float32(subjects.EPSILON))
        updates += [(first, m), (second, v), (parameter, moved)]

    function = pytensor.function([x, labels], loss, updates=updates, mode="NUMBA")
    function.trust_input = True
    return lambda a, b: float(function(a, b))


def rows(spec: subjects.Rows) -> tuple[Callable[[], object], Callable[[object], np.ndarray]]:
    inputs = {name: _shared(value) for name, value in spec.inputs().items()}
    x = inputs["x"]
    if spec.name == "chain":
        y = pt.tanh(2 * x + 1) * pt.exp(-x * x) + pt.log1p(pt.abs(x))
    elif spec.name == "softmax":
        y = pt.special.softmax(x, axis=1)
    else:
        mean = x.mean(axis=1, keepdims=True)
        variance = x.var(axis=1, keepdims=True)
        scale = pt.sqrt(variance + np.float32(subjects.LAYER_NORM_EPSILON))
        z = (x - mean) / scale * inputs["gamma"] + inputs["beta"]
        y = x + np.float32(0.5) * z * (1 + pt.erf(z * np.float32(2**-0.5)))
    function = pytensor.function([], pytensor.Out(y, borrow=True), mode="NUMBA")
    function.trust_input = True
    return function, np.asarray
