"""The script that completes commands in a shell."""

import shutil
import subprocess

import pytest

from lru_tune.cli import main
from lru_tune.cli.commands import COMMANDS
from lru_tune.tasks import TASKS


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_script_names_commands_and_tasks_and_is_sound(capsys, shell, tmp_path):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert [name for name in (*COMMANDS, *TASKS, "--max-concurrent") if name not in script] == []
    if shutil.which(shell):
        file = tmp_path / "script"
        file.write_text(script)
        subprocess.run([shell, "-n", str(file)], check=True)
