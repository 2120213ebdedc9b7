"""Pixels: every scan at its place, whatever the threads do."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octlib.data import Scan, load_oct_dataset
from octlib.data.origins import ArrayScan
from octlib.data.pixels import read_batches, read_images
from octlib.data.threads import AHEAD, THREADS
from octlib.errors import MissingScanError, UnreadableScanError
from octlib.preprocessing import Preprocessing

PLAIN = Preprocessing((4, 5), steps=())


class Counted:
    """An origin that counts how often it is read, and may wait or fail."""

    path = None

    def __init__(self, before=lambda: None):
        self.before, self.times = before, 0

    def read(self, at_least=None):
        self.times += 1
        self.before()
        return np.zeros((4, 5), np.uint8)


def scans_of(origins):
    return [Scan(origin, str(number)) for number, origin in enumerate(origins)]


def test_order_survives_threads(table):
    n = 3 * AHEAD + 1
    images = read_images(table([None] * n), PLAIN)
    assert images.dtype == np.uint8
    assert images.shape == (n, 4, 5)
    np.testing.assert_array_equal(images[:, 0, 0], np.arange(n) % 256)
    assert (images == images[:, :1, :1]).all()


def test_wedges_are_blanked_on_demand(table):
    scan = np.full((1, 64, 64), 30, dtype=np.uint8)
    scan[:, :8] = 255
    scans = load_oct_dataset(scan)
    assert read_images(scans, Preprocessing(64, steps=()))[0, 0, 0] == 255
    assert read_images(scans, Preprocessing(64))[0, 0, 0] == 0


def test_damaged_files_are_named_all_at_once(plant):
    root = plant("a.png", "b.png", "c.png")
    scans = load_oct_dataset(root)
    (root / "b.png").write_bytes(b"no image")
    (root / "c.png").unlink()
    with pytest.raises(
        UnreadableScanError, match=r"2 of 3 scans .*b\.png \(not an image\); .*c\.png \(no such"
    ) as caught:
        read_images(scans, Preprocessing(8))
    assert caught.value.__suppress_context__  # the first failure alone isn't shown beside it


def test_missing_files_are_not_found(plant):
    root = plant("a.png", "b.png")
    scans = load_oct_dataset(root)
    (root / "b.png").unlink()
    with pytest.raises(MissingScanError, match=r"1 of 2 scans .*b\.png \(no such file\)"):
        read_images(scans, Preprocessing(8))


def test_an_error_that_does_not_come_again_comes_through(table, monkeypatch):
    monkeypatch.setattr("octlib.data.pixels.require_readable", lambda scans: None)

    def fail():
        raise UnreadableScanError("only once")

    with pytest.raises(UnreadableScanError, match="only once"):
        read_images(scans_of([Counted(fail)]), PLAIN)


def test_an_error_that_is_not_of_reading_names_no_scans():
    with pytest.raises(ValueError, match=r"^A scan must have the shape") as caught:
        read_images(scans_of([ArrayScan([np.zeros((0, 4), np.uint8)], 0)]), PLAIN)
    assert not isinstance(caught.value, UnreadableScanError)


def test_no_scans_give_no_images():
    assert read_images([], Preprocessing((3, 4))).shape == (0, 3, 4)


def test_bar_counts_scans(table, capsys):
    read_images(table([None] * 3), PLAIN, show=True)
    assert "Reading scans" in capsys.readouterr().err


@given(n=st.integers(0, 40), size=st.integers(1, 45))
def test_batches_of_any_size_are_the_images_in_order(table, n, size):
    scans = table([None] * n)
    batches = list(read_batches(scans, PLAIN, size))
    assert [len(batch) for batch in batches] == [min(size, n - start) for start in range(0, n, size)]
    assert all(batch.dtype == np.uint8 for batch in batches)
    np.testing.assert_array_equal(np.concatenate([np.empty((0, 4, 5)), *batches]), read_images(scans, PLAIN))


def test_two_iterators_do_not_disturb_each_other(table):
    scans, others = table([None] * 30), load_oct_dataset(np.full((30, 4, 5), 7, np.uint8))
    pairs = zip(read_batches(scans, PLAIN, 4), read_batches(others, PLAIN, 4), strict=True)
    for number, (one, other) in enumerate(pairs):
        np.testing.assert_array_equal(one[:, 0, 0], range(4 * number, min(4 * number + 4, 30)))
        assert (other == 7).all()


def test_a_batch_stays_as_it_is_while_the_next_is_read(table):
    batches = read_batches(table([None] * 6), PLAIN, 3)
    first = next(batches)
    kept = first.copy()
    next(batches)
    np.testing.assert_array_equal(first, kept)


def test_the_next_batch_is_read_while_the_caller_works():
    read = threading.Event()
    origins = [*(Counted() for _ in range(4)), *(Counted(read.set) for _ in range(4))]
    batches = read_batches(scans_of(origins), PLAIN, 4)
    next(batches)
    assert read.wait(timeout=60)


def test_an_iterator_that_is_abandoned_reads_no_further(table):
    origins = [Counted() for _ in range(500)]
    batches = read_batches(scans_of(origins), PLAIN, 4)
    next(batches)
    del batches
    assert read_images(table([None] * 8), PLAIN).shape == (8, 4, 5)
    assert sum(origin.times for origin in origins) <= 8 + THREADS


def test_every_scan_is_read_once():
    origins = [Counted() for _ in range(20)]
    list(read_batches(scans_of(origins), PLAIN, 3))
    assert {origin.times for origin in origins} == {1}


def test_many_datasets_are_read_in_many_threads(table):
    def mean(number):
        scans = load_oct_dataset(np.full((25, 4, 5), number, np.uint8))
        return float(np.concatenate(list(read_batches(scans, PLAIN, 1 + number % 7))).mean())

    with ThreadPoolExecutor(8) as callers:
        assert list(callers.map(mean, range(40))) == list(range(40))


def test_damage_in_a_later_batch_names_all_when_it_is_reached(plant):
    root = plant(*(f"{letter}.png" for letter in "abcdef"))
    scans = load_oct_dataset(root)
    for name in ("c.png", "f.png"):
        (root / name).write_bytes(b"no image")
    batches = read_batches(scans, PLAIN, 2)
    assert len(next(batches)) == 2
    with pytest.raises(UnreadableScanError, match=r"^2 of 6 scans .*c\.png .*f\.png"):
        next(batches)
