"""Steps a second of whole passes over the data: batches, steps, validation, files; beside minimal-LRU's loop.

    python -m benchmarks.epoch [--shapes tiny copy-48] [--peer PATH/TO/minimal-LRU] [--peer-python PYTHON]

One run of the copy task in one process with all cores, from its first report to its last, so that neither
start nor compilation counts. The peer's loop is the one of benchmarks/peer_search.py, its first run left out.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.search_throughput import Size, own_rate, peer_search
from benchmarks.shapes import SHAPES
from lru_tune.system.worker_environment import prepare_process


def our_rate(shape_name: str, examples: int, epochs: int, folder: Path) -> float:
    """Train one run in this process; return its steps a second after the first pass."""
    prepare_process(cpus=os.cpu_count() or 1, gpus=None)
    from lru_tune.training.loop import train

    shape = SHAPES[shape_name]
    per_epoch = examples // shape.batch_size
    config = shape.config()
    reads = {"train_examples": examples, "val_examples": examples // 4}
    config = config.model_copy(
        update={
            "steps": per_epoch * epochs,
            "eval_every": per_epoch,
            "data": config.data.model_copy(update=reads),
        }
    )
    run = folder / f"run-{shape_name}"
    for _ in train(config, data_root=folder, run_dir=run):
        pass
    return own_rate(run / "metrics.csv")


def main() -> None:
    """Measure the chosen shapes and write benchmarks/results/epoch.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, help="a checkout of minimal-LRU")
    parser.add_argument("--peer-python", default=sys.executable, help="one that has torch")
    copies = [name for name, shape in SHAPES.items() if shape.task_name == "copy"]
    whole = [name for name in copies if SHAPES[name].length == SHAPES["copy-48"].length]
    parser.add_argument("--shapes", nargs="+", default=["tiny", "copy-48"], choices=whole)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=4, help="at least 2")
    parser.add_argument("--name", default="epoch", help="of the result file")
    arguments = parser.parse_args()
    examples, epochs = arguments.examples, arguments.epochs
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        prepare = [sys.executable, "-m", "data_prep", "prepare", "copy", "--data-root", folder]
        subprocess.run(prepare, check=True, stdout=subprocess.DEVNULL)
        for shape in arguments.shapes:
            row: dict[str, Any] = {"shape": shape, "examples": examples, "epochs": epochs}
            row["ours_steps_per_second"] = our_rate(shape, examples, epochs, Path(folder))
            if arguments.peer is not None:
                size = Size(2, epochs, examples)
                theirs = peer_search(arguments.peer, arguments.peer_python, size, 2, shape)
                row["peer_steps_per_second"] = theirs.steady
                row["speedup"] = row["ours_steps_per_second"] / theirs.steady
            print(report.line(row), flush=True)
            rows.append(row)
    print(report.write(arguments.name, rows))


if __name__ == "__main__":
    main()
