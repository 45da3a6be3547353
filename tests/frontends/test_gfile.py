"""``tf.gfile``: files, folders, and the errors TF1 has for them."""

import pytest

import graphc as tf


@pytest.fixture
def here(tmp_path) -> str:
    return str(tmp_path)


def test_text_is_written_read_and_added_to(here):
    path = f"{here}/notes.txt"
    with tf.gfile.GFile(path, "w") as file:
        file.write("héllo\nworld\n")
        assert file.size() == 13
    with tf.gfile.Open(path) as file:
        assert (file.name, file.mode) == (path, "r")
        assert [file.read(1), file.readline(), file.readlines()] == ["h", "éllo\n", ["world\n"]]
        assert file.readline() == ""
        file.seek(0)
        assert list(file) == ["héllo\n", "world\n"]
        file.seek(-3, 2)
        assert file.read() == "ld\n"
    with tf.gfile.FastGFile(path, "a") as file:
        file.write("more")
    assert tf.gfile.FastGFile(path, "rb").read() == "héllo\nworld\nmore".encode()


def test_bytes_stay_bytes(here):
    with tf.gfile.GFile(f"{here}/b", "wb") as file:
        file.write(b"\x00\r\n\xff")
    assert tf.gfile.GFile(f"{here}/b", "rb").read() == b"\x00\r\n\xff"
    assert tf.gfile.Stat(f"{here}/b").length == 4


def test_a_file_does_only_what_it_was_opened_for(here):
    file = tf.gfile.GFile(f"{here}/f", "w")
    with pytest.raises(tf.errors.PermissionDeniedError, match=r"mode 'w'.*not to read"):
        file.read()
    file.close()
    with pytest.raises(tf.errors.PermissionDeniedError, match=r"mode 'r'.*not to write"):
        tf.gfile.GFile(f"{here}/f").write("x")
    with pytest.raises(tf.errors.InvalidArgumentError, match="mode 'z' is none of"):
        tf.gfile.GFile(f"{here}/f", "z")


def test_errors_name_the_file_and_the_users_line(here):
    with pytest.raises(tf.errors.NotFoundError) as caught:
        tf.gfile.GFile(f"{here}/none")
    first, line = str(caught.value).splitlines()
    assert first == f"{here}/none; No such file or directory"
    assert "test_gfile.py" in line
    assert (caught.value.code, caught.value.node_def) == (tf.errors.NOT_FOUND, None)


def test_folders_are_made_listed_and_deleted(here):
    tf.gfile.MakeDirs(f"{here}/a/b")
    tf.gfile.MakeDirs(f"{here}/a/b")
    tf.gfile.MkDir(f"{here}/a/c")
    with pytest.raises(tf.errors.NotFoundError):
        tf.gfile.MkDir(f"{here}/x/y")
    tf.gfile.GFile(f"{here}/a/f.txt", "w").close()
    assert tf.gfile.ListDirectory(f"{here}/a") == ["b", "c", "f.txt"]
    assert list(tf.gfile.Walk(f"{here}/a")) == [
        (f"{here}/a", ["b", "c"], ["f.txt"]), (f"{here}/a/b", [], []), (f"{here}/a/c", [], []),
    ]  # fmt: skip
    assert next(iter(tf.gfile.Walk(f"{here}/a", in_order=False)))[0] != f"{here}/a"
    assert tf.gfile.IsDirectory(f"{here}/a/b")
    assert tf.gfile.Stat(f"{here}/a/b").is_directory
    with pytest.raises(tf.errors.FailedPreconditionError):
        tf.gfile.Remove(f"{here}/a/b")
    tf.gfile.DeleteRecursively(f"{here}/a")
    assert not tf.gfile.Exists(f"{here}/a")
    for refused in (tf.gfile.DeleteRecursively, tf.gfile.ListDirectory, tf.gfile.Remove):
        with pytest.raises(tf.errors.NotFoundError):
            refused(f"{here}/a")


def test_copies_and_renames_overwrite_only_when_told(here):
    one, other = f"{here}/one", f"{here}/other"
    with tf.gfile.GFile(one, "w") as file:
        file.write("1")
    tf.gfile.Copy(one, other)
    for change in (tf.gfile.Copy, tf.gfile.Rename):
        with pytest.raises(tf.errors.AlreadyExistsError, match="other; file already exists"):
            change(one, other)
    tf.gfile.Copy(one, other, overwrite=True)
    tf.gfile.Rename(one, other, True)
    assert tf.gfile.Glob(f"{here}/o*") == [other]
    assert tf.gfile.Glob([f"{here}/one", f"{here}/other"]) == [other]


def test_other_file_systems_are_refused_by_name():
    with pytest.raises(tf.errors.UnimplementedError, match="no file system 'gs' here"):
        tf.gfile.Exists("gs://bucket/x")


def test_the_newer_names_are_the_same_functions(here):
    tf.io.gfile.makedirs(f"{here}/d")
    with tf.io.gfile.GFile(f"{here}/d/f", "w") as file:
        file.write("x")
    assert tf.io.gfile.exists(f"{here}/d/f")
    assert tf.io.gfile.listdir(f"{here}/d") == ["f"]
    tf.io.gfile.rmtree(f"{here}/d")
    assert not tf.io.gfile.isdir(f"{here}/d")
