"""Named recurrences: the steps from a dense RNN to the LRU (Orvieto et al. 2023, section 3)."""

from typing import Any

from lru_tune.errors import ConfigError, did_you_mean

VARIANTS: dict[str, dict[str, Any]] = {
    "rnn-relu": {"kind": "dense", "activation": "relu"},
    "rnn-tanh": {"kind": "dense", "activation": "tanh"},
    "rnn-linear": {"kind": "dense", "activation": "linear"},
    "real-imag": {
        "kind": "diagonal",
        "eigenvalues": "cartesian",
        "input_normalization": "none",
    },
    "exp": {"kind": "diagonal", "eigenvalues": "exp", "input_normalization": "none"},
    "stable-exp": {"kind": "diagonal", "eigenvalues": "stable_exp", "input_normalization": "none"},
    "lru": {
        "kind": "diagonal",
        "eigenvalues": "stable_exp_log_phase",
        "input_normalization": "gamma",
    },
}


def find_variant(name: str) -> dict[str, Any]:
    """Return the fields of `model.recurrence` that a variant fixes; raise ConfigError where it is unknown."""
    if name not in VARIANTS:
        raise ConfigError("config.unknown-variant", name=name, hint=did_you_mean(name, VARIANTS))
    return dict(VARIANTS[name])
