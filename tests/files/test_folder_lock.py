"""One process at a time in a folder."""

import json
import os

import pytest

from lru_tune.errors import Occupied
from lru_tune.files.folder_lock import HOLDER_FILE, lock_folder


def test_the_second_is_told_who_is_there(tmp_path):
    with lock_folder(tmp_path), pytest.raises(Occupied) as refused, lock_folder(tmp_path):
        pytest.fail("the folder is taken")
    (problem,) = refused.value.problems
    assert (problem.code, problem.values["folder"]) == ("files.in-use", tmp_path)
    assert problem.values["holder"].startswith(f" (process {os.getpid()} on ")
    assert refused.value.exit_code == 4


def test_it_is_free_again_afterwards_whatever_happened(tmp_path):
    with pytest.raises(ZeroDivisionError), lock_folder(tmp_path):
        raise ZeroDivisionError
    assert not (tmp_path / HOLDER_FILE).exists()
    with lock_folder(tmp_path):
        assert json.loads((tmp_path / HOLDER_FILE).read_text())["pid"] == os.getpid()


def test_one_that_has_not_said_its_name_is_told_without(tmp_path):
    with lock_folder(tmp_path):
        (tmp_path / HOLDER_FILE).unlink()
        with pytest.raises(Occupied) as refused, lock_folder(tmp_path):
            pytest.fail("the folder is taken")
        assert refused.value.problems[0].values["holder"] == ""
