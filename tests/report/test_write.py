"""Write: pages are whole, escaped, loaded from nowhere, and look right in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import octlib
from octlib.evaluation import score

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = "<script>alert('x')</script>&\"'"
# Appended to a copy of a page: it writes into the page what is wider than the page.
PROBE = """<script>
const wide = [...document.querySelectorAll("body *")].filter(
  (one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll")
);
document.body.dataset.found = `${document.documentElement.scrollWidth}/${innerWidth}/${wide.length}`;
</script>"""


@pytest.fixture
def page(tmp_path, evaluation, explanation, scans) -> Path:
    """Give a page with everything on it."""
    errors = octlib.Explanation(explanation.heatmaps[[2, 5]], ("CNV", "DRUSEN"), scans.subset([2, 5]), "gradcam", None)
    return octlib.write_report(
        tmp_path / "report.html", evaluation, explanation, errors=errors, title="A page", notes=["A note.", "Another."]
    )


def test_everything_is_on_the_page(page):
    text = page.read_text(encoding="utf-8")
    for words in ("<title>A page</title>", "0.750", "A note.", "Another.", "not a medical device", "2 of 8 scans"):
        assert words in text
    assert text.count("<figure>") == 10
    assert text.count('class="wrong"') == 2
    assert f"octlib {octlib.__version__}" in text


def test_it_loads_nothing_and_runs_nothing(page):
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "@import" not in text
    assert all(link.startswith("data:") for link in re.findall(r'(?:src|href)="([^"]*)"', text))
    assert "url(" not in text


def test_every_element_is_closed(page):
    class Open(HTMLParser):
        stack: list[str] = []  # noqa: RUF012

        def handle_starttag(self, tag, attrs):
            if tag not in {"meta", "link", "img", "br"}:
                self.stack.append(tag)

        def handle_endtag(self, tag):
            assert self.stack.pop() == tag

    parser = Open()
    parser.feed(page.read_text(encoding="utf-8"))
    assert parser.stack == []


def test_names_from_elsewhere_are_escaped(tmp_path):
    names = (HOSTILE, "NORMAL")
    scans = octlib.load_oct_dataset((np.zeros((2, 80, 90), dtype=np.uint8), list(names), [HOSTILE, "p2"]))
    result = score(np.eye(2)[[1, 1]], scans.labels, scans.patients, scans.class_names)
    maps = octlib.Explanation(np.eye(8, dtype=np.float32)[None], (HOSTILE,), scans.subset([0]), HOSTILE, HOSTILE)
    path = octlib.write_report(
        tmp_path / "r.html", result, maps, errors=maps, title=HOSTILE, introduction=HOSTILE, notes=[HOSTILE]
    )
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 8


def test_without_maps_and_errors_there_is_less_on_it(tmp_path):
    result = score(np.eye(2), [0, 1], ["p1", "p2"], ["CNV", "NORMAL"])
    text = octlib.write_report(str(tmp_path / "r.html"), result).read_text(encoding="utf-8")
    assert "Where the evidence lies" not in text
    assert "There were none." in text


def test_errors_that_are_not_shown_are_counted(tmp_path, evaluation):
    text = octlib.write_report(tmp_path / "r.html", evaluation).read_text(encoding="utf-8")
    assert "2 of 8 scans were taken for another class." in text


def test_what_is_there_is_kept_unless_asked(tmp_path, evaluation):
    path = tmp_path / "r.html"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        octlib.write_report(path, evaluation)
    assert path.read_text() == "precious"
    octlib.write_report(path, evaluation, overwrite=True)
    assert "<!DOCTYPE html>" in path.read_text(encoding="utf-8")
    with pytest.raises(FileExistsError, match="exists already"):
        octlib.write_report(tmp_path, evaluation, overwrite=True)


def test_a_page_that_fails_leaves_the_former_one(tmp_path, evaluation, explanation, monkeypatch):
    path = octlib.write_report(tmp_path / "r.html", evaluation)
    before = path.read_text(encoding="utf-8")
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="as it was"):
        octlib.write_report(path, evaluation, explanation, overwrite=True)
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser_nothing_overflows_and_nothing_is_complained_of(page, tmp_path, width):
    framed = page.with_name("framed.html")
    framed.write_text(page.read_text(encoding="utf-8").replace("</body>", PROBE + "</body>"), encoding="utf-8")
    # A frame, because a window is never as narrow as a phone.
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<iframe src="framed.html" style="width:{width}px;height:900px;border:0"></iframe><script>onload = () => '
        'document.body.dataset.found = document.querySelector("iframe").contentDocument.body.dataset.found</script>',
        encoding="utf-8",
    )
    options = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files",
        "--window-size=1600,1000", "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'browser'}", "--dump-dom",
    ]  # fmt: skip
    done = subprocess.run([BROWSER, *options, frame.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<body data-found="(\d+)/(\d+)/(\d+)">', done.stdout)
    assert found, done.stdout[-300:]
    scrolled, inner, wide = map(int, found.groups())
    assert inner == width
    assert scrolled <= inner
    assert wide == 0
    assert "CONSOLE" not in done.stderr
