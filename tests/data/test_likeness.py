"""Likeness: what changes nothing of a picture hardly changes it, and what is another picture does."""

from __future__ import annotations

import numpy as np
import pytest

import octlib
from octlib.data.likeness import details, likeness, mirrored, sketches, thumbnail


@pytest.fixture(scope="module")
def scans():
    return [scan.read() for scan in octlib.load_oct_dataset("phantoms").sample(8)]


def fine(image):
    return details(thumbnail(np.ascontiguousarray(image))[None])[0]


def test_the_same_picture_has_the_likeness_one(scans):
    assert likeness(fine(scans[0]), fine(scans[0])) == pytest.approx(1, abs=1e-5)


def test_other_pictures_and_mirror_images_are_unlike(scans):
    for other in (*scans[1:], scans[0][:, ::-1]):
        assert likeness(fine(scans[0]), fine(other)) < 0.7


@pytest.mark.parametrize("cut", [np.s_[9:, :-9], np.s_[:-9, 9:], np.s_[5:-5, 5:-5]])
def test_cropped_copies_are_stretched_to_fit(scans, cut):
    for scan in scans:
        whole, part = fine(scan), fine(scan[cut])
        assert likeness(whole, part) > max(0.75, float((whole * part).sum()))


def test_a_sketch_of_a_mirror_image_needs_no_pixels(scans):
    thumbnails = np.stack([thumbnail(scan) for scan in scans])
    np.testing.assert_allclose(mirrored(sketches(thumbnails)), sketches(thumbnails[:, :, ::-1]), atol=1e-4)


def test_sketches_tell_copies_from_others(scans):
    thumbnails = np.stack([thumbnail(scan) for scan in scans])
    darker = np.stack([thumbnail((scan * 0.7).astype(np.uint8)) for scan in scans])
    products = sketches(thumbnails) @ sketches(darker).T
    assert products.diagonal().min() > 0.9
    assert products[~np.eye(len(scans), dtype=bool)].max() < products.diagonal().min()


def test_a_constant_scan_has_no_details():
    blank = np.full((2, 64, 64), 90, np.uint8)
    assert not details(blank).any()
    assert not sketches(blank).any()
