"""Pipeline: one value that blanks, resizes, reads, and survives being saved."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octlib.preprocessing import STEPS, Preprocessing, as_preprocessing, read_scan


@pytest.fixture
def scan() -> np.ndarray:
    scan = np.full((496, 512), 40, dtype=np.uint8)
    scan[:60] = 255
    scan[200:260] = 180
    return scan


def test_wedges_go_before_the_size_changes(scan: np.ndarray) -> None:
    prepared = Preprocessing((124, 128))(scan)
    assert prepared.shape == (124, 128)
    assert prepared.max() == 180  # no grey rim is left of the fill
    assert (prepared[:14] == 0).all()


def test_wedges_stay_where_that_is_asked(scan: np.ndarray) -> None:
    assert (Preprocessing(100, steps=())(scan)[:11] == 255).all()


def test_colour_scans_are_taken_too(scan: np.ndarray) -> None:
    preprocessing = Preprocessing(100)
    np.testing.assert_array_equal(preprocessing(np.stack([scan] * 3, axis=-1)), preprocessing(scan))


def test_a_file_and_its_pixels_agree(scan: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(scan).save(tmp_path / "scan.png")
    np.testing.assert_array_equal(Preprocessing(100).read(tmp_path / "scan.png"), Preprocessing(100)(scan))


def test_real_files_read_at_a_reduced_scale_look_the_same(kermany: Path) -> None:
    preprocessing = Preprocessing(224)
    for file in sorted(kermany.glob("*/*.jpeg"))[::25]:
        quick, slow = preprocessing.read(file).astype(int), preprocessing(read_scan(file)).astype(int)
        assert np.abs(quick - slow).mean() < 4, file.name


@pytest.mark.parametrize("preprocessing", [Preprocessing(100), Preprocessing((96, 128), steps=())])
def test_it_survives_json(preprocessing: Preprocessing) -> None:
    assert Preprocessing.from_dict(json.loads(json.dumps(preprocessing.to_dict()))) == preprocessing


def test_settings_that_are_misspelt_or_missing_are_named() -> None:
    with pytest.raises(ValueError, match="'image_sise': did you mean 'image_size'"):
        Preprocessing.from_dict({"image_sise": 100})
    with pytest.raises(ValueError, match="must have an 'image_size'"):
        Preprocessing.from_dict({"steps": []})


def test_values_are_checked_when_it_is_made() -> None:
    with pytest.raises(TypeError, match="whole number"):
        Preprocessing("224")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="list of names, got 'blank_wedges'"):
        Preprocessing(224, steps="blank_wedges")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'blank_wedge': did you mean 'blank_wedges'"):
        Preprocessing(224, steps=("blank_wedge",))


def test_it_describes_itself_in_one_line() -> None:
    assert Preprocessing((100, 120)).describe() == "blank wedges, resize to 100 x 120"
    assert Preprocessing(224, steps=()).describe() == "resize to 224 x 224"


def test_steps_are_done_in_their_order_before_the_size_changes(
    scan: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def halve(image: np.ndarray) -> np.ndarray:
        seen.append(image.shape)
        return image // 2

    def invert(image: np.ndarray) -> np.ndarray:
        return 255 - image

    monkeypatch.setitem(STEPS, "halve", halve)
    monkeypatch.setitem(STEPS, "invert", invert)
    plain = np.full((496, 512), 100, np.uint8)
    assert Preprocessing(8, steps=("halve", "invert"))(plain)[0, 0] == 205
    assert Preprocessing(8, steps=("invert", "halve"))(plain)[0, 0] == 77
    assert set(seen) == {(496, 512)}
    assert Preprocessing(8, steps=["halve"]) == Preprocessing((8, 8), steps=("halve",))  # type: ignore[arg-type]


def test_a_size_alone_means_nothing_but_resizing(scan: np.ndarray) -> None:
    assert as_preprocessing((4, 5)) == Preprocessing((4, 5), steps=())
    assert as_preprocessing(Preprocessing(4)) == Preprocessing(4)
    with pytest.raises(TypeError, match="whole number"):
        as_preprocessing("224")
