"""What the documentation shows can be typed, and is true of the program."""

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from data_prep import ORIGINS
from data_prep import cli as data
from lru_tune import errors
from lru_tune.cli import tune
from lru_tune.cli.commands import COMMANDS
from lru_tune.cli.reproduce import command as reproduce
from lru_tune.config.config_files import load_run_config
from lru_tune.config.variants import VARIANTS
from lru_tune.errors import LruTuneError
from lru_tune.files.run_directory import Status
from lru_tune.paper.tables import TABLES
from lru_tune.space.domains import DOMAINS
from lru_tune.space.space import SearchSpace
from lru_tune.system.signals import NOBODY_READS
from lru_tune.tasks import TASKS, find_task

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *(ROOT / folder / "README.md" for folder in ("benchmarks", "data_prep", "notebooks")),
    ]
)
# The former's commands need its own changes of the program: test_extending.py types in both. The latter
# tells of earlier versions.
NOT_AS_IT_IS = {ROOT / "docs" / "extending.md", ROOT / "CHANGELOG.md"}
PARSERS = {f"lru-tune {name}": import_module(c.module).parser for name, c in COMMANDS.items()}
PARSERS |= {
    "python -m data_prep": data.parser,
    "python reproduce.py": reproduce.parser,
    "python tune.py": tune.parser,
}
COMMAND = re.compile(rf"(?:^|(?<=&& ))({'|'.join(map(re.escape, PARSERS))})(?= |$)(.*)")
SPACES = (ROOT / "docs" / "search_spaces.md").read_text()


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Program and words of every command on a page, in blocks of code and within sentences."""
    text = page.read_text()
    written = [line.strip() for line in text.splitlines()]
    for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text):
        written.append(" ".join(span.split()))  # a span may go over the end of a line
    for line in written:
        if found := COMMAND.search(line):
            yield found[1], shlex.split(found[2].partition(" > ")[0], comments=True)


COMMANDS_SHOWN = [
    pytest.param(program, words, id=f"{page_id(page)}: {program} {' '.join(words)}")
    for page in PAGES
    if page not in NOT_AS_IT_IS
    for program, words in commands(page)
    if words and not any("..." in word for word in words)
]


def test_commands_are_found_in_blocks_and_in_sentences():
    shown = {(p.values[0], tuple(p.values[1])) for p in COMMANDS_SHOWN}
    assert len(shown) > 45
    assert ("python tune.py", ("--task", "listops", "--quick")) in shown  # behind `&&`
    assert ("lru-tune train", ("--task", "copy", "--test")) in shown  # in a sentence
    assert {program for program, _ in shown} >= {p for p in PARSERS if p.startswith("python ")}


@pytest.mark.parametrize(("program", "words"), COMMANDS_SHOWN)
def test_a_command_can_be_parsed(program, words):
    arguments = PARSERS[program]().parse_args(words)
    for task in (getattr(arguments, "task", None), *getattr(arguments, "tasks", [])):
        if task and not task.isupper():  # TASK stands for any
            find_task(task)
    if getattr(arguments, "variant", None) not in (None, "NAME"):
        assert arguments.variant in VARIANTS
    shipped = (getattr(arguments, name, None) for name in ("config", "space"))
    for path in shipped:
        assert path is None or path.parts[0] != "search_spaces" or (ROOT / path).is_file()
    if program in ("python tune.py", "lru-tune tune") and arguments.task in TASKS:
        SearchSpace.load(
            arguments.task,
            variant=arguments.variant,
            overrides=arguments.overrides,
            scale="quick" if arguments.quick else "full",
        )
    if program == "lru-tune train" and arguments.task in TASKS:
        load_run_config(
            ROOT / "search_spaces" / f"{arguments.task}.yaml", overrides=arguments.overrides
        )


@pytest.mark.parametrize("scale", ["full", "quick"])
def test_the_example_of_a_search_space_is_valid(scale, tmp_path):
    example = tmp_path / "example.yaml"
    example.write_text(re.search(r"```yaml\n(.*?)```", SPACES, re.S)[1])
    assert SearchSpace.load(example, scale=scale).scale == scale


def test_every_domain_and_status_is_documented():
    assert set(re.findall(r"^\| `\{(\w+):", SPACES, re.M)) == set(DOMAINS)
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", glossary, re.M)) == {*Status.__args__, "running"}


def test_every_task_variant_and_origin_is_documented():
    tasks = (ROOT / "docs" / "tasks" / "README.md").read_text()
    assert re.findall(r"^\| \[`([\w-]+)`\]", tasks, re.M) == list(TASKS)
    variants = (ROOT / "docs" / "variants.md").read_text()
    assert set(re.findall(r"^\| `([\w-]+)` \| x_k|^\| `([\w-]+)` \| same", variants, re.M)) == {
        (name, "") if f"| `{name}` | x_k" in variants else ("", name) for name in VARIANTS
    }
    assert {task.origin for task in TASKS.values()} == set(ORIGINS)


def test_every_table_and_flag_of_a_reproduction_is_documented():
    page = (ROOT / "docs" / "reproduce.md").read_text()
    rows = re.findall(r"^\| ([\d, ]+) \|", page, re.M)
    assert sorted(int(number) for row in rows for number in row.split(",")) == list(TABLES)
    common = {"--help", "--version", "--data-root", "--runs-root", "--figure"}
    flags = {flag for a in reproduce.parser()._actions for flag in a.option_strings} - {"-h"}
    assert {flag for flag in flags - common if flag not in page} == set()


def test_every_error_and_exit_code_is_documented():
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.M))
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, LruTuneError) and kind is not LruTuneError
    }
    assert rows == {name: str(kind.exit_code) for name, kind in classes.items()}
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.M)}
    assert codes == {
        0,
        LruTuneError.exit_code,
        NOBODY_READS,
        *(kind.exit_code for kind in classes.values()),
    }


def test_every_environment_variable_is_documented():
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    sources = [*ROOT.glob("lru_tune/**/*.py"), *ROOT.glob("data_prep/*.py")]
    read = {name for file in sources for name in re.findall(r"LRU_TUNE_[A-Z_]+", file.read_text())}
    assert len(read) >= 4
    assert {name for name in read if f"`{name}`" not in page} == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_the_links_of_a_page_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_results_on_the_front_page_are_those_of_the_shipped_search():
    rows = re.findall(r"^\| \d{4}-.*\|$", (ROOT / "README.md").read_text(), re.M)
    assert len(rows) >= 3
    report = (ROOT / "notebooks" / "example" / "listops" / "report.md").read_text().splitlines()
    assert [row for row in rows if row not in report] == []
