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

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from lru_tune.results import best_run, history, load_runs, ranked


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
# The best trial in black. Curves that end early were stopped or diverged.

# %%
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for trial, curve in reports.groupby("trial"):
    is_best = trial == best["trial"]
    axis.plot(
        curve["step"],
        curve["val/accuracy"],
        color="black" if is_best else "tab:blue",
        alpha=1.0 if is_best else 0.35,
        zorder=2 if is_best else 1,
    )
axis.set(xlabel="optimiser step", ylabel="validation accuracy")

# %% [markdown]
# ## Best so far
#
# In the order in which trials were proposed. A curve that still rises at its end asks for more trials.

# %%
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
axis.step(np.arange(1, len(trials) + 1), trials["val/accuracy"].cummax().ffill(), where="post")
axis.set(xlabel="trials", ylabel="best validation accuracy")

# %% [markdown]
# ## One dimension at a time
#
# Filled: completed; hollow: unfinished. The best points at an edge mean that the interval is too narrow; the
# report says so too.

# %%
LOGARITHMIC = ("learning_rate", "weight_decay")

if searched:
    figure, axes = plt.subplots(
        1, len(searched), figsize=(3.2 * len(searched), 3), sharey=True, layout="constrained"
    )
    for axis, name in zip(np.atleast_1d(axes), searched, strict=True):
        for done, colour in ((True, "tab:blue"), (False, "none")):
            rows = trials[(trials["status"] == "completed") == done].dropna(
                subset=[name, "val/accuracy"]
            )
            numeric = pd.api.types.is_numeric_dtype(rows[name])
            values = rows[name].astype("float64" if numeric else "str").to_list()
            axis.scatter(values, rows["val/accuracy"], facecolor=colour, edgecolor="tab:blue")
        if name.endswith(LOGARITHMIC):
            axis.set_xscale("log")
        axis.set_xlabel(name.removeprefix("config/"))
    np.atleast_1d(axes)[0].set_ylabel("validation accuracy")

# %% [markdown]
# ## What to do next
#
# - Train the winner again: `lru-tune train --config <experiment>/best.yaml --test`
# - Read `report.md` in the experiment's folder: confirmation over fresh seeds, and the gap between the
#   score of the search and the confirmed one.

# %%
plt.show()
