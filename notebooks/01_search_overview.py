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
# # A search at a glance
#
# Reads an experiment's folder with `lru_tune.results`; nothing is trained and no account is needed. Name the
# folder in `LRU_TUNE_EXPERIMENT`, or let the newest one under `runs/` be read. Open this file as a notebook
# with `jupytext --to notebook notebooks/01_search_overview.py`, or run it as a script.

# %%
import os
from pathlib import Path

from lru_tune.plots import best_so_far, learning_curves, slices
from lru_tune.results import best_run, history, load_runs, ranked
from lru_tune.results.record import read_space
from lru_tune.results.rungs import searched_rungs


def newest_experiment() -> Path:
    """Return the experiment under runs/, here or one folder up, that was written last."""
    found = [
        path.parent for place in (".", "..") for path in Path(place).glob("runs/*/experiment.json")
    ]
    if not found:
        raise SystemExit("no experiment under runs/; set LRU_TUNE_EXPERIMENT to its folder")
    return max(found, key=lambda path: path.stat().st_mtime)


named = os.environ.get("LRU_TUNE_EXPERIMENT")
experiment = Path(named) if named else newest_experiment()
trials = load_runs(experiment)
reports = history(experiment)
space = read_space(experiment)
rungs = searched_rungs(space, int(trials["horizon"].max()))
print(f"{experiment.name}: {len(trials)} trials, {len(reports)} reports")

# %% [markdown]
# ## How the trials ended
#
# Every trial is a row, also those that failed before their first report.

# %%
print(trials["status"].value_counts().to_string())
print(trials.dropna(subset=["error"])[["trial", "status", "error"]].to_string(index=False))

# %% [markdown]
# ## The best trials
#
# Completed trials come before unfinished ones: the value of a trial that was stopped early is not that of a
# whole training.

# %%
searched = [
    name
    for name in trials.columns
    if name.startswith("config/") and trials[name].nunique() > 1 and name != "config/seed"
]
best = best_run(trials)
columns = ["trial", "status", "val/accuracy", "best_step", *searched]
print(ranked(trials)[columns].head(10).to_string(index=False))
print("best:", best["trial"])

# %% [markdown]
# ## Learning curves
#
# The best trial in black. Curves that end early were stopped or diverged; dotted lines are the rungs.

# %%
learning_curves(trials, reports, best=best["trial"], rungs=rungs)

# %% [markdown]
# ## Best so far
#
# In the order in which trials were proposed. A curve that still rises at its end asks for more trials.

# %%
best_so_far(trials)

# %% [markdown]
# ## One dimension at a time
#
# Filled: completed; hollow: unfinished. The best points at an edge mean that the interval is too narrow; the
# report says so too.

# %%
slices(trials, space["search"])

# %% [markdown]
# ## What to do next
#
# - Train the winner again: `lru-tune train --config <experiment>/best.yaml --test`
# - Read `report.md` in the experiment's folder: confirmation over fresh seeds, and the gap between the
#   score of the search and the confirmed one.
