"""Tables as LaTeX, for the package booktabs."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

SPECIAL = {
    "\\": r"\textbackslash{}",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "→": r"$\to$",
    "<": "$<$",
    ">": "$>$",
}


class Block(NamedTuple):
    """A table with a heading."""

    heading: str
    header: Sequence[str]
    lines: Sequence[Sequence[str]]


def document(title: str, warning: str, blocks: Iterable[Block]) -> str:
    """Return one floating table for each heading; the warning is part of every caption.

    Args:
      title: one line at the start of each caption.
      warning: in bold at the end of each caption; "" for none.
      blocks: the tables.
    """
    parts = [r"% needs \usepackage{booktabs}"]
    if warning:
        parts.append(f"% {warning}")
    parts += [_table(title, warning, block) for block in blocks]
    return "\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Escape the special characters of LaTeX."""
    return "".join(SPECIAL.get(sign, sign) for sign in text)


def _table(title: str, warning: str, block: Block) -> str:
    caption = escape(f"{title}: {block.heading}.")
    if warning:
        caption += rf" \textbf{{{escape(warning)}}}"
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{caption}}}",
            rf"\begin{{tabular}}{{{'l' * len(block.header)}}}",
            r"\toprule",
            _line(block.header),
            r"\midrule",
            *map(_line, block.lines),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(escape, cells)) + r" \\"
