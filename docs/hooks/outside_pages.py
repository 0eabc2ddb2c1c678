"""Shows pages of the repository that lie outside of docs/ on the site, their links put right.

MkDocs calls the functions named `on_*`. The pages stay where GitHub's readers look for them, and nothing
is written twice.
"""

import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# Path in the repository -> path on the site.
OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
    "data_prep/README.md": "data_prep.md",
    "notebooks/README.md": "notebooks.md",
    "notebooks/01_search_overview.ipynb": "notebooks/01_search_overview.ipynb",
    "notebooks/02_early_stopping.ipynb": "notebooks/02_early_stopping.ipynb",
    "notebooks/03_importance.ipynb": "notebooks/03_importance.ipynb",
    "notebooks/04_seeds_and_significance.ipynb": "notebooks/04_seeds_and_significance.ipynb",
    "notebooks/05_reproduction.ipynb": "notebooks/05_reproduction.ipynb",
    "notebooks/06_lru_dynamics.ipynb": "notebooks/06_lru_dynamics.ipynb",
    "notebooks/07_cost_and_throughput.ipynb": "notebooks/07_cost_and_throughput.ipynb",
    "notebooks/example/make.py": "notebooks/make.py",
    "LICENSE": "LICENSE.txt",
}
# The source files of the tour, as plain text.
TOUR = Path(__file__).resolve().parents[1] / "tour.md"
STOP = re.compile(r"^\d+\. \[`([\w/.]+)`\]", re.M)
OUTSIDE |= {source: f"source/{source}.txt" for source in STOP.findall(TOUR.read_text())}

# What stands between the brackets' end and the anchor: not an address, not a mere anchor.
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of OUTSIDE to those of docs/."""
    root = Path(config.config_file_path).parent
    for source, place in OUTSIDE.items():
        files.append(File.generated(config, place, abs_src_path=str(root / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page whose links lead to where their targets lie on the site."""
    place = page.file.src_uri
    sources = {shown: source for source, shown in OUTSIDE.items()}
    folder = PurePosixPath(sources.get(place, f"docs/{place}")).parent
    return LINK.sub(lambda found: _address(found[1], folder, PurePosixPath(place).parent), markdown)


def _address(target: str, folder: PurePosixPath, site_folder: PurePosixPath) -> str:
    """Return a link's target as seen from the site.

    Args:
      target: as written, relative to `folder`.
      folder: of the page in the repository.
      site_folder: of the page on the site.
    """
    source = os.path.normpath(folder / target)
    place = OUTSIDE.get(source) or os.path.relpath(source, "docs")
    return os.path.relpath(place, site_folder)
