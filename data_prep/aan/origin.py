"""AAN: does one of two papers, read character by character, cite the other? (Retrieval in Long Range Arena)

The pairs are those of the Long Range Arena release, in its order and its splits. Their texts may not be
redistributed, so they are read from the release, which users download themselves.

Preprocessing is that of S4 and S5: the first 3,999 characters of each document and `<eos>`; the vocabulary
holds the characters of all training documents after this cut, 98 entries for the full release. If there were
more than the task's one-hot code has room for, the rarest would become `<unk>`.

Source: Radev et al. 2013 (the network of papers); Tay et al. 2021 (the pairs).
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from data_prep.aan.pairs import FILES, extract_files, find_raw, read_pairs, write_pairs
from data_prep.aan.synthetic import pair_up
from data_prep.fetching.long_range_arena import RELEASE
from data_prep.pipeline.recipe import SYNTHETIC_COUNTS, Counts, Origin, Recipe, Request, shrunk
from data_prep.pipeline.text_encoding import (
    CODE_POINTS,
    build_vocabulary,
    count_characters,
    encode_characters,
)
from lru_tune.data.manifest import (
    SPLITS,
    Provenance,
    SplitName,
    prepare_command,
    sha256_of,
)
from lru_tune.data.writer import TaskWriter
from lru_tune.errors import DataNotPrepared
from lru_tune.tasks import Tokens

COUNTS: Counts = {"train": 147_086, "val": 18_090, "test": 17_437}
UNPACKED = ".aan"  # temporary folder among the downloads
WANTED = (
    f"{', '.join(FILES.values())}, in the folder, its tsv_data or where the release has them; "
    f"or {RELEASE.file} itself, from {RELEASE.url}"
)


def _plan(request: Request) -> Recipe:
    if request.synthetic:
        provenance = Provenance(
            "made-up documents", {"counts": SYNTHETIC_COUNTS}, request.seed, True
        )
        return Recipe(provenance, SYNTHETIC_COUNTS)
    raw = _raw(request)
    files = [raw] if raw.is_file() else [raw / file for file in FILES.values()]
    parameters = {
        "limit": request.limit,
        "raw_sha256": {file.name: sha256_of(file) for file in files},
    }
    source = "files of the Long Range Arena release"
    return Recipe(Provenance(source, parameters, request.seed), shrunk(COUNTS, request.limit))


def _raw(request: Request) -> Path:
    raw = request.raw or find_raw(request.downloads)
    if raw is None:
        command = prepare_command(request.task.name, request.root.resolve())
        raise DataNotPrepared(
            "fetch.aan-by-hand",
            url=RELEASE.url,
            gigabytes=RELEASE.bytes / 1e9,
            command=f"{command} --from-dir FOLDER_WITH_IT",
        )
    return raw


def _write(request: Request, recipe: Recipe, writer: TaskWriter) -> None:
    width = request.task.max_length
    with _text_files(request, recipe) as files:
        writer.vocabulary = _vocabulary(request, recipe, files["train"])
        for split in SPLITS:
            rows = _rows(request, recipe, split)
            for pairs in read_pairs(files[split], rows, width - 1, request.progress):
                inputs, lengths = encode_characters(pairs.texts, writer.vocabulary, width)
                both = (len(pairs.labels), 2)
                writer.add(split, inputs.reshape(*both, width), pairs.labels, lengths.reshape(both))


@contextmanager
def _text_files(request: Request, recipe: Recipe) -> Iterator[dict[SplitName, Path]]:
    """Yield the file of each split; those that were unpacked or made up are deleted afterwards."""
    if request.synthetic:
        with TemporaryDirectory() as folder:
            files = {split: Path(folder) / file for split, file in FILES.items()}
            for number, split in enumerate(SPLITS):
                rng = np.random.default_rng([request.seed, number])
                write_pairs(files[split], pair_up(rng, recipe.counts[split]))
            yield files
        return
    raw = _raw(request)
    if not raw.is_file():
        yield {split: raw / file for split, file in FILES.items()}
        return
    unpacked = request.downloads / UNPACKED
    shutil.rmtree(unpacked, ignore_errors=True)  # a killed run may have left it
    try:
        yield extract_files(raw, unpacked, request.progress)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _vocabulary(request: Request, recipe: Recipe, train: Path) -> list[str]:
    counts = np.zeros(CODE_POINTS, np.int64)
    rows = _rows(request, recipe, "train")

    def progress(work: str, done: int, total: int) -> None:
        request.progress(f"{work} for the vocabulary", done, total)

    for pairs in read_pairs(train, rows, request.task.max_length - 1, progress):
        counts += count_characters(pairs.texts)
    vocabulary = build_vocabulary(counts)
    inputs = request.task.inputs
    return vocabulary[: inputs.width] if isinstance(inputs, Tokens) else vocabulary


def _rows(request: Request, recipe: Recipe, split: SplitName) -> int | None:
    return None if request.limit is None and not request.synthetic else recipe.counts[split]


ORIGIN = Origin(
    size=f"{RELEASE.bytes / 1e9:.1f} GB to download yourself, 1.5 GB prepared",
    licence="none for the texts; the release is Apache-2.0",
    source=RELEASE.url,
    wanted=WANTED,
    find_raw=find_raw,
    full=COUNTS,
    plan=_plan,
    write=_write,
    addresses=(RELEASE.url,),
)
