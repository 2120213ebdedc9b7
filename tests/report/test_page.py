"""Page: legible in light and dark, and what a template forgot is an error, not a blank."""

from __future__ import annotations

import re
from importlib.resources import files

import jinja2
import pytest

from octlib.report.numbers import DARKEST
from octlib.report.page import render

STYLE = (files("octlib.report") / "templates" / "style.css").read_text(encoding="utf-8")
READABLE = 4.5  # WCAG 2.2, 1.4.3, level AA


def colours(dark: bool) -> dict[str, tuple[float, ...]]:
    """Read the variables of the style: RGB in 0-255."""
    both = [block for _, block in re.findall(r"(:root) \{([^}]*)\}", STYLE)][:2]
    found = dict(re.findall(r"--([a-z]+): ([^;]+);", both[0] + (both[1] if dark else "")))
    hexes = {name: tuple(bytes.fromhex(value[1:])) for name, value in found.items() if value.startswith("#")}
    return hexes | {"cell": tuple(map(float, found["cell"].split(",")))}


def luminance(colour: tuple[float, ...]) -> float:
    parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_reckoned_as_the_standard_does():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("dark", [False, True])
def test_everything_is_legible(dark):
    found = colours(dark)
    for ink in ("ink", "soft", "wrong"):
        for ground in ("ground", "surface"):
            assert contrast(found[ink], found[ground]) >= READABLE, (ink, ground)
    fullest = tuple(DARKEST * c + (1 - DARKEST) * s for c, s in zip(found["cell"], found["surface"], strict=True))
    assert contrast(found["ink"], fullest) >= READABLE


def test_a_variable_that_is_missing_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="introduction"):
        render("base.html", title="A page", notes=[])


def test_the_base_alone_is_a_page_for_other_reports():
    text = render("base.html", title="A <b> page", introduction="", notes=["A note."])
    assert "<title>A &lt;b&gt; page</title>" in text
    assert "For research, not a medical device." in text
    assert re.search(r'octlib \S+ on <time datetime="\d{4}-\d\d-\d\d">', text)
