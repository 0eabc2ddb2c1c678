"""The sources of CIFAR-10: the publisher's python batches, and its copy on the Hugging Face Hub.

torchvision checks and unpacks the publisher's archive. The Hub holds the same images as PNG files, in the
order of the publisher's archive, in which the batches are not sorted by number. The checksum of their labels
identifies the batches, and verifies them.
"""

import hashlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from data_prep.cifar.batches import IMAGES, NUMBERS, Batch, read_batch
from data_prep.fetching.checksums import Source
from data_prep.fetching.download import fetch
from data_prep.fetching.hugging_face import has_hub, load_split
from data_prep.pipeline.progress import Progress
from lru_tune.errors import DataDamaged, DataNotPrepared

Part = Literal["train", "test"]

FOLDER = "cifar-10-batches-py"
HUB = "uoft-cs/cifar10"
LICENCE = "none stated"  # the author asks to be cited

ARCHIVE = Source(
    file="cifar-10-python.tar.gz",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    licence=LICENCE,
    bytes=170_498_071,
    md5="c58f30108f718f92721af3b95e74349a",
)

FILES: dict[Part, tuple[str, ...]] = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
}
BATCHES = FILES["train"] + FILES["test"]
MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
SOURCES = {name: Source(name, ARCHIVE.url, LICENCE, bytes=0, md5=md5) for name, md5 in MD5.items()}
# sha256 of each batch's 10,000 labels, one byte each.
LABELS_SHA256 = {
    "data_batch_1": "d829dbdf32167c9d7b3687cee66d92d80d46c441308b5aca0d11e8b69e27dac9",
    "data_batch_2": "5d18f7371ed35ea9ade77952fe958b0660a45cd6c8b8a8970030f21612cfd7e3",
    "data_batch_3": "32cf77b0ee2e790b1c4384d2d82e42dc1571b87e67f6da8f444b2725b2973f65",
    "data_batch_4": "d2815e3f8f656272864920fc0edde56b04ec9cf81bf397c0dd3069f4aea51aeb",
    "data_batch_5": "2ddf3ab27d5d04409c94ce7b56849c243129c10de1058ae0bfe14c77e934800c",
    "test_batch": "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
}

WANTED = f"{', '.join(BATCHES)}, in the folder or its {FOLDER}; {ARCHIVE.file} unpacks to them"


def find_raw(folder: Path) -> Path | None:
    """Return which of `folder/cifar-10-batches-py` and `folder` holds the six batches, or None."""
    for place in (folder / FOLDER, folder):
        if all((place / name).is_file() for name in BATCHES):
            return place
    return None


def read_batches(folder: Path, part: Part) -> Iterator[Batch]:
    """Yield the batches of a part from the publisher's files, in order."""
    for name in FILES[part]:
        yield read_batch(folder / name)


def only_hub_is_available() -> bool:
    """Return whether the library `datasets` is installed and torchvision is not."""
    return find_spec("torchvision") is None and has_hub()


def fetch_batches(folder: Path, progress: Progress) -> Path:
    """Download the archive, let torchvision unpack it in `folder`, and return the folder of the batches.

    Raises:
      DataNotPrepared: torchvision is missing or broken, or the download failed.
      DataDamaged: the server's archive is not the published one.
    """
    try:
        from torchvision.datasets import CIFAR10  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise DataNotPrepared("fetch.no-torchvision", url=ARCHIVE.url) from error
    except RuntimeError as error:  # how a torchvision built for another torch fails
        raise DataNotPrepared("fetch.broken-torchvision", error=error, url=ARCHIVE.url) from error
    fetch(ARCHIVE, folder, progress)  # torchvision could not resume a download
    try:
        CIFAR10(str(folder), train=False, download=True)  # loads one batch, its checksum checked
    except (OSError, RuntimeError) as error:  # RuntimeError: wrong checksum
        raise DataNotPrepared("fetch.cifar-not-unpacked", error=error, url=ARCHIVE.url) from error
    found = find_raw(folder)
    if found is None:
        missing = f"torchvision left no batches in {folder}"
        raise DataNotPrepared("fetch.cifar-not-unpacked", error=missing, url=ARCHIVE.url)
    return found


def fetch_from_hub(part: Part, downloads: Path) -> Iterator[Batch]:
    """Yield the batches of a part from the Hugging Face Hub, in the publisher's order.

    Raises:
      DataNotPrepared: the Hub cannot be reached.
      DataDamaged: the Hub's data set is not CIFAR-10.
    """
    yield from arrange(load_split(HUB, part, downloads, ARCHIVE.url), part)


def arrange(rows: Any, part: Part) -> Iterator[Batch]:
    """Yield the batches of a part in the publisher's order.

    Args:
      rows: a `datasets.Dataset` with the columns `img` (PIL images) and `label`.
      part: which part it holds.

    Raises:
      DataDamaged: columns or labels are not those of CIFAR-10.
    """
    if not {"img", "label"} <= set(rows.column_names):
        raise DataDamaged("published.hub-columns", name=HUB, found=", ".join(rows.column_names))
    labels = np.array(rows["label"][:], np.uint8)
    starts = {
        hashlib.sha256(labels[start : start + IMAGES].tobytes()).hexdigest(): start
        for start in range(0, len(labels), IMAGES)
    }
    for name in FILES[part]:
        start = starts.get(LABELS_SHA256[name])
        if start is None:
            raise DataDamaged("published.hub-labels", name=HUB, part=part, batch=name)
        chosen = slice(start, start + IMAGES)
        yield Batch(_planes(rows[chosen]["img"]), labels[chosen])


def _planes(images: list[Any]) -> np.ndarray:
    """Return PIL images (32 x 32) as rows of red, green and blue planes, (n, 3072) uint8."""
    pixels = np.stack([np.asarray(image.convert("RGB")) for image in images])
    return pixels.transpose(0, 3, 1, 2).reshape(len(images), NUMBERS)
