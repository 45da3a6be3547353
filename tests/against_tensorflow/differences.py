"""Where graphc differs from TensorFlow, with the reason.

The comparison skips the figures of a case that a row here covers and requires that they do differ,
so that a row which is no longer true is noticed.
"""

from __future__ import annotations

import re

NO_WRAP = "a literal that its dtype cannot hold is refused, where TensorFlow wraps it around"
NO_CUT = "a float does not become an integer unless it is cast, where TensorFlow cuts it off"
CONSTANT_SLOPE = "the slope is piecewise constant: None says so, where TensorFlow gives zeros"
LARGER = ("2147483648", "1099511627776", "[1099511627776, 1]")
CUT = ("[ 0.47213596, -1.0557281 ], dtype=float32", "[ 0.47213595, -1.05572809]")

# The start of a case's title: why.
DIFFERENCES: dict[str, str] = {
    # elementwise, networks
    "nn.leaky_relu(float64[2, 3]~3b0f7e66": "TensorFlow rounds alpha to float32",
    "nn.softmax_cross_entropy_with_logits_v2(labels=float32[3, 2]~cf675d73": (
        "the gradient is the formula's; TensorFlow's holds for labels that sum to one"
    ),
    # contractions, linalg
    "tensordot(float32[2, 3, 4]~7c201323, float32[4, 3, 5]~c1845924, 2) # sizes differ": (
        "TensorFlow compares only the products of the summed sizes"
    ),
    "cholesky(float32[3, 3]~6ab6b2d5) # singular": "TF1 refuses it, TensorFlow 2 gives NaN",
    "cholesky(float32[2, 3, 3]~4da41ca9) # negative": "TF1 refuses it, TensorFlow 2 gives NaN",
    "matrix_triangular_solve(float32[3, 3]~6ab6b2d5, float32[3, 1]~12de2bc8) # singular": (
        "TF1 refuses it, TensorFlow 2 gives infinities"
    ),
    # shapes
    "squeeze(float32[1, 3]~12de2bc8 as [None, 3])": (
        "the rank of a result is told by what is known of its operand, not by what is fed"
    ),
    "cumprod(float32[5]~5fe42305) # zeros": (
        "the gradient is exact at the first zero; TensorFlow gives 0 there"
    ),
    # second order
    "nn.relu(float64[3]~4d4458fa) # second": CONSTANT_SLOPE,
    "nn.relu6(float64[3]~b1688b82) # second": CONSTANT_SLOPE,
    "nn.leaky_relu(float64[3]~8166049e) # second": CONSTANT_SLOPE,
    "nn.moments(float64[3, 2]~2aad49ba, [0]) # second": (
        "TensorFlow stops the mean's gradient, which only the first order does not notice"
    ),
    # literals
    "multiply(2, float32": "a literal takes the dtype of the tensor beside it, on either side",
    "constant(-2147483648, 'tf.uint8')": NO_WRAP,
    "convert_to_tensor(-2147483648, dtype='tf.uint8')": NO_WRAP,
    **{
        start: NO_WRAP
        for value in LARGER
        for dtype in ("int32", "uint8")
        for start in (
            f"constant({value}, 'tf.{dtype}')",
            f"convert_to_tensor({value}, dtype='tf.{dtype}')",
        )
    },
    **{
        f"{name}(array({value}), 'tf.{dtype}')": NO_CUT
        for name in ("constant", "convert_to_tensor")
        for value in CUT
        for dtype in ("int32", "int64")
    },
    **{
        f"{name}({x}, np.float32(2.0))": NO_CUT
        for name in ("Tensor.__add__", "Tensor.__rmul__", "maximum", "greater")
        for x in ("int32[2, 3]~27d9c8db", "int64[2, 3]~a4757057", "uint8[2, 3]~1a0fd918")
    },
    "Tensor.__rmul__(bool[2, 3]~a91bfad5, np.": "a number is not a truth",
    # what is random
    "random_uniform(3)": "a single size is a shape of one",
    "random_normal(3)": "a single size is a shape of one",
    "truncated_normal(3)": "a single size is a shape of one",
    "nn.learned_unigram_candidate_sampler": (
        "not provided: it learns from call to call; the message names what to use"
    ),
    # sequences
    **{
        f"nn.ctc_{name}(float32[4, 2, 3]~74e54a9d, int32[2]~55f63774)": (
            "a negative length is refused; TensorFlow takes it as 0"
        )
        for name in ("greedy_decoder", "beam_search_decoder")
    },
    "nn.ctc_loss(entries [[0, 0], [0, 1], [1, 0], [2, 0]] of [3, 2] int32[4]~000e5bbe": (
        "a label beyond the blank is refused; TensorFlow drops it where it is the last"
    ),
    "nn.ctc_loss(entries [[0, 0], [2, 0]] of [3, 1] int32[2]~dd9eb80c": (
        "a row without labels has the loss of blanks alone; TensorFlow refuses it"
    ),
    # the rest
    "edit_distance(entries": "sizes of sparse tensors are data: known only when the graph runs",
}

MORE = "TensorFlow has no kernel for it"
NO_ROOT = "the root of integers is not an integer; TensorFlow cuts it off"
NO_COUNT = "only integers are counted; TensorFlow casts"
LATER = "not provided for complex numbers"
NO_SUM = "strings are not added up; TensorFlow joins them"

# A function, dtypes of its first tensor: why it differs for them.
OF_DTYPES: list[tuple[str, str, str]] = [
    ("rint digamma math.ndtri math.erfinv", "float16 bfloat16", MORE),
    ("lgamma math.bessel_i0e math.bessel_i1e", "bfloat16", MORE),
    ("truncatemod", "float16 bfloat16 int8 int16 uint8 uint16", MORE),
    ("squared_difference", "int8 int16 uint8 uint16", MORE),
    ("nn.moments", "int8 int16 uint8 uint16", MORE),
    ("matmul tensordot einsum range", "int8 int16", MORE),
    ("pow", "uint8 uint16", MORE),
    ("tile repeat", "uint16", MORE),
    ("matrix_diag matrix_band_part", "object", MORE),
    ("unique", "complex64", MORE),
    ("math.reduce_euclidean_norm", "int8 int16 int32 int64 uint8 uint16", NO_ROOT),
    ("bincount", "float16 bfloat16 float64 bool complex64", NO_COUNT),
    ("scatter_nd", "object", NO_SUM),
    ("math.reduce_std math.reduce_variance", "complex64", LATER),
    ("segment_mean", "complex64", LATER),
]
_FIRST = re.compile(r"([\w.]+)\(.*?(\w+)\[[\d, ]*\]~\w+(?: as (bfloat16))?")


def why(family: str, title: str) -> str | None:
    """Why a case differs, where it does."""
    for start, reason in DIFFERENCES.items():
        if title.startswith(start):
            return reason
    if family == "dtypes" and (found := _FIRST.match(title)):
        name, dtype, cast = found.groups()
        for names, dtypes, reason in OF_DTYPES:
            if name in names.split() and (cast or dtype) in dtypes.split():
                return reason
    return None
