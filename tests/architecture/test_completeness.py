"""A task that is in the catalogue has everything else as well."""

from pathlib import Path

import pytest
import yaml

from data_prep import ORIGINS
from lru_tune.config.config_files import load_run_config
from lru_tune.config.variants import VARIANTS
from lru_tune.files.paths import search_space_file
from lru_tune.space.space import SearchSpace
from lru_tune.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "search_spaces" / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_search_space_with_a_quick_block(task):
    space = yaml.safe_load(search_space_file(task).read_text())
    assert space["task"] == task
    assert space["variant"] in VARIANTS
    assert space["search"]
    assert space["quick"]


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_module_that_prepares_it(task):
    assert TASKS[task].origin in ORIGINS


def test_every_search_space_belongs_to_a_task():
    assert {path.stem for path in (ROOT / "search_spaces").glob("*.yaml")} == set(TASKS)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_a_run_and_a_search_space_without_dimensions(recipe):
    config = load_run_config(recipe)
    assert recipe.stem.startswith(f"{config.task}-")
    space = SearchSpace.load(recipe)
    assert not space.domains
    assert space.realise({}) == config


def test_no_alias_hides_another_name():
    names = [name for task in TASKS.values() for name in (task.name, *task.aliases)]
    assert len(names) == len(set(names))
