"""Builders for the tests of data: miniature trees of images, and datasets whose pixels nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octlib.data import OctDataset
from octlib.data.columns import objects
from octlib.data.origin_columns import ArrayOrigins

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
