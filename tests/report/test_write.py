"""Write: pages are whole, escaped, loaded from nowhere, and look right in a browser."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import octlib
from octlib.evaluation import score

HOSTILE = "<script>alert('x')</script>&\"'"
VOID = {"meta", "link", "img", "br"}


class Elements(HTMLParser):
    """Collects elements with their attributes, and sees that each is closed in its turn."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def page(tmp_path_factory, evaluation, explanation, scans) -> Path:
    """Give a page with everything on it."""
    taken_for = ("NORMAL", "DRUSEN")
    errors = octlib.Explanation(
        explanation.heatmaps[[2, 5]], ("CNV", "DRUSEN"), taken_for, scans.subset([2, 5]), "hirescam", None
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    return octlib.write_report(
        path, evaluation, explanation, errors=errors, title="A page", introduction="Words.", notes=["A note.", "More."]
    )


@pytest.fixture
def hostile_page(tmp_path) -> Path:
    """Give a page on which every word from elsewhere is markup, and very long."""
    name = HOSTILE + "x" * 300
    scans = octlib.load_oct_dataset((np.zeros((2, 80, 90), dtype=np.uint8), [name, "NORMAL"], [name, "p2"]))
    truth = [scans.class_names.index(name), scans.class_names.index("NORMAL")]
    result = score(truth, np.eye(2)[[truth[1], truth[1]]], ["p1", "p2"], scans.class_names)
    maps = octlib.Explanation(np.eye(8, dtype=np.float32)[None], (name,), (name,), scans.subset([0]), name, name)
    return octlib.write_report(
        tmp_path / "r.html", result, maps, errors=maps, title=name, introduction=name, notes=[name]
    )


def test_a_page_of_patients_says_that_their_scans_stand_for_them(tmp_path):
    scans = octlib.load_oct_dataset((np.zeros((2, 80, 90), dtype=np.uint8), ["CNV", "NORMAL"], ["p1", "p2"]))
    result = score([0, 1], np.eye(2)[[1, 1]], ["p1", "p2"], scans.class_names)
    maps = octlib.Explanation(np.eye(8, dtype=np.float32)[None], ("NORMAL",), ("CNV",), scans[:1], "gradcam", None)
    words = "Each patient is shown by one scan, whose own prediction may be another."
    for level in ("scan", "patient"):
        page = octlib.write_report(tmp_path / f"{level}.html", replace(result, level=level), errors=maps)
        assert (words in page.read_text(encoding="utf-8")) == (level == "patient")


def test_everything_is_on_the_page(page):
    text = page.read_text(encoding="utf-8")
    for words in ("<title>A page</title>", "Words.", "0.750", "A note.", "More.", "not a medical device"):
        assert words in text
    assert "2 of 8 scans were taken for another class. Maps by hirescam at the last map." in text
    assert text.count("<figure>") == 10
    assert text.count('class="wrong"') == 2
    assert "for <bdi>CNV</bdi> (predicted <bdi>NORMAL</bdi>), truly <bdi>DRUSEN</bdi>" in text
    assert text.count("No signal: the map is constant and shows nothing.") == 2
    assert f"octlib {octlib.__version__}" in text


def test_every_metric_of_every_class_is_on_the_page(page, evaluation):
    text = page.read_text(encoding="utf-8")
    for key in ("f1", "precision", "recall", "auroc"):
        for name, (low, high) in evaluation.intervals[key].items():
            assert f"{getattr(evaluation, key)[name]:.3f}" in text
            assert f"{low:.3f} to {high:.3f}" in text


def test_it_loads_nothing_and_runs_nothing(page):
    text, elements = page.read_text(encoding="utf-8"), Elements(page)
    assert not re.search(r"https?:|@import|url\(|<script|<iframe|<object|<form", text)
    links = [a[key] for _, a in elements.found for key in ("src", "href", "srcset", "data", "poster") if key in a]
    assert len(links) > 15
    anchors = {f"#{attributes['id']}" for _, attributes in elements.found if "id" in attributes}
    assert all(link.startswith("data:") or link in anchors for link in links)
    assert not any(key.startswith("on") for _, attributes in elements.found for key in attributes)


def test_it_can_be_read_without_seeing_it(page):
    elements = Elements(page)
    assert elements.open == []
    assert elements.all("html") == [{"lang": "en"}]
    assert all(image["alt"] for image in elements.all("img"))
    assert all(header["scope"] in {"col", "row", "colgroup"} for header in elements.all("th"))
    assert all(each["aria-label"] and each["tabindex"] == "0" for each in elements.all("div") if each.get("role"))
    assert len(elements.all("h1")) == 1


def test_words_from_elsewhere_are_escaped(hostile_page):
    text = hostile_page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 15
    assert {tag for tag, _ in Elements(hostile_page).found}.isdisjoint({"script", "x"})


def test_names_that_are_no_text_are_shown_all_the_same(tmp_path):
    patients = [os.fsdecode(b"p\xff"), "p2"]
    scans = octlib.load_oct_dataset((np.zeros((2, 80, 90), dtype=np.uint8), ["CNV", "DME"], patients))
    result = score(scans.labels, np.eye(2), ["p1", "p2"], scans.class_names)
    maps = octlib.Explanation(np.eye(8, dtype=np.float32)[None], ("CNV",), ("CNV",), scans.subset([0]), "gradcam", None)
    text = octlib.write_report(tmp_path / "r.html", result, maps).read_text(encoding="utf-8")
    assert "patient <bdi>p\\udcff</bdi>" in text


def test_without_maps_and_errors_there_is_less_on_it(tmp_path):
    result = score([0, 1], np.eye(2), ["p1", "p2"], ["CNV", "NORMAL"])
    text = octlib.write_report(str(tmp_path / "r.html"), result).read_text(encoding="utf-8")
    assert "Where the evidence lies" not in text
    assert "There were none: every scan was taken for its own class." in text
    assert "<figure" not in text
    assert "Notes" not in text
    assert "A dash" not in text


def test_errors_that_are_not_shown_are_counted(tmp_path, evaluation, explanation, scans):
    text = octlib.write_report(tmp_path / "r.html", evaluation).read_text(encoding="utf-8")
    assert "2 of 8 scans were taken for another class." in text
    one = octlib.Explanation(explanation.heatmaps[[2]], ("CNV",), ("CNV",), scans.subset([2]), "gradcam", None)
    text = octlib.write_report(tmp_path / "one.html", evaluation, errors=one).read_text(encoding="utf-8")
    assert "2 of 8 scans were taken for another class; here are 1 of them." in text


def test_what_is_undefined_is_explained(tmp_path):
    with pytest.warns(UserWarning, match="No scan is of class DME"):
        result = score([0, 0], np.array([[0.9, 0.1], [0.8, 0.2]]), ["p1", "p2"], ["CNV", "DME"])
    text = octlib.write_report(tmp_path / "r.html", result).read_text(encoding="utf-8")
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)
    assert "A dash (\N{EN DASH}) stands for what is undefined" in text


def test_a_page_that_fails_leaves_the_former_one(tmp_path, evaluation, explanation, monkeypatch):
    path = octlib.write_report(tmp_path / "r.html", evaluation)
    before = path.read_text(encoding="utf-8")
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="as it was"):
        octlib.write_report(path, evaluation, explanation, overwrite=True)
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == before
    assert list(tmp_path.iterdir()) == [path]


def test_sixteen_scans_make_a_page_that_can_be_mailed(tmp_path, evaluation, scans):
    maps = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (8, 64, 1))
    half = octlib.Explanation(maps, ("CNV",) * 8, ("CNV",) * 8, scans, "gradcam", None)
    path = octlib.write_report(tmp_path / "r.html", evaluation, half, errors=half)
    assert path.stat().st_size < 3e6


@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser_nothing_overflows_and_nothing_is_complained_of(page, width, seen):
    found, complaints = seen(page, width)
    assert found == {"inner": width, "over": 0, "wide": 0, "images": 21, "broken": 0}
    assert complaints == []


@pytest.mark.parametrize("width", [360, 1280])
def test_names_of_any_length_leave_the_page_in_shape(hostile_page, width, seen):
    found, complaints = seen(hostile_page, width)
    assert (found["inner"], found["over"], found["wide"]) == (width, 0, 0)
    assert complaints == []


def test_a_point_without_positive_scans_has_no_curve(tmp_path):
    truth = np.array([0, 1, 0, 1, 0, 1])
    probabilities = np.eye(2)[truth] * 0.6 + 0.2
    point = score(truth, probabilities, list("abcdef"), ["CNV", "NORMAL"]).operating_point("CNV", sensitivity=0.9)
    with pytest.warns(UserWarning, match="No scan is of class CNV"):
        result = score([1, 1], probabilities[:2], ["g", "h"], ["CNV", "NORMAL"])
    with pytest.warns(UserWarning, match="No scans are of CNV"):
        judged = point.evaluate(result)
    page = octlib.write_report(tmp_path / "r.html", result, points=[judged]).read_text(encoding="utf-8")
    assert "Chosen on 6 scans for a sensitivity of 0.9 or more" in page
    assert "Net benefit over" not in page
    other = score(truth, probabilities, list("abcdef"), ["CNV", "NORMAL"])
    with pytest.raises(ValueError, match="points must be of the evaluation's own 6 scans, got some of 2"):
        octlib.write_report(tmp_path / "other.html", other, points=[judged])


def test_points_groups_and_calibration_are_on_the_page(tmp_path):
    rng = np.random.default_rng(0)
    truth = np.arange(60) % 2
    sure = rng.uniform(0.3, 0.95, 60)
    probabilities = np.where(truth[:, None] == [0, 1], sure[:, None], 1 - sure[:, None])
    result = score(truth, probabilities, np.arange(60) // 2, ["CNV", "NORMAL"])
    point = score(truth, probabilities, np.arange(60) // 2 + 100, ["CNV", "NORMAL"]).operating_point(
        "CNV", sensitivity=0.9
    )
    calibration = octlib.Calibration(1.5, 0.5, 0.4, 0.45, 0.1, 0.05, 0.06, 40, 20)
    with pytest.warns(UserWarning, match="Classes are absent"):
        groups = result.by("label")
    more = {"points": [point.evaluate(result)], "groups": [groups], "calibration": calibration}
    page = octlib.write_report(tmp_path / "r.html", result, **more)
    text = page.read_text(encoding="utf-8")
    for words in ("Net benefit over", "By <bdi>label</bdi>", "Temperature 1.5, from 40 scans of 20 patients", "0.450"):
        assert words in text
    assert {"#points", "#groups", "#calibration"} <= {link.get("href") for link in Elements(page).all("a")}
