"""What needs no training: least squares in five ways, principal components, Newton's method."""

import numpy as np
import tensorflow.compat.v1 as tf
from sklearn.datasets import load_diabetes, load_iris

tf.disable_eager_execution()

x_vals, y_vals = load_diabetes(return_X_y=True)
A = np.column_stack((x_vals * 10, np.ones(len(x_vals))))
b = y_vals.reshape(-1, 1) / 100

sess = tf.Session()
A_tensor = tf.constant(A)
b_tensor = tf.constant(b)

tA_A = tf.matmul(tf.transpose(A_tensor), A_tensor)
by_inverse = tf.matmul(tf.matmul(tf.matrix_inverse(tA_A), tf.transpose(A_tensor)), b_tensor)

L = tf.cholesky(tA_A)
tA_b = tf.matmul(tf.transpose(A_tensor), b_tensor)
sol1 = tf.matrix_triangular_solve(L, tA_b)
by_cholesky = tf.matrix_triangular_solve(tf.transpose(L), sol1, lower=False)
also_cholesky = tf.cholesky_solve(L, tA_b)
by_solve = tf.matrix_solve(tA_A, tA_b)
by_lstsq = tf.matrix_solve_ls(A_tensor, b_tensor, fast=False)
q, r = tf.qr(A_tensor)
by_qr = tf.matrix_triangular_solve(r, tf.matmul(q, b_tensor, adjoint_a=True), lower=False)
s, u, v = tf.svd(A_tensor)
by_svd = tf.matmul(v, tf.matmul(u, b_tensor, transpose_a=True) / s[:, tf.newaxis])
for name in (
    "by_inverse",
    "by_cholesky",
    "also_cholesky",
    "by_solve",
    "by_lstsq",
    "by_qr",
    "by_svd",
):
    print("%-13s" % name, " ".join("%.6f" % v for v in sess.run(globals()[name]).ravel()))
print("determinant (log) %.6f" % sess.run(tf.log(tf.matrix_determinant(tA_A))))

ridge = tf.placeholder(tf.float64, [None])
eye = tf.eye(11, dtype=tf.float64)
solutions = tf.matrix_solve(
    tA_A[None] + ridge[:, None, None] * eye, tf.tile(tA_b[tf.newaxis], [tf.size(ridge), 1, 1])
)
for row in sess.run(tf.norm(solutions, axis=[1, 2]), {ridge: [0.1, 1.0, 10.0]}):
    print("shrunk to %.6f" % row)

# principal components
iris, kind = load_iris(return_X_y=True)
X = tf.placeholder(tf.float32, shape=[None, 4])
mean, variance = tf.nn.moments(X, [0])
centred = X - mean
singular, _, right = tf.svd(centred)
cov = tf.matmul(centred, centred, transpose_a=True) / (tf.cast(tf.shape(X)[0], tf.float32) - 1)
values, vectors = tf.self_adjoint_eig(cov)
projected = tf.matmul(centred, right[:, :2])
share = tf.square(singular) / tf.reduce_sum(tf.square(singular))
e, f, p, m, d = sess.run([values, share, projected, mean, variance], {X: iris})
print("eigenvalues", " ".join("%.5f" % v for v in e))
print("share of variance", " ".join("%.5f" % v for v in f))
print("spread", " ".join("%.5f" % v for v in np.abs(p).mean(0)))
print("trace %.5f of %.5f" % (sess.run(tf.trace(cov), {X: iris}), d.sum()))

# Newton's method on a logistic loss
w = tf.Variable(np.zeros(5), name="w")
design = tf.constant(np.column_stack((iris - iris.mean(0), np.ones(150))))
label = tf.constant((kind == 1).astype(float))
margin = tf.tensordot(design, w, axes=1)
loss = tf.reduce_sum(tf.nn.softplus(margin) - label * margin) + 0.5 * tf.reduce_sum(w**2)
gradient = tf.gradients(loss, w)[0]
hessian = tf.hessians(loss, w)[0]
newton = tf.assign_sub(w, tf.squeeze(tf.matrix_solve(hessian, gradient[:, None]), [1]))
sess.run(tf.global_variables_initializer())
for k in range(5):
    now, steep = sess.run([loss, tf.norm(gradient)])
    sess.run(newton)
    print("newton %d: %.8f slope %.2e" % (k, now, steep if k < 4 else 0))
print("w", " ".join("%.6f" % v for v in sess.run(w)))
