"""Pathfinder images: the compiled generator against the slow reference and the published figures."""

import dataclasses

import numpy as np
import pytest
from pathfinder_oracle import discs_are_connected, separate
from pathfinder_reference import reference_image

from data_prep.pathfinder.contact_sheet import contact_sheet
from data_prep.pathfinder.image import image_stream, paint, sketch_image, stretch
from data_prep.pathfinder.markers import paint_markers
from data_prep.pathfinder.settings import SETTINGS, Settings
from data_prep.pathfinder.stamps import (
    draw_marker,
    draw_segment,
    misses_a_corner,
    move,
    reverse,
    seed_footprint,
    stamp_reach,
    turning_weights,
)
from data_prep.pathfinder.tables import tables

SMALL, LARGE = SETTINGS[32], SETTINGS[128]


def images(settings: Settings, number: int, seed: int = 7) -> np.ndarray:
    sketches = [sketch_image(settings, image_stream(seed, 0, i)) for i in range(number)]
    return np.stack([paint(settings, sketch) for sketch in sketches])


def assert_twins_agree(settings: Settings, number: int) -> None:
    for index in range(number):
        image, label, attempts = reference_image(settings, image_stream(3, 1, index))
        sketch = sketch_image(settings, image_stream(3, 1, index))
        np.testing.assert_array_equal(paint(settings, sketch), image)
        assert (sketch.label, sketch.attempts) == (label, attempts)


def test_the_kernels_draw_the_bytes_of_the_slow_twin():
    assert_twins_agree(SMALL, 10)


def test_the_kernels_agree_with_the_twin_on_several_contrasts_and_other_lengths():
    varied = dataclasses.replace(
        SMALL,
        snake_contrasts=(0.5, 2.0),
        paddle_contrasts=(0.25, 0.75, 1.0),
        contour_length=6,
        distractor_length=2,
        distractors=10,
    )
    assert_twins_agree(varied, 10)


@pytest.mark.slow
@pytest.mark.parametrize("size", SETTINGS)
def test_the_kernels_agree_with_the_twin_at_every_size(size):
    assert_twins_agree(SETTINGS[size], 3)


def test_images_are_a_function_of_seed_split_and_index():
    def image(*stream: int) -> bytes:
        return paint(SMALL, sketch_image(SMALL, image_stream(*stream))).tobytes()

    assert image(5, 0, 3) == image(5, 0, 3)
    assert len({image(*s) for s in [(5, 0, 3), (6, 0, 3), (5, 1, 3), (5, 0, 4)]}) == 4


def test_the_global_random_state_plays_no_part():
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()
    images(SMALL, 3)
    assert np.random.get_state()[1].tolist() == before


def test_labels_are_fair_and_greys_are_those_of_the_published_program():
    sketches = [sketch_image(SMALL, image_stream(7, 0, index)) for index in range(1500)]
    drawn = np.stack([paint(SMALL, sketch) for sketch in sketches])
    # Five standard deviations of a fair deal.
    assert abs(np.mean([sketch.label for sketch in sketches]) - 0.5) < 5 * 0.5 / 1500**0.5
    assert drawn.mean() == pytest.approx(20.1, abs=0.5)
    assert (drawn > 16).mean() == pytest.approx(0.159, abs=0.004)
    assert 250 < np.mean([sketch.attempts for sketch in sketches]) < 450


@pytest.mark.slow
def test_greys_of_large_images_are_those_of_the_published_program():
    drawn = images(LARGE, 300)
    assert drawn.mean() == pytest.approx(7.9, abs=0.2)
    assert (drawn > 16).mean() == pytest.approx(0.060, abs=0.002)


def test_more_distractors_light_more_pixels_and_leave_the_long_contours_alone():
    index = 4
    few, many = (
        sketch_image(dataclasses.replace(SMALL, distractors=n), image_stream(7, 0, index))
        for n in (0, 10)
    )
    np.testing.assert_array_equal(many.segments[:28], few.segments)
    assert len(few.segments) == 28 < len(many.segments) <= 28 + 10 * 4


@pytest.mark.parametrize(("settings", "number"), [(SMALL, 500), (LARGE, 30)])
def test_a_path_joins_the_discs_where_the_label_says_so(settings, number):
    answers = []
    for index in range(number):
        sketch = sketch_image(settings, image_stream(11, 2, index))
        joined = discs_are_connected(separate(settings, sketch), sketch.margin)
        answers.append(joined == (sketch.label == 1))
    assert np.mean(answers) >= 0.99


def test_layers_make_up_the_image():
    sketch = sketch_image(LARGE, image_stream(7, 0, 0))
    layers = separate(LARGE, sketch)
    whole = np.maximum.reduce([*layers.contours, layers.distractors, layers.markers])
    np.testing.assert_array_equal(stretch(whole), paint(LARGE, sketch))
    assert [tuple(c) for c in layers.centres] != [
        tuple(layers.tips[0, 0]),
        tuple(layers.tips[1, 0]),
    ]


def test_markers_are_what_drawing_them_gives_at_every_place():
    for y in range(SMALL.size):
        for x in range(0, SMALL.size, 3):
            painted = paint_markers(SMALL, np.array([[y, x]]))
            np.testing.assert_array_equal(painted * 255, draw_marker(SMALL, (y, x)))


@pytest.mark.parametrize("degree", [-180, -120, -37, 0, 45, 90])
def test_a_stamp_holds_a_line_of_the_segments_length_and_wider_room_around_it(degree):
    settings, margin = LARGE, 3
    angle = np.deg2rad(degree)
    line, room = draw_segment(settings, margin, angle)
    reach = stamp_reach(settings, margin)
    assert line.shape == room.shape == (2 * reach + 1, 2 * reach + 1)
    steps = np.argwhere(line > 128) - reach
    along = steps @ [np.sin(angle), np.cos(angle)]
    across = steps @ [np.cos(angle), -np.sin(angle)]
    assert -1.5 <= along.min() <= 0.5
    assert 4 <= along.max() <= settings.segment_length + 1.5
    assert np.abs(across).max() <= 1.5
    widened = np.argwhere(room > 128) - reach
    assert np.abs(widened @ [np.cos(angle), -np.sin(angle)]).max() >= margin
    assert (room[line > 128] == 255).all()


def test_positions_are_rounded_up_and_opposite_angles_are_half_a_turn_away():
    assert move((10, 10), 0.3, 5) == (12, 15)
    assert move((10, 10), -0.3, 5) == (9, 15)
    assert reverse(-1.0) == pytest.approx(np.pi - 1)
    assert reverse(1.0) == pytest.approx(1 - np.pi)


def test_a_contour_turns_the_less_readily_the_sharper():
    turns = np.deg2rad([0.0, 30, 60, 90, 180])
    np.testing.assert_allclose(
        turning_weights(SMALL, 0.0, turns), [1, 0.75, 0.25, 0, 0], atol=1e-12
    )
    assert turning_weights(LARGE, 0.0, turns)[2] == 0  # 60 degrees times 1.8


def test_first_contours_start_in_the_middle_away_from_the_frame():
    table = tables(SMALL, 1)
    assert len(table.tails) > 0
    # Twice the seed distance is kept from each side, but for the shift of the footprint by one pixel.
    assert table.tails.min() >= 32 // 2 - 2 - 3
    assert table.tails.max() <= 32 // 2 + 1 + 2


def test_a_footprint_that_leaves_the_image_at_a_corner_finds_no_tail():
    assert misses_a_corner(np.array([[1, 1], [1, 2]]))
    assert not misses_a_corner(np.array([[0, 0], [1, 2]]))
    degrees = np.deg2rad(np.arange(-180, 180))
    blind = [misses_a_corner(seed_footprint(SMALL, 1, degree)) for degree in degrees]
    np.testing.assert_array_equal(tables(SMALL, 1).seed_counts == 0, blind)


def test_a_contact_sheet_shows_both_labels():
    sheet = contact_sheet(SMALL, seed=1)
    assert sheet.shape == (4 * (128 + 8), 8 * (128 + 8))
    assert sheet.max() == 255
