"""`reproduce.py --table N` for the table of configurations, which runs nothing."""

import argparse
from collections.abc import Sequence

from lru_tune.cli.reproduce.request import Request
from lru_tune.paper.tables import Column
from lru_tune.reproduction.tables.configurations import configuration_table
from lru_tune.reproduction.tables.result_table import ResultTable, print_table, write_table


def run_configurations(request: Request, _arguments: argparse.Namespace) -> int:
    """Print and write the paper's configurations beside those of the search spaces."""
    return render_configurations(request)


def render_configurations(request: Request) -> int:
    """Do the same, as nothing is run."""
    write_table(_table(request, request.table.columns), request.folder)
    return _show(request)


def plan_configurations(request: Request, _arguments: argparse.Namespace) -> int:
    """Print them and write nothing."""
    return _show(request)


def _show(request: Request) -> int:
    print_table(_table(request, request.columns))
    print(request.folder, flush=True)
    return 0


def _table(request: Request, columns: Sequence[Column]) -> ResultTable:
    (row,) = request.rows
    return configuration_table(request.table, row, columns, request.setting, request.about())
