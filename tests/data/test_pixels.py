"""Pixels: every scan at its place, whatever the threads do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from octlib.data import load_oct_dataset
from octlib.data.origins import ArrayScan
from octlib.data.pixels import read_images
from octlib.data.threads import BATCH
from octlib.preprocessing import Preprocessing


def test_order_survives_threads_and_batches(table):
    scans = table([None] * (BATCH + 3))
    images = read_images(scans, Preprocessing((4, 5), blank_wedges=False))
    assert images.dtype == np.uint8
    assert images.shape == (BATCH + 3, 4, 5)
    np.testing.assert_array_equal(images[:, 0, 0], np.arange(BATCH + 3) % 256)
    assert (images == images[:, :1, :1]).all()


def test_wedges_are_blanked_on_demand(table):
    scan = np.full((1, 64, 64), 30, dtype=np.uint8)
    scan[:, :8] = 255
    scans = load_oct_dataset(scan)
    assert read_images(scans, Preprocessing(64, blank_wedges=False))[0, 0, 0] == 255
    assert read_images(scans, Preprocessing(64, blank_wedges=True))[0, 0, 0] == 0


def test_damaged_files_are_named_all_at_once(plant):
    root = plant("a.png", "b.png", "c.png")
    scans = load_oct_dataset(root)
    (root / "b.png").write_bytes(b"no image")
    (root / "c.png").unlink()
    with pytest.raises(ValueError, match=r"2 of 3 scans .*b\.png \(not an image\); .*c\.png \(no such") as caught:
        read_images(scans, Preprocessing(8))
    assert caught.value.__suppress_context__  # the first failure alone isn't shown beside it


def test_missing_files_are_not_found(plant):
    root = plant("a.png", "b.png")
    scans = load_oct_dataset(root)
    (root / "b.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 2 scans .*b\.png \(no such file\)"):
        read_images(scans, Preprocessing(8))


def test_an_error_that_does_not_come_again_comes_through(table, monkeypatch):
    monkeypatch.setattr("octlib.data.pixels.require_readable", lambda scans: None)
    with pytest.raises(ValueError, match="shape"):
        read_images([replace(table(["A"])[0], origin=ArrayScan([np.zeros((0, 4), np.uint8)], 0))], Preprocessing(8))


def test_no_scans_give_no_images():
    assert read_images([], Preprocessing((3, 4))).shape == (0, 3, 4)


def test_bar_counts_scans(table, capsys):
    read_images(table([None] * 3), Preprocessing(4), show=True)
    assert "Reading scans" in capsys.readouterr().err
