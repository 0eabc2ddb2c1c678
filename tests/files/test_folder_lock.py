"""One process at a time in a folder."""

import json
import os

import pytest

from lru_tune.errors import Occupied
from lru_tune.files.folder_lock import HOLDER_FILE, sole_process


def test_the_second_is_told_who_is_there(tmp_path):
    with sole_process(tmp_path), pytest.raises(Occupied) as refused, sole_process(tmp_path):
        pytest.fail("the folder is taken")
    text = str(refused.value)
    assert text.startswith(
        f"{tmp_path} is being worked on by another process (process {os.getpid()} on "
    )
    assert "Wait for it, or end it" in text
    assert refused.value.exit_code == 4


def test_it_is_free_again_afterwards_whatever_happened(tmp_path):
    with pytest.raises(ZeroDivisionError), sole_process(tmp_path):
        raise ZeroDivisionError
    assert not (tmp_path / HOLDER_FILE).exists()
    with sole_process(tmp_path):
        assert json.loads((tmp_path / HOLDER_FILE).read_text())["pid"] == os.getpid()


def test_one_that_has_not_said_its_name_is_told_without(tmp_path):
    with sole_process(tmp_path):
        (tmp_path / HOLDER_FILE).unlink()
        with pytest.raises(Occupied, match=r"by another process\. Wait"), sole_process(tmp_path):
            pytest.fail("the folder is taken")
