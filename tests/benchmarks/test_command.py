import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.sections import SECTIONS

ROOT = Path(__file__).resolve().parents[2]
FROM_THE_START = {"step", "epoch", "first-step", "search", "data", "dense", "online", "floors"}


def benchmarks(*arguments):
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_sections_name_modules_that_are_there():
    assert {name for name, s in SECTIONS.items() if find_spec(f"benchmarks.{s.module}")} >= (
        FROM_THE_START
    )


def test_columns_that_are_shown_are_those_of_the_kept_results():
    shown = [(s, r) for s in SECTIONS.values() for r in s.readings if report.read(r.result)]
    for _, reading in shown:
        columns = report.read(reading.result)[0].keys()
        assert {*reading.keys} <= columns
        if reading.where is not None:
            assert reading.where[0] in columns


def test_an_unknown_section_is_refused_with_the_known_ones():
    done = benchmarks("stpe")
    assert done.returncode == 2
    assert "no such section: stpe" in done.stderr
    assert "first-step" in done.stderr


def kept_results() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in report.RESULTS.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_smoke_run_shows_a_line_for_each_section_and_keeps_nothing():
    before = kept_results()
    sections = ("floors", "step", "first-step", "epoch", "dense", "online", "data")
    done = benchmarks(*sections, "--smoke")
    assert done.returncode == 0, done.stderr
    shown = {line.split()[0] for line in done.stdout.splitlines()[1:] if line.strip()}
    assert shown >= set(sections)
    assert kept_results() == before
