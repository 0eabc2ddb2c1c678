"""Execute the notebooks and write them with their outputs: `python -m notebooks.render`, in the checkout.

Without arguments the shipped example is read and the .ipynb files beside the scripts are written anew. What
changes between two executions of the same code, such as times, counters and the names of cells, is left out
or numbered, so that a difference in a .ipynb is one of its text, tables or pictures.
"""

import argparse
import os
import sys
from pathlib import Path

import jupytext
import nbclient
import nbformat
from nbformat import NotebookNode

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE / "example" / "listops"
READS = "LRU_TUNE_NOTEBOOK_PATH"
SECONDS_A_CELL = 300
# Beginning of a notebook's name -> what it reads beside the runs, and the command that leaves it.
NEEDS = {
    "05": ("../reproductions", "lru-tune reproduce"),
    "06": ("spectra.csv", "lru-tune report FOLDER"),
}
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def main() -> int:
    """Execute and write; the paths written go to stdout."""
    arguments = parser().parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for script in scripts():
        if arguments.notebooks and not script.name.startswith(tuple(arguments.notebooks)):
            continue
        if lacks := missing(script, arguments.path):
            print(f"{script.stem} is left out: {lacks}", file=sys.stderr)
            continue
        try:
            executed = execute(read_script(script), arguments.path)
        except nbclient.exceptions.CellExecutionError as error:
            print(f"{script.name} did not get through: {error}", file=sys.stderr)
            return 1
        target = arguments.out / f"{script.stem}.ipynb"
        target.write_text(as_text(executed))
        print(target)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = argparse.ArgumentParser(prog="python -m notebooks.render", description=__doc__)
    made.add_argument("notebooks", nargs="*", metavar="NUMBER", help="such as 01; all without any")
    made.add_argument(
        "--path", type=Path, default=EXAMPLE, help="an experiment's folder; default: the example"
    )
    made.add_argument(
        "--out", type=Path, default=HERE, help="where the .ipynb go; default: beside the scripts"
    )
    return made


def scripts() -> list[Path]:
    """Return the notebooks as scripts, in their order."""
    return sorted(HERE.glob("[0-9]*.py"))


def missing(script: Path, path: Path) -> str | None:
    """Return what a notebook lacks to read an experiment, None where nothing."""
    name, command = NEEDS.get(script.name[:2], (".", ""))
    needed = Path(os.path.normpath(path.resolve() / name))
    return None if needed.exists() else f"{needed} is not there; {command} leaves it"


def read_script(script: Path) -> NotebookNode:
    """Return a percent script as a notebook without outputs, its cells named by their numbers."""
    notebook = jupytext.read(script)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"
        cell["metadata"] = {}
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    return notebook


def execute(notebook: NotebookNode, path: Path) -> NotebookNode:
    """Return a notebook with its outputs.

    Args:
      notebook: as `read_script` returns it.
      path: of the experiment that it is to read.

    Raises:
      CellExecutionError: a cell raised.
    """
    client = nbclient.NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        kernel_name=KERNEL["name"],
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # else it warns of its port on this machine
        resources={"metadata": {"path": str(HERE)}},
    )
    env = os.environ | {READS: os.path.relpath(path.resolve(), HERE)}
    executed = client.execute(env=env)
    executed.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    for cell in executed.cells:
        if cell.cell_type == "code":
            cell.execution_count = None
            for output in cell.outputs:
                if "execution_count" in output:
                    output["execution_count"] = None
    return executed


def as_text(notebook: NotebookNode) -> str:
    """Return the text of a .ipynb."""
    return nbformat.writes(notebook) + "\n"


if __name__ == "__main__":
    sys.exit(main())
