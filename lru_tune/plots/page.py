"""report.html: report.md with pictures, in one file that needs no network, in light and dark mode."""

import html
import io
import re
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from lru_tune import __version__
from lru_tune.files.atomic import write_atomically
from lru_tune.plots.report_pictures import Picture
from lru_tune.results.writing.report import Findings, Section, sections

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_FILE = "report.html"
REM_AN_INCH = 7  # of a figure: gives all figures the same size of text
SMALLEST = 0.65  # of that size; on a narrower screen a figure scrolls
DPI = 144  # of images inside a figure
# Conclusions come before the pictures that support them.
ORDER: tuple[Section, ...] = (
    "heading",
    "winner",
    "confirmation",
    "bounds",
    "advice",
    "next",
    "top",
    "ends",
    "space",
)


def write_page(findings: Findings, pictures: Iterable[Picture]) -> Path:
    """Write report.html into the experiment's folder and return its path."""
    path = findings.folder / PAGE_FILE
    write_atomically(path, page(findings, pictures))
    return path


def page(findings: Findings, pictures: Iterable[Picture]) -> str:
    """Return the text of report.html.

    Args:
      findings: the data of report.md.
      pictures: in their order within the sections.
    """
    texts = sections(findings)
    drawn: dict[Section, list[str]] = {}
    for number, picture in enumerate(pictures):
        drawn.setdefault(picture.section, []).append(_figure(picture, number))
    parts = []
    links = []
    for name in ORDER:
        if name not in texts and name not in drawn:
            continue
        body = _as_html(texts.get(name, ""))
        heading = re.search(r"<h2>(.*?)</h2>", body)
        if heading:
            links.append(f'<a href="#{name}">{heading[1]}</a>')
        parts.append(f'<section id="{name}">\n{body}{"".join(drawn.get(name, []))}</section>')
    navigation = f"<nav>{' '.join(links)}</nav>"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta name="generator" content="lru-tune {__version__}">',
            f"<title>{html.escape(findings.folder.name)}</title>",
            f"<style>\n{files(__package__).joinpath('page.css').read_text()}</style>",
            "</head>",
            "<body>",
            parts[0],
            navigation,
            *parts[1:],
            "</body>",
            "</html>",
            "",
        ]
    )


def as_svg(figure: "Figure", prefix: str) -> str:
    """Return a figure as an <svg> element in which black becomes the colour of the surrounding text.

    Args:
      figure: the figure; its background is removed.
      prefix: of all ids inside, so that several figures can share a page.
    """
    import matplotlib as mpl

    figure.patch.set_visible(False)
    for axes in figure.axes:
        axes.patch.set_visible(False)
    text = io.StringIO()
    # Text stays text; a fixed salt makes the output deterministic.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lru-tune"}):
        figure.savefig(text, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r"(stroke|fill): #000000", r"\1: currentColor", svg)
    return svg.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana")


def _figure(picture: Picture, number: int) -> str:
    svg = as_svg(picture.figure, f"p{number}")
    title = html.escape(picture.title)
    widest = REM_AN_INCH * picture.figure.get_figwidth()
    size = f"max-width: {widest:.0f}rem; min-width: {SMALLEST * widest:.0f}rem"
    opening = f'<svg role="img" aria-label="{title}" style="{size}"'
    svg = svg.replace("<svg", opening, 1)
    return (
        f"<figure>\n<h3>{title}</h3>\n<figcaption>{html.escape(picture.caption)}</figcaption>\n"
        f'<div class="picture">{svg}</div>\n</figure>\n'
    )


def _as_html(text: str) -> str:
    """Return Markdown as HTML; HTML in it is escaped."""
    body = str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))
    return body.replace("<table>", '<div class="table"><table>').replace(
        "</table>", "</table></div>"
    )
