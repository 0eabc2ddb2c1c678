"""The house keeps its shape: who imports whom."""

import ast
import graphlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
JAX_FREE = (
    "lru_tune.api",
    "lru_tune.cli",
    "lru_tune.config",
    "lru_tune.data",
    "lru_tune.system.signals",
    "lru_tune.paper",
    "lru_tune.plots",
    "lru_tune.reproduction",
    "lru_tune.results",
    "lru_tune.search",
    "data_prep",
)
HEAVY = ("jax", "torch", "tensorflow", "flax", "optax")
ROOMS_OF_DATA_PREP = (
    "lru_tune.data",
    "lru_tune.errors",
    "lru_tune.files",
    "lru_tune.system",
    "lru_tune.tasks",
)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.py"))


def imports(path: Path) -> set[str]:
    """Full names of the modules a file imports anywhere, without relative ones."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_the_contracts_between_the_rooms_hold():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_modules_import_each_other():
    """Over modules, not packages; imports inside functions and for type checking count as well.

    The package itself names what is public, for type checkers, and loads it when it is used.
    """
    graph = grimp.build_graph("lru_tune", "data_prep", cache_dir=None)
    imported = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(imported) > 200
    imported["lru_tune"] = set()
    graphlib.TopologicalSorter(imported).prepare()  # raises CycleError, which names the cycle


def test_the_driver_never_loads_jax():
    """A driver that touches JAX takes most of a GPU's memory, and the first trial dies."""
    modules = sorted(
        found.name
        for room in JAX_FREE
        for found in pkgutil.walk_packages([str(ROOT / room.replace(".", "/"))], f"{room}.")
        if not found.name.endswith("__main__")
    )
    assert {"lru_tune.search.experiment", "lru_tune.cli.tune"} <= set(modules)
    code = (
        f"import importlib, sys\nfor name in {modules!r}:\n    importlib.import_module(name)\n"
        f"sys.exit(' '.join(name for name in {HEAVY!r} if name in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"loaded by the driver: {done.stderr}"


def test_data_prep_knows_only_the_store_and_the_catalogue():
    for path in (ROOT / "data_prep").rglob("*.py"):
        ours = {name for name in imports(path) if name.split(".")[0] == "lru_tune"}
        strangers = {name for name in ours if not name.startswith(ROOMS_OF_DATA_PREP)}
        assert not strangers - {"lru_tune"}, f"{path.name} imports {sorted(strangers)}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_know_only_the_results_and_their_plots(path):
    ours = {name for name in imports(path) if name.split(".")[0] in ("lru_tune", "data_prep")}
    rooms = ("lru_tune.results", "lru_tune.plots")
    assert {
        name for name in ours if not f"{name}.".startswith(tuple(f"{r}." for r in rooms))
    } == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_need_nothing_but_tables_and_statistics(path):
    roots = {name.split(".")[0] for name in imports(path)} - sys.stdlib_module_names
    assert roots <= {"lru_tune", "matplotlib", "numpy", "pandas", "scipy"}


@pytest.mark.parametrize(
    ("room", "strangers"),
    [
        ("lru_tune.results", ("jax", "ray", "optuna", "matplotlib")),
        ("lru_tune.plots", ("jax", "ray", "matplotlib")),
        ("lru_tune.plots.page", ("jax", "ray", "matplotlib")),
    ],
)
def test_reading_results_loads_neither_engine_nor_pictures(room, strangers):
    code = (
        f"import sys, {room}\nsys.exit(' '.join(n for n in {strangers!r} if n in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_doors_are_thin():
    doors = sorted(ROOT.glob("*.py"))
    assert ROOT / "tune.py" in doors
    for door in doors:
        assert len(door.read_text().splitlines()) < 10, door.name
