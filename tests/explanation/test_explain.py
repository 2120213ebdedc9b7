"""Explain: every kind of scans, targets by name, and a word where a map says nothing."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from PIL import Image

import octlib

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")


@pytest.fixture(scope="module")
def classifier(build):
    return build()


@pytest.fixture
def files(scans, tmp_path):
    paths = [tmp_path / f"{index}.png" for index in range(len(scans))]
    for scan, path in zip(scans, paths, strict=True):
        Image.fromarray(scan).save(path)
    return paths


def user_warnings(caught):
    return [warning for warning in caught if warning.category is UserWarning]


def test_signature_is_the_contracts():
    parameters = inspect.signature(octlib.explain).parameters.values()
    assert [item.name for item in parameters if item.kind is item.POSITIONAL_OR_KEYWORD] == ["classifier", "scans"]
    keywords = {item.name: item.default for item in parameters if item.kind is item.KEYWORD_ONLY}
    assert keywords == {"method": "gradcam", "target": None, "layer": None}


def test_scans_may_come_as_array_dataset_path_and_paths(classifier, scans, files):
    expected = octlib.explain(classifier, scans, method="eigencam")
    assert expected.heatmaps.shape == (3, 64, 96)
    assert expected.heatmaps.dtype == np.float32
    for form in (octlib.load_oct_dataset(scans), files, [str(path) for path in files], files[0].parent):
        np.testing.assert_allclose(
            octlib.explain(classifier, form, method="eigencam").heatmaps, expected.heatmaps, atol=1e-5
        )
    one = octlib.explain(classifier, files[1], method="eigencam")
    np.testing.assert_allclose(one.heatmaps, expected.heatmaps[1:2], atol=1e-5)


def test_the_predicted_class_is_explained_unless_told_otherwise(classifier, scans):
    predicted = octlib.predict(classifier, scans)["predicted"].tolist()
    assert octlib.explain(classifier, scans, method="eigencam").targets == tuple(predicted)


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_each_scan_may_have_its_own_target(classifier, scans):
    mixed = octlib.explain(classifier, scans, target=["NORMAL", "CNV", "DME"])
    assert mixed.targets == ("NORMAL", "CNV", "DME")
    for index, name in enumerate(mixed.targets):
        alone = octlib.explain(classifier, scans, target=name)
        assert alone.targets == (name,) * 3
        np.testing.assert_allclose(mixed.heatmaps[index], alone.heatmaps[index], atol=1e-4)


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_batches_do_not_matter(classifier, monkeypatch):
    many = np.random.default_rng(1).integers(0, 220, (5, 40, 70), dtype=np.uint8)
    whole = octlib.explain(classifier, many, target="CNV")
    monkeypatch.setattr(inspect.getmodule(octlib.explain), "BATCH_SIZE", 2)
    parts = octlib.explain(classifier, many, target="CNV")
    assert parts.targets == whole.targets
    np.testing.assert_allclose(parts.heatmaps, whole.heatmaps, atol=1e-4)


def test_method_and_layer_are_noted(classifier, scans):
    explanation = octlib.explain(classifier, scans, method="eigencam", layer="stages.2")
    assert (explanation.method, explanation.layer) == ("eigencam", "stages.2")
    other = octlib.explain(classifier, scans, method="eigencam")
    assert other.layer is None
    assert np.abs(explanation.heatmaps - other.heatmaps).max() > 0.1


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [({"target": "DRUSE"}, "DRUSEN"), ({"target": ["CNV", "CVN", "DME"]}, "CNV"), ({"method": "gradcam+"}, "gradcam"),
     ({"layer": "stages.30"}, "stages.3")],
)  # fmt: skip
def test_misspelt_names_are_met_with_a_suggestion(classifier, scans, wrong, meant):
    with pytest.raises(ValueError, match=rf"did you mean '{meant}"):
        octlib.explain(classifier, scans, **wrong)


def test_targets_must_be_as_many_as_scans(classifier, scans):
    with pytest.raises(ValueError, match="each of the 3 scans, got 2"):
        octlib.explain(classifier, scans, target=["CNV", "DME"])


def test_no_scans_are_refused(classifier, scans):
    with pytest.raises(ValueError, match="no scans to explain"):
        octlib.explain(classifier, octlib.load_oct_dataset(scans).subset([]))


def test_constant_maps_are_warned_of_once(build, scans):
    """A head that says the same of everything leaves nothing to show, except for one class."""
    classifier = build()
    features = classifier.backbone.n_features
    classifier.head.set_weights([np.zeros((features, 4), np.float32), np.zeros(4, np.float32)])
    with pytest.warns(UserWarning, match=r"3 of 3 maps are constant .*\(scans 0, 1, 2\)") as caught:
        explanation = octlib.explain(classifier, scans, target="DME")
    (warning,) = user_warnings(caught)
    assert warning.filename == __file__
    assert not explanation.has_signal.any()
    assert explanation.heatmaps.shape == (3, 64, 96)


def test_maps_with_signal_are_not_warned_of(plant, scans):
    classifier = plant("resnet10t", (64, 96), "layer4", (2, 3), "NCHW")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        explanation = octlib.explain(classifier, scans, target="NORMAL")
    assert explanation.has_signal.all()
    assert user_warnings(caught) == []


@pytest.mark.parametrize(
    ("name", "size", "layer", "grid", "layout"),
    [("resnet10t", (64, 96), "layer4", (2, 3), "NCHW"),
     ("swin_tiny_patch4_window7_224", (64, 96), "layers.3", (2, 3), "NHWC")],
)  # fmt: skip
def test_overlays_colour_the_place_that_was_planted(plant, scans, name, size, layer, grid, layout):
    classifier = plant(name, size, layer, grid, layout)
    overlay = octlib.explain(classifier, scans[:1], target="CNV").overlays()[0].astype(int)
    coloured = np.abs(overlay - scans[0][:, :, None]).max(2) > 3
    height, width = coloured.shape
    assert coloured[: height // 4, -width // 6 :].mean() > 0.9
    assert not coloured[-height // 4 :, : width // 2].any()
