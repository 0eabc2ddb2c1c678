"""From published files, or from a seed, to arrays on disk: `python -m data_prep prepare TASK`."""

from data_prep.prepare import (
    ORIGINS,
    changed_options,
    ensure_prepared,
    expected_counts,
    export_tsv,
    full_counts,
    prepare,
)

__all__ = [
    "ORIGINS",
    "changed_options",
    "ensure_prepared",
    "expected_counts",
    "export_tsv",
    "full_counts",
    "prepare",
]
