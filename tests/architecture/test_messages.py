"""Every error has a code, and every code a sentence whose fields are filled in."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from lru_tune import errors
from lru_tune.cli.errors import tables
from lru_tune.errors import LruTuneError, messages, prefixes

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = {code: m for prefix in prefixes() for code, m in messages(prefix).items()}
PLACE = {"file", "line", "key"}
KINDS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, LruTuneError | errors.Invalid)
} - {"Diverged"}


def fields(text: str) -> set[str]:
    return {name.split(".")[0].split("[")[0] for _, name, _, _ in Formatter().parse(text) if name}


def codes_in(node: ast.expr) -> Iterator[str]:
    """The codes an expression may be: a literal, or either branch of a conditional."""
    match node:
        case ast.Constant(value=str(code)):
            yield code
        case ast.IfExp(body=body, orelse=orelse):
            yield from codes_in(body)
            yield from codes_in(orelse)


def uses() -> Iterator[tuple[str, str, set[str] | None]]:
    """Place, code and keywords (None where some are in a mapping) of every error that is made."""
    for path in sorted([*ROOT.glob("lru_tune/**/*.py"), *ROOT.glob("data_prep/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else None
            if name not in KINDS | {"Problem", "Refusal", "problem"}:
                continue
            given = {word.arg for word in node.keywords}
            known = None if None in given or name == "Problem" else {w for w in given if w} - PLACE
            for code in codes_in(node.args[0]):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", code, known


def test_every_error_has_a_sentence_and_its_values():
    made = list(uses())
    assert len(made) > 200
    assert [(where, code) for where, code, _ in made if code not in CATALOGUE] == []
    lacking = {
        (where, code): fields(CATALOGUE[code].text) - given
        for where, code, given in made
        if given is not None and code in CATALOGUE
    }
    assert {use: names for use, names in lacking.items() if names} == {}


def test_every_sentence_is_used_and_has_a_remedy():
    texts = "\n".join(p.read_text() for p in (ROOT / "lru_tune").glob("**/*.py"))
    texts += "\n".join(p.read_text() for p in (ROOT / "data_prep").glob("**/*.py"))
    assert [code for code in CATALOGUE if f'"{code}"' not in texts] == []
    assert [code for code, message in CATALOGUE.items() if not message.remedy.strip()] == []


def test_the_page_has_every_message():
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    shown = page.split("<!-- lru-tune errors -->")[1].split("<!-- end -->")[0].strip()
    assert shown == tables(), "update the page with the output of `lru-tune errors`"
