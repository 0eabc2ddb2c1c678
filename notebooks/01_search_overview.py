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
# # 01 Search overview
#
# **What did the search find, and is it finished?**
#
# Reads an experiment's folder and nothing else: no training, no GPU, no account. Put the folder of your own
# experiment into `PATH`, or into the environment variable `LRU_TUNE_NOTEBOOK_PATH`; the default is the
# small search shipped with the notebooks. The search may still be running.

# %%
# %matplotlib inline
import os
from pathlib import Path

from lru_tune.plots import best_so_far, boundary_strips, learning_curves, slices
from lru_tune.plots.fields.dimensions import short
from lru_tune.results import best_run, confirmations, history, load_runs, ranked
from lru_tune.results.advising.advice import advice
from lru_tune.results.advising.boundaries import pressed_bounds
from lru_tune.results.reading.costs import device_share
from lru_tune.results.reading.record import read_record, read_space
from lru_tune.results.reading.rungs import searched_rungs

PATH = Path(os.environ.get("LRU_TUNE_NOTEBOOK_PATH", "example/listops"))

# %%
record, space = read_record(PATH), read_space(PATH)
trials, reports, confirmed = load_runs(PATH), history(PATH), confirmations(PATH)
metric, mode, search = record.metric, record.mode, space.get("search", {})

print(
    f"{record.task}, {record.variant}: {len(trials)} trials, {len(reports)} reports, {record.status}"
)
print(record.remark)

# %% [markdown]
# ## How the trials ended
#
# Every trial is a row, also one that failed before its first report.
#
# * *completed* trials ran to their end, *stopped* trials were stopped early: both are normal.
# * *diverged* trials had a loss or gradient that was not finite. A few show that the learning rate is
#   searched up to its limit; many mean that the search wastes its time there.
# * *failed* trials had an error in the program or the machine. The reasons are listed below the table.
# * *interrupted* and *running* have no final value yet.

# %%
trials.groupby("status").agg(
    trials=("trial", "size"),
    median_steps=("steps", "median"),
    best=(metric, mode),
    minutes=("device_seconds", lambda seconds: round(seconds.sum() / 60, 1)),
)

# %%
reasons = trials.loc[trials["error"].notna() & trials["error"].ne(""), ["trial", "status", "error"]]
reasons if len(reasons) else "no trial left an error"

# %% [markdown]
# ## The best trials
#
# Completed trials come before unfinished ones, whatever their values: the value of a stopped trial is not
# that of a full run. Read the columns of the searched fields from top to bottom: a field whose values agree
# in the first rows matters, a field whose values vary probably does not.

# %%
best = best_run(trials, metric, mode)
searched = [f"config/{field}" for field in search if trials[f"config/{field}"].nunique() > 1]

table = ranked(trials, metric, mode)[["trial", "status", metric, "best_step", *searched]]
table.rename(columns=lambda name: short(name.removeprefix("config/"))).head(10).round(4)

# %% [markdown]
# ## Is it finished?
#
# Left: the best value so far, in the order in which trials were proposed. Right: the same against the time
# that the trials took. **If the line still rises at its right end, run more trials** (`python tune.py
# --resume FOLDER --trials N`). If it has been flat for the last half, more trials will not help: change the
# space or train for more steps.

# %%
best_so_far(trials, metric, mode, share=device_share(space, record.device, record.plan))

# %%
values = trials[metric].where(trials["status"].isin(["completed", "stopped"]))
so_far = (values.cummax() if mode == "max" else values.cummin()).ffill()
half = so_far.iloc[len(so_far) // 2 - 1]
print(f"after half of the trials {metric} was {half:.4f}, after all of them {so_far.iloc[-1]:.4f}")

# %% [markdown]
# ## Learning curves
#
# One line for each trial, coloured by how and where it ended. Dotted lines are the rungs at which early
# stopping compares trials. The winner is black. Look for
#
# * **curves that still rise at the end**: train for more steps before you search further;
# * **a plateau that all curves share**: something is learned quickly and the rest slowly. Rungs on the
#   plateau compare noise;
# * **curves that cross after a rung**: see `02_early_stopping`.

# %%
rungs = searched_rungs(space, int(trials["horizon"].max()))
learning_curves(trials, reports, best=best["trial"], rungs=rungs, metric=metric)

# %% [markdown]
# ## One field at a time
#
# Each dot is a trial: filled if it completed, hollow if it was stopped, so that its value might still have
# changed. A cloud with a hump shows where to search; with a flat cloud, leave the field at its default. A
# dozen dots form patterns by chance: `03_importance` gives intervals.

# %%
slices(trials, search, metric)

# %% [markdown]
# ## Are the intervals wide enough?
#
# One strip for each searched interval. Coloured dots are the best quarter of the trials, grey ticks the
# others. **If the best trials gather in the outer tenth, that end is red**, and the label suggests a wider
# interval for `--set`.

# %%
boundary_strips(ranked(trials, metric, mode), search)

# %%
alarms = pressed_bounds(search, ranked(trials, metric, mode))
for alarm in alarms:
    print(f"{alarm.field}, {alarm.end} end: --set 'search.{alarm.field}={alarm.suggestion}'")
print(f"{len(alarms)} of {len(searched)} searched fields have their best trials at an end")

# %% [markdown]
# ## What to do next
#
# Rules of thumb, each with the number that it is based on. The report contains the same.

# %%
for line in advice(trials, confirmed, best):
    print("-", line)
print(f"- the winner: lru-tune train --config {PATH.name}/best.yaml --test")

# %% [markdown]
# `04_seeds_and_significance` shows how certain the winner is; `lru-tune report FOLDER` writes all of this
# into one file that you can send.
