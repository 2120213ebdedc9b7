"""Wedges: white corners go, retina stays, and everything else is left alone."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from octlib.preprocessing import blank_wedges, read_scan

SPECKLED = arrays(
    np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.sampled_from([0, 40, 239, 240, 255])
)


def retina(height: int = 496, width: int = 512) -> np.ndarray:
    """Speckle with a bright band from edge to edge; nothing in it is white."""
    grey = np.random.default_rng(0).gamma(2, 15, size=(height, width))
    grey[height // 2 : height // 2 + height // 10] += 120
    return grey.clip(0, 200).astype(np.uint8)


def tilted_fill(height: int = 496, width: int = 512, degrees: float = 4) -> np.ndarray:
    """Where a rotation brings in white: the outside of a rotated frame."""
    frame = Image.new("L", (width, height), 255).rotate(degrees, fillcolor=0)
    return np.asarray(frame) == 0


def as_jpeg(scan: np.ndarray, reduced: int = 1) -> np.ndarray:
    buffer = BytesIO()
    Image.fromarray(scan).save(buffer, format="JPEG", quality=90)
    image = Image.open(buffer)
    image.draft("L", (image.width // reduced, image.height // reduced))
    return np.array(image)


@pytest.mark.parametrize("degrees", [-8, -2, 1, 4])
@pytest.mark.parametrize("reduced", [1, 2, 4])
def test_the_fill_of_a_rotation_goes_and_the_rest_stays(degrees: float, reduced: int) -> None:
    fill = tilted_fill(degrees=degrees)
    scan = retina()
    blanked = blank_wedges(as_jpeg(np.where(fill, np.uint8(255), scan), reduced))
    expected = as_jpeg(np.where(fill, np.uint8(0), scan), reduced)
    assert (blanked > 225).sum() <= 0.0005 * blanked.size
    # Blended edges and the few pixels beside them may differ.
    assert (np.abs(blanked.astype(int) - expected) > 40).mean() < 0.02


@pytest.mark.parametrize("degrees", [-8, 4])
@pytest.mark.parametrize("reduced", [2, 4])
def test_no_bright_rim_is_left_where_the_fill_was(degrees: float, reduced: int) -> None:
    scan = np.where(tilted_fill(degrees=degrees), np.uint8(255), np.uint8(40))
    blanked = blank_wedges(as_jpeg(scan, reduced))
    assert (blanked > 90).sum() <= 40  # the tips, thinner than a pixel; a rim has 160 pixels or more


def test_retina_next_to_a_wedge_stays_to_the_pixel() -> None:
    scan = retina()
    scan[:20] = 255
    scan[21:24] = 255
    blanked = blank_wedges(scan)
    assert not blanked[:21].any()
    np.testing.assert_array_equal(blanked[21:24], scan[21:24])


@pytest.mark.parametrize("thickness", [1, 12, 60])
@pytest.mark.parametrize("reach", [1.0, 0.3])
def test_overexposed_retina_at_the_left_and_right_edge_stays(thickness: int, reach: float) -> None:
    scan = retina()
    scan[200 : 200 + thickness, : int(reach * 512)] = 255
    np.testing.assert_array_equal(blank_wedges(scan), scan)


def test_a_white_spot_inside_stays() -> None:
    scan = retina()
    scan[300:320, 200:260] = 255
    scan[0, 5:8] = 255  # and so does a speck at the border
    np.testing.assert_array_equal(blank_wedges(scan), scan)


@given(scan=SPECKLED)
def test_a_second_pass_changes_nothing(scan: np.ndarray) -> None:
    once = blank_wedges(scan)
    np.testing.assert_array_equal(blank_wedges(once), once)


@given(scan=SPECKLED)
def test_the_mirror_image_is_treated_alike(scan: np.ndarray) -> None:
    np.testing.assert_array_equal(blank_wedges(scan[:, ::-1]), blank_wedges(scan)[:, ::-1])
    np.testing.assert_array_equal(blank_wedges(scan[::-1]), blank_wedges(scan)[::-1])


@given(scan=SPECKLED)
def test_the_result_is_a_copy_of_the_same_kind(scan: np.ndarray) -> None:
    before = scan.copy()
    blanked = blank_wedges(scan)
    assert (blanked.dtype, blanked.shape) == (scan.dtype, scan.shape)
    assert not np.shares_memory(blanked, scan)
    np.testing.assert_array_equal(scan, before)


@settings(max_examples=50)
@given(scan=SPECKLED)
def test_a_scan_without_white_at_the_border_never_changes(scan: np.ndarray) -> None:
    scan[[0, -1]] = 40
    scan[:, [0, -1]] = 40
    np.testing.assert_array_equal(blank_wedges(scan), scan)


def test_real_scans_lose_their_white_borders_and_keep_their_middle(kermany: Path) -> None:
    changed = 0
    files = sorted(kermany.glob("*/*.jpeg"))[::10]
    for file in files:
        scan = read_scan(file)
        blanked = blank_wedges(scan)
        border = np.concatenate([blanked[0], blanked[-1], blanked[:, 0], blanked[:, -1]])
        assert (border > 225).mean() < 0.02, file.name
        np.testing.assert_array_equal(scan[190:310, 60:-60], blanked[190:310, 60:-60], err_msg=file.name)
        changed += not np.array_equal(scan, blanked)
    assert 0.6 < changed / len(files) < 0.95  # about 79 % of these scans have wedges
