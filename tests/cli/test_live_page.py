"""What docs/live.md shows can be typed, and it shows all there is."""

import importlib
import re
from pathlib import Path

import pytest

from lru_tune.cli.commands import COMMANDS
from lru_tune.files.run_directory import RESULT_FILE
from lru_tune.search.exports.optuna_study import FILE
from lru_tune.search.exports.wandb_tables import DISTRIBUTIONS, SEARCHERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "live.md").read_text()
LINES = re.findall(r"^lru-tune (status|export|import-wandb)([^#\n]*)", PAGE, re.M)


@pytest.mark.parametrize(("command", "words"), LINES)
def test_the_commands_of_the_page_can_be_parsed(command, words):
    importlib.import_module(COMMANDS[command].module).parser().parse_args(words.split())


def test_every_flag_is_on_the_page():
    assert len(LINES) >= 8
    for command in ("status", "export", "import-wandb"):
        parser = importlib.import_module(COMMANDS[command].module).parser()
        flags = {flag for action in parser._actions for flag in action.option_strings}
        missing = {flag for flag in flags - {"-h", "--help"} if flag not in PAGE}
        assert missing <= {"--runs-root", "--version"}, command


def test_every_method_and_distribution_is_on_the_page():
    names = {*DISTRIBUTIONS, *SEARCHERS} - {"categorical_w_probabilities"}
    assert {name for name in names if f"`{name}`" not in PAGE} == set()
    assert FILE in PAGE
    assert RESULT_FILE in PAGE
