"""What a figure consists of, and the files it becomes: picture, numbers, statements."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lru_tune import __version__
from lru_tune.files.atomic import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

STATEMENTS = "statements"


class Statement(NamedTuple):
    """A sentence that the numbers confirm or refute.

    Attributes:
      text: the sentence, with its tolerance.
      holds: whether it is true of the numbers.
      measured: the numbers themselves.
    """

    text: str
    holds: bool
    measured: str


class Plate(NamedTuple):
    """A finished figure.

    Attributes:
      settings: everything the numbers depend on, the seed included.
      statements: what the figure is to show.
      columns: name -> (rows,), the numbers behind the picture, all of one length.
      draw: makes the picture.
    """

    settings: dict[str, Any]
    statements: list[Statement]
    columns: dict[str, np.ndarray]
    draw: Callable[[], "Canvas"]


def long_table(blocks: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Stack blocks of columns; within a block a single value is repeated along its arrays."""
    parts = [np.broadcast_arrays(*(np.asarray(x) for x in block.values())) for block in blocks]
    return {
        name: np.concatenate([np.atleast_1d(part[i]) for part in parts])
        for i, name in enumerate(blocks[0])
    }


def to_csv(columns: dict[str, np.ndarray]) -> str:
    """Return the columns as text, real numbers with nine significant digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    lists = [
        [f"{x:.9g}" for x in values] if values.dtype.kind == "f" else values.tolist()
        for values in columns.values()
    ]
    writer.writerows(zip(*lists, strict=True))
    return text.getvalue()


def to_json(title: str, source: str, plate: Plate) -> str:
    """Return title, source, version, settings and statements as JSON."""
    content = {
        "title": title,
        "source": source,
        "lru_tune": __version__,
        "settings": plate.settings,
        "statements": [statement._asdict() for statement in plate.statements],
    }
    return json.dumps(content, indent=2) + "\n"


def to_markdown(title: str, source: str, plate: Plate) -> str:
    """Return the same as `to_json` for people."""
    rows = [
        f"| {'yes' if holds else '**no**'} | {text} | {measured} |"
        for text, holds, measured in plate.statements
    ]
    settings = ", ".join(f"{name} {value}" for name, value in plate.settings.items())
    lines = [
        f"# {title}",
        "",
        f"{source}. lru-tune {__version__}.",
        "",
        f"Settings: {settings}.",
        "",
        "| holds | statement | measured |",
        "|---|---|---|",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def write_plate(stem: str, title: str, source: str, plate: Plate, folder: Path) -> None:
    """Write STEM.png, STEM.csv, statements.json and statements.md, each whole or not at all."""
    picture = io.BytesIO()
    plate.draw().savefig(picture, format="png", dpi=150)
    contents: dict[str, str | bytes] = {
        f"{stem}.png": picture.getvalue(),
        f"{stem}.csv": to_csv(plate.columns),
        f"{STATEMENTS}.json": to_json(title, source, plate),
        f"{STATEMENTS}.md": to_markdown(title, source, plate),
    }
    for name, content in contents.items():
        write_atomically(folder / name, content)
