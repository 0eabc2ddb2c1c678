"""The methods that are compared: who proposes, who stops, and how the winner is chosen."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.search_quality import peers, product
from benchmarks.search_quality.problems import Problem
from benchmarks.search_quality.simulate import Search, Winner

Maker = Callable[[Problem, int, Path], Search]  # problem, seed, empty folder -> search

DEFAULT, RANDOM, UNSTOPPED = "default", "random-asha", "random"


class Method(NamedTuple):
    """A way to search.

    Attributes:
      text: what it is, for the table.
      make: makes a fresh search.
      winner: how its configuration is chosen.
    """

    text: str
    make: Maker
    winner: Winner = "completed"


def _own(sampler: str = product.DEFAULT_SAMPLER, **scheduler: object) -> Maker:
    return lambda problem, seed, folder: product.ProductSearch(
        problem, folder, sampler=sampler, seed=seed, **scheduler
    )


METHODS: dict[str, Method] = {
    UNSTOPPED: Method("random proposals, nothing stopped", _own("random", kind="none")),
    RANDOM: Method("random proposals, default ASHA", _own("random")),
    "ray-asha": Method("random proposals, Ray's default ASHA (first rung 1, factor 4)", peers.ray),
    DEFAULT: Method("the default of a search", _own()),
    "default-value": Method("the default, winner by value", _own(), "value"),
    "tpe-multivariate": Method("multivariate TPE, default ASHA", _own("tpe-multivariate")),
    "tpe-multivariate-5": Method(
        "multivariate TPE, grace 5 %", _own("tpe-multivariate", grace=0.05)
    ),
    "tpe-5": Method("independent TPE, grace 5 %", _own("tpe-independent", grace=0.05)),
    "tpe-10": Method("independent TPE, grace 10 %", _own("tpe-independent", grace=0.1)),
    "tpe-20": Method("independent TPE, grace 20 %", _own("tpe-independent", grace=0.2)),
    "random-20": Method("random proposals, grace 20 %", _own("random", grace=0.2)),
    "random-5": Method("random proposals, grace 5 %", _own("random", grace=0.05)),
    "tpe-unstopped": Method(
        "independent TPE, nothing stopped", _own("tpe-independent", kind="none")
    ),
    "tpe-multivariate-unstopped": Method(
        "multivariate TPE, nothing stopped", _own("tpe-multivariate", kind="none")
    ),
    "tpe-multivariate-draw": Method(
        "multivariate TPE without a choice among draws, default ASHA", _own("tpe-multivariate-draw")
    ),
    "median": Method("the default's proposals, median rule", _own(kind="median")),
    "optuna-halving": Method("Optuna's own loop, SuccessiveHalvingPruner", peers.optuna_halving),
    "optuna-median": Method("Optuna's own loop, MedianPruner", peers.optuna_median),
}
