"""What the documentation shows can be typed."""

import re
from pathlib import Path

import pytest

from lru_tune.cli import reproduce, tune
from lru_tune.paper.tables import TABLES
from lru_tune.runs import Status
from lru_tune.search.domains import DOMAINS
from lru_tune.search.space import SearchSpace

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SPACES = (ROOT / "docs" / "search_spaces.md").read_text()


@pytest.mark.parametrize("scale", ["full", "quick"])
def test_the_example_of_a_search_space_is_valid(scale, tmp_path):
    example = tmp_path / "example.yaml"
    example.write_text(re.search(r"```yaml\n(.*?)```", SPACES, re.S)[1])
    assert SearchSpace.load(example, scale=scale).scale == scale


def test_every_domain_and_status_is_documented():
    assert set(re.findall(r"^\| `\{(\w+):", SPACES, re.M)) == set(DOMAINS)
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", glossary, re.M)) == {*Status.__args__, "running"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_searches_on_a_page_can_be_parsed(page):
    for line in re.findall(r"^(?:python tune\.py|lru-tune tune) ([^#\n]*)", page.read_text(), re.M):
        words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", line)]
        arguments = tune.parser().parse_args(words)
        if arguments.task:
            SearchSpace.load(
                arguments.task,
                overrides=arguments.overrides,
                scale="quick" if arguments.quick else "full",
            )


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_reproductions_on_a_page_can_be_parsed(page):
    pattern = r"^(?:python reproduce\.py|lru-tune reproduce) ([^#\n]*)"
    for line in re.findall(pattern, page.read_text(), re.M):
        reproduce.parser().parse_args(line.split())


def test_every_table_and_flag_of_a_reproduction_is_documented():
    page = (ROOT / "docs" / "reproduce.md").read_text()
    rows = re.findall(r"^\| ([\d, ]+) \|", page, re.M)
    assert sorted(int(number) for row in rows for number in row.split(",")) == list(TABLES)
    common = {"--help", "--version", "--data-root", "--runs-root", "--figure"}
    flags = {flag for a in reproduce.parser()._actions for flag in a.option_strings} - {"-h"}
    assert {flag for flag in flags - common if flag not in page} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_links_of_a_page_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
