import pytest

from lru_tune.errors import ConfigError, ResourcesMissing
from lru_tune.search.plan import make_plan
from lru_tune.search.ray.resources import (
    MOST_LANES,
    Allocation,
    Machine,
    ResourceRequest,
    allocate,
    allocate_lanes,
)
from lru_tune.space.settings import TrialResources

SPACE = TrialResources(gpus=1, cpus=4)


@pytest.mark.parametrize(
    ("machine", "requested", "expected"),
    [
        (Machine(2, 0), ResourceRequest(), Allocation(0, 1, 2)),
        (Machine(16, 1), ResourceRequest(), Allocation(1, 4, 1)),
        (Machine(16, 8), ResourceRequest(), Allocation(1, 2, 8)),
        (Machine(4, 8), ResourceRequest(), Allocation(1, 1, 4)),
        (Machine(16, 2), ResourceRequest(gpus_per_trial=0.3), Allocation(0.3, 2, 6)),
        (Machine(16, 1), ResourceRequest(gpus_per_trial=0.1), Allocation(0.1, 1, 10)),
        (Machine(16, 1), ResourceRequest(gpus_per_trial=0), Allocation(0, 1, 16)),
        (Machine(8, 0), ResourceRequest(cpus_per_trial=3), Allocation(0, 3, 2)),
        (Machine(8, 0), ResourceRequest(max_concurrent=3), Allocation(0, 1, 3)),
        (Machine(2, 0), ResourceRequest(max_concurrent=9), Allocation(0, 1, 2)),
    ],
)
def test_a_machine_is_divided_without_idle_gpus(machine, requested, expected):
    assert allocate(machine, SPACE, requested) == expected


@pytest.mark.parametrize(
    ("machine", "requested"),
    [
        (Machine(2, 0), ResourceRequest(gpus_per_trial=1)),
        (Machine(2, 1), ResourceRequest(gpus_per_trial=2)),
        (Machine(2, 0), ResourceRequest(cpus_per_trial=3)),
    ],
)
def test_what_is_not_there_is_named(machine, requested):
    with pytest.raises(ResourcesMissing) as caught:
        allocate(machine, SPACE, requested)
    assert caught.value.code == "search.trial-too-large"
    assert caught.value.problems[0].values["machine"] == str(machine)


@pytest.mark.parametrize(
    ("requested", "key"),
    [
        (ResourceRequest(gpus_per_trial=-1), "--gpus-per-trial"),
        (ResourceRequest(gpus_per_trial=1.5), "--gpus-per-trial"),
        (ResourceRequest(cpus_per_trial=0), "--cpus-per-trial"),
        (ResourceRequest(max_concurrent=0), "--max-concurrent"),
    ],
)
def test_an_invalid_request_is_an_error_of_its_flag(requested, key):
    with pytest.raises(ConfigError) as caught:
        allocate(Machine(8, 4), SPACE, requested)
    assert [problem.key for problem in caught.value.problems] == [key]


SMALL = TrialResources(gpus=0.25, cpus=2)
MOST = MOST_LANES


@pytest.mark.parametrize(
    ("machine", "settings", "requested", "expected"),
    [
        # A trial that is alone on its device, and a device that needs none.
        (Machine(2, 0), SMALL, ResourceRequest(), Allocation(0, 1, 2)),
        (Machine(16, 1), SPACE, ResourceRequest(), Allocation(1, 4, 1)),
        (Machine(16, 1), SMALL, ResourceRequest(gpus_per_trial=0.5), Allocation(0.5, 2, 2)),
        (Machine(16, 1), SMALL, ResourceRequest(lanes=1), Allocation(0.25, 2, 4)),
        # Trials that leave a GPU idle share it, as many as its memory holds.
        (Machine(16, 1), SMALL, ResourceRequest(), Allocation(1, 2, MOST, 1, MOST, "memory")),
        (Machine(16, 4), SMALL, ResourceRequest(), Allocation(1, 2, 4 * MOST, 4, MOST, "memory")),
        # A number is taken at its word.
        (Machine(16, 2), SPACE, ResourceRequest(lanes=8), Allocation(1, 4, 16, 2, 8)),
        (Machine(2, 0), SMALL, ResourceRequest(lanes=4), Allocation(0, 1, 8, 2, 4)),
        (
            Machine(2, 0),
            SMALL,
            ResourceRequest(lanes=4, max_concurrent=4),
            Allocation(0, 1, 4, 1, 4),
        ),
        (
            Machine(2, 0),
            SMALL,
            ResourceRequest(lanes=4, max_concurrent=5),
            Allocation(0, 1, 5, 2, 4),
        ),
    ],
)
def test_lanes_are_made_where_they_pay_or_are_asked_for(machine, settings, requested, expected):
    assert allocate_lanes(machine, settings, requested, worth=10**6) == expected


def test_the_lanes_of_a_space_are_those_of_its_trials():
    settings = TrialResources(gpus=1, cpus=1, lanes=3)
    assert allocate_lanes(Machine(8, 1), settings, ResourceRequest(), worth=2) == Allocation(
        1, 1, 3, 1, 3
    )


def test_less_than_one_lane_is_an_error():
    with pytest.raises(ConfigError) as caught:
        allocate_lanes(Machine(8, 0), SPACE, ResourceRequest(lanes=0), worth=2)
    assert (caught.value.code, caught.value.problems[0].key) == ("search.bad-count", "--lanes")


@pytest.mark.parametrize(
    ("machine", "worth", "expected"),
    [
        (Machine(16, 1), 8, Allocation(1, 2, 8, 1, 8, "memory")),
        (Machine(16, 2), 8, Allocation(0.25, 2, 8)),  # eight beside each other, as without lanes
        (Machine(16, 2), 12, Allocation(1, 2, 12, 2, 6, "memory")),
        (Machine(16, 1), 1, Allocation(0.25, 2, 4)),
    ],
)
def test_there_are_no_more_lanes_than_trials_worth_training_at_once(machine, worth, expected):
    assert allocate_lanes(machine, SMALL, ResourceRequest(), worth=worth) == expected


def test_a_search_still_learns_from_the_trials_before(make_space):
    space = make_space(tune__trials=32, tune__resources={"gpus": 0.25, "cpus": 2})
    plan = make_plan(space, Machine(16, 1), ResourceRequest(), train_examples=100)
    assert plan.allocation == Allocation(1, 2, 8, 1, 8, "memory")
