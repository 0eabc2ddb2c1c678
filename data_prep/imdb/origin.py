"""IMDb: is a film review, read character by character, positive or negative?

Preprocessing is that of S4, S5 and minimal-LRU: characters of the raw text (HTML line breaks kept, no
lower-casing), the first 4,095 and `<eos>`. The vocabulary holds the characters that occur at least 15 times
in the 25,000 published training texts after this cut, before validation is carved and whatever the limit.

The publisher gives no validation split. A tenth of train, balanced between the labels, is carved for it by
the seed; equal texts stay together. `lra-legacy` validates on the test split instead, as Long Range Arena
did.

The order of the examples depends on the seed and the texts only, not on where they were read from. Labels
alternate, so the first N examples of any split are balanced.

Source: Maas et al. 2011, "Learning Word Vectors for Sentiment Analysis".
"""

from collections import Counter
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from data_prep.fetching.checksums import unofficial_md5s
from data_prep.fetching.download import fetch
from data_prep.fetching.hugging_face import has_hub, hub_page
from data_prep.imdb.reviews import (
    ARCHIVE,
    HUB_NAME,
    LABELS,
    PARTS,
    PER_LABEL,
    SOURCE,
    Reviews,
    find_raw,
    read_hub,
    read_reviews,
)
from data_prep.imdb.synthetic import write_reviews
from data_prep.pipeline.recipe import (
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
    """Texts and their labels (0 or 1), in order."""

    texts: list[str]
    labels: list[int]


def _plan(request: Request) -> Recipe:
    counts = _counts(request)
    parameters = {
        "counts": counts,
        "min_frequency": MIN_FREQUENCY,
        "protocol": request.protocol,
        "known_overlap": 0 if request.synthetic else KNOWN_OVERLAP,
        "unofficial_md5": _unofficial_md5s(request),
    }
    source = "the publisher's reviews"
    if request.synthetic:
        source = "made-up reviews"
    elif request.raw is None and _comes_from_hub(request):
        source = f"{HUB_NAME} of Hugging Face"
    return Recipe(Provenance(source, parameters, request.seed, request.synthetic), counts)


def _unofficial_md5s(request: Request) -> dict[str, str]:
    """Return the md5 of the archive, by its name, if it is not the publisher's."""
    if request.raw is None or not request.raw.is_file():
        return {}
    command = request.accepting_command(request.raw)
    return unofficial_md5s({request.raw: SOURCE}, command, allowed=request.allow_checksum_mismatch)


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
            "published.other-texts", found=len(vocabulary), most=request.task.inputs.width
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
        return read_hub(request.downloads, longest, request.progress)
    raw = request.raw or fetch(SOURCE, request.downloads, request.progress)
    return read_reviews(raw, longest, request.progress)


def _comes_from_hub(request: Request) -> bool:
    return has_hub() and not (request.downloads / ARCHIVE).is_file()


def arrange(
    reviews: Reviews, counts: Counts, seed: int, protocol: Protocol
) -> dict[SplitName, Examples]:
    """Assign reviews to the splits, labels alternating.

    Args:
      reviews: the reviews of both parts and labels, in any order.
      counts: examples per split.
      seed: decides the order, and which reviews go to validation.
      protocol: `default` takes validation from train, equal texts together; `lra-legacy` repeats test.
    """
    by_split: dict[SplitName, list[list[str]]] = {split: [] for split in SPLITS}
    for label in range(len(LABELS)):
        known, test = (
            _shuffled(reviews[part, label], np.random.default_rng([seed, number, label]))
            for number, part in enumerate(PARTS)
        )
        wanted = {split: _share(count, label) for split, count in counts.items()}
        by_split["test"].append(test[: wanted["test"]])
        if protocol == "lra-legacy":
            by_split["train"].append(known[: wanted["train"]])
            by_split["val"].append(by_split["test"][label])
        else:
            pool = known[: _share(counts["train"] + counts["val"], label)]
            val = _equal_together(pool, wanted["val"])
            by_split["train"].append([text for text in pool if text not in val])
            by_split["val"].append([text for text in pool if text in val])
    return {split: _alternating(by_label) for split, by_label in by_split.items()}


def _shuffled(texts: list[str], rng: np.random.Generator) -> list[str]:
    """Return the texts in a random order that does not depend on their order before."""
    ordered = sorted(texts)
    return [ordered[place] for place in rng.permutation(len(ordered))]


def _share(count: int, label: int) -> int:
    """Return how many of `count` examples have a label; with an odd count the first label has one more."""
    return (count + len(LABELS) - 1 - label) // len(LABELS)


def _equal_together(pool: list[str], wanted: int) -> set[str]:
    """Return the first texts of a pool that make `wanted` examples together with all their copies."""
    chosen = set()
    for text, copies in Counter(pool).items():
        if copies <= wanted:
            chosen.add(text)
            wanted -= copies
    return chosen


def _alternating(by_label: list[list[str]]) -> Examples:
    """Return texts with alternating labels, starting with the label that has more."""
    order = sorted(range(len(by_label)), key=lambda label: -len(by_label[label]))
    rounds = zip_longest(*([(text, label) for text in by_label[label]] for label in order))
    examples = [example for some in rounds for example in some if example is not None]
    return Examples([text for text, _ in examples], [label for _, label in examples])


ORIGIN = Origin(
    size="84 MB to download, 205 MB prepared",
    licence=SOURCE.licence,
    source=f"{SOURCE.url}, or {HUB_NAME} on Hugging Face",
    wanted=f"{ARCHIVE}, or aclImdb with its folders {{train,test}}/{{neg,pos}}",
    find_raw=find_raw,
    full=with_validation(2 * PER_LABEL, 2 * PER_LABEL),
    plan=_plan,
    write=_write,
    addresses=(SOURCE.url, hub_page(HUB_NAME)),
    protocols=("default", "lra-legacy"),
)
