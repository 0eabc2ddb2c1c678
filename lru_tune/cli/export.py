"""`lru-tune export DIR`: one trial as a folder to hand on, or the search as an Optuna study."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lru_tune import __version__
from lru_tune.errors import ConfigError
from lru_tune.files.paths import named_folder, runs_root
from lru_tune.system.worker_environment import prepare_process


def main(argv: Sequence[str] | None = None) -> int:
    """Write the export; the last line on stdout is the folder, or the study's file.

    Raises:
      LruTuneError: as the work says; `lru_tune.cli.guard` turns it into an exit code.
    """
    arguments = parser().parse_args(argv)
    experiment = named_folder(arguments.experiment, runs_root())
    if arguments.optuna is None:
        return _trial(experiment, arguments)
    if arguments.out is not None or arguments.with_checkpoint:
        raise ConfigError("--optuna FILE writes one file; leave --out and --with-checkpoint out")
    return _study(experiment, arguments.optuna.resolve(), arguments)


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = argparse.ArgumentParser(
        prog="lru-tune export",
        description="Export one trial of an experiment as a folder that stands for itself, or the whole "
        "search as an Optuna study. The experiment is only read.",
    )
    made.add_argument("--version", action="version", version=f"lru-tune {__version__}")
    made.add_argument("experiment", metavar="DIR", help="the experiment's folder or name")
    what = made.add_mutually_exclusive_group(required=True)
    what.add_argument("--best", action="store_true", help="the best trial by validation")
    what.add_argument("--trial", metavar="ID", help="number, name or beginning of a name")
    what.add_argument(
        "--optuna",
        metavar="FILE",
        type=Path,
        help="a journal of Optuna, or SQLite if it ends in .db",
    )
    made.add_argument(
        "--with-checkpoint", action="store_true", help="also the best parameters, for NumPy too"
    )
    made.add_argument("--out", metavar="FOLDER", type=Path, help="default ./EXPERIMENT-TRIAL")
    made.add_argument(
        "--force", action="store_true", help="replace what an earlier export has written"
    )
    return made


def _trial(experiment: Path, arguments: argparse.Namespace) -> int:
    # pandas takes most of a second to load, too long for `--help`.
    from lru_tune.results.writing.export import choose_trial, trial_files, write_export

    trial = choose_trial(experiment, None if arguments.best else arguments.trial)
    parameters: dict[str, bytes] = {}
    if arguments.with_checkpoint:
        # The checkpoint is read with JAX, and a GPU is not ours to take.
        prepare_process(cpus=1, gpus=0)
        from lru_tune.training.trained.parameters import parameter_files

        parameters = parameter_files(trial.folder)
    files = trial_files(trial, parameters)
    folder = (arguments.out or Path(f"{experiment.name}-{trial.name}")).resolve()
    write_export(folder, files, "export" if arguments.force else "never")
    print(f"trial {trial.name}: {', '.join(files)}", file=sys.stderr)
    print(folder)
    return 0


def _study(experiment: Path, file: Path, arguments: argparse.Namespace) -> int:
    """Write the search as a study, under a temporary name first."""
    from lru_tune.files.experiment_folder import SPACE_FILE, read_experiment
    from lru_tune.search.exports.optuna_study import is_study, storage_url, study_file
    from lru_tune.search.strategy import journal
    from lru_tune.space.space import SearchSpace

    read_experiment(experiment)
    trials = journal.read_trials(experiment / journal.FILE)
    if not trials:
        raise ConfigError(f"{experiment} has no trials yet")
    if file.exists() and not is_study(file):
        raise ConfigError(f"{file} holds something else; choose another file")
    if file.exists() and not arguments.force:
        raise ConfigError(f"{file} exists; say --force to replace that study")
    space = SearchSpace.load(experiment / SPACE_FILE)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".study-") as place:
        made = Path(place) / file.name
        with study_file(made, space, experiment) as study:
            study.update(trials.values())
        made.replace(file)
    say = f"{len(trials)} trials; open them with  optuna-dashboard {storage_url(file)}"
    print(say, file=sys.stderr)
    print(file)
    return 0
