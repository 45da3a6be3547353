"""What the examples draw with: Matplotlib, set up once."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

OUT = Path("out")
COLOURS = (
    "#c1440e", "#3b6ea5", "#5b8c5a", "#8a6fae", "#b8860b",
    "#4f9ea8", "#7f7f7f", "#d28aa0", "#6b4423", "#a6bc3a",
)  # fmt: skip


def panels(columns: int, width: float = 4.5, height: float = 3.4) -> tuple[Any, list[Any]]:
    """A figure with axes side by side."""
    figure, axes = plt.subplots(
        1, columns, figsize=(width * columns, height), layout="constrained", squeeze=False
    )
    for axis in axes[0]:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, list(axes[0])


def tiles(images: np.ndarray, columns: int) -> np.ndarray:
    """Square grey images [n, pixels], in [0, 1], as one picture of ``columns`` across."""
    side = int(np.sqrt(images.shape[1]))
    rows = -(-len(images) // columns)
    sheet = np.ones((rows * (side + 1) + 1, columns * (side + 1) + 1))
    for k, image in enumerate(images):
        top, left = (1 + n * (side + 1) for n in divmod(k, columns))
        sheet[top : top + side, left : left + side] = 1 - image.reshape(side, side)
    return sheet


def show(axis: Any, images: np.ndarray, columns: int, title: str) -> None:
    """Draw :func:`tiles` on an axis."""
    axis.imshow(tiles(images, columns), cmap="gray", vmin=0, vmax=1)
    axis.set(title=title)
    axis.axis("off")


def shades(colour: str) -> Any:
    """From white, for the least, to a colour."""
    return mpl.colors.LinearSegmentedColormap.from_list("shades", ["white", colour])


def save(figure: Any, name: str) -> None:
    """Keep the picture in ``out/`` and say so."""
    OUT.mkdir(exist_ok=True)
    figure.savefig(OUT / name, dpi=120)
    plt.close(figure)
    print(f"picture: {OUT / name}")
