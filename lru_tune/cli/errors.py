"""`lru-tune errors [CODE]`: what an error means and what to do about it."""

import argparse
from collections.abc import Sequence
from string import Formatter

from lru_tune.cli.flags import command_parser
from lru_tune.errors import ConfigError, Message, did_you_mean, messages, prefixes
from lru_tune.formatting import markdown_table

PROG = "lru-tune errors"


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Print one error's message and remedy, or tables of all.

    Raises:
      ConfigError: there is no such code.
    """
    code = parser(prog).parse_args(argv).code
    if code is None:
        print(tables())
        return 0
    known = {code: m for prefix in prefixes() for code, m in messages(prefix).items()}
    if code not in known:
        raise ConfigError("cli.unknown-code", code=code, hint=did_you_mean(code, known))
    print(f"{sentence(known[code])}\n\n{known[code].remedy}")
    return 0


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = command_parser(
        prog,
        "Explain an error and what to do about it, or list all errors. A message on the terminal ends with "
        "its code in brackets.",
    )
    made.add_argument(
        "code", metavar="CODE", nargs="?", help="code of an error, such as config.unknown-field"
    )
    return made


def tables() -> str:
    """Return a Markdown table of code, message and remedy for each prefix."""
    parts = []
    for prefix in prefixes():
        rows = [
            (f"`{code}`", sentence(m), m.remedy.strip()) for code, m in messages(prefix).items()
        ]
        table = markdown_table(("code", "message", "what to do"), rows)
        parts.append("\n".join([f"### {prefix}", "", *table]))
    return "\n\n".join(parts)


def sentence(message: Message) -> str:
    """Return a message on one line of a table, with `…` for what is filled in."""
    parts = (
        text + ("…" if name is not None else "")
        for text, name, _, _ in Formatter().parse(message.text)
    )
    return " ".join("".join(parts).split()).replace("<", "&lt;")
