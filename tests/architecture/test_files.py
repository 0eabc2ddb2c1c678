"""Files stay small, named after what they hold, and documented."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("lru_tune", "data_prep")
FOLDERS = (*PACKAGES, "tests", "benchmarks", "notebooks")
MOST_LINES = 400
MOST_FILES = 12
EMPTY_NAMES = {"utils", "util", "common", "helpers", "helper", "misc", "base", "core"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def public_functions(path: Path) -> Iterator[Function]:
    """Functions and methods that others may call; nested ones and overloads are not."""
    tree = ast.parse(path.read_text())
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
    for owner in (tree, *classes):
        for node in owner.body:
            if isinstance(node, Function) and not node.name.startswith("_"):
                yield node


def arguments(function: Function) -> list[ast.arg]:
    args = function.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return [arg for arg in every if arg is not None and arg.arg not in ("self", "cls")]


@pytest.mark.parametrize("path", python_files(*FOLDERS), ids=name_of)
def test_no_file_is_long_or_called_after_nothing(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES
    assert path.stem not in EMPTY_NAMES


@pytest.mark.parametrize("path", python_files(*PACKAGES), ids=name_of)
def test_public_functions_say_what_they_do_and_take(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the module has no docstring"
    for function in public_functions(path):
        where = f"{name_of(path)}:{function.lineno} {function.name}"
        assert ast.get_docstring(function), f"{where}: no docstring"
        assert function.returns is not None, f"{where}: no annotation of what it returns"
        bare = [arg.arg for arg in arguments(function) if arg.annotation is None]
        assert not bare, f"{where}: no annotation of {bare}"


@pytest.mark.parametrize(
    "path",
    [*sorted(ROOT.glob("search_spaces/*.yaml")), ROOT / ".pre-commit-config.yaml"],
    ids=name_of,
)
def test_every_yaml_file_is_a_mapping(path):
    assert isinstance(yaml.safe_load(path.read_text()), dict)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_folder_holds_about_a_dozen_files(package):
    counts = Counter(path.parent for path in python_files(package) if path.name != "__init__.py")
    assert {str(f.relative_to(ROOT)): n for f, n in counts.items() if n > MOST_FILES} == {}
