"""Data sets on the Hugging Face Hub, through the library `datasets`."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lru_tune.errors import DataNotPrepared
from lru_tune.files.disk import DISK_FULL


def has_hub() -> bool:
    """Return whether the library is installed."""
    return find_spec("datasets") is not None


def hub_page(name: str) -> str:
    """Return the address of a data set's page."""
    return f"https://huggingface.co/datasets/{name}"


def load_split(name: str, split: str, downloads: Path, url: str) -> Any:
    """Download one split of a data set and return it as a `datasets.Dataset`.

    Args:
      name: `owner/name` of the data set.
      split: its name on the Hub.
      downloads: the library keeps its files in `downloads/huggingface`.
      url: where the publisher keeps the same data, for the message of an error.

    Raises:
      DataNotPrepared: it cannot be downloaded.
    """
    # Without these, the library reports each use to the Hub.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_UPDATE_DOWNLOAD_COUNTS", "0")
    import datasets

    try:
        return datasets.load_dataset(name, split=split, cache_dir=str(downloads / "huggingface"))
    except (OSError, datasets.exceptions.DatasetsError) as error:
        if getattr(error, "errno", None) in DISK_FULL:
            raise
        raise DataNotPrepared("fetch.hub-failed", name=name, error=error, url=url) from error
