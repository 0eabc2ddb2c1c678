"""Warnings of the workers, brought to the user: Ray keeps what a worker prints in files of its own."""

import logging
from pathlib import Path
from typing import Any

from ray import tune

from lru_tune.search.ray.trial_keys import RUN_DIR, WARNINGS

PACKAGE = "lru_tune"

logger = logging.getLogger(__name__)


class Complaints(logging.Handler):
    """Collects the warnings of a worker, to be sent with its next report."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning."""
        self._texts.append(record.getMessage())

    def take(self) -> dict[str, list[str]]:
        """Return the warnings since the last call as an entry of a result; nothing where there are none."""
        taken, self._texts = self._texts, []
        return {WARNINGS: taken} if taken else {}


def listen() -> Complaints:
    """Return a collector of all that this process of a worker will warn of."""
    complaints = Complaints()
    logging.getLogger(PACKAGE).addHandler(complaints)
    return complaints


class Echo(tune.Callback):
    """Says in the driver what workers warn of, the same words once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Say what is new."""
        for text in result.get(WARNINGS, ()):
            if text not in self._said:
                self._said.add(text)
                logger.warning("%s: %s", Path(trial.config[RUN_DIR]).name, text)
