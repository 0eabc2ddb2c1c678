"""`lru-tune export DIR`: one trial as a folder to hand on, or the search as an Optuna study."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lru_tune.api.arguments import find_experiment
from lru_tune.api.console import print_message
from lru_tune.cli.flags import add_runs_root, command_parser
from lru_tune.errors import ConfigError
from lru_tune.system.worker_environment import prepare_process

PROG = "lru-tune export"


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Write the export; the last line on stdout is the folder, or the study's file.

    Raises:
      LruTuneError: `lru_tune.cli.guard` turns it into an exit code.
    """
    arguments = parser(prog).parse_args(argv)
    experiment = find_experiment(arguments.experiment, arguments.runs_root)
    if arguments.optuna is None:
        return _trial(experiment, arguments)
    if arguments.out is not None or arguments.with_checkpoint:
        raise ConfigError("cli.optuna-is-one-file")
    return _study(experiment, arguments.optuna.resolve(), arguments)


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = command_parser(
        prog,
        "Export one trial of an experiment as a self-contained folder, or the whole search as an Optuna "
        "study. The experiment is only read.",
    )
    made.add_argument(
        "experiment",
        metavar="DIR",
        help="the experiment's folder, its name under the runs root, or last for the newest one",
    )
    what = made.add_mutually_exclusive_group(required=True)
    what.add_argument("--best", action="store_true", help="the best trial by validation")
    what.add_argument(
        "--trial", metavar="ID", help="another trial: number, name or beginning of a name"
    )
    what.add_argument(
        "--optuna",
        metavar="FILE",
        type=Path,
        help="the search as an Optuna journal, or as SQLite if FILE ends in .db",
    )
    made.add_argument(
        "--with-checkpoint",
        action="store_true",
        help="include the best parameters, also as .npz for NumPy",
    )
    made.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        help="folder to write (default: ./EXPERIMENT-TRIAL)",
    )
    made.add_argument(
        "--force", action="store_true", help="replace what an earlier export has written"
    )
    add_runs_root(made)
    return made


def _trial(experiment: Path, arguments: argparse.Namespace) -> int:
    # pandas takes most of a second to load, too long for `--help`.
    from lru_tune.results.writing.export import choose_trial, trial_files, write_export

    trial = choose_trial(experiment, None if arguments.best else arguments.trial)
    parameters: dict[str, bytes] = {}
    if arguments.with_checkpoint:
        # JAX reads the checkpoint; it must not take the memory of a GPU that a search may be using.
        prepare_process(cpus=1, gpus=0)
        from lru_tune.training.trained.parameters import parameter_files

        parameters = parameter_files(trial.folder)
    files = trial_files(trial, parameters)
    folder = (arguments.out or Path(f"{experiment.name}-{trial.name}")).resolve()
    write_export(folder, files, "export" if arguments.force else "never")
    print_message(f"trial {trial.name}: {', '.join(files)}")
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
        raise ConfigError("cli.no-trials", experiment=experiment)
    if file.exists() and not is_study(file):
        raise ConfigError("cli.not-a-study", file=str(file))
    if file.exists() and not arguments.force:
        raise ConfigError("cli.exists", path=file)
    space = SearchSpace.load(experiment / SPACE_FILE)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".study-") as folder:
        made = Path(folder) / file.name
        with study_file(made, space, experiment) as study:
            study.update(trials.values())
        made.replace(file)
    print_message(f"{len(trials)} trials; open them with  optuna-dashboard {storage_url(file)}")
    print(file)
    return 0
