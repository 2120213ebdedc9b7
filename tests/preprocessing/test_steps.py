"""Steps: flattening, cropping and contrast do what they say, alike for mirrored scans, and spare what is no scan."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from octlib.phantoms import Phantom, make_phantoms
from octlib.preprocessing import STEPS, blank_wedges, crop_retina, find_retina, flatten_retina, normalise_contrast
from octlib.preprocessing.cropping import close_rows
from octlib.preprocessing.flattening import level

Step = Callable[[np.ndarray], np.ndarray]
NEW = (normalise_contrast, flatten_retina, crop_retina)
SPECKLED = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 255))


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    """Give phantoms of every class."""
    return list(make_phantoms(12, seed=5))


@pytest.fixture(scope="module")
def blanked(phantoms: list[Phantom]) -> list[np.ndarray]:
    """Give their pixels without white wedges."""
    return [blank_wedges(phantom.image) for phantom in phantoms]


# All of them


@pytest.mark.parametrize("step", STEPS.values())
@given(scan=SPECKLED)
def test_any_scan_gives_a_scan_of_its_own(step: Step, scan: np.ndarray) -> None:
    before = scan.copy()
    done = step(scan)
    assert done.dtype == np.uint8
    assert done.ndim == 2
    assert done.shape[1] == scan.shape[1]
    assert not np.shares_memory(done, scan)
    np.testing.assert_array_equal(scan, before)


@pytest.mark.parametrize("step", NEW)
@settings(max_examples=25)
@given(height=st.integers(1, 200), width=st.integers(1, 200), noisy=st.booleans(), seed=st.integers(0, 2**16))
def test_scans_without_a_retina_stay_as_they_are(step: Step, height: int, width: int, noisy: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scan = rng.gamma(2, 15, (height, width)).clip(0, 255) if noisy else np.full((height, width), seed % 256)
    np.testing.assert_array_equal(step(scan.astype(np.uint8)), scan.astype(np.uint8))


@pytest.mark.parametrize("step", NEW)
def test_a_mirrored_scan_gives_the_mirrored_result(step: Step, blanked: list[np.ndarray]) -> None:
    alike = []
    for scan in blanked:
        done, mirrored = step(scan), step(np.ascontiguousarray(scan[:, ::-1]))
        # A sum in another order may round otherwise: by one grey value.
        alike.append(done.shape == mirrored.shape and np.abs(done[:, ::-1].astype(int) - mirrored).max() <= 1)
    assert np.mean(alike) > 0.95  # of two equally good paths, the mirror image may take the other one


@pytest.mark.parametrize("shape", [(17, 33), (61, 40), (301, 255), (128, 1000), (1000, 64)])
@pytest.mark.parametrize("step", NEW)
def test_odd_sizes_are_no_matter(step: Step, shape: tuple[int, int]) -> None:
    for phantom in make_phantoms(4, seed=1, size=(max(shape[0], 64), max(shape[1], 64))):
        scan = blank_wedges(phantom.image)[-shape[0] :, : shape[1]]
        assert step(scan).shape[1] == shape[1]


# Flattening


def test_phantoms_are_level_after_it(phantoms: list[Phantom], blanked: list[np.ndarray]) -> None:
    before, after = [], []
    for phantom, scan in zip(phantoms, blanked, strict=True):
        assert flatten_retina(scan).shape == scan.shape
        shift, membrane = level(scan), phantom.boundaries["BM"]
        before.append(np.ptp(membrane) / len(scan))
        after.append(np.ptp(membrane - (0 if shift is None else shift.first)) / len(scan))
    healthy = np.array([phantom.label == "NORMAL" for phantom in phantoms])
    assert np.median(before) > 0.06
    assert np.median(after) < 0.02
    assert np.quantile(np.array(after)[healthy], 0.8) < 0.015
    assert np.quantile(after, 0.95) < 0.15


def test_flattening_shifts_columns_and_changes_no_pixel(blanked: list[np.ndarray]) -> None:
    for scan in blanked:
        shift, done = level(scan), flatten_retina(scan)
        if shift is None:
            continue
        for column in (0, 100, scan.shape[1] - 1):
            first = int(shift.first[column])
            kept = scan[max(first, 0) : len(scan) + min(first, 0), column]
            np.testing.assert_array_equal(done[max(-first, 0) :, column][: len(kept)], kept)


def test_what_is_level_is_left_alone(blanked: list[np.ndarray]) -> None:
    changed = 0
    for scan in blanked:
        once = flatten_retina(scan)
        again = level(once)
        assert again is None or np.ptp(again.first) < 0.05 * len(scan)
        changed += again is not None
    assert changed <= len(blanked) / 4


# Cropping


def test_the_retina_is_kept_and_fills_the_scan(phantoms: list[Phantom], blanked: list[np.ndarray]) -> None:
    for phantom, scan in zip(phantoms, blanked, strict=True):
        shift = close_rows(scan)
        assert shift is not None, phantom
        top, bottom = int(shift.first[0]), int(shift.first[0]) + shift.height
        assert bottom - top < 0.75 * len(scan), phantom
        rows = np.flatnonzero(phantom.mask.any(axis=1))
        assert not len(rows) or (top <= rows[0] and rows[-1] < bottom), phantom
        assert top < phantom.boundaries["top of ILM"].min(), phantom
        assert phantom.boundaries["BM"].max() < bottom, phantom
        done = crop_retina(scan)
        kept = scan[max(top, 0) : bottom]
        np.testing.assert_array_equal(done[max(-top, 0) :][: len(kept)], kept)


@pytest.mark.parametrize("rows", [31, -31, 20])
def test_the_depth_of_the_retina_does_not_matter(blanked: list[np.ndarray], rows: int) -> None:
    differences = []
    for scan in blanked:
        moved = np.pad(scan, ((max(rows, 0), max(-rows, 0)), (0, 0)))[max(-rows, 0) :][: len(scan)]
        before, after = close_rows(scan), close_rows(moved)
        assert before is not None
        assert after is not None
        differences.append((abs(after.first[0] - before.first[0] - rows), abs(after.height - before.height)))
    assert np.median(differences) <= 0.01 * len(blanked[0])
    assert np.quantile(differences, 0.9) <= 0.05 * len(blanked[0])


def test_a_second_crop_takes_little_or_nothing(blanked: list[np.ndarray]) -> None:
    shares = [len(crop_retina(crop_retina(scan))) / len(crop_retina(scan)) for scan in blanked]
    assert min(shares) > 0.75
    assert max(shares) < 1.25
    assert np.median(shares) == pytest.approx(1, abs=0.07)


def test_margins_beyond_the_scan_are_black(phantoms: list[Phantom], blanked: list[np.ndarray]) -> None:
    retina = find_retina(blanked[3])
    assert retina is not None
    close = blanked[3][int(retina.top) - 2 :]
    done = crop_retina(close)
    black = int(done.any(axis=1).argmax())
    assert black == pytest.approx(0.25 * retina.thickness - 2, abs=0.02 * len(blanked[3]))


# Contrast


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0), (0.7, 25), (1.2, 5)])
def test_gain_and_offset_do_not_matter(blanked: list[np.ndarray], gain: float, offset: float) -> None:
    for scan in blanked:
        other = np.where(scan > 0, np.clip(np.rint(gain * scan + offset), 1, 255), 0).astype(np.uint8)
        difference = normalise_contrast(other).astype(float) - normalise_contrast(scan)
        assert np.abs(difference).mean() < 0.6 * np.abs(other.astype(float) - scan).mean()


def test_the_means_are_the_stated_ones(blanked: list[np.ndarray]) -> None:
    for scan in blanked:
        retina = find_retina(normalise_contrast((0.6 * scan).astype(np.uint8)))
        assert retina is not None
        assert retina.tissue == pytest.approx(85, abs=6)
        assert retina.vitreous == pytest.approx(20, abs=6)


def test_black_stays_black(blanked: list[np.ndarray]) -> None:
    scan = blanked[0].copy()
    scan[:40] = 0
    assert not normalise_contrast(scan)[scan == 0].any()


def test_a_second_normalisation_changes_little(blanked: list[np.ndarray]) -> None:
    for scan in blanked:
        once = normalise_contrast(scan)
        assert np.abs(normalise_contrast(once).astype(int) - once).mean() < 4
