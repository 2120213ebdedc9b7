"""Generator: phantoms are reproducible one by one, balanced, and told apart by shape rather than by grey values."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from octlib.phantoms import CLASS_NAMES, PhantomSpec, make_phantoms, phantom_specs, render
from octlib.preprocessing import resize_scan

# Mean grey values of 3 x 4 blocks, top to bottom, of patient 2's first scan (seed 0, 248 x 256).
GOLDEN = [[24.2, 24.1, 23.9, 23.9], [62.2, 62.1, 58.7, 57.8], [35.3, 37.4, 36.2, 33.9]]


def blocks(image: np.ndarray, down: int, across: int) -> np.ndarray:
    rows = np.array_split(image.astype(float), down)
    return np.array([[block.mean() for block in np.array_split(row, across, axis=1)] for row in rows])


def test_a_phantom_depends_on_nothing_but_its_specification() -> None:
    collection = make_phantoms(5, scans_per_patient=2, size=128, seed=7)
    for phantom, spec in zip(collection, phantom_specs(5, scans_per_patient=2, size=128, seed=7), strict=True):
        again = render(spec)
        np.testing.assert_array_equal(phantom.image, again.image)
        np.testing.assert_array_equal(phantom.mask, again.mask)
    assert set(phantom_specs(3, scans_per_patient=1, seed=7)) < set(phantom_specs(5, scans_per_patient=2, seed=7))


def test_phantoms_are_the_same_on_every_machine() -> None:
    # Block means, because the last bits of floating-point functions may differ between machines.
    image = render(PhantomSpec("DME", number=2, scan=1, size=(248, 256))).image
    np.testing.assert_allclose(blocks(image, 3, 4), GOLDEN, atol=1)


def test_seeds_patients_and_scans_all_matter() -> None:
    changes = [{}, {"seed": 1}, {"number": 2}, {"scan": 2}]
    images = [
        render(PhantomSpec(**{"label": "NORMAL", "number": 1, "scan": 1, "size": 128} | c)).image for c in changes
    ]
    assert len({image.tobytes() for image in images}) == len(images)


@pytest.mark.parametrize("label", CLASS_NAMES)
@pytest.mark.parametrize("size", [(496, 512), (64, 64)])
def test_masks_fit_the_image_and_the_disease(label: str, size: tuple[int, int]) -> None:
    for number in range(1, 13):
        phantom = render(PhantomSpec(label, number, scan=1, size=size))
        assert (phantom.image.shape, phantom.image.dtype) == (size, np.uint8)
        assert (phantom.mask.shape, phantom.mask.dtype) == (size, np.bool_)
        assert phantom.mask.any() == (label != "NORMAL")
        assert phantom.mask.mean() < 0.2


def test_cysts_are_darker_than_what_surrounds_them() -> None:
    for number in range(1, 9):
        phantom = render(PhantomSpec("DME", number, scan=1))
        rows, columns = np.nonzero(phantom.mask)
        box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        image, mask = phantom.image[box].astype(float), phantom.mask[box]
        assert image[mask].mean() < 0.8 * image[~mask].mean()


def test_classes_take_turns_and_patients_keep_theirs() -> None:
    phantoms = make_phantoms(8, scans_per_patient=3, size=64)
    assert Counter(phantom.label for phantom in phantoms) == dict.fromkeys(CLASS_NAMES, 6)
    classes_of = {phantom.patient: set() for phantom in phantoms}
    for phantom in phantoms:
        classes_of[phantom.patient].add(phantom.label)
    assert list(classes_of) == [f"P{number:04d}" for number in range(1, 9)]
    assert all(len(classes) == 1 for classes in classes_of.values())


def test_another_size_shows_the_same_retina() -> None:
    large = render(PhantomSpec("CNV", 1, 1, size=(496, 512)))
    small = render(PhantomSpec("CNV", 1, 1, size=(124, 128)))
    shrunk = resize_scan(large.mask.astype(np.uint8) * 255, (124, 128)) > 127
    overlap = (shrunk & small.mask).sum() / (shrunk | small.mask).sum()
    assert overlap > 0.85


def test_grey_values_alone_do_not_tell_the_classes_apart() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    phantoms = make_phantoms(80, size=(124, 128))
    histograms = np.array([np.bincount(phantom.image.ravel() // 16, minlength=16) for phantom in phantoms])
    accuracy = cross_val_score(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
        histograms,
        [phantom.label for phantom in phantoms],
        groups=[phantom.patient for phantom in phantoms],
        cv=StratifiedGroupKFold(5, shuffle=True, random_state=0),
    ).mean()
    assert accuracy < 0.6


def test_a_phantom_names_itself_without_its_pixels() -> None:
    assert repr(render(PhantomSpec("CNV", 1, 1, size=64))) == "Phantom(CNV, patient P0001, 64 x 64)"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label": "DRUSSEN"}, "did you mean 'DRUSEN'"),
        ({"size": 32}, "at least 64 pixels"),
        ({"number": 0}, "numbered from 1"),
        ({"scan": 0}, "numbered from 1"),
        ({"seed": -1}, "seeds be 0 or above"),
    ],
)
def test_impossible_specifications_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PhantomSpec(**{"label": "CNV", "number": 1, "scan": 1} | fields)


@pytest.mark.parametrize("arguments", [{"n_patients": 0}, {"scans_per_patient": 0}])
def test_empty_collections_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one patient with one scan"):
        phantom_specs(**arguments)
