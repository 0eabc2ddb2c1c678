"""`lru-tune COMMAND`."""

import sys
from collections.abc import Sequence

from lru_tune import __version__
from lru_tune.cli.commands import COMMANDS, help_text, main_of
from lru_tune.errors import ConfigError, did_you_mean
from lru_tune.system.exit_codes import guard

__all__ = ["guard", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lru-tune` and return its exit code."""
    return guard(_dispatch, sys.argv[1:] if argv is None else argv)


def _dispatch(argv: Sequence[str] | None) -> int:
    words = list(argv or [])
    if not words:
        print(help_text(), file=sys.stderr)
        return ConfigError.exit_code
    command, *rest = words
    if command in ("-h", "--help"):
        print(help_text())
        return 0
    if command == "--version":
        print(f"lru-tune {__version__}")
        return 0
    if command not in COMMANDS:
        hint = did_you_mean(command, COMMANDS)
        raise ConfigError("cli.unknown-command", command=command, hint=hint)
    return main_of(command)(rest)
