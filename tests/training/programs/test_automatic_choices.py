import pytest
from pydantic import ValidationError

from lru_tune.config.schema import DataConfig, ModelConfig, RunConfig
from lru_tune.errors import ConfigError, ResourcesMissing
from lru_tune.ops.autotune.scan_backend import Size
from lru_tune.training.programs import automatic_choices as back_ends
from lru_tune.training.programs.automatic_choices import (
    obstacle_once,
    scan_size,
    sequence_size,
    settled,
)


def config(task: str = "listops", **changes) -> RunConfig:
    return RunConfig(task=task, steps=1, **changes)


def test_auto_is_settled_before_programs_are_built():
    small = settled(config(data=DataConfig(max_length=64), runtime={"block": "jax"}))
    assert (small.runtime.scan, small.runtime.memory) == ("sequential", "plain")
    large = settled(config(runtime={"block": "jax"}))
    assert large.runtime.scan in ("native", "sequential")  # by whether it can be built
    assert settled(config(runtime={"scan": "chunked"})).runtime.scan == "chunked"


@pytest.mark.usefixtures("native")
def test_blocks_are_native_where_nothing_speaks_against_it():
    chosen = settled(config()).runtime
    assert (chosen.block, chosen.scan) == ("native", "native")
    assert settled(config(runtime={"block": "native"})).runtime.block == "native"


MISFITS = [
    {"model": {"norm": "layer"}},
    {"model": {"bidirectional": True}},
    {"model": {"recurrence": {"kind": "dense"}}},
    {"runtime": {"scan": "chunked"}},
    {"model": {"norm": "layer"}, "optim": {"algorithm": "rtrl"}},
]


@pytest.mark.parametrize("changes", MISFITS)
def test_what_native_blocks_are_not_made_for_is_left_to_jax_and_refused_by_name(changes):
    assert settled(config(**changes)).runtime.block == "jax"
    runtime = {**changes.get("runtime", {}), "block": "native"}
    with pytest.raises(ValidationError, match=r"runtime\.block native is not made for"):
        config(**{**changes, "runtime": runtime})


def test_without_a_compiler_auto_is_jax_and_native_is_an_error(monkeypatch, caplog):
    def none() -> None:
        raise ResourcesMissing("no compiler was found")

    caplog.set_level("INFO")
    monkeypatch.setattr(back_ends, "demand_native", none)
    monkeypatch.setattr(back_ends, "native_obstacle", lambda: "no compiler was found")
    obstacle_once.cache_clear()
    assert [settled(config()).runtime.block for _ in range(2)] == ["jax", "jax"]
    assert caplog.text.count("block: jax; native would be faster, but: no compiler") == 1
    with pytest.raises(ResourcesMissing):
        settled(config(runtime={"block": "native"}))
    obstacle_once.cache_clear()


def test_what_does_not_fit_is_trained_in_groups_and_said_once(caplog):
    huge = config("pathx", data=DataConfig(batch_size=512), runtime={"scan": "sequential"})
    assert settled(huge).runtime.memory == "grouped"
    assert settled(huge).runtime.memory == "grouped"
    assert caplog.text.count("runtime.memory: grouped") == 1


def test_nothing_else_of_the_configuration_is_changed():
    runtime = {"block": "jax", "scan": "chunked", "memory": "plain", "eval_batch_size": 3}
    before = config(runtime=runtime)
    assert settled(before) == before


@pytest.mark.parametrize("runtime", [{"scan": "pallas"}, {"matmul": "bf16"}])
@pytest.mark.parametrize("variant", [{}, {"model": {"recurrence": {"kind": "dense"}}}])
def test_what_a_cpu_cannot_do_is_refused(runtime, variant):
    with pytest.raises(ConfigError, match="choose runtime"):
        settled(config(runtime=runtime, **variant))


def on_a_gpu(monkeypatch, layer) -> None:
    monkeypatch.setattr(back_ends.jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(
        back_ends, "choose_once", lambda scan, _: {"auto": "chunked"}.get(scan, scan)
    )
    monkeypatch.setattr(back_ends, "choose_layer_once", layer)


def test_on_a_gpu_recomputed_states_are_measured_against_the_kernel(monkeypatch):
    runtime = {"states": "recomputed", "matmul": "bf16"}
    asked = []

    def kernel(*what) -> str:
        asked.append(what)
        return "fused"

    on_a_gpu(monkeypatch, kernel)
    chosen = settled(config(runtime=runtime)).runtime
    assert (chosen.scan, chosen.states) == ("pallas", "fused")
    assert asked == [(sequence_size(config()), config().model.d_model, "chunked")]


@pytest.mark.parametrize("named", [{"scan": "chunked"}, {"matmul": "tf32"}, {"states": "kept"}])
def test_what_was_named_is_not_measured(named, monkeypatch):
    def never(*_) -> str:
        raise AssertionError("there is nothing to choose")

    on_a_gpu(monkeypatch, never)
    runtime = {"states": "recomputed", "matmul": "bf16"} | named
    assert settled(config(runtime=runtime)).runtime.states == runtime["states"]


def test_a_kernel_that_was_named_scans_by_itself_or_is_refused(monkeypatch):
    fused = config(runtime={"states": "fused", "matmul": "bf16"})
    on_a_gpu(monkeypatch, None)
    assert settled(fused).runtime.scan == "pallas"
    wide = fused.model_copy(update={"model": ModelConfig(d_model=1024)})
    with pytest.raises(ConfigError, match="at most 512 features"):
        settled(wide)


def test_the_scans_size_counts_both_documents_and_what_is_cut_off():
    model, data = ModelConfig(d_hidden=7), DataConfig(batch_size=5)
    assert scan_size(config("aan", model=model, data=data)) == Size(4000, 10, 7)
    cut = DataConfig(batch_size=5, max_length=64)
    assert scan_size(config(model=model, data=cut)) == Size(64, 5, 7)
    recomputed = config(model=model, data=data, runtime={"states": "recomputed"})
    assert scan_size(recomputed) == Size(256, 5, 7)
