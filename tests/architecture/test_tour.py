"""docs/tour.md leads through files that exist, and stays short enough to read in an hour."""

import ast
import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOUR = (ROOT / "docs" / "tour.md").read_text()
FILES = re.findall(r"^\d+\. \[`([\w/.]+)`\]\(\.\./([\w/.]+)\)", TOUR, re.M)
MOST_LINES = 1500


def test_every_stop_is_a_file_and_linked():
    assert len(FILES) >= 10
    for shown, linked in FILES:
        assert shown == linked
        assert (ROOT / linked).is_file(), linked


def code_lines(path: Path) -> int:
    """Lines of a file without blank ones, comments and docstrings."""
    text = path.read_text()
    words = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in words | {tokenize.ENDMARKER}:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def test_the_tour_stays_short():
    lines = {linked: code_lines(ROOT / linked) for _, linked in FILES}
    assert sum(lines.values()) <= MOST_LINES, lines
    assert f"{MOST_LINES:,} lines" in TOUR


def test_the_tour_follows_the_main_path():
    order = ["cli/", "space/", "search/strategy/", "search/ray/", "training/loop.py"]
    order += ["training/steps.py", "models/", "ops/scan/", "files/", "results/"]
    positions = [next(i for i, (_, f) in enumerate(FILES) if part in f) for part in order]
    assert positions == sorted(positions)
