"""A process that dies while it saves loses nothing that was saved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]

# Each child saves as fast as it can, every variable filled with the step, and says when a step is
# saved; it is killed at a random moment.  What is then the latest must be whole (one step in all
# variables), no older than what was said to be saved, and restore in a new session.
PROGRAM = dedent(
    """
    import os, random, select, signal, sys, time
    import numpy as np
    import graphc as tf

    folder, kills = sys.argv[1], int(sys.argv[2])
    prefix = os.path.join(folder, "model.ckpt")
    variables = [tf.Variable(tf.zeros([n]), name=f"v{n}") for n in (1, 1000, 50_000, 300_000)]
    counter = tf.train.get_or_create_global_step()

    def work(start, out, numbered):
        sess = tf.Session()
        saver = tf.train.Saver(max_to_keep=2)
        state = tf.train.get_checkpoint_state(folder)
        if state is not None:
            saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        for step in range(start, start + 1_000_000):
            for v in variables:
                v.load(np.full(v.shape.as_list(), step, np.float32), sess)
            counter.load(step, sess)
            saver.save(sess, prefix, global_step=step if numbered else None)
            os.write(out, step.to_bytes(8, "little"))

    random.seed(0)
    saved = 0
    for kill in range(kills):
        inlet, outlet = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(inlet)
            try:
                work(saved + 1, outlet, numbered=kill % 4 > 0)
            finally:
                os._exit(1)
        os.close(outlet)
        if not select.select([inlet], [], [], 60)[0]:
            raise SystemExit("the child saved nothing")
        time.sleep(random.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        said = b""
        while part := os.read(inlet, 1 << 16):
            said += part
        os.close(inlet)
        assert len(said) % 8 == 0 and said, "the child failed"
        saved = int.from_bytes(said[-8:], "little")

        latest = tf.train.latest_checkpoint(folder)
        assert latest is not None, "no latest checkpoint"
        assert os.path.exists(latest + ".meta")
        with tf.Session() as sess:
            tf.train.Saver().restore(sess, latest)
            step = int(sess.variables.get("global_step"))
            for v in variables:
                assert (sess.variables.get(v.op.name) == step).all(), "a mixed checkpoint"
        assert saved <= step <= saved + 1, (saved, step)
        left = [n for n in os.listdir(folder) if n.endswith(".partial")]
        assert len(left) <= 1, left
        saved = step
    print("kills survived:", kills)
    """
)


def survived(folder: Path, kills: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), str(kills)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_a_few_kills_while_saving_lose_nothing(tmp_path):
    assert survived(tmp_path, 5) == "kills survived: 5\n"


@pytest.mark.slow
def test_two_hundred_kills_while_saving_lose_nothing(tmp_path):
    assert survived(tmp_path, 200) == "kills survived: 200\n"
