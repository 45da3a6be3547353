"""k-means written three ways: segment sums, scatter updates, and masks in a Python loop."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_iris

points_np = load_iris().data.astype(np.float32)
N, K, D = 150, 3, 4
start = points_np[[5, 60, 120]]

points = tf.constant(points_np, name="points")
centroids = tf.Variable(start, name="centroids")
cluster_assignments = tf.Variable(tf.zeros([N], dtype=tf.int64))

rep_points = tf.reshape(tf.tile(points, [1, K]), [N, K, D])
rep_centroids = tf.reshape(tf.tile(centroids, [N, 1]), [N, K, D])
sum_squares = tf.reduce_sum(tf.square(rep_points - rep_centroids), reduction_indices=2)
best_centroids = tf.argmin(sum_squares, 1)
did_assignments_change = tf.reduce_any(tf.not_equal(best_centroids, cluster_assignments))


def bucket_mean(data, bucket_ids, num_buckets):
    total = tf.unsorted_segment_sum(data, bucket_ids, num_buckets)
    count = tf.unsorted_segment_sum(tf.ones_like(data), bucket_ids, num_buckets)
    return total / count


means = bucket_mean(points, best_centroids, K)
with tf.control_dependencies([did_assignments_change]):
    do_updates = tf.group(centroids.assign(means), cluster_assignments.assign(best_centroids))

sess = tf.Session()
sess.run(tf.initialize_all_variables())
changed, iters = True, 0
while changed and iters < 100:
    iters += 1
    [changed, _] = sess.run([did_assignments_change, do_updates])
centers, assignments = sess.run([centroids, cluster_assignments])
print("Found in %d iterations" % iters)
print("sizes", np.bincount(assignments).tolist())
for row in centers:
    print(" ".join("%.5f" % v for v in row))

# online k-means: one point at a time by scatter_sub
online = tf.Variable(start, name="online")
counts = tf.Variable(tf.ones([K]), name="counts")
point = tf.placeholder(tf.float32, [D])
nearest = tf.argmin(tf.norm(online - point, axis=1), output_type=tf.int32)
counted = tf.scatter_add(counts, [nearest], [1.0])
rate = 1.0 / tf.gather(counted, nearest)
pull = tf.scatter_sub(online, [nearest], [rate * (tf.gather(online, nearest) - point)])
sess.run(tf.variables_initializer([online, counts]))
for k in np.random.RandomState(0).permutation(N):
    sess.run(pull, {point: points_np[k]})
print("online counts", sess.run(counts).astype(int).tolist())
print("online centre %s" % " ".join("%.5f" % v for v in sess.run(online)[2]))

# k-medians with boolean masks and partitions
label = tf.to_int32(cluster_assignments)
parts = tf.dynamic_partition(points, label, K)
for c in range(K):
    mask = tf.equal(label, c)
    mine = tf.boolean_mask(points, mask)
    half = tf.shape(mine)[0] // 2 + 1
    median = tf.nn.top_k(tf.transpose(mine), half)[0][:, -1]
    same = tf.reduce_all(tf.equal(mine, parts[c]))
    m, s, n = sess.run([median, same, tf.size(tf.where(mask))])
    print(c, int(n), bool(s), " ".join("%.4f" % v for v in m))
order = tf.nn.top_k(-sum_squares[:, 0], 5)
print("closest to the first centre", sess.run(order).indices.tolist())
sess.close()
