"""``tf.summary``: event files that TensorBoard reads, written from graphs."""

import io
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

import graphc as tf
from graphc.ops.running.summary import bucket_limits
from tests.conftest import TESTS


def read(value: bytes) -> object:
    return tf.Summary.FromString(value)


def accumulated(folder: Path) -> EventAccumulator:
    found = EventAccumulator(
        str(folder), size_guidance={"tensors": 0, "images": 0, "histograms": 0}
    )
    return found.Reload()


def test_what_is_written_is_what_tensorboard_reads(session, tmp_path):
    x = tf.placeholder(tf.float32, [None], name="x")
    with tf.name_scope("train"):
        tf.summary.scalar("loss", tf.reduce_sum(x))
    tf.summary.histogram("values", x)
    tf.summary.image("picture", tf.reshape(x, [1, 2, 2, 1]))
    tf.summary.text("note", tf.constant("hello"))
    merged = tf.summary.merge_all()
    sess = session()
    with tf.summary.FileWriter(tmp_path, sess.graph) as writer:
        for step in range(3):
            feed = np.arange(4, dtype=np.float32) + step
            writer.add_summary(sess.run(merged, {x: feed}), step)
    found = accumulated(tmp_path)
    assert [(e.step, e.value) for e in found.Scalars("train/loss")] == [(0, 6), (1, 10), (2, 14)]
    histogram = found.Histograms("values")[1].histogram_value
    assert (histogram.min, histogram.max, histogram.num, histogram.sum) == (1, 4, 4, 10)
    picture = found.Images("picture/image/0")[0]
    pixels = np.array(Image.open(io.BytesIO(picture.encoded_image_string)))
    np.testing.assert_array_equal(pixels, [[0, 85], [170, 255]])
    text = tensor_util.make_ndarray(found.Tensors("note")[0].tensor_proto)
    assert text == np.array(b"hello", object)
    assert {n.name for n in found.Graph().node} >= {"x", "train/loss", "train/loss/tags"}


def test_names_tags_and_collections_are_tf1s():
    with tf.name_scope("a"):
        first = tf.summary.scalar("loss", tf.constant(1.0))
        second = tf.summary.scalar("loss", tf.constant(2.0))
        third = tf.summary.scalar("my loss", 3.0, family="all", collections=["mine"])
    assert [s.op.name for s in (first, second, third)] == ["a/loss", "a/loss_1", "a/all/my_loss"]
    assert tf.get_collection(tf.GraphKeys.SUMMARIES) == [first, second]
    assert tf.get_collection("mine") == [third]
    with tf.Session() as sess:
        tags = [read(v).value[0].tag for v in sess.run([first, second, third])]
    assert tags == ["a/loss", "a/loss_1", "all/a/all/my_loss"]


def test_nothing_to_merge_is_none():
    assert tf.summary.merge_all() is None
    with pytest.raises(ValueError, match="no summary to merge"):
        tf.summary.merge([])


def test_merge_all_of_a_scope_takes_its_summaries_alone():
    with tf.name_scope("train"):
        tf.summary.scalar("loss", 1.0)
    tf.summary.scalar("other", 2.0)
    with tf.Session() as sess:
        merged = read(sess.run(tf.summary.merge_all(scope="train")))
    assert [v.tag for v in merged.value] == ["train/loss"]


def test_a_tag_twice_in_one_summary_fails_the_run(session):
    one = tf.summary.scalar("loss", 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="two summaries have the tag 'loss'"):
        session().run(tf.summary.merge([one, one]))


def test_a_histogram_has_tensorflows_buckets(session):
    """The numbers are those TensorFlow writes for these values."""
    x = tf.placeholder(tf.float32, [None])
    made = tf.summary.histogram("h", x)
    sess = session()
    held = read(sess.run(made, {x: [0, 0, 1, -1, 2.5, 1e-13, 1e30]})).value[0].histo
    assert list(held.bucket_limit) == [
        -1.0089710279437536, -0.917246389039776, 0, 1e-12, 0.917246389039776, 1.0089710279437536,
        2.3791009056258718, 2.6170109961884593, 9.9207756218597835e19, 1.7976931348623157e308,
    ]  # fmt: skip
    assert list(held.bucket) == [0, 1, 0, 3, 0, 1, 0, 1, 0, 1]
    assert len(bucket_limits()) == 1551
    empty = read(sess.run(made, {x: []})).value[0].histo
    assert (list(empty.bucket), empty.num, empty.min) == ([0], 0, bucket_limits()[-1])
    for bad, word in ((np.nan, "NaN"), (np.inf, "infinite")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{word} in the histogram of h"):
            sess.run(made, {x: [bad]})


def test_pictures_are_scaled_as_tensorflow_scales_them(session):
    """The pixels are those TensorFlow writes for these values."""
    given = np.array(
        [[[[0.0, 0.5, 1.0], [-1, 0, 2]], [[np.nan, 0, 1], [0.25, 0.75, 0.1]]],
         [[[0.0, 0.5, 1.0], [1, 0, 2]], [[np.inf, 0, 1], [0.25, 0.75, 0.1]]],
         [[[0.0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]]], np.float32,
    )  # fmt: skip
    made = read(session().run(tf.summary.image("p", tf.constant(given)))).value
    pixels = [np.array(Image.open(io.BytesIO(v.image.encoded_image_string))) for v in made]
    assert [v.tag for v in made] == ["p/image/0", "p/image/1", "p/image/2"]
    np.testing.assert_array_equal(
        pixels,
        [[[[128, 159, 191], [64, 128, 255]], [[255, 0, 0], [143, 175, 134]]],
         [[[0, 63, 127], [127, 0, 255]], [[255, 0, 0], [31, 95, 12]]],
         [[[0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]]],
    )  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_bytes_of_pictures_stay_as_they_are(channels):
    given = np.arange(2 * 3 * 5 * channels, dtype=np.uint8).reshape(2, 3, 5, channels)
    with tf.Session() as sess:
        made = read(sess.run(tf.summary.image("p", given, max_outputs=1))).value
    assert [v.tag for v in made] == ["p/image"]
    assert (made[0].image.height, made[0].image.width) == (3, 5)
    pixels = np.array(Image.open(io.BytesIO(made[0].image.encoded_image_string)))
    np.testing.assert_array_equal(pixels.reshape(3, 5, channels), given[0])


def test_sounds_are_wav_files():
    sound = np.array([[-1.0, -0.5, 0.0, 0.5, 1.0, 1.5]], np.float32)
    with tf.Session() as sess:
        made = read(sess.run(tf.summary.audio("s", sound, 8000))).value[0]
    assert (made.tag, made.audio.sample_rate, made.audio.length_frames) == ("s/audio/0", 8000, 6)
    with wave.open(io.BytesIO(made.audio.encoded_audio_string)) as file:
        frames = np.frombuffer(file.readframes(6), "<i2")
    np.testing.assert_array_equal(frames, [-32768, -16384, 0, 16384, 32767, 32767])


def test_a_tensor_is_summarised_as_it_is():
    with tf.Session() as sess:
        made = read(sess.run(tf.summary.tensor_summary("t", tf.constant([1.0, 2.0])))).value[0]
    np.testing.assert_array_equal(tensor_util.make_ndarray(made.tensor), [1.0, 2.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tf.summary.scalar("a", [1.0, 2.0]), "one value per tag"),
        (lambda: tf.summary.scalar("a", "x"), "summary of numbers is asked for"),
        (lambda: tf.summary.image("a", [1.0]), r"pictures \[batch, height, width, channels\]"),
        (lambda: tf.summary.text("a", 1.0), "text summary is of strings"),
        (lambda: tf.summary.merge("a"), "takes a list of summaries"),
    ],
)
def test_what_cannot_be_summarised_is_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_a_step_without_summaries_has_no_step_in_python():
    x = tf.placeholder(tf.float32, [4])
    w = tf.Variable(tf.ones([4]))
    loss = tf.reduce_sum(tf.square(x * w))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    tf.summary.scalar("loss", loss)
    merged = tf.summary.merge_all()
    feed = {x: np.ones(4, np.float32)}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())

        assert "scalar_summary" not in sess.inspect([train, loss], feed).to_json()
        assert "scalar_summary" in sess.inspect([train, merged], feed).to_json()


def test_the_writer_writes_every_kind_of_event(tmp_path):
    writer = tf.summary.FileWriter(str(tmp_path), filename_suffix=".mine", flush_secs=1)
    writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="x", simple_value=2.0)]), 7)
    writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 1)
    writer.add_event(tf.Event(step=3))
    writer.add_meta_graph(tf.MetaGraphDef())
    writer.flush()
    (path,) = tmp_path.glob("*.mine")
    events = list(tf.train.summary_iterator(str(path)))
    assert events[0].file_version == "brain.Event:2"
    kinds = [e.WhichOneof("what") for e in events[1:]]
    assert kinds == ["summary", "session_log", None, "meta_graph_def"]
    assert (events[1].step, events[1].summary.value[0].simple_value) == (7, 2.0)
    assert writer.get_logdir() == str(tmp_path)
    writer.close()
    with pytest.raises(TypeError, match=r"the bytes sess\.run gives"):
        writer.add_summary("text")


def test_a_closed_writer_warns_and_goes_on_when_reopened(tmp_path):
    writer = tf.summary.FileWriter(tmp_path)
    writer.close()
    with pytest.warns(UserWarning, match="the FileWriter is closed"):
        writer.add_summary(tf.Summary())
    writer.reopen()
    writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="x", simple_value=1.0)]), 1)
    writer.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert accumulated(tmp_path).Scalars("x")[0].value == 1.0


def test_the_metadata_of_a_tag_is_written_once(tmp_path):
    made = tf.summary.text("note", tf.constant("a"))
    with tf.Session() as sess, tf.summary.FileWriter(tmp_path) as writer:
        for step in range(2):
            writer.add_summary(sess.run(made), step)
    (path,) = tmp_path.iterdir()
    values = [e.summary.value[0] for e in tf.train.summary_iterator(path) if e.summary.value]
    assert [v.HasField("metadata") for v in values] == [True, False]


def test_one_writer_per_folder_is_kept(tmp_path):
    one = tf.summary.FileWriterCache.get(tmp_path)
    assert tf.summary.FileWriterCache.get(str(tmp_path)) is one
    tf.summary.FileWriterCache.clear()
    assert tf.summary.FileWriterCache.get(tmp_path) is not one
    tf.summary.FileWriterCache.clear()


def test_a_program_that_ends_without_closing_loses_nothing(tmp_path):
    program = (
        "import graphc as tf\n"
        f"writer = tf.summary.FileWriter({str(tmp_path)!r})\n"
        "writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag='x', simple_value=4.0)]), 1)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=TESTS.parent, check=True)
    assert accumulated(tmp_path).Scalars("x")[0].value == 4.0


def test_older_names_have_their_older_arguments(session):
    made = tf.merge_summary([tf.scalar_summary("a b", 1.0), tf.histogram_summary("h", [1.0])])
    held = read(session().run(made))
    assert [v.tag for v in held.value] == ["a b", "h"]
    assert tf.merge_all_summaries() is not None
    assert tf.train.SummaryWriter is tf.summary.FileWriter


def test_the_projector_reads_its_settings(tmp_path):
    from frontends.tf.summary import projector

    config = projector.ProjectorConfig()
    config.embeddings.add().tensor_name = "words"
    with tf.summary.FileWriter(tmp_path) as writer:
        projector.visualize_embeddings(writer, config)
    assert 'tensor_name: "words"' in (tmp_path / "projector_config.pbtxt").read_text()


def test_without_tensorboard_graphs_are_built_and_the_writer_says_what_to_install(tmp_path):
    program = (
        "import sys\n"
        "sys.modules['tensorboard'] = None\n"
        "import graphc as tf\n"
        "made = tf.summary.merge([tf.summary.scalar('a', 1.0)])\n"
        "try:\n"
        f"    tf.summary.FileWriter({str(tmp_path)!r})\n"
        "except tf.errors.UnimplementedError as error:\n"
        "    sys.stdout.write(str(error))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=TESTS.parent, check=True, capture_output=True
    )
    assert b'pip install "graphc[tensorboard]"' in done.stdout
