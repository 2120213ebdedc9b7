"""Pipeline: one value that blanks, resizes, reads, and survives being saved."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import octlib
from octlib.phantoms import make_phantoms
from octlib.preprocessing import STEPS, Preprocessing, as_preprocessing, blank_wedges, read_scan
from octlib.preprocessing.pipeline import MOVES


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


@pytest.mark.parametrize(
    "preprocessing",
    [Preprocessing(100), Preprocessing((96, 128), steps=()), Preprocessing(64, steps=tuple(STEPS), resize="pad")],
)
def test_it_survives_json(preprocessing: Preprocessing) -> None:
    assert Preprocessing.from_dict(json.loads(json.dumps(preprocessing.to_dict()))) == preprocessing


def test_settings_that_are_misspelt_or_missing_are_named() -> None:
    with pytest.raises(ValueError, match="'image_sise': did you mean 'image_size'"):
        Preprocessing.from_dict({"image_sise": 100})
    with pytest.raises(ValueError, match="must have an 'image_size'"):
        Preprocessing.from_dict({"steps": []})


def test_settings_of_before_there_were_ways_to_resize_stretch() -> None:
    assert Preprocessing.from_dict({"image_size": [64, 48], "steps": ["blank_wedges"]}) == Preprocessing((64, 48))


def test_values_are_checked_when_it_is_made() -> None:
    with pytest.raises(TypeError, match="whole number"):
        Preprocessing("224")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="list of names, got 'blank_wedges'"):
        Preprocessing(224, steps="blank_wedges")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'blank_wedge': did you mean 'blank_wedges'"):
        Preprocessing(224, steps=("blank_wedge",))
    with pytest.raises(ValueError, match="Unknown resize policy 'padd': did you mean 'pad'"):
        Preprocessing(224, resize="padd")


def test_it_describes_itself_in_one_line() -> None:
    assert Preprocessing((100, 120)).describe() == "blank wedges, resize to 100 x 120"
    assert Preprocessing(224, steps=()).describe() == "resize to 224 x 224"
    told = Preprocessing(224, ("flatten_retina", "crop_retina"), "crop").describe()
    assert told == "flatten retina, crop retina, crop to the aspect ratio and resize to 224 x 224"


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


def test_a_crop_of_a_file_is_as_sharp_as_the_file(tmp_path: Path) -> None:
    scan = blank_wedges(next(iter(make_phantoms(1, seed=5, size=(992, 1024)))).image)
    Image.fromarray(scan).save(tmp_path / "scan.jpg", quality=95)
    plain, cropping = Preprocessing(224), Preprocessing(224, ("blank_wedges", "crop_retina"))
    assert plain.at_least == (224, 224)
    assert cropping.at_least is None
    wanted = cropping(read_scan(tmp_path / "scan.jpg"))
    np.testing.assert_array_equal(cropping.read(tmp_path / "scan.jpg"), wanted)
    images = octlib.load_oct_dataset([tmp_path / "scan.jpg"]).images(cropping)
    np.testing.assert_array_equal(images[0], wanted)
    # Decoded for the size of the whole scan, the part that is left would have been enlarged.
    blurred = cropping(read_scan(tmp_path / "scan.jpg", at_least=(224, 224)))
    sharpness = [np.abs(np.diff(image.astype(int), axis=0)).mean() for image in (wanted, blurred)]
    assert sharpness[0] > 1.1 * sharpness[1]


@pytest.mark.parametrize("steps", [(), ("flatten_retina",), ("crop_retina",), ("flatten_retina", "crop_retina")])
@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
def test_a_map_is_laid_back_to_where_it_was_seen(steps: tuple[str, ...], resize: str) -> None:
    for phantom in make_phantoms(4, seed=5, size=(248, 256)):
        scan, column = blank_wedges(phantom.image), 150
        row = int(phantom.boundaries["top of INL"][column])
        spot = np.s_[row - 3 : row + 4, column - 3 : column + 4]
        spotted = np.zeros_like(scan)
        spotted[spot] = 255
        preprocessing = Preprocessing((200, 240), steps, resize)
        laid = preprocessing.lay_back(_done_to(preprocessing, scan, spotted).astype(np.float32), scan)
        assert laid.shape == scan.shape
        assert laid.dtype == np.float32
        found = np.unravel_index(laid.argmax(), laid.shape)
        assert np.hypot(found[0] - row, found[1] - column) < 6, phantom
        assert laid[spot].mean() > 100
        laid[row - 8 : row + 9, column - 8 : column + 9] = 0
        assert np.abs(laid).max() < 20


def _done_to(preprocessing: Preprocessing, scan: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Do to another image what the steps do to a scan."""
    for step in preprocessing.steps:
        shift = MOVES[step](scan)
        scan, other = STEPS[step](scan), other if shift is None else shift.take(other)
    return Preprocessing(preprocessing.image_size, (), preprocessing.resize)(other)
