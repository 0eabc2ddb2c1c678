import pytest

from lru_tune.errors import ConfigError, ResourcesMissing
from lru_tune.search.resources import Allotment, Machine, Wishes, allot
from lru_tune.search.settings import TrialResources

SPACE = TrialResources(gpus=1, cpus=4)


@pytest.mark.parametrize(
    ("machine", "wishes", "expected"),
    [
        (Machine(2, 0), Wishes(), Allotment(0, 1, 2)),
        (Machine(16, 1), Wishes(), Allotment(1, 4, 1)),
        (Machine(16, 8), Wishes(), Allotment(1, 2, 8)),
        (Machine(4, 8), Wishes(), Allotment(1, 1, 4)),
        (Machine(16, 2), Wishes(gpus_per_trial=0.3), Allotment(0.3, 2, 6)),
        (Machine(16, 1), Wishes(gpus_per_trial=0.1), Allotment(0.1, 1, 10)),
        (Machine(16, 1), Wishes(gpus_per_trial=0), Allotment(0, 1, 16)),
        (Machine(8, 0), Wishes(cpus_per_trial=3), Allotment(0, 3, 2)),
        (Machine(8, 0), Wishes(max_concurrent=3), Allotment(0, 1, 3)),
        (Machine(2, 0), Wishes(max_concurrent=9), Allotment(0, 1, 2)),
    ],
)
def test_a_machine_is_divided_without_idle_gpus(machine, wishes, expected):
    assert allot(machine, SPACE, wishes) == expected


@pytest.mark.parametrize(
    ("machine", "wishes"),
    [
        (Machine(2, 0), Wishes(gpus_per_trial=1)),
        (Machine(2, 1), Wishes(gpus_per_trial=2)),
        (Machine(2, 0), Wishes(cpus_per_trial=3)),
    ],
)
def test_what_is_not_there_is_named(machine, wishes):
    with pytest.raises(ResourcesMissing, match="the machine has 2 CPU cores and"):
        allot(machine, SPACE, wishes)


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(gpus_per_trial=-1),
        Wishes(gpus_per_trial=1.5),
        Wishes(cpus_per_trial=0),
        Wishes(max_concurrent=0),
    ],
)
def test_wishes_that_make_no_sense_are_errors(wishes):
    with pytest.raises(ConfigError, match="must be"):
        allot(Machine(8, 4), SPACE, wishes)
