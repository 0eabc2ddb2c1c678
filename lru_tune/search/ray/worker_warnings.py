"""Shows the warnings of workers to the user; Ray writes the output of workers to files of its own."""

import logging
from pathlib import Path
from typing import Any

from ray import tune

from lru_tune.search.ray.trial_keys import RUN_DIR, WARNINGS

PACKAGE = "lru_tune"

logger = logging.getLogger(__name__)


class WarningCollector(logging.Handler):
    """Collects the warnings of a worker, which sends them with its next report."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Collect a warning."""
        self._texts.append(record.getMessage())

    def take(self) -> dict[str, list[str]]:
        """Return the warnings since the last call as an entry of a result, {} if there are none."""
        taken, self._texts = self._texts, []
        return {WARNINGS: taken} if taken else {}


def collect_warnings() -> WarningCollector:
    """Return a collector of all later warnings of this process."""
    collector = WarningCollector()
    logging.getLogger(PACKAGE).addHandler(collector)
    return collector


class WarningLogger(tune.Callback):
    """Logs the warnings of workers in the driver, each text once."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Log new warnings."""
        for text in result.get(WARNINGS, ()):
            if text not in self._logged:
                self._logged.add(text)
                logger.warning("%s: %s", Path(trial.config[RUN_DIR]).name, text)
