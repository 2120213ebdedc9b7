"""Inventory: what was downloaded is listed and removed, and nothing else."""

from __future__ import annotations

import pytest
from filelock import FileLock

from octlib.data import downloaded_datasets, remove_downloaded_datasets
from octlib.errors import KeptWarning


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


def plant(cache, name):
    file = cache / "datasets" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(8))
    return file


def test_what_is_being_downloaded_stays_and_the_rest_goes(cache):
    part, other = plant(cache, "octmnist/octmnist.npz.part"), plant(cache, "octmnist_64/octmnist_64.npz")
    with (
        FileLock(part.with_name(".lock")),
        pytest.warns(KeptWarning, match="octmnist was not removed: another process is downloading it. Try again when"),
    ):
        assert remove_downloaded_datasets() == 8
    assert part.exists()
    assert not other.exists()
    assert remove_downloaded_datasets() == 8
    assert downloaded_datasets() == ()


def test_a_folder_that_is_a_link_stays_with_what_it_leads_to_and_the_rest_goes(cache, tmp_path):
    other = plant(cache, "octmnist_64/octmnist_64.npz")
    (tmp_path / "mine.npz").touch()
    (cache / "datasets" / "octmnist").symlink_to(tmp_path)
    with pytest.warns(KeptWarning, match=r"octmnist was not removed: .* is a link to .*\. Remove the link"):
        assert remove_downloaded_datasets() == 8
    assert (tmp_path / "mine.npz").exists()
    assert not other.exists()


def test_a_link_in_a_folder_goes_and_what_it_leads_to_stays(cache, tmp_path):
    (tmp_path / "mine").mkdir()
    folder = plant(cache, "kermany/x.part").parent
    (folder / "scans").symlink_to(tmp_path / "mine")
    remove_downloaded_datasets()
    assert downloaded_datasets() == ()
    assert (tmp_path / "mine").exists()
