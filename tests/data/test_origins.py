"""Origins: file, array and phantom give the same kind of pixels."""

from __future__ import annotations

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


def test_phantom_draws_what_its_spec_says():
    spec = PhantomSpec("DME", number=2, scan=1, size=(96, 128))
    scan = PhantomScan(spec)
    assert scan.path is None
    np.testing.assert_array_equal(scan.read(), render(spec).image)
