"""Faithfulness: measures tell a map that names what decides from one that doesn't."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import octlib
from octlib.explanation import METHODS, faithfulness
from octlib.models import OctClassifier, Postprocessing

SIZE = (32, 48)
PATCH = np.s_[8:16, 4:16]  # what decides about CNV


class Looking(torch.nn.Module):
    """A classifier that says CNV where a patch of the scan is bright, and nothing else matters."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = SimpleNamespace(mean=torch.zeros(1))
        self.largest = 0

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        self.largest = max(self.largest, len(seen))
        logits = torch.zeros(len(seen), 4)
        logits[:, 0] = (seen[:, 0][:, PATCH[0], PATCH[1]].mean((1, 2)) - 100) / 10
        return logits


@pytest.fixture
def looking(build, monkeypatch):
    """Give a classifier that looks at the patch, its module, and scans with a bright patch."""
    classifier = build("resnet10t", SIZE)
    module = Looking()
    monkeypatch.setattr(OctClassifier, "to_torch", lambda self: module)
    images = np.random.default_rng(0).integers(0, 60, (3, *SIZE), dtype=np.uint8)
    images[:, PATCH[0], PATCH[1]] += 140
    return classifier, module, octlib.load_oct_dataset((images, None, ["a", "b", "c"]))


def explanation_of(classifier, scans, heatmap):
    maps = np.repeat(heatmap[None].astype(np.float32), len(scans), axis=0)
    targets = ("CNV",) * len(scans)
    return octlib.Explanation(maps, targets, targets, scans, "gradcam", None, None, classifier.preprocessing)


def patch_map():
    heatmap = np.zeros(SIZE)
    heatmap[PATCH] = 1
    return heatmap


def test_a_map_of_what_decides_beats_chance_and_its_opposite_does_not(looking):
    classifier, _, scans = looking
    measures = ("insertion", "deletion", "road")
    right, wrong = (
        faithfulness(classifier, explanation_of(classifier, scans, heatmap), measures=measures)
        for heatmap in (patch_map(), 1 - patch_map())
    )
    assert list(right.values) == list(measures)
    assert right.values["insertion"] > right.chances["insertion"] > wrong.values["insertion"]
    assert right.values["deletion"] < right.chances["deletion"] < wrong.values["deletion"]
    assert right.values["road"] > 0.1 > -0.1 > wrong.values["road"]
    assert right.chances["road"] == 0
    assert (right.maps["insertion"] > wrong.maps["insertion"]).all()
    assert "insertion  all" in repr(right)


def test_a_scan_that_always_gets_the_same_probability_has_it_as_area(looking):
    classifier, _, scans = looking
    explanation = explanation_of(classifier, scans, np.zeros(SIZE))
    other = octlib.Explanation(
        explanation.heatmaps, ("DME",) * 3, ("DME",) * 3, octlib.load_oct_dataset(np.zeros((3, *SIZE), np.uint8)),
        "gradcam", None, None, classifier.preprocessing,
    )  # fmt: skip
    result = faithfulness(classifier, other, measures=("insertion", "deletion"), steps=3)
    dark = float(torch.tensor([-10.0, 0, 0, 0]).softmax(0)[1])
    assert result.values["insertion"] == pytest.approx(dark, abs=1e-5)
    assert result.values["deletion"] == pytest.approx(dark, abs=1e-5)


def test_batches_do_not_matter_nor_does_who_else_is_there_and_seeds_repeat(looking):
    classifier, module, scans = looking
    heatmap = np.zeros(SIZE)
    heatmap[:2] = 1
    explanation = explanation_of(classifier, scans, heatmap)
    measures = ("insertion", "deletion", "road")
    whole = faithfulness(classifier, explanation, measures=measures)
    module.largest = 0
    parts = faithfulness(classifier, explanation, measures=measures, batch_size=2)
    assert module.largest == 2
    np.testing.assert_allclose(whole.maps[["insertion", "road"]], parts.maps[["insertion", "road"]], atol=1e-6)
    first = explanation_of(classifier, scans.subset([0]), heatmap)
    alone = faithfulness(classifier, first, measures=("insertion", "deletion"))
    assert alone.maps["deletion_chance"][0] == pytest.approx(whole.maps["deletion_chance"][0])
    another = faithfulness(classifier, explanation, measures=measures, seed=1)
    assert another.chances["deletion"] != whole.chances["deletion"]


def test_what_the_classifier_says_of_mirror_images_counts(looking):
    classifier, _, scans = looking
    explanation = explanation_of(classifier, scans, patch_map())
    plain = faithfulness(classifier, explanation, measures=["insertion"])
    classifier.postprocessing = Postprocessing(flips=True)
    both = faithfulness(classifier, explanation, measures=["insertion"])
    assert both.values["insertion"] < plain.values["insertion"]


def edges(module, scans, classes, layer):
    """A method that moves with the scan, since it sees nothing else."""
    rows, columns = np.gradient(scans[:, 0].numpy(), axis=(1, 2))
    sizes = np.hypot(rows, columns)
    return (sizes / sizes.max(axis=(1, 2), keepdims=True)).astype(np.float32)


def by_place(module, scans, classes, layer):
    """A method that draws another map at each call."""
    by_place.calls += 1
    return np.random.default_rng(by_place.calls).random((len(scans), *SIZE), dtype=np.float32)


def nothing(module, scans, classes, layer):
    return np.zeros((len(scans), *SIZE), np.float32)


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_stability_is_high_for_maps_that_move_with_the_scan_alone(build, monkeypatch):
    by_place.calls = 0
    classifier = build("resnet10t", SIZE)
    images = np.kron(np.random.default_rng(0).integers(0, 220, (2, 8, 12)), np.ones((1, 8, 8))).astype(np.uint8)
    found = {}
    for method in (edges, by_place, nothing):
        monkeypatch.setitem(METHODS, method.__name__, method)
        explanation = octlib.explain(classifier, images, method=method.__name__)
        found[method.__name__] = faithfulness(classifier, explanation, measures=["stability"]).values["stability"]
    assert found["edges"] > 0.5
    assert abs(found["by_place"]) < 0.2
    assert found["nothing"] == 0


def test_stability_asks_the_same_method_layer_and_class(build, monkeypatch):
    asked = []

    def watched(module, scans, classes, layer):
        asked.append((classes.tolist(), layer))
        return edges(module, scans, classes, layer)

    monkeypatch.setitem(METHODS, "watched", watched)
    classifier = build("resnet10t", SIZE)
    images = np.random.default_rng(0).integers(0, 220, (2, *SIZE), dtype=np.uint8)
    explanation = octlib.explain(classifier, images, method="watched", layer="layer3", target=["DME", "NORMAL"])
    asked.clear()
    faithfulness(classifier, explanation, measures=["stability"])
    assert asked == [([1] * 4, "layer3"), ([3] * 4, "layer3")]


def test_wrong_arguments_are_refused(looking, build):
    classifier, _, scans = looking
    explanation = explanation_of(classifier, scans, patch_map())
    with pytest.raises(ValueError, match="did you mean 'insertion'"):
        faithfulness(classifier, explanation, measures=["insertions"])
    with pytest.raises(ValueError, match=r"must be a list of names, got 'road'"):
        faithfulness(classifier, explanation, measures="road")
    with pytest.raises(ValueError, match=r"must be a list of names, got \[\]"):
        faithfulness(classifier, explanation, measures=[])
    with pytest.raises(ValueError, match="steps must be a whole number from 2 on, got 1"):
        faithfulness(classifier, explanation, steps=1)
    with pytest.raises(ValueError, match="batch_size must be a whole number from 1 on, got 0"):
        faithfulness(classifier, explanation, batch_size=0)
    with pytest.raises(ValueError, match=r"the classifier that was explained, .* Explain with it first"):
        faithfulness(build("resnet10t", 64), explanation)
    with pytest.raises(ValueError, match="has other classes or prepares scans otherwise"):
        faithfulness(build("resnet10t", SIZE, class_names=("DME", "NORMAL")), explanation)
    with pytest.raises(TypeError, match="The classifier comes first"):
        faithfulness(explanation, classifier)


def test_progress_is_shown_on_request(looking, capsys):
    classifier, _, scans = looking
    faithfulness(classifier, explanation_of(classifier, scans, patch_map()), measures=["insertion"], progress=True)
    assert "faithfulness" in capsys.readouterr().err


def test_maps_against_a_class_are_asked_for_as_they_were(build, monkeypatch):
    classifier = build("resnet10t", SIZE)
    images = np.random.default_rng(0).integers(0, 256, (1, *SIZE), dtype=np.uint8)
    monkeypatch.setitem(METHODS, "edges", edges)
    maps = octlib.explain(classifier, images, target="CNV", against="DME", method="edges", flips=True)
    asked = []

    def watched(*arguments, **how):
        asked.append(how)
        return octlib.explain(*arguments, **how)

    monkeypatch.setattr(import_module("octlib.explanation.faithfulness"), "explain", watched)
    faithfulness(classifier, maps, measures=["stability"])
    assert {name: asked[0][name] for name in ("target", "against", "smooth", "flips")} == {
        "target": "CNV", "against": "DME", "smooth": 0, "flips": True,
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"probability of one class alone\. Pass measures=\['stability'\]"):
        faithfulness(classifier, maps)
