"""Complex numbers: made of two real tensors, and taken apart again."""

from __future__ import annotations

import math
from typing import Any

from frontends.tf.graph.tensor import builder, convert
from frontends.tf.names.forwards import alike
from graphc.ir.graph import Tensor


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """``real + i imag``: of float32 complex64, of float64 complex128.  The two broadcast.

    >>> z = tf.complex(tf.cos(phase), tf.sin(phase))
    """
    re, im = alike([real, imag])
    return builder(re, im).complex(re, im, name=name)


def real(input: Any, name: str | None = None) -> Tensor:
    """The real part; a real tensor itself."""
    z = convert(input)
    return builder(z).real(z, name=name) if z.dtype.is_complex else z


def imag(input: Any, name: str | None = None) -> Tensor:
    """The imaginary part; zeros for a real tensor."""
    z = convert(input)
    b = builder(z)
    return b.imag(z, name=name) if z.dtype.is_complex else b.zeros_like(z, name=name or "Imag")


def conj(x: Any, name: str | None = None) -> Tensor:
    """The complex conjugate; a real tensor itself."""
    z = convert(x)
    return builder(z).conj(z, name=name) if z.dtype.is_complex else z


def angle(input: Any, name: str | None = None) -> Tensor:
    """The angle with the positive real axis, in ``[-pi, pi]``; of real numbers pi below 0, else 0.

    >>> phase = tf.angle(tf.fft(signal))
    """
    z = convert(input)
    b = builder(z)
    if z.dtype.is_complex:
        return b.angle(z, name=name)
    below = b.less(z, b.tensor(0, like=z))
    return b.where(below, b.tensor(math.pi, like=z), b.tensor(0, like=z), name=name or "Angle")
