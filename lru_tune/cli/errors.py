"""`lru-tune errors [CODE]`: what an error means and what to do about it."""

import argparse
from collections.abc import Sequence
from string import Formatter

from lru_tune.errors import ConfigError, Message, did_you_mean, messages, prefixes


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Raises:
      ConfigError: there is no such code.
    """
    code = parser().parse_args(argv).code
    if code is None:
        print(tables())
        return 0
    known = {code: m for prefix in prefixes() for code, m in messages(prefix).items()}
    if code not in known:
        raise ConfigError("cli.unknown-code", code=code, hint=did_you_mean(code, known))
    print(f"{sentence(known[code])}\n\n{known[code].remedy}")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = argparse.ArgumentParser(
        prog="lru-tune errors", description="Explain an error by its code, or list all of them."
    )
    made.add_argument("code", metavar="CODE", nargs="?", help="such as config.unknown-field")
    return made


def tables() -> str:
    """Return a Markdown table of code, message and remedy for each prefix."""
    parts = []
    for prefix in prefixes():
        rows = [
            f"| `{code}` | {sentence(m)} | {m.remedy.strip()} |"
            for code, m in messages(prefix).items()
        ]
        parts.append(
            "\n".join(
                [f"### {prefix}", "", "| code | message | what to do |", "|---|---|---|", *rows]
            )
        )
    return "\n\n".join(parts)


def sentence(message: Message) -> str:
    """Return a message on one line of a table, with `…` for what is filled in."""
    parts = (
        text + ("…" if name is not None else "")
        for text, name, _, _ in Formatter().parse(message.text)
    )
    return " ".join("".join(parts).split()).replace("|", "\\|").replace("<", "&lt;")
