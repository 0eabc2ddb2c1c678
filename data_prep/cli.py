"""The commands `python -m data_prep list | prepare | verify | doctor`, also called `lru-tune data`.

Results go to stdout: the table of `list`, the prepared folders, the findings of `verify` and `doctor`.
Everything else goes to stderr.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from rich.console import Console

from data_prep.doctor import ask_network, examine
from data_prep.listing import state, table
from data_prep.pipeline.progress import show_progress
from data_prep.pipeline.recipe import SEED, Protocol, Request
from data_prep.pipeline.workers import default_workers
from data_prep.prepare import export_tsv, prepare, text_export
from lru_tune import __version__
from lru_tune.data.manifest import SPLITS, tasks_folder
from lru_tune.data.verify import verify
from lru_tune.errors import DataDamaged, DataNotPrepared, Interrupted
from lru_tune.files.paths import data_root
from lru_tune.system.exit_codes import guard
from lru_tune.tasks import TASKS, find_task

PROG = "python -m data_prep"
LINE_WIDTH = 1_000  # of a table that is not shown on a terminal: one line per task


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Run one command and return its exit code.

    0 done, 2 bad usage, 3 data missing or damaged, 4 disk full, 130 interrupted.

    Args:
      argv: the words after the program's name; None for those of this process.
      prog: the program's name in help texts.
    """
    words = sys.argv[1:] if argv is None else argv
    return guard(lambda words: _run(list(words or ()), prog), words)


def _run(words: list[str], prog: str) -> int:
    arguments = parser(prog).parse_args(words)
    try:
        arguments.command(arguments)
    except KeyboardInterrupt:
        raise Interrupted("prep.interrupted", command=shlex.join([*prog.split(), *words])) from None
    except PermissionError as error:  # of publishers' files; the data root was checked before
        raise DataNotPrepared("prep.not-readable", error=error) from error
    return 0


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the parser of all commands; `prog` is the program's name in help texts."""
    made = argparse.ArgumentParser(prog=prog, description="Prepare data sets as arrays on disk.")
    made.add_argument("--version", action="version", version=f"lru-tune {__version__}")
    commands = made.add_subparsers(required=True, metavar="COMMAND")

    rooted = argparse.ArgumentParser(add_help=False)
    rooted.add_argument(
        "--data-root",
        metavar="DIR",
        type=data_root,
        default=data_root(),
        help="folder of prepared arrays (default: $LRU_TUNE_DATA or ./data)",
    )
    common = argparse.ArgumentParser(add_help=False, parents=[rooted])
    common.add_argument(
        "--synthetic",
        action="store_true",
        help="use the tiny synthetic twins of the tasks, which have a folder of their own",
    )

    listing = commands.add_parser("list", parents=[common], help="list all tasks and their state")
    listing.set_defaults(command=_list)
    preparing = commands.add_parser(
        "prepare",
        parents=[common],
        help="download or generate tasks; prints the folder of each",
        description="Download or generate tasks. The last line on stdout is the prepared folder.",
    )
    _add_preparing(preparing)
    preparing.set_defaults(command=_prepare)
    verifying = commands.add_parser(
        "verify",
        parents=[common],
        help="check checksums, counts, label balance and overlap between splits",
    )
    verifying.add_argument("tasks", nargs="*", metavar="TASK", help="(default: all prepared tasks)")
    verifying.set_defaults(command=_verify)
    doctoring = commands.add_parser(
        "doctor",
        parents=[rooted],
        help="check whether tasks can be prepared on this machine, and what to type if not",
        description="Check packages, disk, folders and publishers' files; changes nothing.",
    )
    doctoring.add_argument("tasks", nargs="*", metavar="TASK", help="(default: all)")
    doctoring.add_argument(
        "--network", action="store_true", help="also check whether the servers answer"
    )
    doctoring.set_defaults(command=_doctor)
    return made


def _add_preparing(made: argparse.ArgumentParser) -> None:
    """Add the flags of `prepare`."""
    made.add_argument("tasks", nargs="+", metavar="TASK", help="name or alias; `list` shows them")
    made.add_argument(
        "--from-dir",
        metavar="RAW",
        type=Path,
        help="the publisher's files (default: $LRU_TUNE_RAW, for tasks that are not generated)",
    )
    made.add_argument(
        "--limit",
        metavar="N",
        type=int,
        help="use at most N training examples, validation included; val and test shrink in proportion",
    )
    made.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=SEED,
        help="random seed of the generator or of the validation split (default: %(default)s)",
    )
    made.add_argument(
        "--workers",
        metavar="N",
        type=int,
        default=default_workers(),
        help="number of processes that generate (default: %(default)s); does not change the arrays",
    )
    made.add_argument(
        "--allow-checksum-mismatch",
        action="store_true",
        help="accept files whose checksum is not the publisher's; the manifest records it",
    )
    made.add_argument(
        "--protocol",
        choices=get_args(Protocol),
        default="default",
        help="lra-legacy uses the test split for validation, as in Long Range Arena (imdb); recorded",
    )
    made.add_argument(
        "--option",
        metavar="NAME=N",
        action="append",
        default=[],
        type=_option,
        dest="options",
        help="option of a generator, such as distractors=10 (pathfinder, pathx); may be repeated",
    )
    made.add_argument(
        "--replace",
        action="store_true",
        help="delete existing arrays that differ from the requested ones",
    )
    made.add_argument(
        "--export-tsv",
        metavar="DIR",
        type=Path,
        help="also write the examples in the publisher's text format (listops)",
    )


def _option(text: str) -> tuple[str, int]:
    name, equals, value = text.partition("=")
    if not (name and equals and value.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected NAME=N with a whole number N, got {text!r}")
    return name, int(value)


def _folder(arguments: argparse.Namespace) -> Path:
    return tasks_folder(arguments.data_root, synthetic=arguments.synthetic)


def _list(arguments: argparse.Namespace) -> None:
    width = None if sys.stdout.isatty() else LINE_WIDTH
    Console(width=width, highlight=False, markup=False).print(table(_folder(arguments)))


def _prepare(arguments: argparse.Namespace) -> None:
    tasks = [find_task(name).name for name in arguments.tasks]
    if arguments.export_tsv is not None:
        for task in tasks:
            text_export(task)
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    with show_progress(console) as progress:
        for task in tasks:
            request = Request(
                task,
                arguments.data_root,
                from_dir=arguments.from_dir,
                limit=arguments.limit,
                seed=arguments.seed,
                workers=arguments.workers,
                synthetic=arguments.synthetic,
                allow_checksum_mismatch=arguments.allow_checksum_mismatch,
                protocol=arguments.protocol,
                options=dict(arguments.options),
                replace=arguments.replace,
                progress=progress,
            )
            prepared = prepare(request, log=console.print)
            manifest = prepared.manifest
            counts = ", ".join(f"{manifest.counts[split]:,} {split}" for split in SPLITS)
            console.print(f"{task}: {counts}; fingerprint {manifest.fingerprint}")
            if manifest.protocol_stamp:
                console.print(f"{task}: {manifest.protocol_stamp}")
            if arguments.export_tsv is not None:
                export_tsv(prepared, arguments.export_tsv, progress)
                console.print(f"{task}: text written to {arguments.export_tsv}")
            print(prepared.folder, flush=True)


def _verify(arguments: argparse.Namespace) -> None:
    root = _folder(arguments)
    named = [find_task(name).name for name in arguments.tasks]
    tasks = named or [task for task in TASKS if state(task, root) != "not prepared"]
    if not tasks:
        raise DataNotPrepared("prep.nothing-prepared", root=root)
    damaged = []
    for task in tasks:
        found = verify(root, task)
        for problem in found.problems:
            print(f"{task}: {problem}")
        for note in found.notes:
            print(f"{task}: note: {note}")
        if found.problems:
            damaged.append(task)
        else:
            print(f"{task}: sound")
    if damaged:
        raise DataDamaged("prep.not-sound", tasks=", ".join(damaged))


def _doctor(arguments: argparse.Namespace) -> None:
    failed = []
    for task in [find_task(name) for name in arguments.tasks] or list(TASKS.values()):
        findings = examine(task, arguments.data_root)
        if arguments.network:
            findings += ask_network(task, arguments.data_root)
        ready = all(finding.level != "problem" for finding in findings)
        print(f"{task.name}: {'can' if ready else 'cannot'} be prepared")
        for level, text, remedy in findings:
            print(f"  {level:8} {text}")
            if remedy:
                print(f"  {'':8} > {remedy}")
        if not ready:
            failed.append(task.name)
    if failed:
        raise DataNotPrepared("prep.cannot-prepare", tasks=", ".join(failed))
