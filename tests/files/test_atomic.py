import errno
import os

import pytest

from lru_tune.files.atomic import write_atomically


def test_a_file_is_written_whole_and_nothing_else_is_left(tmp_path):
    write_atomically(tmp_path / "new" / "a.txt", "one\n")
    write_atomically(tmp_path / "new" / "a.txt", b"two\n")
    assert [(p.name, p.read_text()) for p in (tmp_path / "new").iterdir()] == [("a.txt", "two\n")]


def test_a_full_disk_names_the_file_and_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("before")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*a\.txt'$"):
        write_atomically(path, "after")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "before")]


def test_a_folder_that_may_not_be_written_is_told_by_the_file_that_was_asked_for(
    tmp_path, monkeypatch
):
    def refused(path, *_flags):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr("pathlib.Path.touch", refused)
    with pytest.raises(OSError, match=r"Read-only file system: '.*/a\.txt'$"):
        write_atomically(tmp_path / "a.txt", "one")
