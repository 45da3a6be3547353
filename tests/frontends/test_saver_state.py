"""The state file and what is kept: TensorFlow's text and TensorFlow's rules."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import graphc as tf
from frontends.tf.train.checkpoint_state import parse_state


@pytest.fixture
def saved(session):
    """Makes a Saver and a session; returns save(step) and the Saver."""
    tf.Variable(1.0, name="w")

    def make(**options: object):
        sess = session()
        sess.run(tf.global_variables_initializer())
        saver = tf.train.Saver(**options)
        return saver, lambda path, step=None, **more: saver.save(
            sess, str(path), global_step=step, **more
        )

    return make


def steps(folder: Path) -> list[int]:
    """The steps whose variables are there."""
    names = [n for n in os.listdir(folder) if n.endswith(".safetensors")]
    return sorted(int(n.split("-")[1].split(".")[0]) for n in names)


def test_the_latest_are_kept_and_the_oldest_removed(saved, tmp_path):
    saver, save = saved(max_to_keep=2)
    prefixes = [save(tmp_path / "m", step) for step in range(4)]
    assert saver.last_checkpoints == prefixes[2:]
    assert steps(tmp_path) == [2, 3]
    assert sorted(n for n in os.listdir(tmp_path) if n.endswith(".meta")) == [
        "m-2.meta",
        "m-3.meta",
    ]
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert state.model_checkpoint_path == prefixes[3]
    assert state.all_model_checkpoint_paths == prefixes[2:]


@pytest.mark.parametrize("most", [None, 0])
def test_all_are_kept_when_asked(saved, tmp_path, most):
    saver, save = saved(max_to_keep=most)
    last = [save(tmp_path / "m", step) for step in range(7)][-1]
    assert steps(tmp_path) == list(range(7))
    assert saver.last_checkpoints == []
    assert tf.train.get_checkpoint_state(str(tmp_path)).all_model_checkpoint_paths == [last]


def test_one_of_every_few_hours_is_kept_for_good(saved, tmp_path):
    _, save = saved(max_to_keep=1, keep_checkpoint_every_n_hours=1e-9)
    for step in range(4):
        save(tmp_path / "m", step)
    assert steps(tmp_path) == [0, 1, 2, 3]


def test_saving_under_the_same_name_again_keeps_one(saved, tmp_path):
    saver, save = saved(max_to_keep=2)
    for _ in range(4):
        save(tmp_path / "m")
    assert saver.last_checkpoints == [str(tmp_path / "m")]
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m.meta", "m.safetensors"]


def test_relative_paths_in_the_state_start_at_its_folder(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    _, save = saved()
    assert save("runs/m", 1) == "runs/m-1"
    assert 'model_checkpoint_path: "m-1"' in (tmp_path / "runs/checkpoint").read_text()
    assert tf.train.latest_checkpoint("runs") == "runs/m-1"
    assert save("plain", 1) == "plain-1"
    assert tf.train.latest_checkpoint(".") == "./plain-1"


def test_a_folder_with_relative_paths_can_be_moved(saved, tmp_path):
    (tmp_path / "a").mkdir()
    _, save = saved(save_relative_paths=True)
    save(tmp_path / "a" / "m", 3)
    (tmp_path / "a").rename(tmp_path / "b")
    assert tf.train.latest_checkpoint(str(tmp_path / "b")) == str(tmp_path / "b" / "m-3")


def test_two_savers_of_one_folder_under_two_names(saved, tmp_path):
    _, save = saved(max_to_keep=1)
    other, save_other = saved(max_to_keep=1)
    for step in range(3):
        save(tmp_path / "a", step)
        save_other(tmp_path / "b", step, latest_filename="other")
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "a-2")
    assert tf.train.latest_checkpoint(str(tmp_path), "other") == str(tmp_path / "b-2")
    assert other.last_checkpoints == [str(tmp_path / "b-2")]
    assert len(steps(tmp_path)) == 2


def test_two_savers_of_one_folder_and_one_state_file(saved, tmp_path):
    _, save = saved(max_to_keep=1)
    _, save_other = saved(max_to_keep=1)
    save(tmp_path / "a", 1)
    save_other(tmp_path / "b", 2)
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "b-2")
    assert len(steps(tmp_path)) == 2


def test_a_restarted_process_counts_what_it_recovers(saved, tmp_path):
    _, save = saved(max_to_keep=2)
    for step in range(2):
        save(tmp_path / "m", step)
    again, save_again = saved(max_to_keep=2)
    state = tf.train.get_checkpoint_state(str(tmp_path))
    again.recover_last_checkpoints([*state.all_model_checkpoint_paths, str(tmp_path / "gone")])
    save_again(tmp_path / "m", 2)
    assert steps(tmp_path) == [1, 2]
    again.set_last_checkpoints([str(tmp_path / "m-2")])
    assert again.last_checkpoints == [str(tmp_path / "m-2")]


def test_the_state_is_written_only_when_asked(saved, tmp_path):
    _, save = saved()
    save(tmp_path / "m", 1, write_state=False, write_meta_graph=False)
    assert os.listdir(tmp_path) == ["m-1.safetensors"]
    assert tf.train.latest_checkpoint(str(tmp_path)) is None


def test_names_that_collide_are_refused(saved, tmp_path):
    _, save = saved()
    with pytest.raises(ValueError, match="collides"):
        save(tmp_path / "checkpoint")
    with pytest.raises(ValueError, match="path components"):
        save(tmp_path / "m", latest_filename="a/b")


# --- reading and writing states ------------------------------------------------------------------


def test_a_state_of_tensorflows_is_read(tmp_path):
    text = (
        'model_checkpoint_path: "model.ckpt-\\303\\274-200"\n'
        'all_model_checkpoint_paths: "model.ckpt-100"\n'
        "all_model_checkpoint_paths: '/else/where/m'\n"
        "all_model_checkpoint_timestamps: 1541000000.25\n"
        "last_preserved_timestamp: 1540000000\n"
    )
    (tmp_path / "checkpoint").write_text(text)
    state = tf.train.get_checkpoint_state(tmp_path)
    assert state.model_checkpoint_path == str(tmp_path / "model.ckpt-ü-200")
    assert state.all_model_checkpoint_paths == [str(tmp_path / "model.ckpt-100"), "/else/where/m"]
    assert state.all_model_checkpoint_timestamps == [1541000000.25]
    assert state.last_preserved_timestamp == 1540000000


@pytest.mark.parametrize(
    "name", ["plain-1", 'quote"s', "back\\slash", "line\nbreak", "ü", "a'b", "\udcff"]
)
def test_paths_of_any_characters_come_back(tmp_path, name):
    tf.train.update_checkpoint_state(str(tmp_path), str(tmp_path / name))
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert state.model_checkpoint_path == str(tmp_path / name)
    assert parse_state(str(state)).all_model_checkpoint_paths == [str(tmp_path / name)]


@pytest.mark.parametrize(
    "text",
    ["garbage", "model_checkpoint_path: 3\n", 'unknown: "x"\n', 'model_checkpoint_path: "x',
     "last_preserved_timestamp: many\n", 'model_checkpoint_path: "\\x"\n', "\x80\x04N."],
)  # fmt: skip
def test_a_state_that_cannot_be_read_is_ignored(tmp_path, text):
    (tmp_path / "checkpoint").write_text(text)
    assert tf.train.get_checkpoint_state(str(tmp_path)) is None
    assert tf.train.latest_checkpoint(str(tmp_path)) is None


def test_a_state_that_names_nothing_is_refused(tmp_path):
    (tmp_path / "checkpoint").write_text('all_model_checkpoint_paths: "x"\n')
    with pytest.raises(ValueError, match="Invalid checkpoint state"):
        tf.train.get_checkpoint_state(str(tmp_path))


def test_no_folder_and_no_checkpoint_are_none(tmp_path):
    assert tf.train.latest_checkpoint(str(tmp_path / "nothing")) is None
    assert tf.train.latest_checkpoint(str(tmp_path)) is None
    tf.train.update_checkpoint_state(str(tmp_path), str(tmp_path / "gone-1"))
    assert tf.train.latest_checkpoint(str(tmp_path)) is None


def test_a_state_conflicting_with_its_checkpoint_is_refused(tmp_path):
    with pytest.raises(RuntimeError, match="conflicts"):
        tf.train.update_checkpoint_state(str(tmp_path), str(tmp_path / "checkpoint"))


def test_generated_states_end_in_the_latest_path():
    made = tf.train.generate_checkpoint_state_proto("runs", "runs/m-2", ["runs/m-1"])
    assert made.model_checkpoint_path == "m-2"
    assert made.all_model_checkpoint_paths == ["m-1", "m-2"]
    made = tf.train.generate_checkpoint_state_proto("/runs", "/runs/m-2")
    assert made.all_model_checkpoint_paths == ["/runs/m-2"]


def test_existence_age_and_removal(saved, tmp_path):
    _, save = saved()
    prefix = save(tmp_path / "m", 1)
    assert tf.train.checkpoint_exists(prefix)
    (time,) = tf.train.get_checkpoint_mtimes([prefix, str(tmp_path / "none")])
    assert time == os.path.getmtime(prefix + ".safetensors")
    tf.train.remove_checkpoint(prefix)
    tf.train.remove_checkpoint(prefix)
    assert not tf.train.checkpoint_exists(prefix)
    assert os.listdir(tmp_path) == ["checkpoint"]
