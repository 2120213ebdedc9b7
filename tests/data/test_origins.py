"""Origins: file, array and phantom give the same kind of pixels."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from octlib.data.origins import ArrayScan, FileScan, PhantomScan
from octlib.phantoms import PhantomSpec, render


def test_file_reads_grey_and_keeps_its_path(tmp_path):
    path = tmp_path / "scan.png"
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(path)
    scan = FileScan(path)
    assert scan.path == path
    np.testing.assert_array_equal(scan.read(), np.arange(12).reshape(3, 4))


def test_file_is_decoded_at_a_reduced_scale_that_suffices(tmp_path):
    path = tmp_path / "scan.jpeg"
    Image.fromarray(np.full((496, 768), 90, dtype=np.uint8)).save(path)
    height, width = FileScan(path).read(at_least=(100, 100)).shape
    assert 100 <= height < 496
    assert 100 <= width < 768


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_array_gives_its_own_image_in_grey(channels):
    images = np.stack([np.full((4, 5, *channels), value, dtype=np.uint8) for value in (3, 7)])
    scan = ArrayScan(images, 1)
    assert scan.path is None
    np.testing.assert_array_equal(scan.read(at_least=(2, 2)), np.full((4, 5), 7))


def test_the_same_image_of_the_same_array_is_equal():
    images = np.zeros((2, 4, 5), dtype=np.uint8)
    assert ArrayScan(images, 1) == ArrayScan(images, 1)
    assert len({ArrayScan(images, 1), ArrayScan(images, 1), ArrayScan(images, 0), ArrayScan(images.copy(), 1)}) == 3


def test_phantom_draws_what_its_spec_says():
    spec = PhantomSpec("DME", number=2, scan=1, size=(96, 128))
    scan = PhantomScan(spec)
    assert scan.path is None
    np.testing.assert_array_equal(scan.read(), render(spec).image)


def test_fingerprint_of_a_file_is_its_content(plant):
    root = plant("a.png", "b.png")
    first, second = (FileScan(root / name).fingerprint() for name in ("a.png", "b.png"))
    assert len(first) == 32
    assert first != second
    shutil.copy(root / "a.png", root / "copy.png")
    assert FileScan(root / "copy.png").fingerprint() == first
    content = bytearray((root / "a.png").read_bytes())
    content[-20] ^= 1
    (root / "a.png").write_bytes(content)
    assert FileScan(root / "a.png").fingerprint() != first


def test_fingerprint_of_a_file_that_is_gone_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must be an image file, and there is none at .*gone\.png"):
        FileScan(tmp_path / "gone.png").fingerprint()


def test_fingerprint_of_an_array_is_its_pixels_and_their_shape():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 6), dtype=np.uint8)
    first = ArrayScan(images, 1).fingerprint()
    assert len(first) == 32
    # Neither where it stands nor how it lies in memory matters.
    for same, place in ((images[::-1], 1), (np.asfortranarray(images), 1), ([images[1].copy()], 0)):
        assert ArrayScan(same, place).fingerprint() == first
    assert ArrayScan(images.reshape(3, 6, 4), 1).fingerprint() != first
    assert ArrayScan(images, 0).fingerprint() != first
    images[1, 3, 5] ^= 1
    assert ArrayScan(images, 1).fingerprint() != first


def test_fingerprint_of_a_phantom_is_that_of_its_pixels():
    spec = PhantomSpec("DME", number=2, scan=1, size=(96, 128))
    assert PhantomScan(spec).fingerprint() == ArrayScan([render(spec).image], 0).fingerprint()
    assert PhantomScan(PhantomSpec("DME", number=3, scan=1, size=(96, 128))).fingerprint() != (
        PhantomScan(spec).fingerprint()
    )
