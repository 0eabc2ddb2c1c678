"""Run directories as pandas frames, choices and reports."""

from lru_tune.results.best import best_run, ranked, write_best_config
from lru_tune.results.experiment import write_tables
from lru_tune.results.frame import history, load_runs
from lru_tune.results.stats import Summary, share_learned, summarise, winners_curse

__all__ = [
    "Summary",
    "best_run",
    "history",
    "load_runs",
    "ranked",
    "share_learned",
    "summarise",
    "winners_curse",
    "write_best_config",
    "write_tables",
]
