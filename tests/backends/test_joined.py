"""Joined: several backbones with one head do all that one does, on the backend that Keras runs on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import octlib
from octlib.features import extract_features
from octlib.models.state import take_state

Build = Callable[..., Any]
NAMES = ("test_resnet", "test_vit")


def build_several(**changes: Any) -> Any:
    """Build two backbones for 64 and 48 pixels; the second one resizes what the first one takes."""
    settings = {"weights": None, "class_names": ("CNV", "DME", "DRUSEN", "NORMAL"), **changes}
    joined = octlib.build_classifier(NAMES, image_size=64, **settings)
    config = joined.get_config()
    config["backbone"]["members"][1]["model_args"]["img_size"] = [48, 48]
    config["backbone"]["members"][1]["inner_size"] = [48, 48]
    return octlib.OctClassifier.from_config(config)


@pytest.fixture(scope="module")
def trained(phantoms: octlib.OctDataset) -> Any:
    """Give a classifier with two backbones that was trained frozen."""
    classifier = build_several()
    octlib.fit(classifier, phantoms, l2=3.0, progress=False)
    return classifier


def probabilities(classifier: Any, scans: octlib.OctDataset) -> np.ndarray:
    return octlib.predict(classifier, scans, progress=False).filter(like="p_").to_numpy()


def test_features_lie_side_by_side(phantoms: octlib.OctDataset) -> None:
    several = build_several()
    images = phantoms.images(several.preprocessing)
    found, start = several.extract(images), 0
    for member in several.backbone.members:
        expected = np.asarray(member.to_torch().eval()(_tensor(images)).detach())
        scale = np.abs(expected).max()
        assert scale > 0
        np.testing.assert_allclose(found[:, start : start + member.n_features] / scale, expected / scale, atol=1e-4)
        start += member.n_features
    assert start == several.backbone.n_features == found.shape[1]


def _tensor(images: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(images)


def test_features_of_single_ones_are_not_computed_again(
    build: Build, phantoms: octlib.OctDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OCTLIB_CACHE", str(tmp_path))
    several = octlib.build_classifier(NAMES, weights=None, image_size=64)
    singles = [build(name, seed=seed) for seed, name in enumerate(NAMES)]
    expected = np.concatenate([extract_features(single, phantoms, progress=False) for single in singles], axis=1)
    for each in several.passes:
        monkeypatch.setattr(each, "extract", lambda _: pytest.fail("computed again"))
    np.testing.assert_array_equal(extract_features(several, phantoms, progress=False), expected)


def test_what_is_predicted_is_what_the_graph_gives(trained: Any, phantoms: octlib.OctDataset) -> None:
    images = phantoms.images(trained.preprocessing)
    found = trained.predict(images, verbose=0)
    assert np.ptp(found, axis=0).min() > 0.01
    np.testing.assert_allclose(found, probabilities(trained, phantoms), atol=1e-5)
    assert octlib.evaluate(trained, phantoms, progress=False).accuracy == np.mean(
        np.array(trained.class_names)[found.argmax(1)] == phantoms.column("label")
    )


@pytest.mark.parametrize("name", ["classifier", "classifier.keras"])
def test_it_is_saved_and_loaded(trained: Any, phantoms: octlib.OctDataset, tmp_path: Path, name: str) -> None:
    trained.save(tmp_path / name)
    loaded = octlib.load_classifier(tmp_path / name)
    assert loaded.backbone_names == NAMES
    assert loaded.get_config() == trained.get_config()
    np.testing.assert_allclose(probabilities(loaded, phantoms), probabilities(trained, phantoms), atol=1e-6)


def test_another_backend_gives_the_same(
    trained: Any, phantoms: octlib.OctDataset, tmp_path: Path, on_backend: Callable[..., str]
) -> None:
    trained.save(tmp_path / "classifier")
    code = (
        "import sys, numpy as np, octlib\n"
        "classifier = octlib.load_classifier(sys.argv[1])\n"
        "scans = octlib.load_oct_dataset('phantoms').sample(24)\n"
        "found = octlib.predict(classifier, scans, progress=False).filter(like='p_').to_numpy()\n"
        "np.save(sys.argv[2], found)\n"
    )
    on_backend("torch", code, tmp_path / "classifier", tmp_path / "found.npy")
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), probabilities(trained, phantoms), atol=1e-4)


@pytest.mark.parametrize("which", [0, 1])
def test_one_backbone_learns_and_the_others_stay(phantoms: octlib.OctDataset, tmp_path: Path, which: int) -> None:
    classifier, name = build_several(), NAMES[which]
    classifier.unfreeze(1, backbone=name)
    before = take_state(classifier)
    octlib.fit(classifier, phantoms[:16], epochs=1, batch_size=8, progress=False)
    after = take_state(classifier)
    moved = {name for name, value in before.items() if not np.array_equal(after[name], value)}
    moved -= {"head.weight", "head.bias"}
    assert moved >= {f"{name}.{parameter}" for parameter in classifier.backbone.members[which].stages[-1]}
    assert all(parameter.startswith(("test_resnet.layer4.", "test_vit.")) for parameter in moved)
    assert all(parameter.startswith(f"{name}.") for parameter in moved)
    classifier.save(tmp_path / "classifier")
    loaded = octlib.load_classifier(tmp_path / "classifier")
    assert loaded.backbone.unfrozen_stages == ([1, 0] if which == 0 else [0, 1])
    assert f"last 1 stages of {name} not frozen" in repr(loaded)


def test_all_backbones_learn(phantoms: octlib.OctDataset) -> None:
    classifier = build_several(freeze=False)
    before = take_state(classifier)
    octlib.fit(classifier, phantoms[:16], epochs=1, batch_size=8, progress=False)
    after = take_state(classifier)
    moved = {name for name, value in before.items() if not np.array_equal(after[name], value)}
    assert {f"{backbone}.{name}" for backbone, each in _parameters(classifier) for name in each} <= moved


def _parameters(classifier: Any) -> Any:
    members = zip(classifier.backbone_names, classifier.backbone.members, strict=True)
    return [(name, member.parameters) for name, member in members]


@pytest.mark.filterwarnings("ignore::octlib.errors.ConstantMapWarning")
@pytest.mark.parametrize("method", ["gradcam"])
def test_maps_are_those_of_the_backbones_by_what_they_add(
    trained: Any, phantoms: octlib.OctDataset, method: str
) -> None:
    scans, settings = phantoms[:4], {"method": method, "target": "DME", "progress": False}
    both = octlib.explain(trained, scans, **settings).heatmaps
    alone = np.stack([octlib.explain(trained, scans, backbone=name, **settings).heatmaps for name in NAMES])
    images, weights = scans.images(trained.preprocessing), trained.head.get_weights()[0]
    cut = trained.backbone.members[0].n_features
    even = np.broadcast_to(images.mean((1, 2), keepdims=True), images.shape)
    features = trained.extract(images) - trained.extract(even.astype(np.float32))
    added = np.stack([features[:, :cut] @ weights[:cut], features[:, cut:] @ weights[cut:]])
    more = np.maximum(added[:, :, 1] - added.mean(axis=2), 0)
    assert more.max() > 0
    shares = np.where(more.sum(0) > 0, more / np.maximum(more.sum(0), 1e-30), 0.5)
    np.testing.assert_allclose(both, np.einsum("bn,bnhw->nhw", shares, alone), atol=1e-4)
