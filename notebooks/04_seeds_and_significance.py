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
# # 04 Seeds and significance
#
# **Which number may be quoted, and is the winner really better than the second?**
#
# The search ran one seed for each trial and kept the best of many, so its score is too high on average. The
# confirmation trained the best configurations again with fresh seeds and read the test split once. Put a
# folder into `PATH` or `LRU_TUNE_NOTEBOOK_PATH`.

# %%
# %matplotlib inline
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from lru_tune.plots import confirmed_seeds
from lru_tune.results import confirmations, load_runs, share_learned, summarise
from lru_tune.results.reading.record import read_record

PATH = Path(os.environ.get("LRU_TUNE_NOTEBOOK_PATH", "example/listops"))

# %%
record = read_record(PATH)
trials, confirmed = load_runs(PATH), confirmations(PATH)
confirmed = confirmed[confirmed["status"] == "completed"]
print(f"{len(confirmed)} confirmation runs of {confirmed['trial'].nunique()} configurations")
print(record.remark)

# %% [markdown]
# ## The picture
#
# Dots are seeds, bars are means with their 95 % intervals, and the diamond is the score in the search. **The
# distance from the diamond to the blue bar is the winner's curse.** If the bars of two rows overlap widely,
# the search has not decided between them.

# %%
confirmed_seeds(trials, confirmed, record.chance)

# %% [markdown]
# ## The table to quote
#
# In percent. Quote `mean` with `low` and `high` (Student's t over seeds, 95 %) and `n`. `learned` is the
# share of seeds that reached a tenth of the way from chance to 100 %: **if it is below 1, the mean
# describes none of the runs**; show the seeds one by one.


# %%
def summary(values: pd.Series) -> pd.Series:
    """Return mean, interval and count of accuracies, in per cent."""
    found = summarise(values.tolist())
    return (
        pd.Series({"mean": found.mean, "std": found.std, "low": found.low, "high": found.high})
        * 100
    )


grouped = confirmed.groupby("trial", sort=False)["test/accuracy"]
table = grouped.apply(summary).unstack() if len(confirmed) else pd.DataFrame()
table.assign(
    n=grouped.size(),
    learned=grouped.apply(lambda x: share_learned(x.tolist(), record.chance or 0.0)),
).round(2) if len(confirmed) else "nothing was confirmed: python tune.py --resume FOLDER"

# %% [markdown]
# ## How much of the search's score was luck?
#
# The validation score in the search beside the mean validation accuracy of the confirmation, for each trial.
# Both are on validation, so the difference is only luck in choosing.

# %%
curse = trials[["trial", "val/accuracy"]].merge(
    confirmed.groupby("trial", as_index=False)["val/accuracy"].mean(),
    on="trial",
    suffixes=(" in the search", " confirmed"),
)
curse["gap, points"] = 100 * (curse["val/accuracy in the search"] - curse["val/accuracy confirmed"])
curse["place in the search"] = (
    curse["val/accuracy in the search"].rank(ascending=False).astype("int")
)
curse["place confirmed"] = curse["val/accuracy confirmed"].rank(ascending=False).astype("int")
curse.sort_values("place in the search").set_index("trial").round(3)

# %% [markdown]
# If the order of the two last columns differs, one seed for each trial was not enough. **If the gap is larger
# than the spread of the seeds, the winner was lucky**: confirm more trials (`--set tune.confirm.top=N`).
#
# ## Where does the spread come from?
#
# Two sources: each seed gives other weights, and a finite test split measures each of them with an error. The
# second is known without training: the standard deviation of a share of `examples` coin tosses.

# %%
mean = confirmed["test/accuracy"].mean()
sizes = confirmed.get("config/data.test_examples", pd.Series(dtype="float64")).dropna()
examples = sizes.max() if len(sizes) else record.data["counts"].get("test", np.nan)
of_split = 100 * np.sqrt(mean * (1 - mean) / examples)
of_seeds = 100 * np.sqrt(confirmed.groupby("trial")["test/accuracy"].var().mean())
if len(confirmed):
    print(f"between seeds {of_seeds:.2f} points")
    print(f"by the choice of {examples:,} test examples alone {of_split:.2f} points")

# %% [markdown]
# All runs read the same test split, so they share most of its error: it matters for the number that you
# quote, less for a comparison of two rows. If the first number is not larger than the second, a larger test
# split helps more than further seeds.
#
# ## Is the winner better than the others?
#
# Every pair of configurations: difference of the means with Welch's 95 % interval, and p corrected by Holm
# for the number of pairs. **If an interval contains zero, the pair is not distinguished.** That does not
# prove equality.


# %%
def compare(pair: tuple[str, str]) -> dict[str, object]:
    """Return the difference of two configurations on the test split, in points."""
    first, second = (
        100 * confirmed.loc[confirmed["trial"] == name, "test/accuracy"] for name in pair
    )
    test = stats.ttest_ind(first, second, equal_var=False)
    low, high = test.confidence_interval(0.95)
    names = dict(zip(("first", "second"), pair, strict=True))
    return names | {
        "difference": first.mean() - second.mean(),
        "low": low,
        "high": high,
        "p": test.pvalue,
    }


counts = confirmed.groupby("trial", sort=False).size()
pairs = pd.DataFrame([compare(pair) for pair in combinations(counts[counts > 1].index, 2)])
if len(pairs):
    pairs = pairs.sort_values("p", ignore_index=True)
    pairs["p, Holm"] = (pairs["p"] * (len(pairs) - pairs.index)).cummax().clip(upper=1.0)
pairs.round(3)

# %%
different = int((pairs["p, Holm"] < 0.05).sum()) if len(pairs) else 0
print(f"{different} of {len(pairs)} pairs can be told apart")

# %% [markdown]
# ## How many seeds would it take?
#
# The number of seeds of each configuration that finds a difference in four of five experiments (80 % power,
# two-sided 5 %) at the spread seen here. It grows with the inverse square of the difference.

# %%
needed = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
pd.DataFrame({"difference, points": [0.25, 0.5, 1.0, 2.0, 4.0]}).assign(
    seeds=lambda frame: np.ceil(2 * (needed * of_seeds / frame["difference, points"]) ** 2).clip(
        lower=2
    )
)

# %% [markdown]
# ## What to do
#
# * Quote the mean over seeds on the test split with n and interval, never the search's score.
# * Two configurations that cannot be told apart: take the cheaper or the simpler one, and say that they
#   tied.
# * For more seeds of the winner alone: `lru-tune train --config FOLDER/best.yaml --set seed=N --test`.
