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
# # 03 Importance
#
# **Which of the searched fields matter, and where should the next search look?**
#
# Search a field that matters more finely, and fix a field that does not, which makes every further trial more
# useful. Put a folder into `PATH` or `LRU_TUNE_NOTEBOOK_PATH`.

# %%
# %matplotlib inline
import os
from pathlib import Path

import pandas as pd

from lru_tune.plots import contour_pairs, importance_bars, parallel_coordinates, slices
from lru_tune.plots.fields.dimensions import short
from lru_tune.results import best_run, history, load_runs, ranked
from lru_tune.results.advising.boundaries import pressed_bounds
from lru_tune.results.advising.importance import LEAST_TRIALS, importances, scored
from lru_tune.results.reading.record import read_record, read_space

PATH = Path(os.environ.get("LRU_TUNE_NOTEBOOK_PATH", "example/listops"))

# %%
record, space = read_record(PATH), read_space(PATH)
trials, reports = load_runs(PATH), history(PATH)
metric, mode, search = record.metric, record.mode, space.get("search", {})
searched = [field for field in search if trials[f"config/{field}"].nunique() > 1]
print(f"{len(trials)} trials over {len(searched)} fields: {', '.join(searched)}")

# %% [markdown]
# ## How trials are compared
#
# A stopped trial has no final value, but leaving stopped trials out removes most of the bad ones. So trials
# are compared by their best value **up to the last step that 90 % of them have reached**, usually the first
# rung. Effects that appear later are missed: a field may decide which trials are ahead early, but not which
# are better at the end.

# %%
early = scored(trials, reports, "common_step", metric, mode)
ranking = importances(trials, search, early.values, mode=mode)
importance_bars(ranking, early.basis)

# %% [markdown]
# Bars are importances by PED-ANOVA: how much each field separates the better trials from the others. They sum
# to 1. Black lines are 90 % bootstrap intervals.
#
# **Trust an order only between fields whose lines do not overlap.** If a line reaches zero, the field may not
# matter at all. If all lines are wide, there are too few trials for this question.

# %% [markdown]
# ## Does the answer depend on what is compared?
#
# The same with two other choices. *completed*: only full runs; the reasons why others stopped are missed.
# *best_reported*: the best value of every trial, however short; confuses importance and training time. A
# field that leads in all columns matters. A field that leads only early decides how *fast* a trial learns.

# %%
columns = {}
for basis in ("common_step", "completed", "best_reported"):
    found = scored(trials, reports, basis, metric, mode)
    frame = importances(trials, search, found.values, mode=mode, resamples=0)
    columns[f"{basis} (n = {int(found.values.notna().sum())})"] = frame.set_index("field")[
        "importance"
    ]
pd.DataFrame(columns).reindex(ranking["field"]).astype("float64").round(2)

# %% [markdown]
# A column of NaN had fewer than eight trials, which are not enough to compare fields.
#
# ## One field at a time
#
# Importance says *that* a field matters; this says *which values* are good.

# %%
slices(trials.assign(**{metric: early.values}), search, metric)

# %% [markdown]
# Here every trial has its value at the common step, so you can compare stopped and completed trials. The same
# as numbers, for thirds of the trials by each searched number, and for each choice:


# %%
def by_value(field: str) -> pd.DataFrame:
    """Return the metric in thirds of a number, or for each of a few values."""
    frame = pd.DataFrame({"value": trials[f"config/{field}"], metric: early.values}).dropna()
    few = frame["value"].nunique() <= 5
    third = frame["value"] if few else pd.qcut(frame["value"].astype("float64"), 3, labels=False)
    return frame.groupby(third.rename("third")).agg(
        lowest=("value", "min"),
        highest=("value", "max"),
        trials=(metric, "count"),
        median=(metric, "median"),
        best=(metric, mode),
    )


leading = ranking["field"].tolist()[:3] or searched[:3]
pd.concat({short(field): by_value(field) for field in leading}, names=["field"]).droplevel(
    "third"
).round(4)

# %% [markdown]
# ## Two at a time
#
# Pairs of the most important fields. Dots are trials; the surface is interpolated linearly. **Look for
# slanted bands**: the good values of one field then depend on the other, so do not narrow one of them
# alone.

# %%
contour_pairs(trials.assign(**{metric: early.values}), search, leading, metric)

# %%
numbers = trials[[f"config/{field}" for field in searched]].select_dtypes("number")
numbers.rename(columns=lambda name: short(name.removeprefix("config/"))).assign(
    **{metric: early.values}
).corr(method="spearman")[[metric]].drop(metric).round(2).rename(
    columns={metric: "rank correlation with the metric"}
)

# %% [markdown]
# A rank correlation near zero beside a large importance is no contradiction: the best values lie in the
# middle.
#
# ## All at once
#
# One line for each trial, from grey (worst) through blue and purple to orange (best). **If the orange lines
# meet at one point of an axis, that value matters; if they fan out, it does not.**

# %%
parallel_coordinates(trials, search, metric, mode)

# %% [markdown]
# ## What to do next
#
# Suggestions for the next search: fix fields that hardly matter at the winner's value, and widen intervals
# whose best trials lie at an end.

# %%
best = best_run(trials, metric, mode)
weak = ranking[ranking["high"] < 1 / max(1, len(ranking))] if len(ranking) else ranking
for field in weak["field"]:
    print(f"fix    --set {field}={best[f'config/{field}']:.4g}")
for alarm in pressed_bounds(search, ranked(trials, metric, mode)):
    print(f"widen  --set 'search.{alarm.field}={alarm.suggestion}'")
leader = f"{ranking['field'].iloc[0]} matters most" if len(ranking) else "no ranking"
print(
    f"{leader}, from {int(early.values.notna().sum())} trials (below {LEAST_TRIALS} there is no ranking)"
)

# %% [markdown]
# *fix* lists a field if even the upper end of its interval is below an equal share. One more caution: an
# adaptive searcher tries good values of several fields together, so the wrong field may get the credit. If
# the tables above disagree with the bars, search that field again at random (`--set
# tune.searcher.sampler=random`) before fixing it.
