"""The public names of the package: quick to import, complete, typed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lru_tune as lt

ROOT = Path(lt.__file__).parent
HEAVY = {"jax", "ray", "pandas", "numpy", "flax", "optuna", "pydantic", "yaml"}


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, lru_tune; sys.exit(' '.join({HEAVY!r} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_type_checkers_see_the_names_where_they_are_loaded_from():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {(node.module, node.names[0].name, node.names[0].asname) for node in typed.body}
    assert seen == {(module, name, name) for name, module in lt._MODULE_OF.items()}
    assert (ROOT / "py.typed").is_file()


def test_every_name_can_be_used_and_is_listed():
    assert set(lt._MODULE_OF) <= set(dir(lt))
    for name in lt._MODULE_OF:
        assert getattr(lt, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = lt.no_such_name


def test_the_package_is_a_program():
    words = [sys.executable, "-m", "lru_tune", "--version"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == f"lru-tune {lt.__version__}\n"
