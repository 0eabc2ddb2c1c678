"""From published files, or from a seed, to arrays on disk: `python -m data_prep prepare TASK`."""

from data_prep.on_demand import changed_options, ensure_prepared, expected_counts, full_counts
from data_prep.origins import ORIGINS
from data_prep.pipeline.recipe import Request
from data_prep.prepare import export_tsv, prepare

__all__ = [
    "ORIGINS",
    "Request",
    "changed_options",
    "ensure_prepared",
    "expected_counts",
    "export_tsv",
    "full_counts",
    "prepare",
]
