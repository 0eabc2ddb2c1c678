"""SearcherAdapter: Ray's view of whatever proposes trials."""

from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from lru_tune.files.run_directory import Mode


class SearcherAdapter(Searcher):
    """Starts trials with the configurations that a function returns.

    The searcher behind the function learns from the journal's events, not from Ray, and Ray saves nothing
    of it.

    Args:
      suggest: returns the next trial's configuration (`lru_tune.search.ray.trial_keys`), None if there is
        none.
      metric, mode: the search's objective.
    """

    def __init__(
        self, suggest: Callable[[], dict[str, Any] | None], metric: str, mode: Mode
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self._suggest = suggest

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """Return the next trial's configuration, None if there is none."""
        return self._suggest()

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Do nothing."""

    def save(self, checkpoint_path: str) -> None:
        """Do nothing."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing."""
