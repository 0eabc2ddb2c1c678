"""The Long Range Arena release: one archive with the files of several tasks.

`lra_release.gz` is a .tar.gz; depending on how it was unpacked, its content is in a folder `lra_release`
once or twice.

Source: Tay et al. 2021, https://github.com/google-research/long-range-arena
"""

from pathlib import Path

from data_prep.fetching.checksums import Source

RELEASE = Source(
    file="lra_release.gz",
    url="https://storage.googleapis.com/long-range-arena/lra_release.gz",
    licence="Apache-2.0",
    bytes=8_200_000_000,
)


def release_folders(folder: Path) -> tuple[Path, ...]:
    """Return the folders that may hold the content of the release, given one that a user named."""
    return folder, folder / "lra_release", folder / "lra_release" / "lra_release"
