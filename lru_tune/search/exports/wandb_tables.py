"""The vocabulary of W&B sweep files and our names for it. Source: W&B's documentation, November 2026."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from lru_tune.errors import Invalid


class Flag(NamedTuple):
    """A command-line flag of minimal-LRU, or another name that people sweep.

    Attributes:
      field: dotted field of RunConfig.
      values: our names for the flag's values; empty where they are the same.
    """

    field: str
    values: Mapping[Any, Any] = MappingProxyType({})


def _switch(on: str, off: str) -> Mapping[Any, Any]:
    return MappingProxyType({True: on, False: off, "true": on, "false": off})


FLAGS: Mapping[str, Flag] = {
    "lr_base": Flag("optim.learning_rate"),
    "lr": Flag("optim.learning_rate"),
    "learning_rate": Flag("optim.learning_rate"),
    "lr_factor": Flag("optim.recurrent_lr_factor"),
    "lr_min": Flag("optim.lr_min"),
    "weight_decay": Flag("optim.weight_decay"),
    "cosine_anneal": Flag("optim.schedule", _switch("cosine", "constant")),
    "p_dropout": Flag("model.dropout"),
    "dropout": Flag("model.dropout"),
    "n_layers": Flag("model.n_layers"),
    "d_model": Flag("model.d_model"),
    "d_hidden": Flag("model.d_hidden"),
    "pooling": Flag("model.pooling"),
    "norm": Flag("model.norm"),
    "prenorm": Flag("model.norm_position", _switch("pre", "post")),
    "r_min": Flag("model.recurrence.r_min"),
    "r_max": Flag("model.recurrence.r_max"),
    "max_phase": Flag("model.recurrence.max_phase"),
    "batch_size": Flag("data.batch_size"),
    "bsz": Flag("data.batch_size"),
    "epochs": Flag("epochs"),
    "jax_seed": Flag("seed"),
    "seed": Flag("seed"),
}
DATASET = "dataset"  # the task
WARMUP = "warmup_end"  # a number of epochs; a fraction here
# Flags of minimal-LRU without a counterpart.
FOREIGN: Mapping[str, str] = {
    "use_wandb": "use --wandb when you start the search",
    "wandb_project": "set WANDB_PROJECT when you start the search",
    "wandb_entity": "set WANDB_ENTITY when you start the search",
    "dir_name": "use --data-root when you start the search",
    "early_stop_patience": "only the scheduler stops trials",
    "lr_patience": "the learning rate follows its schedule only",
    "reduce_factor": "the learning rate follows its schedule only",
}
# Keys at the top of a sweep file that are not part of the space.
ASIDE: Mapping[str, str] = {
    "program": "lru-tune trains with its own program",
    "command": "lru-tune trains with its own program",
    "entity": "set WANDB_ENTITY when you start the search",
    "project": "set WANDB_PROJECT when you start the search",
    "name": "use --name when you start the search",
    "description": "add it to the space as a comment",
    "controller": "lru-tune runs the search itself",
    "imports": "lru-tune runs the search itself",
    "program_args": "lru-tune trains with its own program",
    "job": "lru-tune runs the search itself",
}
SEARCHERS: Mapping[str, dict[str, Any]] = {
    "grid": {"kind": "grid"},
    "random": {"kind": "random"},
    "bayes": {"kind": "optuna", "sampler": "tpe"},
}


class Made(NamedTuple):
    """A distribution as a domain.

    Attributes:
      domain: `{kind: [...]}`.
      remark: how it differs from W&B's distribution; "" where it does not.
    """

    domain: dict[str, list[Any]]
    remark: str = ""


def _stepped(spec: Mapping[str, Any]) -> Made:
    low, high, q = spec["min"], spec["max"], spec.get("q", 1)
    if q <= 0:
        raise Invalid("space.bad-bound", name="q", expected="a number greater than 0", given=q)
    whole = all(isinstance(x, int) for x in (low, high, q))
    if whole and q == 1:
        return Made({"randint": [low, high]})
    last = low + q * math.floor((high - low) / q + 1e-9)
    remark = "" if math.isclose(last, high) else f"the last step is {last:g}, not {high:g}"
    return Made({"quniform": [low, last, q]}, remark)


def _weighted(spec: Mapping[str, Any]) -> Made:
    return Made(
        {"choice": list(spec["values"])},
        "the probabilities are dropped: all values are equally likely",
    )


def _rounded(spec: Mapping[str, Any]) -> Made:
    low, high, q = spec["min"], spec["max"], spec.get("q", 1)
    if q == 1 and all(isinstance(x, int) for x in (low, high)):
        return Made({"lograndint": [low, high]})
    return Made({"loguniform": [low, high]}, f"values are not rounded to multiples of {q}")


# W&B's distribution -> ours. log_uniform takes exponents of e, log_uniform_values the values.
DISTRIBUTIONS: Mapping[str, Callable[[Mapping[str, Any]], Made]] = {
    "uniform": lambda spec: Made({"uniform": [spec["min"], spec["max"]]}),
    "int_uniform": lambda spec: Made({"randint": [spec["min"], spec["max"]]}),
    "q_uniform": _stepped,
    "log_uniform": lambda spec: Made(
        {"loguniform": [math.exp(spec["min"]), math.exp(spec["max"])]}
    ),
    "log_uniform_values": lambda spec: Made({"loguniform": [spec["min"], spec["max"]]}),
    "q_log_uniform_values": _rounded,
    "categorical": lambda spec: Made({"choice": list(spec["values"])}),
    "categorical_w_probabilities": _weighted,
}
NEEDED: Mapping[str, tuple[str, ...]] = {
    name: ("values",) if name.startswith("categorical") else ("min", "max")
    for name in DISTRIBUTIONS
}
WITHOUT_COUNTERPART = frozenset(
    {
        "beta",
        "q_beta",
        "inv_log_uniform",
        "inv_log_uniform_values",
        "normal",
        "q_normal",
        "log_normal",
        "q_log_normal",
        "q_log_uniform",
    }
)
SPEC_KEYS = frozenset(
    {"distribution", "value", "values", "probabilities", "min", "max", "q", "mu", "sigma", "a", "b"}
)
