"""Run directories as pandas frames, choices and reports."""

from lru_tune.results.best import best_run, ranked, write_best_config
from lru_tune.results.confirmations import confirmations
from lru_tune.results.experiment import write_tables
from lru_tune.results.frame import history, load_runs
from lru_tune.results.reproductions import cells, reproductions
from lru_tune.results.stats import Summary, share_learned, summarise, winners_curse
from lru_tune.results.verdict import Verdict, judge

__all__ = [
    "Summary",
    "Verdict",
    "best_run",
    "cells",
    "confirmations",
    "history",
    "judge",
    "load_runs",
    "ranked",
    "reproductions",
    "share_learned",
    "summarise",
    "winners_curse",
    "write_best_config",
    "write_tables",
]
