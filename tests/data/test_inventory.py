"""Inventory: what was downloaded is listed and removed, and nothing else."""

from __future__ import annotations

from octlib.data import downloaded_datasets, remove_downloaded_datasets


def test_nothing_was_downloaded(cache):
    assert downloaded_datasets() == ()
    assert remove_downloaded_datasets() == 0
    assert not cache.exists()


def test_downloads_are_listed_and_removed(cache):
    for name, size in (("octmnist/octmnist.npz", 5), ("kermany/scans/CNV/a.jpeg", 3), ("kermany/x.part", 4)):
        file = cache / "datasets" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(size))
    other = cache / "datasets" / "mine" / "a.png"
    other.parent.mkdir()
    other.touch()
    assert [(each.name, each.bytes) for each in downloaded_datasets()] == [("octmnist", 5), ("kermany", 7)]
    assert remove_downloaded_datasets() == 12
    assert downloaded_datasets() == ()
    assert other.exists()
