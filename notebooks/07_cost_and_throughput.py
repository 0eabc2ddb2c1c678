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
# # 07 Cost and throughput
#
# **How was the time spent, how much would have been enough, and what makes the next search cheaper?**
#
# Runs record their seconds at every report, and at their end how many of them went into training, evaluation
# and compiling. Put a folder into `PATH` or `LRU_TUNE_NOTEBOOK_PATH`.

# %%
# %matplotlib inline
import os
from pathlib import Path

import pandas as pd

from lru_tune.plots import best_so_far, cost_bars
from lru_tune.results import confirmations, history, load_runs
from lru_tune.results.reading.costs import PACE, WASTED, costs, device_share
from lru_tune.results.reading.record import read_record, read_space

PATH = Path(os.environ.get("LRU_TUNE_NOTEBOOK_PATH", "example/listops"))

# %%
record, space = read_record(PATH), read_space(PATH)
trials, reports, confirmed = load_runs(PATH), history(PATH), confirmations(PATH)
metric, mode = record.metric, record.mode
spent = costs(trials, reports)
share = device_share(space, record.device, record.plan)

print(f"{record.device}; each trial has {share:g} of it (GPUs, or cores of a CPU)")
print(f"search {spent['seconds'].sum() / 60:.1f} minutes in sum")
print(f"confirmation {confirmed['device_seconds'].sum() / 60:.1f} minutes in sum")
if record.seconds is not None:
    print(f"wall time of both {record.seconds / 60:.1f} minutes")

# %% [markdown]
# ## The picture
#
# Left: minutes by how trials ended, and above them what the machine spent them on. Of older experiments, that
# have not recorded the parts, *start-up* is what the first stretch took beyond the median pace of later ones.
# Right: examples per second of every trial.
#
# * **Much compiling**: trials are short beside it. Fields that change the program (numbers of layers, widths)
#   compile anew for each value; keep such choices few.
# * **Much idle time**: no run was active, because Ray, a worker or JAX was starting, or too
#   few trials were left to fill the machine.
# * **Dots on the right that fall over time, or two levels**: something else used the machine, or a searched
#   field changes the size of the model.

# %%
cost_bars(
    spent,
    record.seconds,
    places=record.plan.get("places", record.plan.get("at_once")),
    confirm_seconds=confirmed["device_seconds"].sum(),
)

# %% [markdown]
# ## As a table

# %%
by_status = spent.groupby("status").agg(
    trials=("trial", "size"),
    minutes=("seconds", lambda seconds: seconds.sum() / 60),
    training=("train_seconds", lambda seconds: seconds.sum() / 60),
    evaluation=("eval_seconds", lambda seconds: seconds.sum() / 60),
    compiling=("compile_seconds", lambda seconds: seconds.sum() / 60),
    after_best=(WASTED, lambda seconds: seconds.sum() / 60),
    pace=(PACE, "median"),
)
by_status.assign(share=by_status["minutes"] / by_status["minutes"].sum()).round(2)

# %% [markdown]
# `after_best` is the time after the best report. **If it is a large part**, the horizon is longer than the
# trials can use: use fewer steps or a smaller learning rate.
#
# ## What early stopping saved
#
# What the same trials would have cost if each had run to its horizon at its own pace.

# %%
per_step = trials["device_seconds"] / trials["steps"].astype("float64")
whole = (per_step * trials["horizon"].astype("float64")).sum()
saved = 1 - trials["device_seconds"].sum() / whole
print(f"early stopping and failures saved {saved:.0%} of {whole / 60:.1f} minutes")

# %% [markdown]
# ## What would have been enough
#
# The best value against device-hours, and when the search first came within a point of its end.

# %%
best_so_far(trials, metric, mode, share=share)

# %%
usable = trials[metric].where(trials["status"].isin(["completed", "stopped"]))
so_far = (usable.cummax() if mode == "max" else usable.cummin()).ffill()
hours = (trials["device_seconds"].fillna(0).cumsum() * share / 3600).round(3)
closeness = pd.Series({"2 points": 0.02, "1 point": 0.01, "0.5 points": 0.005, "the best": 0.0})
pd.DataFrame(
    [
        {"within": name, "trials": int(near.argmax()) + 1, "device-hours": hours[near.argmax()]}
        for name, distance in closeness.items()
        if (near := (so_far - so_far.iloc[-1]).abs() <= distance + 1e-12).any()
    ]
).set_index("within")

# %% [markdown]
# **If the last half point took most of the hours, the next search of this kind may be half as large**, with
# the rest spent on seeds (`04_seeds_and_significance`).
#
# ## Does a searched field change the speed?
#
# Speeds joined with configurations: for each searched field, the values of the slowest and the fastest
# trials. **A large ratio is a cost that the metric does not show**, such as of a wider model. Ratios below
# about 1.5 are what a busy machine does to any two halves of the trials.

# %%
joined = spent.merge(trials.drop(columns=["status", "seconds"]), on=["experiment", "trial"])


def paces(field: str) -> dict[str, object]:
    """Return where trials were slowest and fastest, by the values of a field or its two halves."""
    values = joined[f"config/{field}"]
    if values.nunique() > 5:
        values = (values > values.median()).map({True: "upper half", False: "lower half"})
    pace = joined.groupby(values)[PACE].median()
    return {
        "field": field,
        "slowest": pace.idxmin(),
        "fastest": pace.idxmax(),
        "ratio": pace.max() / pace.min(),
    }


varied = [name for name in space.get("search", {}) if joined[f"config/{name}"].nunique() > 1]
pd.DataFrame(map(paces, varied), columns=["field", "slowest", "fastest", "ratio"]).set_index(
    "field"
).round(2)

# %% [markdown]
# ## Concurrent runs
#
# Trials that share a machine slow each other down: the sum of their seconds, divided by the wall time, is the
# average number of concurrent runs.

# %%
if record.seconds:
    busy = (trials["device_seconds"].sum() + confirmed["device_seconds"].sum()) / record.seconds
    print(f"{busy:.2f} runs at a time on average")

# %% [markdown]
# ## The next search
#
# Minutes of one whole training at the median pace, and what a search of so many trials costs with and
# without the stopping seen here.

# %%
one = (per_step * trials["horizon"].astype("float64")).median() / 60
kept = trials["device_seconds"].sum() / whole
pd.DataFrame({"trials": [16, 32, 64, 128]}).assign(
    to_the_end=lambda frame: frame["trials"] * one,
    with_stopping=lambda frame: frame["trials"] * one * kept,
).rename(
    columns={"to_the_end": "minutes, all to the end", "with_stopping": "minutes, stopped as here"}
).round(0)

# %% [markdown]
# ## What to do
#
# * Devices waited: more trials at a time (`--gpus-per-trial 0.5`, `--cpus-per-trial 1`).
# * Compiling dominates: fewer different shapes in the space, longer trials.
# * Much time after the best report: fewer steps.
# * [Speed](../docs/speed.md) says what was measured and which settings help.
