"""Writes ``bundles``: small checkpoints by TensorFlow itself, for the tests of the bundle reader.

Run with a Python that has TensorFlow: ``python tests/runtime/record_bundles.py``.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf2
import tensorflow.compat.v1 as tf

FOLDER = Path(__file__).with_name("bundles")


def every_dtype() -> None:
    """One variable of each dtype, of several ranks, strings of several lengths."""
    values = {
        "float32": np.arange(6, dtype=np.float32).reshape(2, 3) / 7,
        "float64": np.float64(0.1), "float16": np.array([1.5, -2], np.float16),
        "int8": np.array([-1], np.int8), "int16": np.array([-300], np.int16),
        "int32": np.arange(4, dtype=np.int32), "int64": np.int64(-(1 << 40)),
        "uint8": np.array([255], np.uint8), "uint16": np.array([65535], np.uint16),
        "bool": np.array([True, False]), "complex64": np.array([1 + 2j], np.complex64),
        "complex128": np.array([[1 - 2j]], np.complex128),
        "empty": np.zeros((0, 4), np.float32),
        "string": np.array([b"", b"one", b"\x00\xff" * 100], object).reshape(3, 1),
    }  # fmt: skip
    for name, value in values.items():
        tf.Variable(value, name=f"of/{name}", use_resource=False)
    tf.Variable(tf.constant([1.0, -0.5], tf.bfloat16), name="of/bfloat16", use_resource=False)
    save("dtypes")


def several_shards() -> None:
    """Variables in several data files, one in slices."""
    for k in range(2):
        with tf.device(f"/cpu:{k}"):
            tf.Variable(np.full((3, 2), 3.0 + k, np.float32), name=f"w{k}", use_resource=False)
    part = tf.fixed_size_partitioner(3, axis=0)
    with tf.variable_scope("sliced", partitioner=part):
        tf.get_variable(
            "rows", initializer=lambda shape, dtype, partition_info: counted(shape, partition_info),
            shape=[200, 3], dtype=tf.float32, use_resource=False,
        )  # fmt: skip
    save("slices", sharded=True)


def counted(shape: list[int], info: object) -> tf.Tensor:
    start = info.var_offset[0] * 3  # type: ignore[attr-defined]
    count = int(np.prod(shape))
    return tf.constant(np.arange(start, start + count, dtype=np.float32).reshape(shape))


def save(name: str, **options: object) -> None:
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as sess:
        sess.run(tf.global_variables_initializer())
        tf.train.Saver(**options).save(
            sess, str(FOLDER / name), write_meta_graph=False, write_state=False
        )
    tf.reset_default_graph()


def of_objects() -> None:
    """A checkpoint of tf.train.Checkpoint."""
    layer = tf2.Module()
    layer.kernel = tf2.Variable(np.eye(2, dtype=np.float32))
    layer.bias = tf2.Variable(np.arange(2, dtype=np.float32))
    tf2.train.Checkpoint(model=layer, step=tf2.Variable(7, dtype=tf2.int64)).write(
        str(FOLDER / "objects")
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    of_objects()
    tf.disable_eager_execution()
    tf.disable_v2_behavior()
    every_dtype()
    several_shards()
