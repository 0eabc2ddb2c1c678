"""Make the example that the notebooks show: `python -m notebooks.example.make`, in the checkout.

Generates data, searches, confirms and reproduces for real, some twenty minutes on two cores, in
build/example; stopped, the same command goes on. At its end `listops/` and `reproductions/` beside this file
are replaced by what the commands below have left, less

* what only a computer needs that goes on with them: checkpoints, journals, locks, Ray's folder;
* report.html, which `lru-tune report` draws again;
* of experiment.json, MACHINE: the process and the place of the data.
"""

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build" / "example"
EXPERIMENT, REPRODUCTIONS = "listops", "reproductions"

SEARCH = shlex.split(
    f"python tune.py --task listops --quick --trials 32 --name {EXPERIMENT}"
    " --set steps=2000 --set eval_every=125 --set data.batch_size=32"
    " --set data.train_examples=16000 --set data.val_examples=2000 --set data.test_examples=2000"
    " --set 'search.optim.learning_rate={loguniform: [1e-3, 1e-1]}'"
    " --set tune.scheduler.grace=250 --set tune.confirm.top=3 --set tune.confirm.seeds=4"
)
REPORT = shlex.split(f"lru-tune report {EXPERIMENT}")
REPRODUCTION = shlex.split("python reproduce.py --table 2 --quick --tasks listops")

LEFT_OUT = ("checkpoints", "ray", ".lock", "*.jsonl", "optuna.journal", "report.html", "*.tex")
MACHINE = ("process", "data_root", "flags")


def main() -> None:
    """Run the commands, from wherever they stand, and keep what a reader needs of what they leave."""
    runs, data = WORK / "runs", WORK / "data"
    resume = ["python", "tune.py", "--resume", str(runs / EXPERIMENT), "--data-root", str(data)]
    begun = (runs / EXPERIMENT / "experiment.json").is_file()
    for command in (resume if begun else SEARCH, REPORT, REPRODUCTION):
        print(f"$ {shlex.join(command)}", file=sys.stderr, flush=True)
        subprocess.run(
            [Path(sys.executable).with_name(command[0]), *command[1:]],
            cwd=ROOT,
            env=os.environ | {"LRU_TUNE_RUNS": str(runs), "LRU_TUNE_DATA": str(data)},
            stdout=sys.stderr,
            check=True,
        )
    keep(runs)


def keep(runs: Path) -> None:
    """Replace the example by what the commands left in a runs root."""
    names = (str(runs.parent), str(ROOT), str(Path.home()), platform.node())
    refuse_machine_names(runs, names)
    for name in (EXPERIMENT, REPRODUCTIONS):
        shutil.rmtree(HERE / name, ignore_errors=True)
        shutil.copytree(runs / name, HERE / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
    strip(HERE / EXPERIMENT / "experiment.json")


def strip(record: Path) -> None:
    """Take what belongs to the machine out of an experiment.json."""
    record.write_text(json.dumps(without_machine(record.read_text()), indent=2) + "\n")


def without_machine(text: str) -> dict[str, Any]:
    """Return the content of an experiment.json without MACHINE."""
    return {name: value for name, value in json.loads(text).items() if name not in MACHINE}


def refuse_machine_names(folder: Path, names: tuple[str, ...]) -> None:
    """Stop if a file that will be kept names a place or a host of this machine.

    Raises:
      SystemExit: one does; the text says which.
    """
    ignored = shutil.ignore_patterns(*LEFT_OUT)
    found = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names))
    for place, folders, files in os.walk(folder):
        skipped = ignored(place, [*folders, *files])
        folders[:] = [name for name in folders if name not in skipped]
        for path in (Path(place) / name for name in files if name not in skipped):
            text = path.read_text()
            if path.name == "experiment.json":
                text = json.dumps(without_machine(text))
            if hit := found.search(text):
                raise SystemExit(f"{path} names this machine ({hit[0]}); nothing was replaced")


if __name__ == "__main__":
    main()
