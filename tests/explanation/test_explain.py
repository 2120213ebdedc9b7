"""Explain: every kind of scans, targets by name, and a word where a map says nothing."""

from __future__ import annotations

import dataclasses
import inspect
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM, GradCAMElementWise
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

import octlib
from octlib.errors import ConstantMapWarning
from octlib.explanation import METHODS
from octlib.explanation.noise import noisy
from octlib.models import Postprocessing
from octlib.models.keras_backend import keras
from octlib.models.torch_modules import TimmFeatures

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


def of_constants(caught):
    return [warning for warning in caught if warning.category is ConstantMapWarning]


def test_signature_is_the_contracts():
    parameters = inspect.signature(octlib.explain).parameters.values()
    assert [item.name for item in parameters if item.kind is item.POSITIONAL_OR_KEYWORD] == ["classifier", "scans"]
    keywords = {item.name: item.default for item in parameters if item.kind is item.KEYWORD_ONLY}
    assert keywords == {
        "method": "gradcam",
        "target": None,
        "against": None,
        "layer": None,
        "backbone": None,
        "flips": None,
        "smooth": 0,
        "batch_size": 16,
        "progress": None,
    }


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
    told = octlib.explain(classifier, scans, method="eigencam", target="DME")
    assert (told.targets, told.predicted) == (("DME",) * 3, tuple(predicted))


@pytest.fixture
def undecided(build):
    """A classifier, and scans some of which it takes for another class as soon as it sees their mirror image too."""
    classifier = build()
    many = np.random.default_rng(2).integers(0, 220, (24, 40, 70), dtype=np.uint8)
    features = keras.ops.convert_to_numpy(classifier.features(classifier.preprocess(many)))
    kernel = np.random.default_rng(3).normal(size=(features.shape[1], 4)).astype(np.float32)
    kernel *= 4 / (features @ kernel).std(axis=0)
    classifier.head.set_weights([kernel, -features.mean(axis=0) @ kernel])
    return classifier, many


@pytest.mark.parametrize("saved", [False, True], ids=["asked", "as the classifier says"])
def test_flips_predict_as_predict_does(undecided, saved):
    classifier, many = undecided
    plain = octlib.predict(classifier, many)["predicted"]
    if saved:
        classifier.postprocessing = Postprocessing(flips=True)
    flips = None if saved else True
    predicted = octlib.predict(classifier, many, flips=flips)["predicted"]
    assert 0 < (plain != predicted).sum() < len(many)
    explanation = octlib.explain(classifier, many, method="eigencam", flips=flips)
    assert explanation.predicted == explanation.targets == tuple(predicted)
    assert octlib.explain(classifier, many, method="eigencam", flips=False).predicted == tuple(plain)


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_flips_give_the_mean_of_both_maps(classifier, scans):
    plain = octlib.explain(classifier, scans, target="CNV").heatmaps
    mirrored = octlib.explain(classifier, scans[:, :, ::-1], target="CNV").heatmaps[:, :, ::-1]
    both = octlib.explain(classifier, scans, target="CNV", flips=True).heatmaps
    assert np.abs(plain - mirrored).max() > 0.05
    np.testing.assert_allclose(both, (plain + mirrored) / 2, atol=1e-4)


def test_progress_is_shown_on_request(classifier, scans, capsys):
    octlib.explain(classifier, scans, method="eigencam", progress=True)
    assert "explanation" in capsys.readouterr().err
    octlib.explain(classifier, scans, method="eigencam")
    assert capsys.readouterr().err == ""


def test_batches_must_hold_a_scan(classifier, scans):
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        octlib.explain(classifier, scans, batch_size=0)


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_each_scan_may_have_its_own_target(classifier, scans):
    mixed = octlib.explain(classifier, scans, target=["NORMAL", "CNV", "DME"])
    assert mixed.targets == ("NORMAL", "CNV", "DME")
    for index, name in enumerate(mixed.targets):
        alone = octlib.explain(classifier, scans, target=name)
        assert alone.targets == (name,) * 3
        np.testing.assert_allclose(mixed.heatmaps[index], alone.heatmaps[index], atol=1e-4)


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_batches_do_not_matter(classifier):
    many = np.random.default_rng(1).integers(0, 220, (5, 40, 70), dtype=np.uint8)
    whole = octlib.explain(classifier, many, target="CNV")
    parts = octlib.explain(classifier, many, target="CNV", batch_size=2)
    assert (parts.targets, parts.predicted) == (whole.targets, whole.predicted)
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


@pytest.mark.parametrize("target", [7, [0, 1, 2]])
def test_targets_are_names(classifier, scans, target):
    with pytest.raises(TypeError, match=r"target must be the name of a class, .*got .*Classes: CNV, DME"):
        octlib.explain(classifier, scans, target=target)


def test_no_scans_are_refused(classifier, scans):
    with pytest.raises(ValueError, match="no scans to explain"):
        octlib.explain(classifier, octlib.load_oct_dataset(scans).subset([]))


def test_constant_maps_are_warned_of_once(build, scans):
    """A head that says the same of everything leaves nothing to show, except for one class."""
    classifier = build()
    features = classifier.backbone.n_features
    classifier.head.set_weights([np.zeros((features, 4), np.float32), np.zeros(4, np.float32)])
    with pytest.warns(ConstantMapWarning, match=r"3 of 3 maps are constant .*\(scans 0, 1, 2\)") as caught:
        explanation = octlib.explain(classifier, scans, target="DME")
    (warning,) = of_constants(caught)
    assert warning.filename == __file__
    assert not explanation.has_signal.any()
    assert explanation.heatmaps.shape == (3, 64, 96)


def test_maps_with_signal_are_not_warned_of(plant, scans):
    classifier = plant("resnet10t", (64, 96), "layer4", (2, 3), "NCHW")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        explanation = octlib.explain(classifier, scans, target="NORMAL")
    assert explanation.has_signal.all()
    assert of_constants(caught) == []


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


@pytest.mark.parametrize("steps", [("crop_retina",), ("flatten_retina", "crop_retina")])
def test_maps_are_shifted_back_to_the_scan_as_it_was(steps):
    """A network that answers to one bright spot points at it, wherever the steps have moved it to."""
    scan = np.full((248, 256), 20, np.uint8)
    for column in range(256):
        top = 60 + column // 4
        scan[top : top + 8, column], scan[top + 8 : top + 40, column], scan[top + 40 : top + 50, column] = 110, 60, 160
    scan[68 + 200 // 4 + 6 : 68 + 200 // 4 + 14, 196:204] = 255
    classifier = octlib.build_classifier(
        "test_resnet", weights=None, image_size=(96, 96), steps=steps, class_names=("dark", "bright")
    )
    seen = classifier.preprocess(scan[None])[0].astype(np.float32)
    heatmap = np.where(seen > 200, seen / 255, 0).astype(np.float32)
    maps = octlib.explain(classifier, scan[None], target="bright")
    assert maps.preprocessing == classifier.preprocessing
    maps = dataclasses.replace(maps, heatmaps=heatmap[None])
    coloured = np.abs(maps.overlay(0).astype(int) - scan[:, :, None]).max(2) > 30
    rows, columns = np.nonzero(coloured)
    assert abs(np.median(rows) - 128) < 5
    assert abs(np.median(columns) - 200) < 4
    assert coloured.mean() < 0.01


@pytest.mark.parametrize(("names", "flips"), [("test_resnet", False), (["test_resnet", "test_convnext"], True)])
def test_scans_pass_each_backbone_once_and_without_gradients(build, scans, monkeypatch, names, flips):
    passed, outputs_of = [], TimmFeatures.outputs_of

    def watched(self, normalised):
        outputs = outputs_of(self, normalised)
        passed.extend([torch.is_grad_enabled() or outputs[-1].requires_grad] * len(normalised))
        return outputs

    classifier = build(names, 64)
    monkeypatch.setattr(TimmFeatures, "outputs_of", watched)
    several = isinstance(names, list)
    asked = {"method": "gradcam", "target": "CNV", "backbone": "test_resnet" if several else None}
    octlib.explain(classifier, scans, flips=flips, **asked)
    assert passed == [False] * (len(scans) * (1 + several) * (1 + flips))


@pytest.mark.filterwarnings("ignore:.*maps are constant")
@pytest.mark.parametrize(
    ("name", "layer"),
    [("test_resnet", "layer3"), ("test_convnext", "stages.2"), ("small_swin", "layers.2"), ("test_vit", "last map"),
     ("octlib", "last map")],
)  # fmt: skip
def test_elementwisecam_takes_the_deepest_map_that_is_fine_enough(build, scans, name, layer):
    """A cell for every 16 pixels: as the whole network gives it, and as if the layer had been named."""
    size = 160 if name == "test_vit" else 64
    classifier = build(name, size, weights="pretrained" if name == "octlib" else None)
    maps = octlib.explain(classifier, scans, target="CNV", method="elementwisecam")
    assert (maps.layer, maps.place) == (None, layer)
    named = octlib.explain(classifier, scans, target="CNV", method="elementwisecam", layer=layer)
    assert named.layer == layer
    np.testing.assert_array_equal(maps.heatmaps, named.heatmaps)
    last = octlib.explain(classifier, scans, target="CNV", method="elementwisecam", layer="last map")
    assert bool(np.abs(last.heatmaps - maps.heatmaps).max() > 0.1) is (layer != "last map")
    module = classifier.to_torch()
    seen = torch.from_numpy(octlib.load_oct_dataset(scans).images(classifier.preprocessing)).float().unsqueeze(1)
    native = layer != "last map"
    watched = module.backbone.module.get_submodule(layer) if native else module.backbone.feature_map
    cam = GradCAMElementWise(module, [watched], module.backbone.to_map if native else None)
    np.testing.assert_allclose(maps.heatmaps, cam(seen, [ClassifierOutputTarget(0)] * 3), atol=1e-3)


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_backbones_are_asked_where_it_suits_each(build, scans):
    classifier = build(["test_resnet", "test_vit"], 160)

    def place(**asked):
        return octlib.explain(classifier, scans, method="elementwisecam", **asked).place

    assert place() == "layer3 of test_resnet and last map of test_vit"
    assert place(layer="last map") == "last map"
    assert place(backbone="test_resnet") == "layer3 of test_resnet"


@pytest.mark.filterwarnings("ignore:.*maps are constant")
@pytest.mark.parametrize("layer", ["layer1", "act1", "layer9", "global_pool"])
def test_what_gives_no_map_as_fine_as_timm_says_is_not_taken(build, scans, layer):
    classifier = build("test_resnet", 64)
    network = classifier.backbone.module.module
    network.feature_info = [{**network.feature_info[0], "module": layer, "reduction": 16}, network.feature_info[-1]]
    assert octlib.explain(classifier, scans, method="elementwisecam").place == "last map"


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_a_layer_is_watched_in_the_pass_that_predicts(build, scans, monkeypatch):
    passed, outputs_of = [], TimmFeatures.outputs_of
    classifier = build("test_resnet", 64)
    module = classifier.to_torch()
    monkeypatch.setattr(
        TimmFeatures, "outputs_of", lambda self, seen: (passed.append(len(seen)), outputs_of(self, seen))[1]
    )
    octlib.explain(classifier, scans, method="elementwisecam", batch_size=2)
    assert passed == [1, 2, 1]  # the first one finds out what size the map has
    assert all(not parameter.requires_grad or parameter.grad is None for parameter in module.parameters())


@pytest.mark.parametrize("layer", ["last map", "layer4"])
def test_a_method_of_the_scan_takes_no_layer(build, scans, layer):
    with pytest.raises(ValueError, match="occlusion looks at the scan itself .* Leave layer out"):
        octlib.explain(build("test_resnet", 64), scans, method="occlusion", layer=layer)


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_against_explains_the_difference_of_two_logits(classifier, scans):
    """As pytorch-grad-cam has it when it is asked for the difference, for each scan its own."""
    pairs = [(0, 2), (0, 1), (3, 1)]
    asked = {"target": [NAMES[one] for one, _ in pairs], "against": [NAMES[other] for _, other in pairs]}
    maps = octlib.explain(classifier, scans, method="gradcam", **asked)
    assert maps.against == ("DRUSEN", "DME", "DME")
    module = classifier.to_torch()
    seen = torch.from_numpy(octlib.load_oct_dataset(scans).images(classifier.preprocessing)).float().unsqueeze(1)
    targets = [lambda logits, one=one, other=other: logits[one] - logits[other] for one, other in pairs]
    whole = GradCAM(module, [module.backbone.feature_map])(seen, targets)
    np.testing.assert_allclose(maps.heatmaps, whole, atol=1e-4)
    assert "CNV against DRUSEN 1" in repr(maps)


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_against_weighs_backbones_by_the_difference(build, scans):
    """A backbone that adds the same to both classes has no part in telling them apart."""
    classifier = build(["test_resnet", "test_convnext"], 64)
    kernel, bias = classifier.head.get_weights()
    kernel[: classifier.backbone.feature_lengths[0], 0] = kernel[: classifier.backbone.feature_lengths[0], 2]
    classifier.head.set_weights([kernel, bias])
    told = {"target": "CNV", "against": "DRUSEN", "method": "eigencam"}
    both = octlib.explain(classifier, scans, **told).heatmaps
    last = octlib.explain(classifier, scans, backbone="test_convnext", **told).heatmaps
    first = octlib.explain(classifier, scans, backbone="test_resnet", **told).heatmaps
    for each, one, other in zip(both, last, first, strict=True):  # the last one speaks for it alone, or nobody does
        assert np.allclose(each, one, atol=1e-4) or np.allclose(each, (one + other) / 2, atol=1e-4)
    assert np.abs(both - (last + first) / 2).max() > 0.01


@pytest.mark.parametrize("target", ["CNV", ["DME", "CNV", "DME"]])
def test_a_class_is_not_told_from_itself(classifier, scans, target):
    with pytest.raises(ValueError, match=r"told from itself: target and against are both 'CNV' \(scan [01]\)"):
        octlib.explain(classifier, scans, target=target, against="CNV")


def test_a_prediction_that_is_told_from_itself_is_warned_of(classifier, scans):
    (name, *_) = predicted = octlib.explain(classifier, scans, method="eigencam").predicted
    with pytest.warns(ConstantMapWarning, match="maps are constant"):
        maps = octlib.explain(classifier, scans, against=name)
    assert maps.targets == predicted
    assert not maps.has_signal[0]


@pytest.mark.parametrize(("argument", "given"), [("against", "CVN"), ("against", ["CNV", "DME", "DRUSE"])])
def test_classes_to_tell_from_are_names_too(classifier, scans, argument, given):
    with pytest.raises(ValueError, match="Unknown class .*: did you mean"):
        octlib.explain(classifier, scans, **{argument: given})
    with pytest.raises(TypeError, match="against must be the name of a class, or one for each scan, got 3"):
        octlib.explain(classifier, scans, against=3)


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_several_layers_are_averaged_as_grad_cam_does(classifier, scans):
    layers = ("stages.1", "stages.3")
    maps = octlib.explain(classifier, scans, method="gradcam", target="CNV", layer=list(layers))
    assert (maps.layer, maps.place) == (layers, "stages.1 and stages.3")
    module = classifier.to_torch()
    seen = torch.from_numpy(octlib.load_oct_dataset(scans).images(classifier.preprocessing)).float().unsqueeze(1)
    watched = [module.backbone.module.get_submodule(layer) for layer in layers]
    whole = GradCAM(module, watched)(seen, [ClassifierOutputTarget(0)] * 3)
    # grad-cam scales the map of each layer before it enlarges it, by which the maximum is a little below 1 then.
    np.testing.assert_allclose(maps.heatmaps, whole, atol=0.05)
    one = octlib.explain(classifier, scans, target="CNV", layer=layers[:1])
    assert one.layer == layers[0]


@pytest.mark.parametrize(
    ("layer", "error", "said"),
    [([], ValueError, "layer must name a layer or more, got none"), (3, TypeError, "name of a layer, .*got 3"),
     (["stages.3", None], TypeError, r"got \['stages.3', None\]")],
)  # fmt: skip
def test_layers_are_names(classifier, scans, layer, error, said):
    with pytest.raises(error, match=said):
        octlib.explain(classifier, scans, layer=layer)


@pytest.mark.filterwarnings("ignore:.*maps are constant")
def test_smooth_maps_are_means_over_noisy_copies(classifier, scans):
    plain = octlib.explain(classifier, scans, method="gradcam", target="CNV")
    smooth = octlib.explain(classifier, scans, method="gradcam", target="CNV", smooth=3, batch_size=2)
    assert (smooth.smooth, smooth.predicted) == (3, plain.predicted)
    assert "over 3 noisy copies" in repr(smooth)
    seen = torch.from_numpy(octlib.load_oct_dataset(scans).images(classifier.preprocessing)).float().unsqueeze(1)
    module = classifier.to_torch().requires_grad_(False)
    copies = [METHODS["gradcam"](module, copy, np.zeros(3, int), None) for copy in noisy(seen, 3)]
    np.testing.assert_allclose(smooth.heatmaps, np.mean(copies, axis=0), atol=1e-4)
    assert np.abs(smooth.heatmaps - plain.heatmaps).max() > 0.01


@pytest.mark.parametrize("smooth", [-1, True, 1.5, "3"])
def test_smooth_is_a_number_of_copies(classifier, scans, smooth):
    with pytest.raises(ValueError, match="smooth must be a whole number from 0 on, got"):
        octlib.explain(classifier, scans, smooth=smooth)
