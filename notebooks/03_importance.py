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
# A field that matters deserves a finer look; one that does not can be fixed, which makes every further
# trial worth more. Put a folder into `PATH` or `LRU_TUNE_NOTEBOOK_PATH`.

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
# ## What trials are compared by
#
# A stopped trial has no final value, and leaving it out would leave out most of the bad ones. So trials are
# compared at their best **up to the last step that nine in ten of them have reached**, mostly the first
# rung. What only shows later is not seen: a field may decide who is ahead early and say nothing about the
# end.

# %%
early = scored(trials, reports, "common_step", metric, mode)
ranking = importances(trials, search, early.values, mode=mode)
importance_bars(ranking, early.basis)

# %% [markdown]
# Bars are PED-ANOVA's importances: what sets the better trials apart from the others. They sum to 1. Black
# lines hold the middle 90 % of what other draws of the same number of trials would have said.
#
# **Trust an order only between fields whose lines do not overlap.** A line that reaches zero says that the
# field may not matter at all. Lines that are all wide say that there are too few trials for this question.

# %% [markdown]
# ## Does the answer depend on what is compared?
#
# The same with two other choices. *completed*: only whole trainings; what made the others stop is not seen.
# *best_reported*: every trial's best, however short; importance is mixed with training time. A field that
# leads in all columns matters. One that leads only early decides how *fast* a trial learns.

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
# A column of NaN had fewer than eight trials, which say nothing about several fields.
#
# ## One field at a time
#
# Importance says *that* a field matters; this says *which values* are good.

# %%
slices(trials.assign(**{metric: early.values}), search, metric)

# %% [markdown]
# Here every trial stands at the value of the common step, so that stopped trials may be compared with
# completed ones. As numbers, in thirds of the trials by each searched number, and by the value of each
# choice:


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
# The fields that matter most, in pairs. Dots are trials, the surface is linear between them and ends with
# them. **Look for slanted bands**: then the good values of one field depend on the other, and narrowing
# either alone would lose the best ones.

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
# One line a trial, from grey (worst) over blue and purple to orange (best). **Where the orange lines run
# through one point of an axis, that value is needed; where they fan out, it is free.**

# %%
parallel_coordinates(trials, search, metric, mode)

# %% [markdown]
# ## What to do next
#
# Suggestions for the next search: fix what hardly matters at the winner's value, widen what is pressed.

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
# A field is named under *fix* where even the upper end of its interval lies below an equal share. One more
# caution: a searcher that learns tries good values of several fields together, so that the credit may go to
# the wrong one of them. Where the tables above disagree with the bars, search that field once more at
# random (`--set tune.searcher.sampler=random`) before fixing it.
