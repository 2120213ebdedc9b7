"""OCT-C8: its published splits come with a warning of what the set is made of."""

from __future__ import annotations

import pytest

from octlib.data import load_oct_dataset
from octlib.errors import LayoutWarning


def test_it_is_said_that_nobody_knows_whether_patients_leak(plant):
    root = plant("RetinalOCT_Dataset/train/AMD/amd_train_1001.jpg", "RetinalOCT_Dataset/val/AMD/amd_val_1001.jpg")
    for split in (None, "val"):
        with pytest.warns(LayoutWarning, match="compiled from other sets and augmented, and its patients are unknown"):
            assert load_oct_dataset(root, split=split).patients is None


def test_other_published_splits_are_none(plant):
    for under, names in {
        "kermany": ("train/CNV/CNV-1-1.jpeg", "test/CNV/CNV-2-1.jpeg"),
        "other": ("train/AMD/amd_train_1.jpg", "test/VID/vid_test_1.jpg"),
        "mixed": ("train/AMD/amd_train_1.jpg", "test/CNV/amd_test_1.jpg"),
    }.items():
        assert len(load_oct_dataset(plant(*names, under=under))) == 2
