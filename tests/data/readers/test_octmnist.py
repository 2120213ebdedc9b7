"""OCTMNIST: images, labels and splits stay together; other files are refused."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.data.reader import Wanted
from octlib.data.readers.octmnist import Octmnist

IMAGES = np.arange(2 * 6 * 5, dtype=np.uint8).reshape(2, 6, 5)
LABELS = np.array([[3], [1]], dtype=np.uint8)


def read(path, split=None):
    return Octmnist().read(path, Wanted(split)).dataset


@pytest.fixture
def save(tmp_path):
    def write(**arrays):
        path = tmp_path / "octmnist.npz"
        np.savez_compressed(path, **arrays)
        return path

    return write


def test_splits(save):
    path = save(train_images=IMAGES, train_labels=LABELS, val_images=IMAGES[:1], val_labels=LABELS[:1])
    scans = read(path)
    assert [(scan.name, scan.label, scan.split, scan.patient) for scan in scans] == [
        ("train/0", "NORMAL", "train", None),
        ("train/1", "DME", "train", None),
        ("val/0", "NORMAL", "val", None),
    ]
    np.testing.assert_array_equal(scans[1].read(), IMAGES[1])
    assert [scan.name for scan in read(path, "val")] == ["val/0"]
    with pytest.raises(ValueError, match=r"'test' isn't there: .* has only train, val"):
        read(path, "test")


def test_other_arrays_are_listed(save):
    with pytest.raises(ValueError, match="holds x, y"):
        read(save(x=IMAGES, y=LABELS))


def test_labels_of_another_set_are_refused(save):
    with pytest.raises(ValueError, match="whole numbers from 0 to 3"):
        read(save(train_images=IMAGES, train_labels=LABELS + 1))
    with pytest.raises(ValueError, match="train has 1 for 2"):
        read(save(train_images=IMAGES, train_labels=LABELS[:1]))


def test_pickles_are_not_opened(save):
    path = save(train_images=IMAGES, train_labels=np.array([{}, {}], dtype=object))
    with pytest.raises(ValueError, match=r"octmnist\.npz holds objects"):
        read(path)


def test_damaged_file_is_named(tmp_path):
    path = tmp_path / "octmnist.npz"
    np.savez_compressed(path, train_images=IMAGES, train_labels=LABELS)
    whole = path.read_bytes()
    for damaged in (b"", b"no archive", whole[: len(whole) // 2], whole[:60] + b"\xff\x00" * 8 + whole[76:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"octmnist\.npz can't be read"):
            read(path)
