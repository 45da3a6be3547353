"""Looking into checkpoints, and starting variables from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphc as tf

BUNDLES = Path(__file__).parents[1] / "runtime" / "bundles"


@pytest.fixture
def prefix(session, tmp_path) -> str:
    """A checkpoint of old/w (2, 3), old/b (3) and step."""
    with tf.Graph().as_default() as graph:
        with tf.variable_scope("old"):
            tf.get_variable("w", initializer=np.arange(6, dtype=np.float32).reshape(2, 3))
            tf.get_variable("b", initializer=np.float32([7, 8, 9]))
        tf.get_variable("step", initializer=np.int64(5), trainable=False)
        sess = session(graph=graph)
        sess.run(tf.global_variables_initializer())
        return tf.train.Saver().save(sess, str(tmp_path / "m"), global_step=5)


def test_a_reader_says_what_there_is(prefix):
    reader = tf.train.NewCheckpointReader(prefix)
    assert reader.get_variable_to_shape_map() == {"old/w": [2, 3], "old/b": [3], "step": []}
    assert reader.get_variable_to_dtype_map()["step"] is tf.int64
    assert reader.has_tensor("old/w")
    assert not reader.has_tensor("w")
    np.testing.assert_array_equal(reader.get_tensor("old/b"), [7, 8, 9])
    assert reader.get_tensor("step") == 5
    assert b"old/b (float32) [3]\n" in reader.debug_string()
    with pytest.raises(tf.errors.NotFoundError, match="near: old/w"):
        reader.get_tensor("old/w1")


def test_a_folder_stands_for_its_latest_checkpoint(prefix):
    folder = str(Path(prefix).parent)
    assert tf.train.list_variables(folder) == [("old/b", [3]), ("old/w", [2, 3]), ("step", [])]
    assert tf.train.load_variable(folder, "old/w:0")[1, 2] == 5
    assert tf.train.load_checkpoint(prefix + ".safetensors").has_tensor("step")
    with pytest.raises(ValueError, match="Couldn't find 'checkpoint' file"):
        tf.train.load_checkpoint(str(BUNDLES))


def test_a_reader_of_no_checkpoint_says_so(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="there is no file"):
        tf.train.NewCheckpointReader(str(tmp_path / "none"))


def test_what_a_reader_gives_is_the_callers_own(prefix):
    tf.train.load_variable(prefix, "old/w")[...] = -1
    assert tf.train.load_variable(prefix, "old/w")[0, 1] == 1


# --- init_from_checkpoint ------------------------------------------------------------------------


def new_model() -> dict[str, tf.Variable]:
    with tf.variable_scope("new"):
        w = tf.get_variable("w", [2, 3])
        b = tf.get_variable("b", [3])
    return {"w": w, "b": b, "other": tf.get_variable("other", initializer=1.0)}


def started(session, made) -> dict[str, np.ndarray]:
    sess = session()
    sess.run(tf.global_variables_initializer())
    return {name: sess.run(v) for name, v in made.items()}


@pytest.mark.parametrize("form", ["variables", "names", "scope", "pairs", "one in a list"])
def test_variables_start_with_the_checkpoints_values(session, prefix, form):
    made = new_model()
    assignments = {
        "variables": {"old/w": made["w"], "old/b": made["b"]},
        "names": {"old/w": "new/w", "old/b": "new/b"},
        "scope": {"old/": "new/"},
        "pairs": [("old/w", made["w"]), ("old/b", made["b"])],
        "one in a list": {"old/w": [made["w"]], "old/b": "new/b"},
    }
    tf.train.init_from_checkpoint(prefix, assignments[form])
    found = started(session, made)
    np.testing.assert_array_equal(found["w"], np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(found["b"], [7, 8, 9])
    assert found["other"] == 1


def test_a_scope_may_be_the_root(session, prefix):
    with tf.variable_scope("copy"), tf.variable_scope("old"):
        made = {"b": tf.get_variable("b", [3])}
    tf.train.init_from_checkpoint(prefix, {"/": "copy/"})
    np.testing.assert_array_equal(started(session, made)["b"], [7, 8, 9])


def test_a_bundle_of_tensorflows_starts_variables(session):
    w = tf.get_variable("w", [3, 2])
    tf.train.init_from_checkpoint(str(BUNDLES / "slices"), {"w1": w})
    assert (started(session, {"w": w})["w"] == 4).all()


def test_what_does_not_fit_is_refused_before_anything_changes(session, prefix):
    made = new_model()
    with pytest.raises(tf.errors.InvalidArgumentError, match="another shape"):
        tf.train.init_from_checkpoint(prefix, {"old/b": made["b"], "old/w": made["b"]})
    with pytest.raises(ValueError, match="near: old/w"):
        tf.train.init_from_checkpoint(prefix, {"old/w2": made["w"]})
    with pytest.raises(ValueError, match="not found in"):
        tf.train.init_from_checkpoint(prefix, {"older/": "new/"})
    with pytest.raises(ValueError, match="new/none"):
        tf.train.init_from_checkpoint(prefix, {"old/w": "new/none"})
    with pytest.raises(ValueError, match="end in '/'"):
        tf.train.init_from_checkpoint(prefix, {"old": "new/"})
    with pytest.raises(TypeError, match="variables or their names"):
        tf.train.init_from_checkpoint(prefix, {"old/w": 3})
    assert started(session, made)["b"].tolist() != [7, 8, 9]


def test_warm_start_takes_the_variables_a_pattern_chooses(session, prefix):
    with tf.variable_scope("old"):
        w, b = tf.get_variable("w", [2, 3]), tf.get_variable("b", [3])
    tf.train.warm_start(prefix, "old/b")
    found = started(session, {"w": w, "b": b})
    assert found["b"].tolist() == [7, 8, 9]
    assert found["w"][0, 0] != 0


def test_warm_start_renames(session, prefix):
    made = new_model()
    tf.train.warm_start(prefix, [made["b"]], var_name_to_prev_var_name={"new/b": "old/b"})
    assert started(session, made)["b"].tolist() == [7, 8, 9]
    with pytest.raises(ValueError, match="new/x"):
        tf.train.warm_start(prefix, "new/b", var_name_to_prev_var_name={"new/x": "old/b"})


# --- as slim scripts restore ---------------------------------------------------------------------


def test_a_function_restores_what_is_there(session, prefix):
    made = new_model()
    restore = tf.contrib.framework.assign_from_checkpoint_fn(
        prefix, {"old/b": made["b"], "none": made["other"]}, ignore_missing_vars=True
    )
    sess = session()
    sess.run(tf.global_variables_initializer())
    restore(sess)
    assert sess.run(made["b"]).tolist() == [7, 8, 9]
    assert sess.run(made["other"]) == 1
    function = tf.contrib.framework.assign_from_checkpoint_fn
    assert function(prefix, {"none": made["b"]}, ignore_missing_vars=True) is None
    with pytest.raises(ValueError, match="empty"):
        function(prefix, [])
    with pytest.raises(tf.errors.NotFoundError):
        function(prefix, {"none": made["b"]})(sess)


def test_an_operation_restores_what_it_is_fed(session, prefix):
    made = new_model()
    assign, feeds = tf.contrib.framework.assign_from_checkpoint(
        prefix, {"old/b": made["b"], "old/w": made["w"]}
    )
    sess = session()
    sess.run(assign, feeds)
    assert sess.run(made["b"]).tolist() == [7, 8, 9]


# --- following a folder --------------------------------------------------------------------------


def test_new_checkpoints_are_followed_until_none_comes(prefix):
    folder = str(Path(prefix).parent)
    seen = []
    asked = []

    def waited_long_enough() -> bool:
        asked.append(len(seen))
        return len(asked) == 2

    for found in tf.train.checkpoints_iterator(folder, timeout=0, timeout_fn=waited_long_enough):
        seen.append(found)
        if len(seen) == 1:
            Path(prefix + ".safetensors").rename(Path(folder) / "n-6.safetensors")
            tf.train.update_checkpoint_state(folder, f"{folder}/n-6")
    assert seen == [prefix, f"{folder}/n-6"]
    assert asked == [2, 2]
    assert list(tf.train.checkpoints_iterator(folder, timeout=0)) == seen[1:]
