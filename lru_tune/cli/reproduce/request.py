"""What `reproduce.py --table N` is to do."""

import argparse
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lru_tune import __version__
from lru_tune.cli.reproduce.data import DataRoot
from lru_tune.files.experiment_folder import REPRODUCTIONS_FOLDER
from lru_tune.files.paths import data_root, runs_root
from lru_tune.paper.tables import Column, PaperTable, Row
from lru_tune.reproduction.cells import CellPlan, choose_columns, choose_rows, plan_cells
from lru_tune.reproduction.scale import Setting


@dataclass(frozen=True)
class Request:
    """A request to reproduce a table.

    Attributes:
      rows, columns: of the table, to run or show.
      seeds: runs of each cell.
      command: the command line that continues it.
      strict: whether failures and verdicts BELOW are errors.
      data: where the prepared tasks are.
    """

    table: PaperTable
    rows: list[Row]
    columns: list[Column]
    setting: Setting
    seeds: int
    command: str
    strict: bool
    data: DataRoot

    @classmethod
    def of(
        cls,
        table: PaperTable,
        arguments: argparse.Namespace,
        setting: Setting,
        seeds: int,
        command: str,
    ) -> "Request":
        """Return the request of parsed arguments.

        Raises:
          ConfigError: a row or task that the table does not have.
        """
        return cls(
            table=table,
            rows=choose_rows(table, arguments.rows),
            columns=choose_columns(table, arguments.tasks),
            setting=setting,
            seeds=seeds,
            command=command,
            strict=arguments.strict,
            data=DataRoot(
                root=data_root(arguments.data_root),
                synthetic=setting.synthetic,
                reproductions=runs_root(arguments.runs_root) / REPRODUCTIONS_FOLDER,
            ),
        )

    @property
    def cells(self) -> list[CellPlan]:
        """The chosen cells; lengths are not resolved."""
        return plan_cells(self.table, self.rows, self.columns, self.setting)

    @property
    def root(self) -> Path:
        """Folder of all reproductions."""
        return self.data.reproductions

    @property
    def folder(self) -> Path:
        """Folder of the table's files."""
        return self.root / f"{self.table.name}{self.setting.suffix}"

    @property
    def tasks(self) -> list[str]:
        """Tasks of the whole table."""
        return list(dict.fromkeys(column.task for column in self.table.columns))

    def about(self) -> dict[str, Any]:
        """Return what reproduction.json records about its table's origin."""
        return {
            "table": self.table.name,
            "source": self.table.source,
            "scale": self.setting.scale,
            "synthetic": self.setting.synthetic,
            "overrides": list(self.setting.overrides),
            "seeds": self.seeds,
            "command": self.command,
            "written": datetime.now().astimezone().isoformat(timespec="seconds"),
            "version": __version__,
        }
