"""Painting: layers come out at their place and brightness, and masks mark what was painted."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.phantoms.anatomy import LAYERS
from octlib.phantoms.lesions import Cyst
from octlib.phantoms.painting import BRIGHTNESS, expose, lesion_mask, paint_cysts, paint_layers, paint_texture


@pytest.fixture
def surfaces() -> np.ndarray:
    """Flat layers, 50 micrometres each, from 800 on; a scan of 475 rows has 4 micrometres a row."""
    return 800 + 50.0 * np.arange(len(LAYERS) + 1)[:, None] + np.zeros(200)


def row(micrometres: float) -> int:
    return int(micrometres / 4)


def test_every_layer_is_painted_at_its_place_and_brightness(surfaces: np.ndarray) -> None:
    painted = paint_layers(surfaces, 475, choroid=200)
    for index, name in enumerate(LAYERS):
        np.testing.assert_allclose(painted[row(825 + 50 * index)], BRIGHTNESS[name], atol=1e-4, err_msg=name)
    np.testing.assert_allclose(painted[: row(790)], BRIGHTNESS["vitreous"])


def test_tilted_layers_are_painted_alike(surfaces: np.ndarray) -> None:
    tilted = surfaces + np.linspace(-300, 300, 200)
    painted = paint_layers(tilted, 475, choroid=200)
    for column in (0, 70, 199):
        shifted = paint_layers(np.repeat(tilted[:, [column]], 3, axis=1), 475, choroid=200)
        np.testing.assert_allclose(painted[:, column], shifted[:, 0], atol=1e-5)


def test_the_choroid_fades_to_a_third_in_the_given_depth(surfaces: np.ndarray) -> None:
    painted = paint_layers(surfaces, 475, choroid=200)
    membrane = row(800 + 50 * len(LAYERS))
    assert painted[membrane + 60, 0] / painted[membrane + 10, 0] == pytest.approx(np.exp(-1), rel=0.01)


def test_layers_outside_the_picture_do_no_harm(surfaces: np.ndarray) -> None:
    assert (paint_layers(surfaces - 5000, 475, choroid=200) < 0.01).all()
    np.testing.assert_allclose(paint_layers(surfaces + 5000, 475, choroid=200), BRIGHTNESS["vitreous"])


def test_the_mask_holds_deposit_material_and_fluid(surfaces: np.ndarray) -> None:
    mask = lesion_mask(surfaces, (), 475)
    marked = {name for index, name in enumerate(LAYERS) if mask[row(825 + 50 * index)].all()}
    assert marked == {"fluid", "material", "deposit"}
    assert mask.sum() == pytest.approx(3 * 50 / 4 * 200, rel=0.05)


def test_cysts_are_dark_ellipses_of_their_size_and_the_mask_agrees(surfaces: np.ndarray) -> None:
    healthy = np.concatenate([surfaces[:7], np.repeat(surfaces[[7]], 5, axis=0)])  # no fluid, material, RPE, deposit
    cysts = (Cyst("ONL", 0.0, 0.6, 0.8), Cyst("INL", -2.9, 0.3, 0.9))  # the second one is cut by the border
    painted = np.ones((475, 200), dtype=np.float32)
    paint_cysts(painted, healthy, cysts)
    mask = lesion_mask(healthy, cysts, 475)
    np.testing.assert_array_equal(mask, painted < 0.5)
    in_the_middle = mask[:, 60:140]
    assert in_the_middle.any(axis=0).sum() == pytest.approx(2 * 0.6 / 6 * 200, abs=2)
    assert in_the_middle.any(axis=1).sum() == pytest.approx(0.8 * 50 / 4, abs=1)
    assert mask[:, :20].any()


def test_texture_is_faint_above_the_rpe_and_strong_below(surfaces: np.ndarray) -> None:
    painted = np.ones((475, 200), dtype=np.float32)
    paint_texture(np.random.default_rng(0), painted, surfaces)
    assert painted[: row(700)].std() < 0.5 * painted[row(1400) :].std()
    assert painted.mean() == pytest.approx(1, abs=0.1)


def test_exposures_differ_but_keep_the_order_of_layers(surfaces: np.ndarray) -> None:
    painted = paint_layers(surfaces, 475, choroid=200)
    images = [expose(np.random.default_rng(seed), painted, brightness=1.0) for seed in range(10)]
    assert np.std([image.mean() for image in images]) > 5
    for image in images:
        assert image.dtype == np.uint8
        rpe, onl, vitreous = (image[row(depth)].mean() for depth in (825 + 50 * 9, 825 + 50 * 4, 400))
        assert rpe > onl > vitreous
