"""Matrix products and convolutions: the shapes of models, their data and their NumPy meaning."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

SEED = 21


@dataclass(frozen=True)
class Product:
    """``a @ b``, [m, k] by [k, n], either of them stored transposed; ``fused``: then a bias is
    added and ReLU applied."""

    m: int
    n: int
    k: int
    transpose_a: bool = False
    transpose_b: bool = False
    fused: bool = False

    @property
    def name(self) -> str:
        stored = "-at" * self.transpose_a + "-bt" * self.transpose_b
        return f"{'fused_' * self.fused}product_{self.m}x{self.n}x{self.k}{stored}"

    @property
    def title(self) -> str:
        a = "a'" if self.transpose_a else "a"
        b = "b'" if self.transpose_b else "b"
        product = f"{a} {b}" if self.transpose_a or self.transpose_b else ""
        return f"{self.m} x {self.n} x {self.k}  {product}".rstrip()

    @property
    def flops(self) -> int:
        return 2 * self.m * self.n * self.k

    def operands(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``a`` and ``b`` as they are stored, and the bias [n]."""
        random = np.random.default_rng(SEED)
        shapes = (
            (self.k, self.m) if self.transpose_a else (self.m, self.k),
            (self.n, self.k) if self.transpose_b else (self.k, self.n),
            (self.n,),
        )
        a, b, bias = (random.standard_normal(shape).astype(np.float32) for shape in shapes)
        return a, b, bias

    def result(self) -> np.ndarray:
        a, b, bias = (value.astype(np.float64) for value in self.operands())
        y = (a.T if self.transpose_a else a) @ (b.T if self.transpose_b else b)
        return np.maximum(y + bias, 0) if self.fused else y


@dataclass(frozen=True)
class Convolution:
    """One of a convolution and its two gradients: ``of`` is forward, input or filter.

    Images [batch, rows, columns, channels], filters [rows, columns, inputs, outputs], zeros around
    the image so that stride 1 keeps its size.  ``depthwise``: a filter for each channel.
    """

    label: str
    images: tuple[int, int, int, int]
    window: int
    outputs: int
    stride: int = 1
    depthwise: bool = False
    of: str = "forward"

    @property
    def name(self) -> str:
        return f"convolution_{self.label}_{self.of}"

    @property
    def title(self) -> str:
        shape = "x".join(map(str, self.images))
        size = f"{self.window}x{self.window}" + f"/{self.stride}" * (self.stride > 1)
        kind = "depthwise" if self.depthwise else f"to {self.outputs}"
        return f"{shape} {kind}, {size}, {self.of}"

    @property
    def pad(self) -> int:
        return self.window // 2

    @property
    def flops(self) -> int:
        n, rows, columns, channels = self.images
        places = n * -(-rows // self.stride) * -(-columns // self.stride)
        each = 1 if self.depthwise else self.outputs
        return 2 * places * channels * each * self.window**2

    @cached_property
    def filters_shape(self) -> tuple[int, int, int, int]:
        return (self.window, self.window, self.images[3], 1 if self.depthwise else self.outputs)

    def operands(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Images, filters, and the cotangent of the result."""
        random = np.random.default_rng(SEED)
        n, rows, columns, channels = self.images
        outputs = channels if self.depthwise else self.outputs
        places = (n, -(-rows // self.stride), -(-columns // self.stride), outputs)
        shapes = (self.images, self.filters_shape, places)
        x, w, ct = (random.standard_normal(shape).astype(np.float32) for shape in shapes)
        return x, w, ct

    def result(self) -> np.ndarray:
        x, w, ct = (value.astype(np.float64) for value in self.operands())
        if self.depthwise:
            w = w[..., 0][:, :, :, None] * np.eye(w.shape[2])  # every channel to itself alone
        if self.of == "forward":
            return convolved(x, w, self.stride)
        if self.of == "input":
            return input_gradient(ct, w, self.stride, x.shape)
        found = filter_gradient(x, ct, self.stride, w.shape)
        return np.einsum("ijcc->ijc", found)[..., None] if self.depthwise else found


Spec = Product | Convolution


def _windows(padded: np.ndarray, window: int, stride: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """For every place of the filter, the view of what it meets."""
    rows, columns = (1 + (n - window) // stride for n in padded.shape[1:3])
    for i, j in product(range(window), repeat=2):
        yield i, j, padded[:, i : i + stride * rows : stride, j : j + stride * columns : stride]


def _padded(x: np.ndarray, pad: int) -> np.ndarray:
    return np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))


def convolved(x: np.ndarray, w: np.ndarray, stride: int) -> np.ndarray:
    """Cross-correlation of images with filters, zeros around."""
    window = len(w)
    return sum(v @ w[i, j] for i, j, v in _windows(_padded(x, window // 2), window, stride))


def input_gradient(
    ct: np.ndarray, w: np.ndarray, stride: int, shape: tuple[int, ...]
) -> np.ndarray:
    window, pad = len(w), len(w) // 2
    made = _padded(np.zeros(shape), pad)
    for i, j, place in _windows(made, window, stride):
        place += ct @ w[i, j].T
    return made[:, pad : pad + shape[1], pad : pad + shape[2]]


def filter_gradient(
    x: np.ndarray, ct: np.ndarray, stride: int, shape: tuple[int, ...]
) -> np.ndarray:
    made = np.empty(shape)
    for i, j, v in _windows(_padded(x, shape[0] // 2), shape[0], stride):
        made[i, j] = np.tensordot(v, ct, ([0, 1, 2], [0, 1, 2]))
    return made


PRODUCTS = (
    *(Product(n, n, n) for n in (512, 1024, 2048)),
    Product(128, 512, 784),
    Product(128, 512, 512),
    Product(128, 512, 512, transpose_b=True),
    Product(512, 512, 128, transpose_a=True),
    Product(784, 512, 128),
    Product(50, 512, 128),
    Product(2500, 512, 128),
    Product(12544, 64, 800),
    Product(16, 32, 64),
    Product(1, 1024, 1024),
    Product(128, 10, 512),
    Product(512, 10, 128),
    Product(128, 512, 10),
    Product(2500, 65, 128),
)
FUSED_PRODUCTS = tuple(
    Product(p.m, p.n, p.k, fused=True) for p in PRODUCTS[3:] if not (p.transpose_a or p.transpose_b)
)
GEOMETRIES = (
    ("digits", (64, 28, 28, 1), 5, 32),
    ("features", (64, 14, 14, 32), 5, 64),
    ("wide", (16, 56, 56, 64), 3, 64),
    ("deep", (16, 14, 14, 256), 3, 256),
    ("first", (1, 224, 224, 3), 7, 64, 2),
    ("depthwise", (16, 56, 56, 64), 3, 64, 1, True),
)
CONVOLUTIONS = tuple(
    Convolution(*geometry, of=of)
    for geometry in GEOMETRIES
    for of in ("forward", "input", "filter")
)
FAMILIES = {"products": PRODUCTS, "fused_products": FUSED_PRODUCTS, "convolutions": CONVOLUTIONS}
BY_NAME = {spec.name: spec for specs in FAMILIES.values() for spec in specs}
