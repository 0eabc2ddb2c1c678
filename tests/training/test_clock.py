"""Compiling counts once, and is no part of training."""

import time
from contextlib import ExitStack

import jax
import jax.numpy as jnp
import pytest

from lru_tune.training.clock import COMPILING, Clock, Compilations, Interval
from lru_tune.training.programs.executable_cache import LOADING


def test_what_lies_within_another_counts_once():
    heard = Compilations()
    for interval in ((0, 1), (1, 3), (5, 6), (6, 7), (4.5, 8), (8, 9)):
        heard.count(Interval(*interval))
    assert heard.seconds == pytest.approx(1 + 2 + 3.5 + 1)


def test_ends_that_touch_a_little_late_are_not_taken_for_parts():
    heard = Compilations()
    heard.count(Interval(0, 1.00001))
    heard.count(Interval(1, 2))
    assert heard.seconds == pytest.approx(2, abs=1e-4)


def test_other_events_are_not_heard():
    heard = Compilations()
    heard.on_duration("/jax/something/else", 5.0)
    assert heard.seconds == 0
    heard.on_duration(f"{COMPILING}backend_compile_duration", 2.0, fun_name="f")
    assert heard.seconds == pytest.approx(2.0)


def test_loading_a_compiled_program_counts_as_compiling():
    heard = Compilations()
    heard.on_duration(LOADING, 2.0)
    assert heard.seconds == pytest.approx(2.0)


def test_the_first_call_of_a_program_compiles_and_the_second_does_not():
    clock = Clock({"train_seconds": 10.0})

    @jax.jit
    def program(x):
        for _ in range(30):
            x = jnp.sin(x) @ x
        return x

    x = jnp.ones((8, 8))
    begun = time.monotonic()
    with clock.counting("train_seconds"):
        program(x).block_until_ready()
    first, whole = clock.seconds(), time.monotonic() - begun
    assert 0 < first["compile_seconds"] < whole
    assert first["train_seconds"] - 10 + first["compile_seconds"] == pytest.approx(whole, abs=0.05)
    with clock.counting("eval_seconds"):
        program(x).block_until_ready()
    second = clock.seconds()
    assert second["compile_seconds"] == first["compile_seconds"]
    assert second["train_seconds"] == first["train_seconds"]
    assert second["eval_seconds"] > 0


def test_of_what_several_runs_do_together_each_counts_its_part():
    clocks = [Clock() for _ in range(4)]
    begun = time.monotonic()
    with ExitStack() as counting:
        for clock in clocks:
            counting.enter_context(clock.counting("train_seconds", among=4))
        time.sleep(0.2)
    whole = time.monotonic() - begun
    assert sum(sum(clock.seconds().values()) for clock in clocks) == pytest.approx(whole, abs=0.05)
