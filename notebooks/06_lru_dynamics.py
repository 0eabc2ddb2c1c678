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
# # 06 LRU dynamics
#
# **What did training do to the recurrence: how long does the winner remember, and at which frequencies?**
#
# Each layer of a Linear Recurrent Unit is a set of independent complex states, x_k = lambda x_(k-1) + gamma
# B u_k. The modulus of lambda is memory, its angle is frequency, gamma is the gain of the input. `PATH` is
# an experiment with a report: `lru-tune report FOLDER` writes the winner's eigenvalues to `spectra.csv`, so
# this notebook needs no JAX and no checkpoint. Set it here or in `LRU_TUNE_NOTEBOOK_PATH`.

# %%
# %matplotlib inline
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from lru_tune.plots import eigenvalue_ring, half_lives, input_gains
from lru_tune.plots.dynamics import half_life
from lru_tune.results import load_runs
from lru_tune.results.reading.spectra import by_layer, states

PATH = Path(os.environ.get("LRU_TUNE_NOTEBOOK_PATH", "example/listops"))

# %%
frame = states(PATH)
winner = load_runs(PATH).set_index("trial").loc[frame["trial"].iloc[0]]
ring = {
    name: winner.get(f"config/model.recurrence.{name}") for name in ("r_min", "r_max", "max_phase")
}
length = winner.get("config/data.max_length")
length = None if pd.isna(length) else int(length)

layers = frame["layer"].nunique()
print(f"{winner.name}: {layers} layers, {len(frame)} states, trained for {winner['steps']} steps")
drawn = ", ".join(f"{name} {value:.4g}" for name, value in ring.items())
print(f"drawn with {drawn}; sequences of {length or 'the whole'} steps")

# %% [markdown]
# ## Eigenvalues
#
# Hollow: at initialisation, drawn uniformly on the ring between `r_min` and `r_max` and up to the angle
# `max_phase`. Orange: at the best report, with a line from where each came.
#
# * **Near the circle: long memory. At the origin: none.** The LRU's parametrisation keeps all of them
#   inside.
# * **Lines outwards** mean that the task needs more memory than the initialisation gave: raise `r_min` or
#   `r_max`. **Lines inwards**: less memory.
# * **No visible lines** mean that training hardly changed the recurrence: B, C and the rest of the network
#   solve the task with a fixed bank of filters. Then try a larger `optim.recurrent_lr_factor`.

# %%
spectra = by_layer(frame)
eigenvalue_ring(spectra.before, spectra.after)

# %% [markdown]
# ## As a table
#
# One row for each state, with its half-life in steps, log 2 / -log |lambda|.

# %%
frame = frame.assign(
    modulus_before=frame["before"].abs(),
    modulus_after=frame["after"].abs(),
    half_life_before=half_life(frame["before"].to_numpy()),
    half_life_after=half_life(frame["after"].to_numpy()),
    turn=np.angle(frame["after"] / frame["before"]),
    moved=(frame["after"] - frame["before"]).abs(),
)
frame.groupby("layer").agg(
    states=("state", "size"),
    modulus_before=("modulus_before", "median"),
    modulus_after=("modulus_after", "median"),
    half_life_before=("half_life_before", "median"),
    half_life_after=("half_life_after", "median"),
    longest_before=("half_life_before", "max"),
    longest_after=("half_life_after", "max"),
    moved=("moved", "median"),
).round(3)

# %%
longer = (frame["half_life_after"] > frame["half_life_before"]).mean()
print(f"{longer:.0%} of the states remember longer than before training")
print(
    f"the median state moved by {frame['moved'].median():.3f}, the farthest by {frame['moved'].max():.3f}"
)

# %% [markdown]
# ## Memory
#
# Half-lives of all states of a layer, sorted; the dotted line is the length of a sequence. **If all
# lines are far below the dotted one, no single state remembers the whole sequence**: earlier inputs reach the
# answer only through pooling or several layers. If lines leave the grey one at the right end only, training
# extended only the few longest memories.

# %%
half_lives(spectra.before, spectra.after, length)

# %% [markdown]
# The same as counts: the number of states by half-life.

# %%
bounds = [0, 1, 4, 16, 64, 256, np.inf]
names = [f"{low:g} to {high:g}" for low, high in pairwise(bounds)]
tidy = frame.melt(
    id_vars=["layer", "state"],
    value_vars=["half_life_before", "half_life_after"],
    var_name="moment",
    value_name="half-life, steps",
)
tidy["half-life, steps"] = pd.cut(tidy["half-life, steps"], bounds, labels=names)
tidy["moment"] = (
    tidy["moment"]
    .str.removeprefix("half_life_")
    .astype(pd.CategoricalDtype(["before", "after"], ordered=True))
)
tidy.pivot_table(
    index=["layer", "moment"],
    columns="half-life, steps",
    values="state",
    aggfunc="count",
    observed=False,
)

# %% [markdown]
# ## Which states moved?
#
# States by their modulus at initialisation. With |lambda| = exp(-exp(nu_log)), a step of nu_log changes
# the modulus by |lambda| log |lambda|: little near the circle, most at a modulus of 0.37. So **inner states
# moving farther than outer ones is the parametrisation at work**, not a sign that memory was not needed;
# compare `half_life_ratio` instead, the median of half-life after over before. Above 1: their memory became
# longer.

# %%
shells = pd.qcut(frame["modulus_before"], 4, duplicates="drop")
frame.groupby(["layer", shells], observed=True).agg(
    states=("state", "size"),
    moved=("moved", "median"),
    turned=("turn", lambda turn: turn.abs().median()),
    half_life_ratio=(
        "half_life_after",
        lambda after: (after / frame.loc[after.index, "half_life_before"]).median(),
    ),
).round(3)

# %%
columns = [
    "layer",
    "state",
    "modulus_before",
    "modulus_after",
    "half_life_before",
    "half_life_after",
    "turn",
]
frame.nlargest(5, "moved")[columns].round(3)

# %% [markdown]
# ## Input gains
#
# Gamma is initialised to sqrt(1 - |lambda|^2), which keeps the variance of a state at one whatever its
# memory, and is learned from there. On the line: not changed. **Below: the layer reduced that state's
# input. If a whole cloud is off the line**, the scale of the layer's input was wrong: check normalisation
# and learning rate.

# %%
input_gains(spectra.gamma_before, spectra.gamma_after)

# %%
gains = frame.dropna(subset=["gamma_before"])
gains = gains.assign(ratio=gains["gamma_after"] / gains["gamma_before"])
gains.groupby("layer")["ratio"].describe().round(3) if len(gains) else "this variant has no gamma"

# %% [markdown]
# ## What to do
#
# * Eigenvalues pressed to the circle, long half-lives growing: search `model.recurrence.r_max` nearer to 1
#   (`{one_minus_loguniform: [1e-5, 1e-2]}`).
# * Half-lives far beyond the sequence: these states are sums; a smaller `r_max` trains more easily.
# * All angles small: a smaller `max_phase` gives more states to slow movements, as the paper does for
#   PathX.
# * Eigenvalues that did not move: raise `optim.recurrent_lr_factor`, or leave it small on purpose for
#   stability.
