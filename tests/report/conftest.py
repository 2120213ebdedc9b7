"""Fixtures of reports: results that nobody had to train for, and a browser to look at pages with."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import octlib
from octlib.evaluation import score

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files",
    "--window-size=1600,1000", "--enable-logging=stderr", "--dump-dom",
]  # fmt: skip
# What reaches beyond the page counts, unless it lies in a container that scrolls by itself.
PROBE = """<script>
onload = () => {
  const held = (one) => one.closest(".scroll") && one !== one.closest(".scroll");
  const room = document.documentElement.clientWidth;
  const reaches = (one) => one.getBoundingClientRect().right > room + 1;
  parent.document.body.dataset.found = JSON.stringify({
    inner: innerWidth,
    over: document.documentElement.scrollWidth - room,
    wide: [...document.querySelectorAll("body *")].filter((one) => reaches(one) && !held(one)).length,
    images: document.images.length,
    broken: [...document.images].filter((one) => !one.naturalWidth).length,
  });
};
</script>"""


@pytest.fixture(scope="session")
def scans() -> octlib.OctDataset:
    """Give eight phantoms, two of each class."""
    return octlib.load_oct_dataset("phantoms").sample(8)


@pytest.fixture(scope="session")
def evaluation(scans) -> octlib.Evaluation:
    """Give an evaluation with two errors, the first of them more confident."""
    probabilities = np.full((8, 4), 0.1)
    taken = scans.labels.copy()
    taken[[2, 5]] = (taken[[2, 5]] + 1) % 4
    probabilities[np.arange(8), taken] = 0.7
    probabilities[2] = 0.05
    probabilities[2, taken[2]] = 0.85
    return score(scans.labels, probabilities, scans.patients, NAMES)


@pytest.fixture(scope="session")
def explanation(scans) -> octlib.Explanation:
    """Give maps that are high in the lesions; those of healthy scans are constant."""
    maps = np.stack([scan.lesion_mask()[::8, ::8] for scan in scans]).astype(np.float32)
    names = tuple(scan.label for scan in scans)
    return octlib.Explanation(maps, names, names, scans, "gradcam", None)


@pytest.fixture(scope="session")
def seen() -> Callable[[Path, int], tuple[dict[str, Any], list[str]]]:
    """Give a function that shows a page at a width: what the probe finds, and what the browser complains of."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"needs a browser: {', '.join(BROWSERS)}")

    def show(page: Path, width: int) -> tuple[dict[str, Any], list[str]]:
        # In a frame, because a window is never as narrow as a phone.
        framed, frame = page.with_name("framed.html"), page.with_name("frame.html")
        framed.write_text(page.read_text(encoding="utf-8").replace("</body>", PROBE + "</body>"), encoding="utf-8")
        frame.write_text(f'<iframe src="framed.html" style="width:{width}px;height:900px;border:0"></iframe>')
        command = [browser, *OPTIONS, f"--user-data-dir={page.parent / 'browser'}", frame.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        found = re.search(r'<body data-found="([^"]*)"', done.stdout)
        assert found, done.stdout[-300:] + done.stderr[-300:]
        return json.loads(unescape(found[1])), [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    return show
