"""Inspection: sizes, damage and shared patients of a folder, in one answer and without an error."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from octlib.data import inspect_scans, load_oct_dataset

pytestmark = pytest.mark.filterwarnings("ignore:The published splits share patients")


@pytest.fixture
def folder(tmp_path):
    """Give published splits with two sizes, one file that is no image, and a patient in two splits."""
    for name, size in [("train/CNV/CNV-1-1", (10, 9)), ("train/CNV/CNV-2-1", (8, 9)), ("train/DME/DME-3-1", (8, 9))]:
        write(tmp_path / f"{name}.png", size)
    write(tmp_path / "test" / "CNV" / "CNV-1-2.png", (8, 9))
    (tmp_path / "test" / "DME").mkdir()
    (tmp_path / "test" / "DME" / "DME-4-1.png").write_bytes(b"no image")
    return tmp_path


def write(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros(size, np.uint8)).save(path)


def test_sizes_damage_and_shared_patients_are_found(folder):
    found = inspect_scans(load_oct_dataset(folder))
    assert list(found.sizes.items()) == [((8, 9), 3), ((10, 9), 1)]  # the most frequent first
    ((scan, reason),) = found.unreadable
    assert scan.name == "test/DME/DME-4-1.png"
    assert reason == "not an image"
    assert found.shared_patients == {("train", "test"): 1}


def test_a_file_that_has_gone_is_one_that_cannot_be_read(folder):
    scans = load_oct_dataset(folder, split="train")
    (folder / "train" / "CNV" / "CNV-2-1.png").unlink()
    ((scan, _),) = inspect_scans(scans).unreadable
    assert scan.patient == "2"


def test_a_sound_dataset_has_nothing_to_tell(folder):
    found = inspect_scans(load_oct_dataset(folder, split="train"), progress=False)
    assert sum(found.sizes.values()) == 3
    assert (found.unreadable, found.shared_patients) == ((), {})
