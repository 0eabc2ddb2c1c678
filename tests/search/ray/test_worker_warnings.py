"""What a worker warns of is heard by the user, once."""

import logging
from types import SimpleNamespace

from lru_tune.search.ray.trial_keys import RUN_DIR, WARNINGS
from lru_tune.search.ray.worker_warnings import PACKAGE, WarningCollector, WarningLogger


def test_warnings_of_the_package_are_sent_once():
    collector = WarningCollector()
    logger = logging.getLogger(f"{PACKAGE}.training.somewhere")
    logging.getLogger(PACKAGE).addHandler(collector)
    try:
        logger.warning("no %s", "network")
        logger.info("nothing")
    finally:
        logging.getLogger(PACKAGE).removeHandler(collector)
    assert collector.take() == {WARNINGS: ["no network"]}
    assert collector.take() == {}


def test_the_same_words_are_said_once(caplog):
    shown = WarningLogger()
    for name in ("0000-a", "0001-b"):
        trial = SimpleNamespace(config={RUN_DIR: f"/x/{name}"})
        shown.on_trial_result(0, [], trial, {WARNINGS: ["no network"]})
        shown.on_trial_result(1, [], trial, {})
    assert [record.getMessage() for record in caplog.records] == ["0000-a: no network"]
