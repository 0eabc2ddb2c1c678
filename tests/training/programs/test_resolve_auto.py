import jax
import pytest
from pydantic import ValidationError

from lru_tune.config.schema import DataConfig, ModelConfig, RunConfig
from lru_tune.errors import ConfigError, ResourcesMissing
from lru_tune.ops.autotune.measure import Size
from lru_tune.ops.states import ComputeMethod
from lru_tune.training.programs import resolve_auto as module
from lru_tune.training.programs.resolve_auto import compute_method, resolve_auto, scan_size


def config(task: str = "listops", **changes) -> RunConfig:
    return RunConfig(task=task, steps=1, **changes)


def test_auto_is_resolved_by_size():
    small = resolve_auto(config(data=DataConfig(max_length=64), runtime={"block": "jax"}))
    assert (small.runtime.scan, small.runtime.memory) == ("sequential", "plain")
    large = resolve_auto(config(runtime={"block": "jax"}))
    assert large.runtime.scan in ("native", "sequential")  # by whether it can be built
    assert resolve_auto(config(runtime={"scan": "chunked"})).runtime.scan == "chunked"


@pytest.mark.usefixtures("native")
def test_blocks_are_native_where_nothing_speaks_against_it():
    chosen = resolve_auto(config()).runtime
    assert (chosen.block, chosen.scan) == ("native", "native")
    assert resolve_auto(config(runtime={"block": "native"})).runtime.block == "native"


MISFITS = [
    {"model": {"norm": "layer"}},
    {"model": {"bidirectional": True}},
    {"model": {"recurrence": {"kind": "dense"}}},
    {"runtime": {"scan": "chunked"}},
    {"model": {"norm": "layer"}, "optim": {"algorithm": "rtrl"}},
]


@pytest.mark.parametrize("changes", MISFITS)
def test_what_native_blocks_are_not_made_for_is_left_to_jax_and_refused_by_name(changes):
    assert resolve_auto(config(**changes)).runtime.block == "jax"
    runtime = {**changes.get("runtime", {}), "block": "native"}
    with pytest.raises(ValidationError, match="native"):
        config(**{**changes, "runtime": runtime})


def test_without_a_compiler_auto_is_jax_and_native_is_an_error(monkeypatch, caplog):
    def none() -> None:
        raise ResourcesMissing("ops.no-compiler", sought="g++")

    caplog.set_level("INFO")
    monkeypatch.setattr(module, "require_native", none)
    monkeypatch.setattr(module, "native_obstacle", lambda: "no compiler was found")
    module._native_obstacle.cache_clear()
    assert [resolve_auto(config()).runtime.block for _ in range(2)] == ["jax", "jax"]
    assert caplog.text.count("block: jax; native would be faster, but: no compiler") == 1
    with pytest.raises(ResourcesMissing):
        resolve_auto(config(runtime={"block": "native"}))
    module._native_obstacle.cache_clear()


def test_what_does_not_fit_is_trained_in_groups_and_said_once(caplog):
    huge = config("pathx", data=DataConfig(batch_size=512), runtime={"scan": "sequential"})
    assert resolve_auto(huge).runtime.memory == "grouped"
    assert resolve_auto(huge).runtime.memory == "grouped"
    assert caplog.text.count("runtime.memory: grouped") == 1


def test_nothing_else_of_the_configuration_is_changed():
    runtime = {"block": "jax", "scan": "chunked", "memory": "plain", "eval_batch_size": 3}
    before = config(runtime=runtime)
    assert resolve_auto(before) == before


@pytest.mark.parametrize("runtime", [{"scan": "pallas"}, {"matmul": "bf16"}])
@pytest.mark.parametrize("variant", [{}, {"model": {"recurrence": {"kind": "dense"}}}])
def test_what_a_cpu_cannot_do_is_refused(runtime, variant):
    with pytest.raises(ConfigError) as error:
        resolve_auto(config(runtime=runtime, **variant))
    assert error.value.code in ("ops.pallas-needs-gpu", "ops.matmul-needs-gpu")


def test_the_pallas_scan_is_said_to_be_experimental_once(monkeypatch, caplog):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    runtime = {"scan": "pallas", "block": "jax", "memory": "plain"}
    for _ in range(2):
        assert resolve_auto(config(runtime=runtime)).runtime.scan == "pallas"
    assert caplog.text.count("pallas is experimental") == 1


METHODS = [
    ({}, ComputeMethod()),
    (
        {"runtime": {"scan": "chunked", "states": "recomputed"}},
        ComputeMethod("recomputed", "chunked"),
    ),
    ({"runtime": {"memory": "grouped"}}, ComputeMethod(groups=4)),
    ({"runtime": {"block": "native"}}, ComputeMethod(native="values")),
    ({"runtime": {"block": "native", "memory": "grouped"}}, ComputeMethod(native="entering")),
    (
        {"runtime": {"block": "native", "states": "recomputed"}},
        ComputeMethod("recomputed", native="entering"),
    ),
    (
        {
            "optim": {"algorithm": "rtrl"},
            "model": {"norm": "layer"},
            "runtime": {"rtrl_sums": "adjoint"},
        },
        ComputeMethod("online", online_sums="adjoint"),
    ),
]


@pytest.mark.parametrize(("changes", "method"), METHODS)
def test_the_method_is_that_of_the_runtime(changes, method):
    assert compute_method(config(**changes)) == method


def test_the_scans_size_counts_both_documents_and_what_is_cut_off():
    model, data = ModelConfig(d_hidden=7), DataConfig(batch_size=5)
    assert scan_size(config("aan", model=model, data=data)) == Size(4000, 10, 7)
    cut = DataConfig(batch_size=5, max_length=64)
    assert scan_size(config(model=model, data=cut)) == Size(64, 5, 7)
    recomputed = config(model=model, data=data, runtime={"states": "recomputed"})
    assert scan_size(recomputed) == Size(256, 5, 7)
