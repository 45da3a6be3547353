"""Where graphc differs from TensorFlow, with the reason.

A row is the start of a case's title and why; the comparison skips the case's figures and requires
that they do differ, so that a row which is no longer true is noticed.
"""

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
    "reshape(float32[3, 3]~a5138876 as any rank, [-1])": (
        "what is left of an unknown rank has a size only once the graph is compiled"
    ),
    "cumprod(float32[5]~5fe42305) # zeros": (
        "the gradient is exact at the first zero; TensorFlow gives 0 there"
    ),
}
