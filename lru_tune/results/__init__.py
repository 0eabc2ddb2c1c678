"""Reads run directories into pandas frames, chooses the best runs and writes reports."""

from lru_tune.results.judging.best import best_run, ranked, write_best_config
from lru_tune.results.judging.stats import Summary, share_learned, summarise, winners_curse
from lru_tune.results.judging.verdict import Verdict, judge
from lru_tune.results.reading.confirmations import confirmations
from lru_tune.results.reading.frame import history, load_runs
from lru_tune.results.reading.reproductions import cells, reproductions
from lru_tune.results.writing.experiment_tables import write_tables

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
