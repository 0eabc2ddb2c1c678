"""Where the paper, minimal-LRU and the recipes of this program differ, and why."""

import functools
import io
import shutil
from collections.abc import Sequence
from typing import Any

from pydantic import Field
from rich import box
from rich.console import Console
from rich.table import Column, Table

from lru_tune.config.schema import Strict
from lru_tune.config.yaml_io import read_yaml
from lru_tune.paper.entries import FOLDER
from lru_tune.tasks import find_task

HEADER = ("topic", "paper", "minimal-LRU", "here", "why")
WITHOUT_TERMINAL = (120, 24)  # columns and lines


class Difference(Strict):
    """A setting in the paper, in minimal-LRU and here.

    Attributes:
      topic: a few words.
      tasks: canonical names of the tasks that it concerns; empty for all.
      paper, minimal_lru, here: the setting.
      reason: for the setting here.
      source: places in the paper and in minimal-LRU.
      config: dotted field of the LRU's recipes -> the value that `here` describes.
      catalogue: dotted attribute of the tasks -> the value that `here` describes.
      check: name of the test that compares the code with `here`, where it is not a plain value.
    """

    topic: str = Field(min_length=1)
    tasks: tuple[str, ...] = ()
    paper: str = Field(min_length=1)
    minimal_lru: str = Field(min_length=1)
    here: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    source: str = Field(min_length=1)
    config: dict[str, Any] = Field(default_factory=dict)
    catalogue: dict[str, Any] = Field(default_factory=dict)
    check: str | None = None

    def concerns(self, tasks: Sequence[str]) -> bool:
        """Return whether it concerns one of these tasks, or any task if none is given."""
        return not (self.tasks and tasks) or bool(set(self.tasks) & set(tasks))


class _File(Strict):
    differences: tuple[Difference, ...]


@functools.cache
def load_audit() -> tuple[Difference, ...]:
    """Return every difference, in the order data, model, optimisation, evaluation."""
    return _File.model_validate(read_yaml(FOLDER / "audit.yaml").content).differences


def audit_lines(tasks: Sequence[str]) -> list[str]:
    """Return a table of differences as lines, as wide as the terminal.

    Args:
      tasks: names or aliases of tasks; empty for all.

    Raises:
      ConfigError: there is no such task.
    """
    names = [find_task(task).name for task in tasks]
    width = shutil.get_terminal_size(WITHOUT_TERMINAL).columns
    console = Console(file=io.StringIO(), width=width, color_system=None, markup=False)
    columns = (Column(name, overflow="fold") for name in HEADER)
    table = Table(*columns, box=box.HORIZONTALS, show_lines=True)
    for difference in load_audit():
        if difference.concerns(names):
            topic, why = difference.topic, f"{difference.reason}\n[{difference.source}]"
            if difference.tasks:
                topic += f"\n({', '.join(difference.tasks)})"
            table.add_row(topic, difference.paper, difference.minimal_lru, difference.here, why)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines() if line.strip()]
