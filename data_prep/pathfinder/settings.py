"""Long Range Arena's settings of the Pathfinder generator, one entry per image size.

Source: the table in LRA's TFDS builders (Tay et al. 2021) for the generator of Linsley et al. 2018, and
that program's defaults for what LRA omits. All are of the hard difficulty (`curv_contour_length_14`).
"""

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """Settings of the generator. Lengths are in pixels of the image.

    Attributes:
      size: W, the image's side.
      padding: width of the frame that no contour may enter.
      margins: widths of the free space around every segment; each image draws one of them.
      seed_distance: between the origin tips of the two long contours.
      marker_radius: of the two discs.
      thickness: width of a segment.
      scale: how much finer than the image segments and discs are drawn.
      segment_length: length of a segment; a contour consists of segments.
      continuity: a contour turns by less than 90 degrees / continuity per segment.
      distractors: how many short contours are attempted.
      snake_contrasts: contrasts of contours.
      paddle_contrasts: contrasts of segments of long contours, multiplied by the contour's.
      contour_length: number of segments of a long contour.
      distractor_length: number of segments of a distractor.
    """

    size: int
    padding: int
    margins: tuple[int, ...]
    seed_distance: int
    marker_radius: float
    thickness: float
    scale: int
    segment_length: int
    continuity: float
    distractors: int
    snake_contrasts: tuple[float, ...]
    paddle_contrasts: tuple[float, ...]
    contour_length: int = 14
    distractor_length: int = 4

    def as_parameters(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        values = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


SETTINGS = {
    settings.size: settings
    for settings in (
        Settings(
            size=32,
            padding=1,
            margins=(1,),
            seed_distance=7,
            marker_radius=1.5,
            thickness=0.5,
            scale=2,
            segment_length=2,
            continuity=1.0,
            distractors=20 // 4,
            snake_contrasts=(2.0,),
            paddle_contrasts=(0.75,),
        ),
        Settings(
            size=64,
            padding=1,
            margins=(1,),
            seed_distance=12,
            marker_radius=2.5,
            thickness=1.0,
            scale=2,
            segment_length=5,
            continuity=1.8,
            distractors=22 // 4,
            snake_contrasts=(0.8,),
            paddle_contrasts=(1.0,),
        ),
        Settings(
            size=128,
            padding=1,
            margins=(2, 3),
            seed_distance=20,
            marker_radius=3.0,
            thickness=1.5,
            scale=2,
            segment_length=5,
            continuity=1.8,
            distractors=35 // 4,
            snake_contrasts=(0.9,),
            paddle_contrasts=(1.0,),
        ),
        Settings(
            size=256,
            padding=22,
            margins=(3,),
            seed_distance=27,
            marker_radius=5.0,
            thickness=2.0,
            scale=2,
            segment_length=5,
            continuity=1.8,
            distractors=30 // 4,
            snake_contrasts=(1.0,),
            paddle_contrasts=(1.0,),
        ),
    )
}
