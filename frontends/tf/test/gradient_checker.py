"""Gradients beside central differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from frontends.tf.graph.tensor import builder
from graphc.autodiff.reverse import gradients
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


def compute_gradient(
    x: Any, x_shape: Any, y: Any, y_shape: Any, x_init_value: Any = None, delta: float = 1e-3,
    init_targets: Any = None, extra_feed_dict: dict | None = None,
) -> Any:  # fmt: skip
    """The Jacobian of ``y`` by ``x`` twice: by ``tf.gradients``, and by central differences of
    step ``delta``.

    Each is [size of x, size of y].  ``x`` may be a list of tensors, then so is the result.  The
    default session runs it; ``x_init_value`` (default: random numbers) is where.
    """
    several = isinstance(x, list)
    xs = x if several else [x]
    shapes = x_shape if several else [x_shape]
    starts = (x_init_value if several else [x_init_value]) if x_init_value is not None else None
    session = _session()
    if init_targets is not None:
        targets = init_targets if isinstance(init_targets, list | tuple) else [init_targets]
        session.run(list(targets))
    result = as_tensor(y)
    tensors = [as_tensor(one) for one in xs]
    values = [
        _start(tensor, shape, starts[k] if starts is not None else None)
        for k, (tensor, shape) in enumerate(zip(tensors, shapes, strict=True))
    ]
    feeds = {**(extra_feed_dict or {}), **dict(zip(tensors, values, strict=True))}
    size = int(np.prod(y_shape, dtype=np.int64))
    ct = builder(result).placeholder(dtype=result.dtype, shape=tuple(y_shape), name="grad_y")
    slopes = gradients(result, tensors, [ct])
    pairs = []
    for tensor, value, slope in zip(tensors, values, slopes, strict=True):
        if slope is None:
            theory = np.zeros((value.size, size), result.dtype.numpy)
        else:
            theory = _by_gradients(session, slope, ct, value.size, tuple(y_shape), feeds)
        pairs.append((theory, _by_differences(session, result, tensor, feeds, size, delta)))
    return pairs if several else pairs[0]


def compute_gradient_error(
    x: Any, x_shape: Any, y: Any, y_shape: Any, x_init_value: Any = None, delta: float = 1e-3,
    init_targets: Any = None, extra_feed_dict: dict | None = None,
) -> float:  # fmt: skip
    """The largest difference between the two Jacobians of :func:`compute_gradient`."""
    found = compute_gradient(
        x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict
    )
    pairs = found if isinstance(found, list) else [found]
    return max(float(np.abs(a - b).max()) if a.size else 0.0 for a, b in pairs)


def _session() -> Any:
    from runtime.session import get_default_session

    session = get_default_session()
    if session is None:
        raise ValueError("compute_gradient needs a default session: `with tf.Session():`")
    return session


def _start(tensor: Tensor, shape: Any, value: Any) -> np.ndarray:
    if value is None:
        return np.random.random_sample(tuple(shape)).astype(tensor.dtype.numpy)  # noqa: NPY002
    return np.array(value, tensor.dtype.numpy).reshape(tuple(shape))


def _by_gradients(
    session: Any, slope: Tensor, ct: Tensor, rows: int, y_shape: tuple, feeds: dict
) -> np.ndarray:
    columns = []
    for k in range(int(np.prod(y_shape, dtype=np.int64))):
        unit = np.zeros(y_shape, ct.dtype.numpy)
        unit.flat[k] = 1
        columns.append(np.ravel(session.run(slope, {**feeds, ct: unit})))
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0), ct.dtype.numpy)


def _by_differences(
    session: Any, y: Tensor, x: Tensor, feeds: dict, size: int, delta: float
) -> np.ndarray:
    start = feeds[x]
    found = np.zeros((start.size, size), y.dtype.numpy)
    for k in range(start.size):
        ends = []
        for step in (delta, -delta):
            moved = start.copy()
            moved.flat[k] += step
            ends.append(np.ravel(session.run(y, {**feeds, x: moved})))
        found[k] = (ends[0] - ends[1]) / (2 * delta)
    return found
