"""The tab-separated files of the Long Range Arena release of ListOps.

`basic_train.tsv`, `basic_val.tsv` and `basic_test.tsv`: a header `Source<TAB>Target`, lines that end with
CRLF, curried expressions: `[MAX 3 8 ]` is written `( ( ( [MAX 3 ) 8 ) ] )`.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from data_prep.listops.language import CLOSE, OPERATORS, SYMBOLS, evaluate
from data_prep.listops.trees import Expressions
from data_prep.pipeline.progress import Progress
from lru_tune.data.manifest import SplitName
from lru_tune.errors import DataDamaged, Invalid

FILES: dict[SplitName, str] = {
    "train": "basic_train.tsv",
    "val": "basic_val.tsv",
    "test": "basic_test.tsv",
}
HEADER = b"Source\tTarget"
RECOMPUTED = 100  # expressions per file whose value is checked; all would take longer than reading

NUMBERS = {symbol.encode(): number for number, symbol in enumerate(SYMBOLS)}


def read_expressions(path: Path, rows: int | None, longest: int, progress: Progress) -> Expressions:
    """Read the first `rows` expressions of a file (None: all), each cut to its first `longest` tokens.

    Raises:
      DataDamaged: a line is not `expression<TAB>digit`, a value is wrong, or there is no line.
    """
    size = path.stat().st_size
    read = 0
    pieces: list[bytes] = []
    values = bytearray()
    with open(path, "rb") as file:
        if (header := file.readline().rstrip(b"\r\n")) != HEADER:
            raise DataDamaged(
                "published.listops-header",
                file=str(path),
                line=1,
                expected=HEADER,
                found=header[:40],
            )
        for number, line in enumerate(file, start=2):
            if len(pieces) == rows:
                break
            try:
                tokens, value = _parse(line)
                if len(pieces) < RECOMPUTED and evaluate(_text(tokens)) != value:
                    raise Invalid("published.listops-value", value=value)
            except Invalid as error:
                raise DataDamaged(error.problem.at(file=str(path), line=number)) from error
            pieces.append(tokens[:longest])
            values.append(value)
            read += len(line)
            if number % 1000 == 0:
                progress(f"reading {path.name}", read, size)
    if not pieces:
        raise DataDamaged("published.listops-empty", file=str(path), line=2)
    return Expressions(
        tokens=np.frombuffer(b"".join(pieces), np.uint8),
        lengths=np.array([len(piece) for piece in pieces], np.int64),
        values=np.frombuffer(bytes(values), np.uint8),
    )


def _parse(line: bytes) -> tuple[bytes, int]:
    """Return an expression's symbol numbers and its value; raise Invalid if the line holds none."""
    expression, tab, target = line.rstrip(b"\r\n").partition(b"\t")
    if not tab or len(target) != 1 or not target.isdigit():
        raise Invalid("published.listops-line")
    symbols = expression.translate(None, b"()").split()
    try:
        return bytes(NUMBERS[symbol] for symbol in symbols), int(target)
    except KeyError as error:
        token = error.args[0].decode(errors="replace")
        raise Invalid("published.listops-token", token=token) from error


def _text(tokens: Iterable[int]) -> str:
    return " ".join(SYMBOLS[token] for token in tokens)


def write_expressions(
    path: Path, pieces: Iterable[Expressions], count: int, progress: Progress
) -> None:
    """Write `count` expressions, piece by piece, in the release's format; renames the file at the end."""
    temporary = path.with_name(f".{path.name}.tmp")
    written = 0
    try:
        with open(temporary, "w", encoding="ascii", newline="\r\n") as file:
            print(HEADER.decode(), file=file)
            for piece in pieces:
                for symbols, value in _rows(piece):
                    print(curry(symbols), value, sep="\t", file=file)
                written += len(piece.values)
                progress(f"writing {path.name}", written, count)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _rows(expressions: Expressions) -> Iterator[tuple[list[str], int]]:
    ends = np.cumsum(expressions.lengths)
    for end, length, value in zip(ends, expressions.lengths, expressions.values, strict=True):
        yield [SYMBOLS[token] for token in expressions.tokens[end - length : end].tolist()], value


def curry(symbols: Sequence[str]) -> str:
    """Return an expression in curried form: `( ( ( [MAX 3 ) 8 ) ] )`.

    Raises:
      Invalid: an operator is not closed.
    """
    words: list[str] = []
    pending: list[list[int]] = []  # index of an open operator, number of its arguments so far
    for symbol in symbols:
        if symbol in OPERATORS:
            pending.append([len(words), 0])
            words.append(symbol)
            continue
        if symbol == CLOSE:
            place, arguments = pending.pop()
            words[place] = "( " * (arguments + 1) + words[place]
            words += (CLOSE, ")")
        else:
            words.append(symbol)
        if pending:  # this was an argument of the operator around it
            pending[-1][1] += 1
            words.append(")")
    if pending:
        raise Invalid("published.listops-open", operator=words[pending[-1][0]])
    return " ".join(words)
