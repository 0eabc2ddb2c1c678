import pytest

from lru_tune.config.schema import DataConfig, ModelConfig, RunConfig
from lru_tune.errors import ConfigError
from lru_tune.ops.choice import Size
from lru_tune.training.back_ends import scan_size, settled


def config(task: str = "listops", **changes) -> RunConfig:
    return RunConfig(task=task, steps=1, **changes)


def test_auto_is_settled_before_programs_are_built():
    small = settled(config(data=DataConfig(max_length=64)))
    assert (small.runtime.scan, small.runtime.memory) == ("sequential", "plain")
    assert settled(config()).runtime.scan in ("native", "sequential")  # by whether it can be built
    assert settled(config(runtime={"scan": "chunked"})).runtime.scan == "chunked"


def test_what_does_not_fit_is_trained_in_groups_and_said_once(caplog):
    huge = config("pathx", data=DataConfig(batch_size=512), runtime={"scan": "sequential"})
    assert settled(huge).runtime.memory == "grouped"
    assert settled(huge).runtime.memory == "grouped"
    assert caplog.text.count("runtime.memory: grouped") == 1


def test_nothing_else_of_the_configuration_is_changed():
    runtime = {"scan": "chunked", "memory": "plain", "eval_batch_size": 3}
    before = config(runtime=runtime)
    assert settled(before) == before


@pytest.mark.parametrize("runtime", [{"scan": "pallas"}, {"matmul": "bf16"}])
@pytest.mark.parametrize("variant", [{}, {"model": {"recurrence": {"kind": "dense"}}}])
def test_what_a_cpu_cannot_do_is_refused(runtime, variant):
    with pytest.raises(ConfigError, match="choose runtime"):
        settled(config(runtime=runtime, **variant))


def test_the_scans_size_counts_both_documents_and_what_is_cut_off():
    model, data = ModelConfig(d_hidden=7), DataConfig(batch_size=5)
    assert scan_size(config("aan", model=model, data=data)) == Size(4000, 10, 7)
    cut = DataConfig(batch_size=5, max_length=64)
    assert scan_size(config(model=model, data=cut)) == Size(64, 5, 7)
    recomputed = config(model=model, data=data, runtime={"states": "recomputed"})
    assert scan_size(recomputed) == Size(256, 5, 7)
