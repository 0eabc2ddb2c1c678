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
# # 02 Early stopping
#
# **How much did early stopping save, and did it stop the wrong trials?**
#
# Successive halving (ASHA) compares trials at a few steps, the rungs, and continues only a fraction of
# them. It saves most of the time of a search if the order at a rung predicts the order at the end. This
# notebook checks whether it did. Put a folder into `PATH` or `LRU_TUNE_NOTEBOOK_PATH`.

# %%
# %matplotlib inline
import os
from pathlib import Path

import pandas as pd

from lru_tune.plots import learning_curves, rung_scatter
from lru_tune.results import best_run, history, load_runs
from lru_tune.results.reading.record import read_record, read_space
from lru_tune.results.reading.rungs import rung_trust, rung_values, searched_rungs

PATH = Path(os.environ.get("LRU_TUNE_NOTEBOOK_PATH", "example/listops"))

# %%
record, space = read_record(PATH), read_space(PATH)
trials, reports = load_runs(PATH), history(PATH)
metric, mode = record.metric, record.mode
horizon = int(trials["horizon"].max())
rungs = searched_rungs(space, horizon)
best = best_run(trials, metric, mode)

print(f"scheduler: {space.get('tune', {}).get('scheduler')}")
print(f"rungs at steps {rungs} of {horizon}" if rungs else "this search compared no trials early")

# %% [markdown]
# ## What it saved
#
# The steps are compared with those of the same trials run to their end. Trials that diverged or failed count
# with the steps that they did.

# %%
done = int(trials["steps"].fillna(0).sum())
whole = horizon * len(trials)
print(f"{done:,} of {whole:,} steps were done: {1 - done / whole:.0%} saved")

ends = trials.assign(
    last_rung=[
        max((rung for rung in rungs if rung <= steps), default=0)
        for steps in trials["steps"].fillna(0)
    ]
)
ends.pivot_table(
    index="status", columns="last_rung", values="trial", aggfunc="count", fill_value=0, margins=True
)

# %% [markdown]
# Columns are the last rung that a trial reached. The rule continues the best 1 in `reduction_factor` *of the
# trials so far*, so early trials pass more easily than late ones, and more pass than that share of the total.
#
# ## The curves
#
# **Look for orange curves that rise steeply where they end**: these trials were stopped while they were still
# learning. If there are several, the first rung comes too early.

# %%
learning_curves(trials, reports, best=best["trial"], rungs=rungs, metric=metric)

# %% [markdown]
# The same as numbers: how much each trial gained over its last report before it ended, per 100 steps. A
# stopped trial with a large gain was still learning.

# %%
last_two = reports.groupby("trial").tail(2).groupby("trial")
pace = (
    100
    * (last_two[metric].last() - last_two[metric].first())
    / (last_two["step"].last() - last_two["step"].first()).where(lambda steps: steps > 0)
)
ends.merge(pace.rename("gain per 100 steps"), on="trial").groupby(["status", "last_rung"])[
    "gain per 100 steps"
].describe()[["count", "min", "50%", "max"]].round(4)

# %% [markdown]
# ## How well do rungs predict final values?
#
# One panel for each rung: the value there against the final value of completed trials. **Points along a
# rising line mean that the rung orders trials as the end does.** A cloud, or a Spearman correlation near
# zero, means that trials were stopped by chance. Orange ticks are trials without a final value.

# %%
at_rungs = rung_values(trials, reports, rungs, metric)
rung_scatter(at_rungs, mode)

# %%
trust = rung_trust(at_rungs, mode)
trust.round(2)

# %% [markdown]
# `winner_rank` is the rank, among all trials at that rung, of the trial that was best in the end. **1 or 2
# everywhere: the comparisons were safe. Close to the number of trials that continued: the winner passed by
# luck.**
#
# One caution: only trials that passed have a final value. Stopped trials might have become better, and these
# data cannot show it. To find out, let all trials complete once at a small size:
# `--set tune.scheduler.kind=none`.

# %% [markdown]
# ## Ranks of the completed trials
#
# Ranks at each rung (1 is best), for the trials that completed. A row that starts with large numbers
# is a slow starter that a stricter rule would have stopped.

# %%
rank = at_rungs.assign(
    rank=at_rungs.groupby("rung")["value"]
    .rank(ascending=mode == "min", method="min")
    .astype("Int64")
)
ways = rank[rank["status"] == "completed"].pivot(
    index=["trial", "final"], columns="rung", values="rank"
)
ways.reset_index("final").sort_values("final", ascending=mode == "min").rename(
    columns=lambda name: name if isinstance(name, str) else f"rank at {name}"
)

# %% [markdown]
# ## Would a stricter rule have kept the winner?
#
# At each rung the best 1 in *f* of the trials that reached it would continue. `True`: the winner is among
# them.

# %%
kept = pd.DataFrame(
    {
        f"1 in {factor}": trust.set_index("rung")["winner_rank"]
        <= (trust.set_index("rung")["reached"] / factor).clip(lower=1)
        for factor in (2, 3, 4, 8)
    }
)
kept

# %%
safe = [name for name in kept if kept[name].fillna(False).all()]
print(f"rules that keep the winner at every rung: {', '.join(safe) or 'none of these'}")

# %% [markdown]
# ## What to do
#
# * Low correlation at the first rung: raise it, `--set tune.scheduler.grace=N`, at least past the warm-up
#   of the learning rate and past a plateau that all curves share.
# * High correlation everywhere and the winner always among the first: a larger `--set
#   tune.scheduler.reduction_factor=N` runs more trials in the same time.
# * Noisy reports (values that jump by more than trials differ): evaluate on more examples (`--set
#   data.val_examples=N`) before changing the rule.
