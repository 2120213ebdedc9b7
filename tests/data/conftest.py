"""Builders for the tests of data: miniature trees of images, and datasets whose pixels nobody reads."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from octlib.data import OctDataset, downloading, loading, transfer
from octlib.data.columns import objects
from octlib.data.origin_columns import ArrayOrigins
from octlib.data.published import PUBLISHED, Published

# What unpacked archives and macOS leave behind; none of it may become a scan or a class.
JUNK = (
    ".DS_Store",
    "CNV/.DS_Store",
    "__MACOSX/CNV/._CNV-1-1.jpeg",
    "CNV/._CNV-1-1.jpeg",
    ".cache/CNV-9-9.jpeg",
    "notes.txt",
)


@pytest.fixture
def plant(tmp_path: Path) -> Callable[..., Path]:
    """Write small real images under tmp_path by their relative names; names that aren't images become empty files."""

    def write(*names: str, under: str = "") -> Path:
        root = tmp_path / under if under else tmp_path
        for number, name in enumerate(names):
            path = root / name
            assert path.is_relative_to(tmp_path), f"{name} leads out of tmp_path"
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix.lower() in (".jpeg", ".jpg", ".png", ".tif", ".tiff", ".bmp", ".webp"):
                Image.fromarray(np.full((12, 16), number % 250, dtype=np.uint8)).save(path)
            else:
                path.touch()
        return root

    return write


@pytest.fixture
def litter(plant: Callable[..., Path]) -> Callable[[str], None]:
    """Strew junk into a folder under tmp_path, an empty folder included."""

    def write(under: str) -> None:
        root = plant(*JUNK, under=under)
        (root / "EMPTY" / "deeper").mkdir(parents=True)

    return write


@pytest.fixture
def kermany_tree(plant: Callable[..., Path]) -> Callable[[str, Iterable[str]], None]:
    """Write a miniature Kermany set: per split two patients a class, of whom patient 1 is in every split and class."""

    def write(under: str, splits: Iterable[str]) -> None:
        for number, split in enumerate(splits):
            for name in ("CNV", "DME", "DRUSEN", "NORMAL"):
                scans = (f"{name}-1-1.jpeg", f"{name}-1-2.jpeg", f"{name}-{10 + number}{len(name)}-1.jpeg")
                plant(*(f"{split}/{name}/{scan}" for scan in scans), under=under)

    return write


@pytest.fixture(scope="session")
def table() -> Callable[..., OctDataset]:
    """Make a dataset from labels and patients; scan i is a 4 x 5 image of the value i."""

    def make(
        labels: Sequence[str | None],
        patients: Sequence[str | None] | None = None,
        *,
        class_names: Sequence[str] | None = None,
        splits: Sequence[str | None] | None = None,
    ) -> OctDataset:
        n = len(labels)
        images = [np.full((4, 5), i % 256, dtype=np.uint8) for i in range(n)]
        names = sorted({label for label in labels if label}) if class_names is None else list(class_names)
        return OctDataset(
            ArrayOrigins(images, np.arange(n)),
            objects([f"scan{i}" for i in range(n)]),
            np.array([names.index(label) if label else -1 for label in labels], dtype=int) if names else None,
            tuple(names),
            objects(patients or [None] * n),
            {"split": objects(splits)} if splits else {},
        )

    return make


class Publisher(ThreadingHTTPServer):
    """A server of this machine that publishes one file, and behaves as it is told.

    Attributes:
        content: the file.
        behaviours: what it does at the next requests, one each, before it behaves well: ``("break", n)`` and
            ``("stall", n)`` after n bytes of the answer, ``("corrupt",)``, ``("refuse", status)``, ``("redirect",)``.
        ranges: whether it understands Range.
        asked: the Range of each request, or ``None``.
    """

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.ranges = content, True
        self.behaviours: list[tuple[Any, ...]] = []
        self.asked: list[str | None] = []
        self.over = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file"

    def published(self, file: str) -> Published:
        """Describe its file as a data set."""
        digest = hashlib.sha256(self.content).hexdigest()
        page = "https://example.org/page"
        return Published("Scans, version 1", page, "CC BY 4.0", "Doe (2020)", self.url, file, f"sha256:{digest}")

    def close(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that leave are part of the tests


class _Handler(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        how, *rest = self.server.behaviours.pop(0) if self.server.behaviours else ("well",)
        if how == "refuse":
            self.send_error(rest[0])
        elif how == "redirect":
            self.send_response(302)
            self.send_header("Location", f"{self.server.url}/elsewhere")
            self.end_headers()
        else:
            self._answer(asked if self.server.ranges else None, how, *rest)

    def _answer(self, asked: str | None, how: str, after: int = 0) -> None:
        content = self.server.content
        if how == "corrupt":
            content = bytes(len(content))
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        if asked and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + after] if how in ("break", "stall") else content[start:])
        self.wfile.flush()
        if how == "stall":
            self.server.over.wait(30)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named so by the standard library
        pass


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, bytes], Publisher]]:
    """Give a function that publishes a file, so that the name "scans" downloads it."""
    publishers = []

    def serve(file: str, content: bytes) -> Publisher:
        publisher = Publisher(content)
        publishers.append(publisher)
        for module in (loading, downloading):
            monkeypatch.setattr(module, "PUBLISHED", {**PUBLISHED, "scans": publisher.published(file)})
        return publisher

    monkeypatch.setattr(transfer, "PAUSE", 0.0)
    yield serve
    for publisher in publishers:
        publisher.close()
