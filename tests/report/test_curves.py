"""Curves: images that take the page's ink, have no ground, and hold what was drawn."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree as ET

import matplotlib as mpl

from octlib.report.curves import INK, draw_curve


def svg(picture):
    assert picture["source"].startswith("data:image/svg+xml;base64,")
    return base64.b64decode(picture["source"].partition(",")[2]).decode("utf-8")


def test_axes_take_the_ink_of_the_page_and_have_no_ground():
    before = dict(mpl.rcParams)
    picture = draw_curve(lambda ax: ax.plot([1, 2], [3, 4], color="#123456", label="<b>"), "a line")
    text = svg(picture)
    assert INK not in text
    assert text.count("currentColor") > 10
    assert "prefers-color-scheme:dark" in text
    assert "#123456" in text
    assert "#ffffff" not in text.replace("opacity: 0", "") or "opacity: 0" in text
    assert dict(mpl.rcParams) == before
    assert (picture["words"], picture["width"] > picture["height"]) == ("a line", True)


def test_names_are_text_and_no_markup():
    def draw(ax):
        ax.plot([1, 2], [3, 4], label="<script>alert(1)</script>")
        ax.legend()

    text = svg(draw_curve(draw, "a line"))
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_same_drawing_gives_the_same_image():
    first, second = (svg(draw_curve(lambda ax: ax.plot([1, 2], [3, 4]), "a line")) for _ in range(2))
    assert first == second
    assert not re.search(r"\d{4}-\d\d-\d\dT", first)


def test_long_names_and_such_as_no_image_holds_leave_a_picture():
    def draw(ax):
        ax.plot([1, 2], [3, 4], label="N\x0b" + 300 * "x" + " 0.9 [0.8, 1.0]")
        ax.legend()

    text = svg(draw_curve(draw, "a line"))
    assert ET.fromstring(text).tag.endswith("svg")
    assert "0.9 [0.8, 1.0]" in text
