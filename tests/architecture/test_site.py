"""The site has every page, and asks nothing of other servers; `mkdocs build` itself runs in .ci/run."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def outside() -> dict[str, str]:
    """Return OUTSIDE of the hook, which only MkDocs can import."""
    tree = ast.parse((ROOT / "docs" / "hooks" / "outside_pages.py").read_text())
    (found,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "OUTSIDE"
    )
    return ast.literal_eval(found)


def files(navigation: Any) -> Iterator[str]:
    match navigation:
        case str():
            yield navigation
        case list() | dict():
            inner = navigation.values() if isinstance(navigation, dict) else navigation
            for part in inner:
                yield from files(part)


def test_every_page_is_in_the_navigation_once():
    docs = ROOT / "docs"
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    pages |= {place for place in outside().values() if place.endswith(".md")}
    shown = list(files(SITE["nav"]))
    assert sorted(shown) == sorted(pages)


def test_pages_from_outside_exist_and_hide_none_of_docs():
    for source, place in outside().items():
        assert (ROOT / source).is_file(), source
        assert not (ROOT / "docs" / place).exists(), place


def test_the_site_loads_nothing_from_other_servers():
    assert SITE["theme"]["font"] is False
    assert not {"extra_javascript", "extra"} & SITE.keys()
    assert all((ROOT / "docs" / sheet).is_file() for sheet in SITE["extra_css"])
    assert SITE["plugins"] == ["search"]


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/**/*.md")), ids=lambda path: path.name)
def test_a_page_has_one_title_and_whole_code_blocks(page):
    text = page.read_text()
    assert text.startswith("# ")
    assert text.count("```") % 2 == 0
    outside_of_code = re.sub(r"```.*?```", "", text, flags=re.S)
    assert len(re.findall(r"^# ", outside_of_code, re.M)) == 1
