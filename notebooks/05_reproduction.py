# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 Reproduction
#
# **Did we match the paper, and if not, what is missing?**
#
# Reads what `reproduce.py` leaves under the runs root, in `reproductions`. `PATH` is that folder, the runs
# root, or an experiment in the same runs root; set it here or in `LRU_TUNE_NOTEBOOK_PATH`.

# %%
# %matplotlib inline
import os
from pathlib import Path

import numpy as np
import pandas as pd

from lru_tune.plots import published_and_ours
from lru_tune.results import cells, reproductions, summarise
from lru_tune.results.judging.equivalence import MOST_SEEDS, Reference, seeds_needed

PATH = Path(os.environ.get("LRU_TUNE_NOTEBOOK_PATH", "example/listops"))
ROOT = PATH.parent if (PATH.parent / "reproductions").is_dir() else PATH

# %%
table, runs = cells(ROOT), reproductions(ROOT)
done = table[table["ours"].notna()]
print(f"{len(done)} of {len(table)} cells have runs, {len(runs)} runs in all")
print(f"{int(done['comparable'].sum())} of {len(done)} cells may be compared with the paper")
for label in sorted(set(done["labels"].dropna()) - {""}):
    print(label)

# %% [markdown]
# A cell at a reduced scale **never gets a verdict**: smaller models, fewer examples or fewer steps cannot be
# compared with the published number. It is shown because the way from runs to a table is the same.
#
# ## The picture
#
# Squares are published, with 1.96 standard errors; dots are ours with the 95 % interval of the mean,
# coloured by the verdict, grey where there is none.
#
# * **Intervals that hardly overlap** need an explanation: `reproduce.py --audit` lists where paper and
#   program differ.
# * **If our interval is much wider than the published one**, add seeds.
# * **If the dots of all rows are at the same place**, this setting cannot distinguish the rows.

# %%
published_and_ours(table)

# %% [markdown]
# ## The cells
#
# In percent and points. `verdict` is REPRODUCED if our mean is within `margin` of the published one, BELOW
# or ABOVE if it is outside, and INCONCLUSIVE if the seeds show neither; `needs_seeds` is the number of
# further seeds. It is empty if the cell gets no verdict.

# %%
columns = [
    "published",
    "ours",
    "ours_low",
    "ours_high",
    "n",
    "learned",
    "difference",
    "verdict",
    "needs_seeds",
]
done.set_index(["table", "row", "column"])[columns].round(2)

# %% [markdown]
# ## The runs behind them
#
# One row for each run, joined with its cell. `spread` is the standard deviation over seeds: **a row whose
# spread is several times that of the others is unstable**, and its mean alone hides it.

# %%
counted = (
    runs[runs["cells"].notna()]
    .assign(cell=lambda frame: frame["cells"].str.split("; "))
    .explode("cell")
)
counted = counted.assign(accuracy=100 * counted["test/accuracy"])
counted.groupby("cell").agg(
    runs=("trial", "nunique"),
    spread=("accuracy", "std"),
    worst=("accuracy", "min"),
    best=("accuracy", "max"),
    learning_rate=("config/optim.learning_rate", "first"),
    minutes=("device_seconds", lambda seconds: seconds.sum() / 60),
).round(3)

# %% [markdown]
# Each seed. The same seed in two rows uses the same batches, so if a column is low in every row, the reason
# is the seed and not the recurrence.

# %%
counted.pivot_table(index="cell", columns="seed", values="accuracy").round(1)

# %% [markdown]
# ## How the learning rates were found
#
# The paper states one of its learning rates, so each cell first searches a small grid with runs that no table
# uses. **If the best rate is at an end of the grid**, the grid is too narrow: give a wider one with
# `--learning-rates`.

# %%
places = ["config/task", "config/variant", "config/model.recurrence.r_max"]
searched = runs[runs["cells"].isna()].assign(accuracy=100 * runs["val/accuracy"])
searched = searched.drop(columns=places, errors="ignore").join(
    runs.reindex(columns=places)
    .astype("str")
    .fillna("-")
    .rename(columns=lambda name: name.rpartition("/")[2])
)
searched.pivot_table(
    index=["task", "variant", "model.recurrence.r_max"],
    columns="config/optim.learning_rate",
    values="accuracy",
    aggfunc="max",
).round(1)

# %% [markdown]
# ## Is the order of the rows that of the paper?
#
# Often the claim of a table is an order: this recurrence before that one. Spearman's rank correlation
# between the published and our means, for each column with at least three cells. **Only differences larger
# than the intervals count**: an order among ties is chance.

# %%
orders = done.groupby(["table", "column"])[["published", "ours"]].apply(
    lambda frame: pd.Series(
        {
            "cells": len(frame),
            "rank correlation": frame.corr(method="spearman").iloc[0, 1]
            if len(frame) > 2
            else np.nan,
            "our range, points": frame["ours"].max() - frame["ours"].min(),
            "published range, points": frame["published"].max() - frame["published"].min(),
        }
    )
)
orders.round(2)

# %% [markdown]
# ## How many seeds would a verdict take?
#
# A plan, not a verdict: how many seeds REPRODUCED needs at the spread seen here, if our mean equals the
# published one. The closer the true mean is to the edge of the margin, the more seeds it needs.


# %%
def plan(cell: str) -> dict[str, object]:
    """Return the seeds that a cell would need in the best case."""
    place, _, column = cell.rpartition(" / ")
    name, _, row = place.partition(": ")
    found = done[(done["table"] == name) & (done["row"] == row) & (done["column"] == column)].iloc[
        0
    ]
    ours = summarise(counted.loc[counted["cell"] == cell, "accuracy"].tolist())
    margin = 0.5 if pd.isna(found["margin"]) else found["margin"]
    published = Reference(found["published"], found["published_standard_error"] or 0.05, 2)
    more = seeds_needed(published.mean, ours.std, ours.n, published, margin, 0.95)
    total = f"more than {ours.n + MOST_SEEDS}" if more is None else ours.n + more
    return {"cell": cell, "spread": ours.std, "margin": margin, "seeds in all": total}


plans = [plan(cell) for cell in counted["cell"].unique()]
pd.DataFrame(plans, columns=["cell", "spread", "margin", "seeds in all"]).set_index("cell").round(2)

# %% [markdown]
# ## What to do
#
# * No verdict because of the scale: the same command without `--quick` or `--scale`, on a GPU. `--dry-run`
#   says how many hours.
# * INCONCLUSIVE: `--seeds N` with the number above; finished runs are not repeated.
# * BELOW: look at the spread, at the learning rates' ends, and at `reproduce.py --audit`, in that order.
#
# `docs/verdicts.md` explains the rules and their error rates.
