"""The copy task: remember a pattern of random bits, and repeat it after a pause.

A sequence has P steps of random bits on all channels but the last, Q steps of zeros, one step with only the
last channel on, and P steps of zeros in which the pattern is to be repeated: 2P + Q + 1 steps. Only those
last P steps are scored, so only their targets are stored.

Source: minimal-LRU (Zucchet et al. 2023), whose copy task has P = 20 and, by its default, Q = 7.
"""

import numpy as np

from data_prep.pipeline.recipe import SYNTHETIC_COUNTS, Counts, Origin, Recipe, Request, shrunk
from lru_tune.data.manifest import SPLITS, Provenance
from lru_tune.data.writer import TaskWriter

COUNTS: Counts = {"train": 20_000, "val": 1_000, "test": 1_000}
SHAPE = ("pattern_length", "pad_length", "bits")  # parameters of the recipe


def _plan(request: Request) -> Recipe:
    task = request.task
    counts = SYNTHETIC_COUNTS if request.synthetic else shrunk(COUNTS, request.limit)
    parameters = {
        "counts": counts,
        "pattern_length": task.scored_steps,
        "pad_length": task.max_length - 2 * task.scored_steps - 1,
        "bits": task.num_outputs,
    }
    return Recipe(Provenance("generated", parameters, request.seed, request.synthetic), counts)


def _write(request: Request, recipe: Recipe, writer: TaskWriter) -> None:
    for number, split in enumerate(SPLITS):
        rng = np.random.default_rng([request.seed, number])
        request.progress("generating copy", number, len(SPLITS))
        shape = {name: recipe.provenance.parameters[name] for name in SHAPE}
        writer.add(split, *copy_examples(rng, recipe.counts[split], **shape))


def copy_examples(
    rng: np.random.Generator, examples: int, *, pattern_length: int, pad_length: int, bits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs (n, 2P + Q + 1, bits + 1) and targets (n, P, bits), uint8 in {0, 1}."""
    patterns = rng.integers(0, 2, (examples, pattern_length, bits), np.uint8)
    inputs = np.zeros((examples, 2 * pattern_length + pad_length + 1, bits + 1), np.uint8)
    inputs[:, :pattern_length, :bits] = patterns
    inputs[:, pattern_length + pad_length, bits] = 1
    return inputs, patterns


ORIGIN = Origin(
    size="generated, 11 MB",
    licence="-",
    source="generated here, seeded",
    wanted="nothing: the task is always generated, omit --from-dir",
    find_raw=lambda folder: None,
    full=COUNTS,
    plan=_plan,
    write=_write,
)
