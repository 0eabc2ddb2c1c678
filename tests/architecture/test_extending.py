"""Every example of docs/extending.md, typed into a copy of the program and run there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    *("lru_tune", "data_prep", "search_spaces", "tests", "docs"),
    *("tune.py", "reproduce.py", "pyproject.toml", "README.md"),
)
BLOCK = re.compile(r"^(?:`([^`\n]+)`:\n\n)?```(\w*)\n(.*?)^```$", re.M | re.S)


class Block(NamedTuple):
    """A fenced block: the file named above it ("" for none), its language, and what stands in it."""

    file: str
    language: str
    text: str


def sections(page: str) -> dict[str, list[Block]]:
    """Title of a section -> its blocks, for sections that have some."""
    _, *parts = re.split(r"^## ", page, flags=re.M)
    found = {part.splitlines()[0]: [Block(*b) for b in BLOCK.findall(part)] for part in parts}
    return {title: blocks for title, blocks in found.items() if blocks}


EXAMPLES = sections((ROOT / "docs" / "extending.md").read_text())


def change(text: str, diff: str) -> str:
    """Apply hunks, divided by `@@`; the lines of each must occur exactly once."""
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        assert {line[0] for line in lines} <= set(" +-"), hunk
        before = "".join(line[1:] for line in lines if line[0] != "+")
        after = "".join(line[1:] for line in lines if line[0] != "-")
        assert text.count(before) == 1, f"{text.count(before)} times in the file:\n{before}"
        text = text.replace(before, after)
    return text


def run(copy: Path, command: list[str]) -> None:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(copy),
        "JAX_PLATFORMS": "cpu",
    }
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def type_in(copy: Path, block: Block) -> None:
    """Do with a block what a reader would."""
    match block:
        case Block(file, "diff", diff):
            (copy / file).write_text(change((copy / file).read_text(), diff))
        case Block(file, _, text) if file:
            assert not (copy / file).exists(), file
            (copy / file).write_text(text)
        case Block(_, "python", text):
            run(copy, [sys.executable, "-c", text])
        case Block(_, _, text):
            run(copy, ["bash", "-euo", "pipefail", "-c", text])


@pytest.fixture
def copy(tmp_path) -> Path:
    for name in COPIED:
        source, target = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return tmp_path


def test_everything_that_is_called_extensible_has_an_example():
    assert list(EXAMPLES) == [
        *("A task", "A variant", "A scheduler", "A paper table", "A tracker", "A figure")
    ]
    for title, blocks in EXAMPLES.items():
        assert any(not block.file for block in blocks), f"{title}: nothing is run"


@pytest.mark.parametrize("title", EXAMPLES)
def test_every_change_fits_the_files_as_they_are(title, copy):
    for block in EXAMPLES[title]:
        if block.file:
            type_in(copy, block)
    written = [block.file for block in EXAMPLES[title] if block.file.endswith(".py")]
    if written:
        run(copy, ["ruff", "check", *written])
        run(copy, ["ruff", "format", "--check", *written])


@pytest.mark.slow
@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_works(title, copy):
    for block in EXAMPLES[title]:
        type_in(copy, block)
