"""The compiled Pathfinder generator against its slow twin and the published program's figures.

    python -m benchmarks.pathfinder_generation [--rounds N] [--prepare]

Both generators draw whole images in one process with one thread, taking turns; each round draws other
images, the same for both. Their seconds are the processor's, which other programs on the machine disturb
less; compiling and drawing stamps happen in a round that is not counted, whose seconds are printed.
`--prepare` also prepares 20,000 images of `pathfinder` and 1,000 of `pathx` on two workers, each in a
fresh process, by the wall clock. Results go to benchmarks/results/pathfinder_generation.csv, and
prepare_pathfinder.csv.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report import quartiles, write
from data_prep.pathfinder.image import image_stream, paint, sketch_image
from data_prep.pathfinder.settings import SETTINGS, Settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "data_prep" / "pathfinder"))
from pathfinder_reference import reference_image


class Published(NamedTuple):
    """What is known of the published generator, and how many images a round draws here.

    Attributes:
      seconds: of one core for a hard image; measured by running github.com/drewlinsley/pathfinder with
        LRA's settings, on another machine than this benchmark's.
      compiled: images a round of the compiled generator.
      slow: images a round of the slow twin.
    """

    seconds: float
    compiled: int
    slow: int


PUBLISHED = {32: Published(0.26, 200, 8), 128: Published(1.8, 40, 2)}
GOAL = 50  # times the published program's rate
LIMITS = {"pathfinder": 16_000, "pathx": 800}  # training images; the others are a quarter more


def compiled(settings: Settings, index: int) -> None:
    """Draw an image with the compiled generator."""
    paint(settings, sketch_image(settings, image_stream(0, 0, index)))


def slow(settings: Settings, index: int) -> None:
    """Draw an image with the slow twin."""
    reference_image(settings, image_stream(0, 0, index))


GENERATORS: dict[str, Callable[[Settings, int], None]] = {"compiled": compiled, "slow": slow}


def measure(size: int, rounds: int) -> list[dict[str, Any]]:
    """Return one row per round and generator."""
    rows: list[dict[str, Any]] = []
    for number in range(rounds + 1):
        for name, draw in GENERATORS.items():
            images = getattr(PUBLISHED[size], name)
            start = time.process_time()
            for index in range(number * images, (number + 1) * images):
                draw(SETTINGS[size], index)
            seconds = time.process_time() - start
            if number == 0:
                print(f"{size}, {name}: first {images} images {seconds:.1f} s")
                continue
            rows.append(
                {
                    "size": size,
                    "round": number,
                    "generator": name,
                    "images": images,
                    "cpu_seconds": round(seconds, 6),
                    "images_per_second": round(images / seconds, 3),
                }
            )
    return rows


def measure_preparation(task: str, workers: int) -> dict[str, Any]:
    """Prepare a part of a task in a fresh process; return seconds and the peak of a process's memory."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "data_prep", "prepare", task]
        command += ["--limit", str(LIMITS[task]), "--workers", str(workers), "--data-root", folder]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # kibibytes; largest child so far
    images = LIMITS[task] * 5 // 4
    return {
        "task": task,
        "images": images,
        "workers": workers,
        "seconds": round(seconds, 2),
        "images_per_second_and_worker": round(images / seconds / workers, 1),
        "peak_mb": round(peak / 1024),
    }


def main() -> None:
    """Measure, write the files and print a summary."""
    parser = argparse.ArgumentParser(description="Measure the generation of Pathfinder images.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--prepare", action="store_true", help="also prepare parts of both tasks")
    arguments = parser.parse_args()
    rows = []
    for size, published in PUBLISHED.items():
        measured = measure(size, arguments.rounds)
        rows += measured
        rates = {
            name: quartiles([r["images_per_second"] for r in measured if r["generator"] == name])
            for name in GENERATORS
        }
        for name, rate in rates.items():
            print(
                f"{size}, {name}: {rate['median']:,.1f} images/s "
                f"(min {rate['min']:,.1f}, max {rate['max']:,.1f})"
            )
        times = rates["compiled"]["median"] * published.seconds
        print(f"{size}: {times:.0f} times the published {published.seconds} s; goal {GOAL}")
    print(write("pathfinder_generation", rows))
    if arguments.prepare:
        runs = [measure_preparation(task, 2) for task in LIMITS]
        for run in runs:
            print(run)
        print(write("prepare_pathfinder", runs))


if __name__ == "__main__":
    main()
