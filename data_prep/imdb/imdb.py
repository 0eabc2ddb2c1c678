"""IMDb: is a film review, read character by character, for or against the film?

Preprocessing is that of S4, S5 and minimal-LRU: characters of the raw text (line breaks in HTML kept, no
lower-casing), the first 4,095 and `<eos>`; the vocabulary holds the characters that occur at least 15
times in the training texts as cut, all 25,000 of them, before validation is carved and whatever the limit.

The publisher gives no validation split. A tenth of train is carved for it by the seed, of both labels
alike, and texts that are equal stay together. `lra-legacy` validates on the test split instead, as Long
Range Arena did.

The order of the examples depends on seed and texts alone, not on where these were read from; labels
alternate, so that the first N examples of any split are balanced.

Source: Maas et al. 2011, "Learning Word Vectors for Sentiment Analysis".
"""

from collections import Counter
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from data_prep.fetching.download import checksum_problem, fetch, md5_of
from data_prep.imdb.reviews import (
    ARCHIVE,
    HUB_NAME,
    LABELS,
    PARTS,
    PER_LABEL,
    SOURCE,
    Reviews,
    find_raw,
    has_hub,
    read_hub,
    read_reviews,
)
from data_prep.imdb.synthetic import write_reviews
from data_prep.pipeline.origin import (
    SYNTHETIC_COUNTS,
    Counts,
    Origin,
    Protocol,
    Recipe,
    Request,
    shrunk,
    with_validation,
)
from data_prep.pipeline.text_encoding import build_vocabulary, count_characters, encode_characters
from lru_tune.data.manifest import SPLITS, Provenance, SplitName
from lru_tune.data.writer import TaskWriter
from lru_tune.errors import DataDamaged

MIN_FREQUENCY = 15
KNOWN_OVERLAP = 123  # distinct texts that the publisher put into both train and test
ROWS_AT_ONCE = 2048


class Examples(NamedTuple):
    """Texts and the numbers of their labels, in order."""

    texts: list[str]
    labels: list[int]


def _plan(request: Request) -> Recipe:
    counts = _counts(request)
    parameters = {
        "counts": counts,
        "min_frequency": MIN_FREQUENCY,
        "protocol": request.protocol,
        "known_overlap": 0 if request.synthetic else KNOWN_OVERLAP,
        "unofficial_md5": _unofficial(request),
    }
    source = "the publisher's reviews"
    if request.synthetic:
        source = "made-up reviews"
    elif request.raw is None and _comes_from_hub(request):
        source = f"{HUB_NAME} of Hugging Face"
    return Recipe(Provenance(source, parameters, request.seed, request.synthetic), counts)


def _unofficial(request: Request) -> dict[str, str]:
    """Return the archive's md5 by its name where it is not the publisher's.

    Raises:
      DataDamaged: it is not, and the request does not allow for it.
    """
    if request.raw is None or not request.raw.is_file():
        return {}
    problem = checksum_problem(SOURCE, request.raw)
    if problem is None:
        return {}
    if not request.allow_checksum_mismatch:
        raise DataDamaged(
            f"{problem}. Fetch it again from {SOURCE.url}, or take it as it is, on record in the "
            "manifest, with --allow-checksum-mismatch"
        )
    return {request.raw.name: md5_of(request.raw)}


def _counts(request: Request) -> Counts:
    full: Counts = {"train": 2 * PER_LABEL, "test": 2 * PER_LABEL}
    if request.synthetic:
        pool = SYNTHETIC_COUNTS["train"] + SYNTHETIC_COUNTS["val"]
        full = {"train": pool, "test": SYNTHETIC_COUNTS["test"]}
    limited = shrunk(full, request.limit)
    if request.protocol == "lra-legacy":
        return {"train": limited["train"], "val": limited["test"], "test": limited["test"]}
    return with_validation(limited["train"], limited["test"])


def _write(request: Request, recipe: Recipe, writer: TaskWriter) -> None:
    reviews = _reviews(request, recipe.counts)
    width = request.task.max_length
    texts = [text for (part, _), some in reviews.items() if part == "train" for text in some]
    vocabulary = build_vocabulary(count_characters(texts), MIN_FREQUENCY)
    del texts
    if len(vocabulary) > request.task.inputs.width:
        raise DataDamaged(
            f"{len(vocabulary)} characters occur often, {request.task.inputs.width} at most expected: "
            "these are other texts than the published ones"
        )
    writer.vocabulary = vocabulary
    splits = arrange(reviews, recipe.counts, request.seed, request.protocol)
    total = sum(recipe.counts.values())
    done = 0
    for split in SPLITS:
        examples = splits[split]
        for start in range(0, len(examples.texts), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            inputs, lengths = encode_characters(examples.texts[rows], vocabulary, width)
            writer.add(split, inputs, np.array(examples.labels[rows], np.uint8), lengths)
            done += len(lengths)
            request.progress("writing imdb", done, total)


def _reviews(request: Request, counts: Counts) -> Reviews:
    longest = request.task.max_length - 1  # <eos> takes the last place
    if request.synthetic:
        rng = np.random.default_rng(request.seed)
        needed = {"train": counts["train"] + counts["val"], "test": counts["test"]}
        return {
            (part, label): write_reviews(rng, label, _share(needed[part], label))
            for part in PARTS
            for label in range(len(LABELS))
        }
    if request.raw is None and _comes_from_hub(request):
        return read_hub(request.downloads / "huggingface", longest, request.progress)
    raw = request.raw or fetch(SOURCE, request.downloads, request.progress)
    return read_reviews(raw, longest, request.progress)


def _comes_from_hub(request: Request) -> bool:
    return has_hub() and not (request.downloads / ARCHIVE).is_file()


def arrange(
    reviews: Reviews, counts: Counts, seed: int, protocol: Protocol
) -> dict[SplitName, Examples]:
    """Deal reviews to the splits, labels alternating.

    Args:
      reviews: of both parts and labels, in any order.
      counts: how many each split is to have.
      seed: of the order, and of what goes to validation.
      protocol: `default` takes validation out of train, equal texts together; `lra-legacy` repeats test.
    """
    dealt: dict[SplitName, list[list[str]]] = {split: [] for split in SPLITS}
    for label in range(len(LABELS)):
        known, test = (
            _shuffled(reviews[part, label], np.random.default_rng([seed, number, label]))
            for number, part in enumerate(PARTS)
        )
        wanted = {split: _share(count, label) for split, count in counts.items()}
        dealt["test"].append(test[: wanted["test"]])
        if protocol == "lra-legacy":
            dealt["train"].append(known[: wanted["train"]])
            dealt["val"].append(dealt["test"][label])
        else:
            pool = known[: _share(counts["train"] + counts["val"], label)]
            val = _equal_together(pool, wanted["val"])
            dealt["train"].append([text for text in pool if text not in val])
            dealt["val"].append([text for text in pool if text in val])
    return {split: _alternating(by_label) for split, by_label in dealt.items()}


def _shuffled(texts: list[str], rng: np.random.Generator) -> list[str]:
    """Return the texts in an order that does not depend on the one they come in."""
    ordered = sorted(texts)
    return [ordered[place] for place in rng.permutation(len(ordered))]


def _share(count: int, label: int) -> int:
    """Return how many of `count` examples have a label; the first label has what is left over."""
    return (count + len(LABELS) - 1 - label) // len(LABELS)


def _equal_together(pool: list[str], wanted: int) -> set[str]:
    """Return the first texts of a pool, with all their copies `wanted` examples."""
    chosen = set()
    for text, copies in Counter(pool).items():
        if copies <= wanted:
            chosen.add(text)
            wanted -= copies
    return chosen


def _alternating(by_label: list[list[str]]) -> Examples:
    """Return texts label by label in turn, beginning with the label that has more."""
    order = sorted(range(len(by_label)), key=lambda label: -len(by_label[label]))
    rounds = zip_longest(*([(text, label) for text in by_label[label]] for label in order))
    examples = [example for some in rounds for example in some if example is not None]
    return Examples([text for text, _ in examples], [label for _, label in examples])


ORIGIN = Origin(
    size="84 MB to fetch, 205 MB prepared",
    licence=SOURCE.licence,
    source=f"{SOURCE.url}, or {HUB_NAME} on Hugging Face",
    wanted=f"{ARCHIVE}, or aclImdb with its folders {{train,test}}/{{neg,pos}}",
    find_raw=find_raw,
    full=with_validation(2 * PER_LABEL, 2 * PER_LABEL),
    plan=_plan,
    write=_write,
    protocols=("default", "lra-legacy"),
)
