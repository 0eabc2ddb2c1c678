"""What keeps a reproduction from being comparable is said, and kept apart on disk."""

import pytest

from lru_tune.reproduction.scale import Setting

REDUCED = {
    "QUICK": Setting(scale="quick"),
    "SCALED": Setting(scale=0.02),
    "SYNTHETIC": Setting(synthetic=True),
    "CHANGED": Setting(overrides=("steps=10",)),
}


def test_the_papers_own_setting_has_no_label_and_no_suffix():
    assert Setting().labels == ()
    assert Setting().suffix == ""


def test_other_learning_rates_are_the_papers_setting():
    """It kept its own to itself."""
    assert Setting(rates=(1e-3,)).labels == ()


@pytest.mark.parametrize("word", REDUCED)
def test_every_reduction_is_labelled(word):
    assert [label.partition(":")[0] for label in REDUCED[word].labels] == [word]


def test_every_setting_has_a_folder_of_its_own():
    settings = [Setting(), *REDUCED.values(), Setting(overrides=("steps=11",)), Setting(scale=0.1)]
    settings.append(Setting(rates=(1e-3,)))
    settings.append(Setting(scale="quick", synthetic=True))
    suffixes = [setting.suffix for setting in settings]
    assert len(set(suffixes)) == len(suffixes)
    assert suffixes[1:4] == ["-quick", "-scale0.02", "-synthetic"]
