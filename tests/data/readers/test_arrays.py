"""Arrays: what can be told apart is taken, what can't is refused with a remedy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from octlib.data.readers.arrays import dataset_of_arrays
from octlib.preprocessing import check_images

IMAGES = np.zeros((3, 8, 9), dtype=np.uint8)


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a", "b"],
        np.array([["b"], ["a"], ["b"]]),
        pd.Series(["b", "a", "b"]),
        pd.Series(["b", "a", "b"], dtype="category"),
    ],
)
def test_names(labels):
    scans = dataset_of_arrays(IMAGES, labels)
    assert scans.class_names == ("a", "b")
    assert [scan.label for scan in scans] == ["b", "a", "b"]


@pytest.mark.parametrize("labels", [[1, 0, 1], np.array([[1], [0], [1]], dtype=np.uint8), pd.Series([1, 0, 1])])
def test_numbers(labels):
    assert [scan.label for scan in dataset_of_arrays(IMAGES, labels)] == ["1", "0", "1"]
    named = dataset_of_arrays(IMAGES, labels, class_names=("x", "y", "z"))
    assert named.class_names == ("x", "y", "z")
    assert [scan.label for scan in named] == ["y", "x", "y"]


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 1], ValueError, r"3 in all, got the shape \(2,\)"),
        (np.zeros((3, 3)), ValueError, "must have one 1 in each row"),
        (np.zeros((3, 2, 2)), ValueError, r"got the shape \(3, 2, 2\)"),
        ([0, 1, -1], ValueError, "between 0 and 1 .* got -1"),
        ([0.0, 1.0, 2.0], TypeError, "class names or whole numbers, got float64"),
        ([True, False, True], TypeError, "got bool"),
        (["a", 1, "b"], TypeError, "class names or whole numbers"),
        ([0.5, None, 1.0], TypeError, "class names or whole numbers, got float64"),
    ],
)
def test_labels_are_refused(labels, error, message):
    with pytest.raises(error, match=message):
        dataset_of_arrays(IMAGES, labels)


def test_numbers_without_a_name_are_refused():
    with pytest.raises(ValueError, match="classes x, y, got 2"):
        dataset_of_arrays(IMAGES, [0, 1, 2], class_names=("x", "y"))


@pytest.mark.parametrize(
    ("labels", "message"), [([0, 1, 53018], "from 0 on, got 53018.*patients come third"), ([-1, -1, -1], "got -1")]
)
def test_numbers_that_count_no_classes_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        dataset_of_arrays(IMAGES, labels)


def test_pixels_are_not_copied():
    assert np.shares_memory(dataset_of_arrays(IMAGES)[1].read(), IMAGES)


@pytest.mark.parametrize("shape", [(2, 8, 9), (2, 8, 9, 1), (2, 8, 9, 3)])
def test_shapes_of_many_images(shape):
    check_images(np.zeros(shape, dtype=np.uint8))
    check_images(list(np.zeros(shape, dtype=np.uint8)))


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3), (8, 9, 1), (2, 8, 9, 4), (1, 2, 8, 9, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="must have the shape"):
        check_images(np.zeros(shape, dtype=np.uint8))


def test_other_types_are_refused():
    with pytest.raises(TypeError, match=r"must be uint8 .* got float64"):
        check_images(np.zeros((2, 8, 9)))
    with pytest.raises(TypeError, match="uint8"):
        check_images([np.zeros((8, 9))])


def test_images_of_different_sizes():
    scans = dataset_of_arrays([np.zeros((4, 5), dtype=np.uint8), np.ones((6, 7, 3), dtype=np.uint8)])
    assert [scan.read().shape for scan in scans] == [(4, 5), (6, 7)]
