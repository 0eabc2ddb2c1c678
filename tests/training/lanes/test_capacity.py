import pytest

from lru_tune.data.store import open_task
from lru_tune.training.lanes import capacity as lane_memory
from lru_tune.training.lanes.capacity import fitting_lanes, lanes_in, training_bytes
from lru_tune.training.lanes.lane_run import LaneData


def test_the_memory_of_two_lanes_says_how_many_fit():
    assert lanes_in(room=100, one=30, two=40, most=64) == 8
    assert lanes_in(room=100, one=30, two=40, most=5) == 5
    assert lanes_in(room=10, one=30, two=40, most=64) == 1
    assert lanes_in(room=100, one=30, two=30, most=64) == 64  # the first lane's room serves for all


@pytest.mark.slow
def test_what_is_said_to_fit_is_what_the_compiler_asks_for(config, twins, monkeypatch):
    # Blocks as on a GPU, where lanes are counted; those of C++ are taken lane by lane, in shared memory.
    runtime = config.runtime.model_copy(update={"block": "jax"})
    config = config.with_length(256).model_copy(update={"runtime": runtime})
    data = LaneData.load(config, open_task("copy", twins))
    one, two, eight = (training_bytes(config, data, lanes) for lanes in (1, 2, 8))
    assert one < two < eight
    # The compiler shares buffers as it likes; the estimate is to be within the part kept back.
    assert one + 7 * (two - one) == pytest.approx(eight, rel=1 - lane_memory.USABLE)
    room = int(eight / lane_memory.USABLE)
    monkeypatch.setattr(lane_memory, "free_memory", lambda _: room)
    assert fitting_lanes(config, twins, most=64) == pytest.approx(8, abs=2)
    monkeypatch.setattr(lane_memory, "free_memory", lambda _: None)
    assert fitting_lanes(config, twins, most=5) == 5
