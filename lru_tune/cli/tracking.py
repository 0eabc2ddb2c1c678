"""What the flags of trackers need, asked before anything is started."""

import importlib.util

from lru_tune.errors import ConfigError


def check_wandb(mode: str) -> None:
    """Refuse `--wandb` where the library is missing.

    Raises:
      ConfigError: with the command that installs it.
    """
    if mode != "off" and importlib.util.find_spec("wandb") is None:
        raise ConfigError(
            f"--wandb {mode} needs the library wandb: pip install 'lru-tune[wandb]', "
            "or leave the flag out"
        )
