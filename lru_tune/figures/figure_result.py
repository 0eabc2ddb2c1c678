"""The result of a figure, and the files written from it: picture, numbers and statements."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lru_tune import __version__
from lru_tune.files.atomic import write_atomically
from lru_tune.formatting import markdown_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

STATEMENTS = "statements"


class Statement(NamedTuple):
    """A claim that the numbers confirm or refute.

    Attributes:
      text: the claim, with its tolerance.
      holds: whether the numbers confirm it.
      measured: the numbers it was checked against.
    """

    text: str
    holds: bool
    measured: str


class FigureResult(NamedTuple):
    """The numbers of a figure, its statements and how to draw it.

    Attributes:
      settings: everything the numbers depend on, including the seed.
      statements: the claims of the figure.
      columns: name -> (rows,), the numbers behind the picture, all of the same length.
      draw: draws the picture.
    """

    settings: dict[str, Any]
    statements: list[Statement]
    columns: dict[str, np.ndarray]
    draw: Callable[[], "Canvas"]


def long_table(blocks: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Concatenate blocks of columns; within a block, scalars are broadcast to the length of its arrays."""
    parts = [np.broadcast_arrays(*(np.asarray(x) for x in block.values())) for block in blocks]
    return {
        name: np.concatenate([np.atleast_1d(part[i]) for part in parts])
        for i, name in enumerate(blocks[0])
    }


def to_csv(columns: dict[str, np.ndarray]) -> str:
    """Return the columns as CSV; floats have nine significant digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    lists = [
        [f"{x:.9g}" for x in values] if values.dtype.kind == "f" else values.tolist()
        for values in columns.values()
    ]
    writer.writerows(zip(*lists, strict=True))
    return text.getvalue()


def to_json(title: str, source: str, result: FigureResult) -> str:
    """Return title, source, version, settings and statements as JSON."""
    content = {
        "title": title,
        "source": source,
        "lru_tune": __version__,
        "settings": result.settings,
        "statements": [statement._asdict() for statement in result.statements],
    }
    return json.dumps(content, indent=2) + "\n"


def to_markdown(title: str, source: str, result: FigureResult) -> str:
    """Return the content of `to_json` as Markdown."""
    settings = ", ".join(f"{name} {value}" for name, value in result.settings.items())
    rows = [
        ("yes" if holds else "**no**", text, measured)
        for text, holds, measured in result.statements
    ]
    lines = [
        f"# {title}",
        "",
        f"{source}. lru-tune {__version__}.",
        "",
        f"Settings: {settings}.",
        "",
        *markdown_table(("holds", "statement", "measured"), rows),
    ]
    return "\n".join(lines) + "\n"


def write_figure(stem: str, title: str, source: str, result: FigureResult, folder: Path) -> None:
    """Write STEM.png, STEM.csv, statements.json and statements.md, each atomically."""
    picture = io.BytesIO()
    result.draw().savefig(picture, format="png", dpi=150)
    contents: dict[str, str | bytes] = {
        f"{stem}.png": picture.getvalue(),
        f"{stem}.csv": to_csv(result.columns),
        f"{STATEMENTS}.json": to_json(title, source, result),
        f"{STATEMENTS}.md": to_markdown(title, source, result),
    }
    for name, content in contents.items():
        write_atomically(folder / name, content)
