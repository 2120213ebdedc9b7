"""Whitening: it can be folded away, and it leads a head to where discriminant analysis points."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from octlib.training import whitening
from octlib.training.whitening import Whitening


@st.composite
def layers(draw):
    """Draw labelled features with the weights of a layer: some features never vary, scales differ widely."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, width, classes = draw(st.integers(2, 30)), draw(st.integers(1, 8)), draw(st.integers(2, 5))
    features = rng.normal(rng.normal(0, 5, width), 10.0 ** rng.uniform(-2, 2, width), (n, width))
    features[:, draw(st.integers(0, width - 1))] = draw(st.sampled_from([0.0, 0.1, 3.0]))
    labels = rng.integers(0, classes, n)
    return features.astype(np.float32), labels, rng.normal(size=(width, classes)), rng.normal(size=classes)


@given(layers())
def test_fold_undoes_unfold_and_logits_stay(case):
    features, labels, kernel, bias = case
    scale = Whitening.of(features, labels)
    inside = scale.unfold(kernel, bias)
    for found, expected in zip(scale.fold(*inside), (kernel, bias), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4 * np.abs(kernel).max())
    for found, expected in zip(scale.unfold(*scale.fold(kernel, bias)), (kernel, bias), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4 * np.abs(kernel).max())
    plain = features @ kernel + bias
    whitened = scale.apply(features) @ inside[0] + inside[1]
    np.testing.assert_allclose(whitened, plain, rtol=1e-4, atol=1e-3 * np.abs(plain).max())


@given(layers())
def test_whitened_features_are_finite_and_have_no_mean(case):
    features, labels, _, _ = case
    applied = Whitening.of(features, labels).apply(features)
    assert applied.dtype == np.float32
    assert np.isfinite(applied).all()
    np.testing.assert_allclose(applied.mean(0), 0, atol=1e-2 * max(1, np.abs(applied).max()))


@given(layers())
def test_the_gradient_is_that_of_a_layer_on_whitened_features(case):
    features, labels, _, _ = case
    scale = Whitening.of(features, labels)
    residuals = np.eye(5)[labels] - 0.2
    found = scale.gradient(features.T.astype(np.float64) @ residuals, residuals.sum(axis=0))
    expected = scale.apply(features).T.astype(np.float64) @ residuals
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3 * np.abs(expected).max() + 1e-6)


@given(layers(), st.integers(1, 20))
def test_rows_wider_than_a_chunk_are_taken_one_at_a_time(case, chunk):
    features, labels, _, _ = case
    whole = Whitening.of(features, labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whitening, "CHUNK", chunk)
        parts = Whitening.of(features, labels)
        applied = parts.apply(features)
    expected = whole.apply(features)
    np.testing.assert_allclose(applied, expected, rtol=1e-4, atol=1e-3 * max(1, np.abs(expected).max()))


@pytest.fixture
def correlated():
    """Two classes whose features vary most in a direction that says nothing of the class: (features, labels)."""
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    noise = rng.normal(size=(400, 6)) * [9, 1, 1, 1, 1, 1]
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    noise[:, 1] += 2 * labels
    return (noise @ turn).astype(np.float32), labels


def test_with_hardly_any_shrinkage_every_direction_varies_alike_within_classes(correlated, monkeypatch):
    monkeypatch.setattr(whitening, "SHRINKAGE", 1e-6)
    features, labels = correlated
    applied = Whitening.of(features, labels).apply(features)
    within = np.concatenate([applied[labels == label] - applied[labels == label].mean(0) for label in (0, 1)])
    np.testing.assert_allclose(within.T @ within / len(within), np.eye(6), atol=1e-3)


def test_the_difference_of_class_means_points_where_discriminant_analysis_does(correlated):
    features, labels = correlated
    scale = Whitening.of(features, labels)
    applied = scale.apply(features)
    difference = (applied[labels == 1].mean(0) - applied[labels == 0].mean(0))[:, None]
    kernel = scale.fold(difference, np.zeros(1))[0][:, 0] * scale.std  # on standardised features
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=whitening.SHRINKAGE)
    standardised = (features - scale.mean) / scale.std
    expected = reference.fit(standardised, labels).coef_[0]
    cosine = kernel @ expected / np.linalg.norm(kernel) / np.linalg.norm(expected)
    assert cosine > 0.999


@pytest.mark.parametrize("distance", [0, 2, 5])
def test_however_far_apart_classes_are_their_own_spread_comes_out_as_one(distance):
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    features = rng.normal(size=(400, 6)) + distance * labels[:, None]
    applied = Whitening.of(features, labels).apply(features)
    np.testing.assert_allclose([applied[labels == label].std(axis=0) for label in (0, 1)], 1, rtol=0.15)


def test_fewer_scans_than_features_and_many_scans_both_work(monkeypatch):
    rng = np.random.default_rng(0)
    few = Whitening.of(rng.normal(size=(5, 50)), np.array([0, 0, 1, 1, 1]))
    assert few.directions.shape == (5 - 2, 50)  # each class takes one direction with its mean
    monkeypatch.setattr(whitening, "MEASURED", 20)
    many = Whitening.of(rng.normal(size=(100, 50)), np.arange(100) % 4)
    assert many.directions.shape == (20 - 4, 50)


def test_measured_scans_follow_the_seed_which_is_zero_by_default(correlated, monkeypatch):
    monkeypatch.setattr(whitening, "MEASURED", 20)

    def gains(**kwargs):
        return Whitening.of(*correlated, **kwargs).gains.tolist()

    assert gains() == gains(seed=0) != gains(seed=1)


def test_one_scan_a_class_is_only_scaled():
    features = np.array([[0.0, 1.0], [2.0, 5.0]])
    applied = Whitening.of(features, np.array([0, 1])).apply(features)
    np.testing.assert_allclose(applied, applied[1, 1] * np.array([[-2 / 3, -1], [2 / 3, 1]]), rtol=1e-6)
    assert 1 < applied[1, 1] < 5


@given(layers())
def test_no_feature_is_made_louder_than_the_average_one(case):
    features, labels, _, _ = case
    scale = Whitening.of(features, labels)
    spread = features.std(axis=0, dtype=np.float64)
    assert (scale.std >= 0.999 * spread.mean()).all()
    assert (scale.gains <= scale.rest).all()
    assert scale.rest**-2 >= 0.999 * whitening.SHRINKAGE * whitening.LEAST_WITHIN * np.mean((spread / scale.std) ** 2)


@pytest.mark.parametrize("scans", [400, 40, 8, 4])
def test_a_feature_that_was_nearly_constant_does_not_drown_the_rest(scans):
    rng = np.random.default_rng(0)
    labels = np.arange(scans) % 4
    features = rng.normal(labels[:, None], 1, (scans, 64)).astype(np.float32)
    features[:, 5] = 1e-6 * rng.normal(size=scans)
    scale = Whitening.of(features, labels)
    seen, new = features.copy(), features.copy()
    new[:, 5] = 1
    moved = np.linalg.norm(scale.apply(new) - scale.apply(seen), axis=1)
    assert moved.max() < np.linalg.norm(scale.apply(seen), axis=1).mean()


def test_two_scans_that_are_nearly_the_same_say_little_of_the_spread_within_classes():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(5, 64))
    features[4] = features[3] + 1e-6 * rng.normal(size=64)
    applied = Whitening.of(features, np.array([0, 1, 2, 3, 3])).apply(features)
    assert np.abs(applied).max() < 50


def test_measuring_takes_no_more_memory_than_the_rows_that_are_measured(monkeypatch):
    monkeypatch.setattr(whitening, "CHUNK", 2**16)
    features = np.random.default_rng(0).normal(size=(200, 20_000)).astype(np.float32)
    tracemalloc.start()
    try:
        scale = Whitening.of(features, np.arange(200) % 4)
        assert tracemalloc.get_traced_memory()[1] < 1.2 * features.nbytes
        scale.apply(features)
        assert tracemalloc.get_traced_memory()[1] < 2.2 * features.nbytes
    finally:
        tracemalloc.stop()


def test_a_backbone_with_large_features_does_not_drown_another():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(60, 8)).astype(np.float32), np.arange(60) % 3
    louder = features * np.repeat([1, 1000], 4).astype(np.float32)
    expected = Whitening.of(features, labels, lengths=(4, 4)).apply(features)
    np.testing.assert_allclose(Whitening.of(louder, labels, lengths=(4, 4)).apply(louder), expected, atol=1e-4)
    drowned = Whitening.of(louder, labels).apply(louder)
    assert drowned[:, :4].std() < 0.01 * drowned[:, 4:].std()
