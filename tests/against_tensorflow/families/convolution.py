"""Convolutions over one, two and three axes, their transposes and their gradients by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.against_tensorflow.inputs import fed, reals, whole
from tests.against_tensorflow.outcome import Case

FILTERS = [(1, 1), (2, 2), (3, 3), (3, 2), (1, 5)]
STEPS = [{}, {"strides": [1, 2, 2, 1]}, {"strides": [1, 3, 2, 1]}, {"strides": 2}]
WRONG: list[tuple[tuple, tuple, dict[str, Any], str]] = [
    ((1, 5, 5, 3), (3, 3, 2, 4), {"strides": 1, "padding": "SAME"}, "channels"),
    ((1, 5, 5, 4), (3, 3, 2, 3), {"strides": 1, "padding": "SAME"}, "groups"),
    ((1, 2, 5, 2), (3, 3, 2, 3), {"strides": 1, "padding": "VALID"}, "window too large"),
    ((5, 5, 2), (3, 3, 2, 3), {"strides": 1, "padding": "SAME"}, "rank of the input"),
    ((1, 5, 5, 2), (3, 2, 3), {"strides": 1, "padding": "SAME"}, "rank of the filter"),
    ((1, 5, 5, 2), (3, 3, 2, 3), {"strides": 0, "padding": "SAME"}, "stride 0"),
    ((1, 5, 5, 2), (3, 3, 2, 3), {"strides": [1, -1, 1, 1], "padding": "SAME"}, "stride -1"),
    ((1, 5, 5, 2), (3, 3, 2, 3), {"strides": [2, 1, 1, 1], "padding": "SAME"}, "batch stride"),
    ((1, 5, 5, 2), (3, 3, 2, 3), {"strides": [1, 1, 1], "padding": "SAME"}, "three strides"),
    ((1, 5, 5, 2), (3, 3, 2, 3), {"strides": 1, "padding": "FULL"}, "padding"),
    ((1, 5, 5, 2), (3, 3, 2, 3), {"strides": 1, "padding": [[1, 1]]}, "one pair"),
    ((1, 5, 5, 2), (3, 3, 2, 3),
     {"strides": 1, "padding": [[0, 0], [-1, 1], [1, 1], [0, 0]]}, "negative padding"),
    ((1, 5, 5, 2), (3, 3, 2, 3),
     {"strides": 1, "padding": "SAME", "data_format": "NCWH"}, "format"),
    ((1, 5, 5, 2), (3, 3, 2, 3), {"strides": 1, "padding": "SAME", "dilations": 0}, "dilation 0"),
]  # fmt: skip


def cases() -> Iterator[Case]:
    yield from _over_two_axes()
    yield from _edges()
    yield from _over_others()
    yield from _transposed()
    yield from _by_channel()
    yield from _by_name()
    yield from _morphology()
    for x, f, how, note in WRONG:
        yield Case("nn.conv2d", (fed(reals(*x)), fed(reals(*f))), how, note=note)


def _double(*shape: int, seed: int = 0) -> Any:
    return fed(reals(*shape, dtype="float64", seed=seed))


def _over_two_axes() -> Iterator[Case]:
    for k, window in enumerate(FILTERS):
        for padding in ("SAME", "VALID"):
            for more in STEPS:
                how = {"strides": 1, "padding": padding, **more}
                yield Case("nn.conv2d", (_double(2, 7, 6, 2), _double(*window, 2, 3, seed=k)), how)
    for rate in (2, 3):
        for padding in ("SAME", "VALID"):
            how = {"strides": 1, "padding": padding, "dilations": [1, rate, rate, 1]}
            yield Case("nn.conv2d", (_double(2, 9, 8, 2), _double(3, 3, 2, 3)), how,
                       gradients=False)  # fmt: skip
    explicit = [[0, 0], [2, 1], [0, 3], [0, 0]]
    for strides in (1, 2):
        yield Case("nn.conv2d", (_double(1, 5, 4, 2), _double(3, 2, 2, 3)),
                   {"strides": strides, "padding": explicit})  # fmt: skip
    both = _double(1, 4, 5, 3), _double(2, 3, 3, 2)
    yield Case("nn.conv2d", both, {"strides": [1, 1, 1, 1], "padding": "SAME"}, second=True)
    yield Case("nn.conv2d", both, {"strides": [1, 2, 2, 1], "padding": "VALID"}, second=True)


def _edges() -> Iterator[Case]:
    how = {"strides": 1, "padding": "SAME"}
    for shape in ((0, 4, 4, 2), (2, 0, 4, 2), (1, 4, 1, 2)):
        yield Case("nn.conv2d", (_double(*shape), _double(3, 3, 2, 3)), how,
                   gradients=0 not in shape)  # fmt: skip
    x, f = reals(2, 5, 6, 3), reals(3, 3, 3, 4)
    yield Case("nn.conv2d", (fed(x), fed(f)), how)
    yield Case("nn.conv2d", (fed(x, (None, None, None, 3)), fed(f)), how)
    yield Case("nn.conv2d", (fed(x, (None, 5, None, 3)), fed(f)),
               {"strides": [1, 2, 3, 1], "padding": "VALID"})  # fmt: skip
    yield Case("nn.conv2d", (fed(x, (None, 5, None, 3)), fed(f)),
               {"strides": 2, "padding": "SAME"})  # fmt: skip
    yield Case("nn.conv2d", (fed(x.astype("float16")), fed(f.astype("float16"))), how,
               gradients=False, tolerance=1e-2)  # fmt: skip
    yield Case("nn.conv2d", (fed(whole(1, 4, 4, 2)), fed(whole(3, 3, 2, 2))), how)
    yield Case("nn.conv2d", (fed(x), fed(f.astype("float64"))), how, note="two dtypes")
    yield Case("nn.conv2d", (fed(x),), {"filters": fed(f), **how})


def _over_others() -> Iterator[Case]:
    for padding in ("SAME", "VALID"):
        for stride in (1, 2):
            both = _double(2, 8, 3), _double(3, 3, 4)
            yield Case("nn.conv1d", (*both, stride, padding))
            yield Case("nn.convolution", (*both, padding), {"strides": [stride]})
            cube = _double(1, 4, 5, 3, 2), _double(2, 3, 2, 2, 3)
            yield Case("nn.conv3d", cube, {"strides": [1, *[stride] * 3, 1], "padding": padding})
        flat = _double(2, 7, 6, 2), _double(3, 2, 2, 3)
        yield Case("nn.convolution", (*flat, padding))
        yield Case("nn.convolution", (*flat, padding), {"dilation_rate": [2, 3]})
        yield Case("nn.convolution", (*flat, padding), {"strides": [2, 1]})
        yield Case("nn.atrous_conv2d", (*flat, 2, padding))
        yield Case("nn.conv1d", (_double(2, 9, 3), _double(3, 3, 4), 1, padding),
                   {"dilations": 2}, gradients=False)  # fmt: skip
        yield Case("nn.convolution", (_double(1, 4, 5, 3, 2), _double(2, 3, 2, 2, 3), padding),
                   {"dilation_rate": [1, 2, 1]})  # fmt: skip
    yield Case("nn.convolution", (_double(2, 7, 6, 2), _double(3, 2, 2, 3), "SAME"),
               {"strides": [2, 2], "dilation_rate": [2, 2]}, note="both")  # fmt: skip
    yield Case("nn.conv1d", (fed(reals(2, 8)), fed(reals(3, 3, 4)), 1, "SAME"), note="rank 2")


def _transposed() -> Iterator[Case]:
    f = _double(3, 2, 2, 3)
    for output, padding, strides in (
        ((2, 8, 6, 2), "SAME", [1, 2, 2, 1]), ((2, 7, 5, 2), "SAME", [1, 2, 2, 1]),
        ((2, 9, 6, 2), "VALID", [1, 2, 2, 1]), ((2, 10, 7, 2), "VALID", [1, 2, 2, 1]),
        ((2, 4, 3, 2), "SAME", [1, 1, 1, 1]), ((2, 12, 9, 2), "SAME", [1, 3, 3, 1]),
        ((2, 8, 8, 2), "SAME", [1, 2, 2, 1]), ((3, 8, 6, 2), "SAME", [1, 2, 2, 1]),
        ((2, 8, 6, 4), "SAME", [1, 2, 2, 1]),
    ):  # fmt: skip
        rows = (2, 4, 3, 3)
        yield Case("nn.conv2d_transpose", (_double(*rows), f, list(output), strides, padding))
    open_batch = fed(reals(2, 4, 3, 3), (None, 4, 3, 3))
    yield Case("nn.conv2d_transpose", (open_batch, fed(reals(3, 2, 2, 3)), [2, 8, 6, 2],
                                       [1, 2, 2, 1]))  # fmt: skip
    yield Case("nn.conv2d_transpose", (_double(1, 2, 2, 2), _double(2, 2, 3, 2), [1, 4, 4, 3],
                                       [1, 2, 2, 1]), second=True)  # fmt: skip
    yield Case("nn.conv1d_transpose", (_double(2, 4, 3), _double(3, 2, 3), [2, 8, 2], 2))
    yield Case("nn.conv3d_transpose", (_double(1, 2, 3, 2, 3), _double(2, 3, 2, 2, 3),
                                       [1, 4, 6, 4, 2], [1, 2, 2, 2, 1]))  # fmt: skip
    yield Case("nn.conv_transpose", (_double(2, 4, 3), _double(3, 2, 3), [2, 8, 2], 2))
    yield Case("nn.atrous_conv2d_transpose", (_double(2, 7, 6, 3), f, [2, 7, 6, 2], 2, "SAME"))


def _by_channel() -> Iterator[Case]:
    for each in (1, 2):
        for padding in ("SAME", "VALID"):
            for steps in ([1, 1, 1, 1], [1, 2, 2, 1]):
                both = _double(2, 6, 5, 3), _double(3, 2, 3, each)
                yield Case("nn.depthwise_conv2d", (*both, steps, padding))
                yield Case("nn.depthwise_conv2d_native", (*both, steps, padding))
                wide = _double(1, 1, 3 * each, 4)
                yield Case("nn.separable_conv2d", (*both, wide, steps, padding))
    both = _double(2, 6, 5, 3), _double(2, 2, 3, 2)
    yield Case("nn.depthwise_conv2d", (*both, [1, 1, 1, 1], "SAME"), {"rate": [2, 2]})
    yield Case("nn.depthwise_conv2d", (*both, [1, 1, 1, 1], "SAME"), second=True)
    yield Case("nn.depthwise_conv2d", (fed(reals(1, 4, 4, 3)), fed(reals(2, 2, 2, 1)),
                                       [1, 1, 1, 1], "SAME"), note="channels")  # fmt: skip
    yield Case("nn.separable_conv2d", (*both, _double(1, 1, 5, 4), [1, 1, 1, 1], "SAME"),
               note="channels")  # fmt: skip
    grouped = _double(2, 5, 4, 6), _double(3, 2, 2, 9)
    yield Case("nn.conv2d", grouped, {"strides": 1, "padding": "SAME"}, gradients=False,
               note="groups")  # fmt: skip


def _by_name() -> Iterator[Case]:
    x, f = _double(2, 6, 5, 2), _double(3, 2, 2, 3)
    for padding, step, rows in (("SAME", 1, (6, 5)), ("VALID", 1, (4, 4)), ("SAME", 2, (3, 3))):
        ct = _double(2, *rows, 3)
        how = [1, step, step, 1], padding
        yield Case("nn.conv2d_backprop_input", ([2, 6, 5, 2], f, ct, *how))
        yield Case("nn.conv2d_backprop_filter", (x, [3, 2, 2, 3], ct, *how))
        deep = _double(2, *rows, 4)
        own = _double(3, 2, 2, 2)
        yield Case("nn.depthwise_conv2d_native_backprop_input", ([2, 6, 5, 2], own, deep, *how))
        yield Case("nn.depthwise_conv2d_native_backprop_filter", (x, [3, 2, 2, 2], deep, *how))
    cube, rows = _double(1, 4, 3, 5, 2), _double(1, 4, 3, 5, 3)
    yield Case("nn.conv3d_backprop_filter_v2", (cube, [2, 2, 2, 2, 3], rows, [1] * 5, "SAME"))
    yield Case("nn.conv2d_backprop_input", ([2, 6, 5, 2], f, _double(2, 5, 5, 3), [1, 1, 1, 1],
                                            "SAME"), note="places")  # fmt: skip
    yield Case("nn.conv2d_backprop_filter", (x, [3, 2, 2, 4], _double(2, 6, 5, 3), [1, 1, 1, 1],
                                             "SAME"), note="outputs")  # fmt: skip


def _morphology() -> Iterator[Case]:
    x, f = fed(reals(2, 6, 5, 3)), fed(reals(3, 2, 3, seed=1))
    for name in ("nn.dilation2d", "nn.erosion2d"):
        for padding in ("SAME", "VALID"):
            for step, rate in ((1, 1), (2, 1), (1, 2), (3, 2)):
                yield Case(name, (x, f, [1, step, step, 1], [1, rate, rate, 1], padding))
            ties = whole(1, 4, 4, 2, low=0, high=2).astype("float32")
            level = fed(whole(2, 2, 2, low=0, high=1).astype("float32"))
            yield Case(name, (fed(ties), level, [1] * 4, [1] * 4, padding), note="ties")
        yield Case(name, (fed(whole(1, 4, 5, 2)), fed(whole(2, 3, 2)), [1] * 4, [1] * 4, "SAME"))
        yield Case(name, (fed(reals(2, 6, 5, 3), (None, None, None, 3)), f, [1] * 4, [1] * 4,
                          "SAME"))  # fmt: skip
        yield Case(name, (x, fed(reals(3, 2, 2)), [1] * 4, [1] * 4, "SAME"), note="channels")
        yield Case(name, (x, fed(reals(7, 2, 3)), [1] * 4, [1] * 4, "VALID"), note="too large")
        yield Case(name, (x, f, [2, 1, 1, 1], [1] * 4, "SAME"), note="batch stride")
