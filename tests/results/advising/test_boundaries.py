import pytest

from lru_tune.results import load_runs, ranked
from lru_tune.results.advising.boundaries import pressed_bounds, widened
from lru_tune.space.domains import (
    DOMAINS,
    LogRandInt,
    LogUniform,
    OneMinusLogUniform,
    QUniform,
    RandInt,
    Range,
    Uniform,
    parse_domain,
)

RATE = {"optim.learning_rate": {"loguniform": [1e-4, 1e-2]}}
INTERVALS = (
    Uniform(0.0, 0.3),
    LogUniform(1e-4, 1e-2),
    OneMinusLogUniform(1e-3, 1e-1),
    QUniform(0.0, 0.3, 0.1),
    RandInt(2, 8),
    LogRandInt(4, 64),
)


@pytest.fixture
def order_of(empty_experiment, write_run):
    """Make an experiment whose trial i has the i-th value of a field, the last ones the best."""

    def make(field, values):
        folder = empty_experiment()
        for i, value in enumerate(values):
            config = {field: value}
            write_run(folder / "trials" / f"{i:04d}", accuracies=(0.1 + i / 100,), config=config)
        return ranked(load_runs(folder))

    return make


def test_the_best_at_the_upper_end_suggest_a_wider_interval(order_of):
    rates = [1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 9e-3, 9.5e-3, 9.9e-3]
    (alarm,) = pressed_bounds(RATE, order_of("optim.learning_rate", rates))
    assert (alarm.field, alarm.end, alarm.bound) == ("optim.learning_rate", "upper", 1e-2)
    assert alarm.suggestion == "{loguniform: [0.0001, 0.1]}"  # half of two decades more


def test_the_best_in_the_middle_raise_no_alarm(order_of):
    rates = [1e-4, 2e-4, 9e-3, 9.9e-3, 2e-3, 1e-3, 1.1e-3, 9e-4]
    assert pressed_bounds(RATE, order_of("optim.learning_rate", rates)) == []


def test_few_trials_raise_no_alarm(order_of):
    assert pressed_bounds(RATE, order_of("optim.learning_rate", [9e-3] * 7)) == []


def test_an_end_set_by_the_schema_raises_no_alarm(order_of):
    search = {"model.dropout": {"uniform": [0.0, 0.3]}}
    assert pressed_bounds(search, order_of("model.dropout", [0.0] * 8)) == []


def test_a_mirrored_interval_names_the_end_in_real_values(order_of):
    search = {"model.recurrence.r_max": {"one_minus_loguniform": [1e-3, 1e-1]}}
    (alarm,) = pressed_bounds(search, order_of("model.recurrence.r_max", [0.9989] * 8))
    assert (alarm.end, alarm.bound) == ("upper", pytest.approx(0.999))
    assert alarm.suggestion == "{one_minus_loguniform: [0.0001, 0.1]}"


@pytest.mark.parametrize("end", ["lower", "upper"])
@pytest.mark.parametrize("domain", INTERVALS, ids=lambda domain: domain.kind)
def test_every_kind_of_interval_widens_into_one_that_holds_it(domain, end):
    wider = widened(domain, end)
    assert parse_domain(wider.to_mapping()) == wider
    (low, high), (wider_low, wider_high) = domain.bounds, wider.bounds
    fixed, moved = ((high, wider_high), (wider_low, low))
    if end == "upper":
        fixed, moved = ((low, wider_low), (high, wider_high))
    assert fixed[0] == fixed[1]
    assert moved[0] < moved[1]


def test_a_stepped_interval_gains_whole_steps():
    assert widened(QUniform(0.1, 0.4, 0.1), "upper").high == pytest.approx(0.6)


def test_no_interval_reaches_where_its_scale_ends():
    assert widened(LogRandInt(1, 8), "lower") is None


def test_every_interval_is_tried():
    kinds = {kind for kind, domain in DOMAINS.items() if issubclass(domain, Range)}
    assert {domain.kind for domain in INTERVALS} == kinds
