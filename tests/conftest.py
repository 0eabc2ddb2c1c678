"""Fixtures shared by all tests."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Read by jax when a test imports it: shapes that only agree by broadcasting ranks are mistakes.
os.environ.setdefault("JAX_NUMPY_RANK_PROMOTION", "raise")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag that accepts a wanted change of the files in tests/golden."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden again")


def pytest_configure(config: pytest.Config) -> None:
    """Hear Ctrl-C: a shell that starts the tests in the background lets them and theirs ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """A function that compares a text with tests/golden/NAME, or writes it under --update-golden."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert text == path.read_text()

    return compare


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's folders out of the tests."""
    for name in ("LRU_TUNE_DATA", "LRU_TUNE_RUNS", "LRU_TUNE_SEARCH_SPACES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _back_end_runs_here(request: pytest.FixtureRequest) -> None:
    """Skip a test whose parameter `backend` names a scan that does not run here, with its own reason."""
    name = getattr(request.node, "callspec", None) and request.node.callspec.params.get("backend")
    if name is None:
        return
    from lru_tune.errors import LruTuneError
    from lru_tune.ops.scan.linear_scan import SCAN_BACKENDS

    try:
        SCAN_BACKENDS[name].require()
    except LruTuneError as error:
        pytest.skip(str(error))


@pytest.fixture
def native() -> None:
    """Build the C++, or skip where there is no compiler."""
    from lru_tune.errors import LruTuneError
    from lru_tune.ops.native.calls import require_native

    try:
        require_native()
    except LruTuneError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def synthetic_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the synthetic twin of `copy`, shared by the session; do not write into it."""
    from data_prep import ensure_prepared

    root = tmp_path_factory.mktemp("data")
    ensure_prepared("copy", root, synthetic=True)
    return root


@pytest.fixture(scope="session")
def machine() -> Iterator[Any]:
    """The one Ray of the session; its workers import what lies on PYTHONPATH when it starts."""
    from lru_tune.search.ray.cluster import ray_cluster

    with ray_cluster(None) as found:
        yield found


@pytest.fixture
def raw_root() -> Path:
    """The folder of publishers' files; skips where `$LRU_TUNE_RAW` names none."""
    named = os.environ.get("LRU_TUNE_RAW")
    if not named or not Path(named).is_dir():
        pytest.skip("needs publishers' files: set LRU_TUNE_RAW to their folder")
    return Path(named)


@pytest.fixture(scope="session")
def write_run() -> Callable[..., Path]:
    """A function that writes one run directory through `lru_tune.files.run_directory`; see `_write_run`."""
    return _write_run


def _write_run(
    folder: Path,
    *,
    status: str | None = "completed",
    accuracies: tuple[float, ...] = (0.2, 0.5, 0.4),
    every: int = 10,
    config: dict[str, Any] | None = None,
    **result: Any,
) -> Path:
    """Write a run directory as `lru_tune.training` leaves it.

    Args:
      folder: the run directory.
      status: of result.json; None leaves the file out.
      accuracies: on validation, one a report.
      every: steps between reports.
      config: dotted fields that differ from the defaults; `steps` defaults to what was reported.
      result: more fields of result.json, in place of those that follow from the reports.
    """
    import yaml

    from lru_tune.config.dotted import flatten, nest
    from lru_tune.config.schema import RunConfig
    from lru_tune.files import run_directory as runs
    from lru_tune.files.atomic import write_atomically

    fields: dict[str, Any] = {
        "task": "listops",
        "steps": max(1, len(accuracies)) * every,
        "model.recurrence.kind": "diagonal",
    }
    model = RunConfig.model_validate(nest(fields | (config or {})))
    flat = {k: v for k, v in flatten(model.model_dump()).items() if v is not None}
    folder.mkdir(parents=True)
    write_atomically(folder / runs.CONFIG_FILE, yaml.safe_dump(nest(flat), sort_keys=False))
    rows = [
        dict.fromkeys(runs.METRICS_COLUMNS, 0.0)
        | {
            runs.STEP: every * (i + 1),
            runs.VAL_ACCURACY: x,
            runs.VAL_LOSS: 1 - x,
            runs.SECONDS: i + 1.0,
        }
        for i, x in enumerate(accuracies)
    ]
    if rows:
        runs.write_metrics(folder, rows)
    if status is not None:
        best = max(rows, key=lambda row: row[runs.VAL_ACCURACY], default={})
        known = {
            "steps": every * len(rows),
            "best_step": best.get(runs.STEP),
            "seed": model.seed,
            "horizon": model.steps,
            "seconds": float(len(rows)),
            runs.VAL_LOSS: best.get(runs.VAL_LOSS),
            runs.VAL_ACCURACY: best.get(runs.VAL_ACCURACY),
        }
        runs.write_result(folder, status, **(known | result))
    return folder
