import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from lru_tune.drawing import new_plot
from lru_tune.plots import best_so_far
from lru_tune.plots.page import as_svg, page, write_page
from lru_tune.plots.report_pictures import pictures
from lru_tune.results import history
from lru_tune.results.reading.record import read_space
from lru_tune.results.reading.spectra import Spectra
from lru_tune.results.writing.experiment_tables import gather

VOID = {"meta", "link", "br", "hr", "img"}


class Structure(HTMLParser):
    """Collects ids and references, and checks that every element is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href"):
                self.links.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def structure_of(text):
    parser = Structure()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


RING = [np.array([0.9j, 0.5]), np.array([0.9, 0.5 + 0j])]
GAINS = [np.array([0.1, 0.2])] * 2
SPECTRA = Spectra(RING, RING, GAINS, GAINS)


def draw(folder, spectra=SPECTRA):
    """Return the findings of an experiment and the pictures of its report."""
    findings = gather(folder)
    return findings, list(pictures(findings, history(folder), read_space(folder), spectra))


@pytest.fixture(scope="module")
def drawn(shared_search):
    return draw(shared_search)


@pytest.fixture(scope="module")
def text(drawn):
    return page(*drawn)


def test_the_page_needs_no_network_and_every_reference_leads_inside(text):
    found = structure_of(text)
    assert len(found.ids) == len(set(found.ids))
    inside = [link for link in found.links if not link.startswith("data:")]
    assert inside
    assert all(link.startswith("#") and link[1:] in found.ids for link in inside)
    clips = re.findall(r"url\((.*?)\)", text)
    assert all(clip.strip("\"'").removeprefix("#") in found.ids for clip in clips)
    assert "<script" not in text
    assert "@import" not in text


def test_the_page_says_who_won_how_sure_and_what_next_before_the_pictures_of_the_search(text):
    order = [
        "<h1>",
        "Winner</h2>",
        "Confirmation with fresh seeds</h2>",
        "Suggestions</h2>",
        "Learning curves</h3>",
    ]
    places = [text.index(mark) for mark in order]
    assert places == sorted(places)
    assert "0000-t" in text


def test_every_picture_is_in_the_page_with_its_caption(drawn, text):
    titles = re.findall(r"<h3>(.*?)</h3>", text)
    assert sorted(titles) == sorted(picture.title for picture in drawn[1])
    assert len(titles) == 13
    assert text.count("<svg") == 13


def test_both_colour_schemes_and_narrow_screens_are_provided_for(text):
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    assert "#000000" not in text
    assert "currentColor" in text


def test_writing_the_page_again_changes_nothing(searched, text):
    findings, again = draw(searched)
    assert write_page(findings, again).read_text() == text


def test_what_looks_like_html_in_an_error_stays_text(searched, write_run):
    write_run(
        searched / "trials" / "0099-x", status="failed", accuracies=(), error="<script>x</script>"
    )
    text = page(gather(searched), [])
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_an_experiment_without_reports_has_a_page_without_pictures(tmp_path, searched):
    for run in (searched / "trials").iterdir():
        for file in run.iterdir():
            file.unlink()
    for run in (searched / "confirm").iterdir():
        for file in run.iterdir():
            file.unlink()
        run.rmdir()
    (searched / "confirm").rmdir()
    findings, drawn = draw(searched, None)
    assert drawn == []
    structure_of(page(findings, drawn))


def test_black_follows_the_text_and_colours_stay():
    figure, axes = new_plot(1, 1, size=(3, 2))
    axes[0, 0].plot([0, 1], [0, 1], color="black")
    axes[0, 0].plot([0, 1], [1, 0], color="#3b82c4")
    axes[0, 0].set_title("words")
    svg = as_svg(figure, "p7")
    assert "stroke: currentColor" in svg
    assert "#3b82c4" in svg
    assert "#ffffff" not in svg
    assert ">words</text>" in svg
    assert all(name.startswith("p7-") for name in re.findall(r'\bid="([^"]*)"', svg))


def test_a_thousand_marks_more_become_an_image_inside_the_drawing():
    sizes = []
    for count in (900, 1100):
        trials = pd.DataFrame(
            {
                "val/accuracy": np.linspace(0.1, 0.9, count),
                "status": "completed",
                "device_seconds": 1.0,
            }
        )
        svg = as_svg(best_so_far(trials), "p")
        sizes.append((svg.count("<use"), svg.count("data:image/png;base64")))
    assert sizes[0][0] > 1800
    assert sizes[0][1] == 0
    assert sizes[1][0] < 200
    assert sizes[1][1] == 2
