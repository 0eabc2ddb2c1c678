"""Writes a benchmark's rows and the machine they were measured on under benchmarks/results/."""

import csv
import importlib.metadata
import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
FOLDER = "LRU_TUNE_BENCHMARK_RESULTS"  # names another folder to write into
PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "ray", "optuna", "pandas")

Row = dict[str, str]


def read(name: str, folder: Path = RESULTS) -> list[Row]:
    """Return the rows of a result, none where there is no such file."""
    path = folder / f"{name}.csv"
    if not path.is_file():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def machine() -> dict[str, Any]:
    """Return what a figure depends on: processor, cores, versions, allocator settings."""
    cpuinfo = Path("/proc/cpuinfo")
    models = [
        line.partition(":")[2].strip()
        for line in (cpuinfo.read_text().splitlines() if cpuinfo.is_file() else [])
        if line.startswith("model name")
    ]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "glibc_tunables": os.environ.get("GLIBC_TUNABLES", ""),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def quartiles(values: Sequence[float]) -> dict[str, float]:
    """Return median, minimum and maximum."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def line(row: dict[str, Any]) -> str:
    """Return a row as one line of text."""
    return "  ".join(f"{k}={v:.3g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items())


def write(name: str, rows: list[dict[str, Any]]) -> Path:
    """Write `<name>.csv` and `<name>.machine.json`; return the former's path."""
    folder = Path(os.environ.get(FOLDER) or RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv"
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (folder / f"{name}.machine.json").write_text(json.dumps(machine(), indent=2) + "\n")
    return path
