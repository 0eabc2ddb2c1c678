"""A contact sheet of generated Pathfinder images: `python -m data_prep.pathfinder.contact_sheet OUT.png`.

It has eight columns; in the upper half both discs are on one contour, in the lower half they are not.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from data_prep.pathfinder.image import image_stream, paint, sketch_image
from data_prep.pathfinder.settings import SETTINGS, Settings

COLUMNS = 8
ROWS_PER_LABEL = 2
RIM = 4  # pixels between images
GREY = 96  # colour of the rim
CELL = 128  # pixels; images are enlarged to this size


def contact_sheet(settings: Settings, seed: int) -> np.ndarray:
    """Return the first images of each label side by side, uint8."""
    wanted = COLUMNS * ROWS_PER_LABEL
    shown: dict[int, list[np.ndarray]] = {1: [], 0: []}
    index = 0
    while min(map(len, shown.values())) < wanted:
        sketch = sketch_image(settings, image_stream(seed, 0, index))
        shown[sketch.label].append(paint(settings, sketch))
        index += 1
    factor = max(1, CELL // settings.size)
    cells = [image for images in shown.values() for image in images[:wanted]]
    large = [np.pad(np.kron(cell, np.ones((factor,) * 2, np.uint8)), RIM) for cell in cells]
    for cell in large:
        cell[:RIM] = cell[-RIM:] = cell[:, :RIM] = cell[:, -RIM:] = GREY
    rows = [np.hstack(large[start : start + COLUMNS]) for start in range(0, len(large), COLUMNS)]
    return np.vstack(rows)


def main() -> None:
    """Write a sheet to a file."""
    parser = argparse.ArgumentParser(description="Draw a contact sheet of Pathfinder images.")
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument("--size", type=int, choices=SETTINGS, default=32, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=42, help="(%(default)s)")
    arguments = parser.parse_args()
    sheet = contact_sheet(SETTINGS[arguments.size], arguments.seed)
    Image.fromarray(sheet).save(arguments.out, optimize=True)


if __name__ == "__main__":
    main()
