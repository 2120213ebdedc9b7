"""Near pairs: copies among many are found, however the rest is divided; the work stays bounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from octlib.data.likeness import SIDE, thumbnail
from octlib.data.near_pairs import near_pairs


def textures(n: int, seed: int = 0) -> np.ndarray:
    """Make thumbnails that have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 200, (n, 20, 20)).astype(np.float32)
    return (
        np.stack(
            [np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for image in coarse]
        )
        .clip(0, 255)
        .astype(np.uint8)
    )


@given(
    n=st.integers(2, 40),
    factor=st.floats(0.6, 1.2),
    flip=st.booleans(),
    places=st.randoms(use_true_random=False),
)
def test_a_copy_is_found_wherever_it_is_and_nothing_else(n, factor, flip, places):
    images = textures(n)
    one, other = sorted(places.sample(range(n), 2))
    copy = (images[one] * factor).astype(np.uint8)
    images[other] = copy[:, ::-1] if flip else copy
    (pair,) = near_pairs(images)
    assert (pair.earlier, pair.later, pair.mirrored) == (one, other, flip)
    assert 0.9 < pair.likeness <= 1


@pytest.mark.parametrize("leaf", [8, 64])
def test_copies_among_many_are_found_in_small_divisions(monkeypatch, leaf):
    monkeypatch.setattr("octlib.data.near_pairs.LEAF", leaf)
    images = textures(300)
    noise = np.random.default_rng(1).normal(0, 4, images.shape)
    copies = np.clip(images * 0.8 + noise, 0, 255).astype(np.uint8)[:, :, ::-1]
    pairs = near_pairs(np.concatenate([images, copies]))
    assert {(pair.earlier, pair.later) for pair in pairs} == {(place, place + 300) for place in range(300)}
    assert all(pair.mirrored for pair in pairs)


def test_many_copies_of_one_scan_cost_no_more_than_a_few_comparisons_each(monkeypatch):
    looks = []
    monkeypatch.setattr("octlib.data.near_pairs.likeness", lambda one, other: looks.append(1) or 1.0)
    noise = np.random.default_rng(0).integers(0, 4, (600, SIDE, SIDE))
    images = np.clip(textures(1) + noise, 0, 255).astype(np.uint8)
    pairs = near_pairs(images)
    assert 600 < len(looks) <= 2 * 4 * 600  # four others, each fitted to the other
    assert len({place for pair in pairs for place in (pair.earlier, pair.later)}) == 600


@pytest.mark.parametrize("cropped_first", [True, False])
def test_a_cropped_copy_is_found_whichever_comes_first(cropped_first):
    images = textures(8)
    coarse = [np.asarray(Image.fromarray(image).resize((500, 500), Image.Resampling.BICUBIC)) for image in images]
    copies = np.stack([thumbnail(image[9:, :-9]) for image in coarse])
    pairs = near_pairs(np.concatenate([copies, images] if cropped_first else [images, copies]))
    assert [(pair.earlier, pair.later) for pair in pairs] == [(place, place + 8) for place in range(8)]


def versions_of(image: np.ndarray, n: int) -> list[np.ndarray]:
    """Make copies whose grey values differ a little."""
    rng = np.random.default_rng(n)
    return [np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8) for _ in range(n)]


def pictures(pairs: list, n: int) -> int:
    """Count what n scans show, if pairs show the same."""
    links = coo_array((np.ones(len(pairs)), ([p.earlier for p in pairs], [p.later for p in pairs])), shape=(n, n))
    return int(connected_components(links, directed=False)[0])


@pytest.mark.parametrize("versions", [3, 6, 40])
@pytest.mark.parametrize("others", [0, 300])
def test_a_picture_and_its_cropped_copy_are_joined_however_many_versions_there_are(monkeypatch, versions, others):
    monkeypatch.setattr("octlib.data.near_pairs.LEAF", 64)
    (image,) = textures(1)
    coarse = np.asarray(Image.fromarray(image).resize((500, 500), Image.Resampling.BICUBIC))
    sides = [*versions_of(image, versions), *versions_of(thumbnail(coarse[6:-6, 6:-6]), versions)]
    pairs = near_pairs(np.stack([*sides, *textures(others, seed=1)]) if others else np.stack(sides))
    assert pictures(pairs, 2 * versions + others) == 1 + others


def test_mirror_images_of_a_symmetrical_picture_take_no_places_of_other_copies():
    image = textures(1)[0]
    image = np.concatenate([image[:, : SIDE // 2], image[:, : SIDE // 2][:, ::-1]], axis=1)
    coarse = np.asarray(Image.fromarray(image).resize((500, 500), Image.Resampling.BICUBIC))
    sides = [*versions_of(image, 3), *versions_of(thumbnail(coarse[6:-6, 6:-6]), 3)]
    assert pictures(near_pairs(np.stack(sides)), 6) == 1


def test_no_scans_and_one_scan_and_empty_ones_have_no_copies():
    assert near_pairs(np.zeros((0, SIDE, SIDE), np.uint8)) == []
    assert near_pairs(textures(1)) == []
    assert near_pairs(np.zeros((500, SIDE, SIDE), np.uint8)) == []


def test_a_symmetrical_scan_is_no_copy_of_itself():
    image = textures(1)[0]
    image = np.maximum(image, image[:, ::-1])
    assert near_pairs(np.stack([image, *textures(3, seed=1)])) == []


@given(st.integers(1, 90), st.integers(1, 90))
def test_scans_of_any_size_become_thumbnails(height, width):
    assert thumbnail(np.full((height, width), 7, np.uint8)).tolist() == [[7] * SIDE] * SIDE
