"""How `auto` chooses, with clocks that say what they are told."""

import json
import logging
import threading
from functools import partial

import jax.numpy as jnp
import pytest

from lru_tune.errors import ConfigError, ResourcesMissing
from lru_tune.ops.autotune.measure import Size, measure, seconds
from lru_tune.ops.autotune.scan_backend import fastest, resolve_scan, resolve_scan_on_cpu
from lru_tune.ops.scan.linear_scan import SCAN_BACKENDS, ScanBackend, adjoint, sequential_scan

SIZE = Size(9, 2, 3)


def broken(*_):
    raise NotImplementedError("no such instruction\nand a long dump")


def scaled(factor, decay, drive, reverse):
    return factor * sequential_scan(decay, drive, reverse)


def backend(scan=sequential_scan) -> ScanBackend:
    return ScanBackend(scan, partial(adjoint, scan))


class Clock:
    """Says the given seconds, one after the other, and counts how often it was asked."""

    def __init__(self, *answers: float) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, call) -> float:
        call()
        self.asked += 1
        return self.answers.pop(0)


def choose(candidates, folder, *answers, size=SIZE, device="toy"):
    clock = Clock(*answers)
    return fastest(candidates, size, folder, device=device, clock=clock), clock.asked


def test_the_fastest_is_taken_and_the_log_says_by_how_much(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    candidates = {name: SCAN_BACKENDS[name] for name in ("chunked", "associative", "sequential")}
    assert choose(candidates, tmp_path, 2e-3, 3e-3, 1e-3)[0] == "sequential"
    assert "sequential takes 1 ms, chunked 2.0 times as long, associative 3.0" in caplog.text


def test_one_that_does_not_run_is_left_out_with_its_reason(tmp_path, caplog):
    candidates = {"good": backend(), "broken": backend(broken)}
    assert choose(candidates, tmp_path, 1.0) == ("good", 1)
    assert "broken is left out, it does not run here: no such instruction" in caplog.text


def test_one_that_this_process_may_not_use_is_left_out(tmp_path, caplog):
    candidates = {"good": backend(), "pallas": SCAN_BACKENDS["pallas"]}
    assert choose(candidates, tmp_path, 1.0) == ("good", 1)
    assert "pallas is left out" in caplog.text


@pytest.mark.parametrize("factor", [1.01, float("nan")])
def test_one_that_gives_other_numbers_is_left_out_however_fast(factor, tmp_path, caplog):
    candidates = {"good": backend(), "wrong": backend(partial(scaled, factor))}
    assert choose(candidates, tmp_path, 1.0) == ("good", 1)
    assert "wrong is left out, its numbers deviate by" in caplog.text


def test_where_the_first_does_not_run_the_next_one_is_the_measure(tmp_path):
    candidates = {"broken": backend(broken), "good": backend(), "also": backend()}
    assert choose(candidates, tmp_path, 2.0, 1.0) == ("also", 2)


def test_none_that_runs_is_an_error():
    with pytest.raises(ResourcesMissing) as error:
        measure({"broken": backend(broken)}, SIZE)
    assert error.value.code == "ops.no-scan-runs"


def test_a_measurement_holds_for_its_device_candidates_and_size_up_to_a_power_of_two(tmp_path):
    two = {"a": backend(), "b": backend()}
    assert choose(two, tmp_path, 1.0, 2.0) == ("a", 2)
    assert choose(two, tmp_path, size=Size(16, 2, 4)) == ("a", 0)
    assert choose(two, tmp_path, 2.0, 1.0, size=Size(17, 2, 4)) == ("b", 2)
    assert choose(two, tmp_path, 2.0, 1.0, device="other") == ("b", 2)
    assert choose({**two, "c": backend()}, tmp_path, 3.0, 2.0, 1.0) == ("c", 3)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"seconds": 3}'])
def test_a_damaged_measurement_is_made_again(content, tmp_path, caplog):
    choose({"a": backend()}, tmp_path, 1.0)
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    assert choose({"a": backend()}, tmp_path, 2.0) == ("a", 1)
    assert json.loads(file.read_text())["seconds"] == {"a": 2.0}
    assert "cannot be read" in caplog.text


def test_processes_that_measure_at_once_leave_whole_files(tmp_path):
    threads = [
        threading.Thread(
            target=choose, args=({"a": backend()}, tmp_path, 1.0), kwargs={"size": size}
        )
        for size in (Size(4, 1, 2), Size(8, 1, 2))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(json.loads(file.read_text())["seconds"] for file in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 2


def test_the_real_clock_counts_whole_calls():
    assert 0 < seconds(lambda: (jnp.zeros(1),) * 3) < 10


def test_a_cpu_takes_the_native_scan_where_it_pays_and_can_be_built(caplog):
    caplog.set_level("INFO")
    large, small = Size(2048, 8, 256), Size(2048, 8, 127)

    def never() -> str:
        raise AssertionError("a small scan is not worth building anything")

    assert resolve_scan_on_cpu(small, never) == "sequential"
    assert resolve_scan_on_cpu(large, lambda: None) == "native"
    assert resolve_scan_on_cpu(large, lambda: "no compiler was found") == "sequential"
    assert "no compiler was found" in caplog.text


def test_a_cpu_takes_its_table_and_keeps_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    assert resolve_scan("auto", SIZE) == "sequential"
    assert resolve_scan("chunked", SIZE) == "chunked"
    assert not list(tmp_path.iterdir())


def test_a_named_one_that_does_not_run_here_is_never_replaced():
    with pytest.raises(ConfigError) as caught:
        resolve_scan("pallas", SIZE)
    assert caught.value.code == "ops.pallas-needs-gpu"
