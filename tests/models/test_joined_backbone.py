"""Joined backbone: what several backbones share, and what is refused of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import octlib
from octlib.explanation.last_map import look
from octlib.explanation.shares import shares
from octlib.features import extract_features, keys
from octlib.models.state import take_state
from octlib.preprocessing import Preprocessing
from tests.backends.test_joined import NAMES, build_several


@pytest.fixture(scope="module")
def phantoms() -> octlib.OctDataset:
    """Give 24 phantoms of as many patients."""
    return octlib.load_oct_dataset("phantoms").sample(24)


@pytest.fixture(scope="module")
def trained(phantoms: octlib.OctDataset) -> Any:
    """Give a classifier with two backbones that was trained frozen."""
    classifier = build_several()
    octlib.fit(classifier, phantoms, l2=3.0, progress=False)
    return classifier


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_it_is_exported(trained: Any, tmp_path: Path, suffix: str) -> None:
    difference = trained.export(tmp_path / f"classifier{suffix}", format="torch" if suffix == ".pt2" else "onnx")
    assert difference < 1e-5


def test_shares_do_not_depend_on_where_features_begin(trained: Any, phantoms: octlib.OctDataset) -> None:
    parts = trained.to_torch().parts()
    tensors, classes = torch.from_numpy(phantoms[:4].images(trained.preprocessing)).float().unsqueeze(1), np.full(4, 1)
    before = shares([look(part, tensors) for part in parts.values()], tensors, classes)
    with torch.no_grad():
        parts["test_vit"].head.bias[1] += 7  # as if its features had begun elsewhere
    after = shares([look(part, tensors) for part in parts.values()], tensors, classes)
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_another_preprocessing_is_heeded_at_once(phantoms: octlib.OctDataset) -> None:
    classifier = build_several()
    extract_features(classifier, phantoms, progress=False)
    classifier.preprocessing = Preprocessing((64, 64), ())
    stored, computed = (extract_features(classifier, phantoms, cache=each, progress=False) for each in (True, False))
    np.testing.assert_allclose(stored, computed, atol=1e-5 * np.abs(computed).max())
    assert all(each.preprocessing == classifier.preprocessing for each in classifier.passes)


def test_weights_that_several_share_are_digested_once(monkeypatch: pytest.MonkeyPatch) -> None:
    several = build_several()
    several.backbone.unchanging = True
    before = [keys.backbone_key(each) for each in several.passes]
    with monkeypatch.context() as patch:
        patch.setattr(keys, "in_threads", lambda *_, **__: pytest.fail("digested again"))
        assert [keys.backbone_key(each) for each in several.passes] == before
    several.unfreeze(backbone="test_vit")
    assert not any(member.unchanging for member in several.backbone.members)


@pytest.mark.parametrize("size", [[10**9, 10**9], [65, 48], [0, 3], ["x", 3]])
def test_hostile_sizes_are_refused(size: Any) -> None:
    config = build_several().get_config()
    config["backbone"]["members"][1]["inner_size"] = size
    with pytest.raises((TypeError, ValueError), match="size|resized|smaller"):  # which loading catches
        octlib.OctClassifier.from_config(config)


def test_what_cannot_be_is_said(trained: Any, phantoms: octlib.OctDataset) -> None:
    with pytest.raises(ValueError, match="got 3 for 2 backbones"):
        octlib.build_classifier(NAMES, weights=(None, None, None))
    for wrong in ((), ("test_resnet", 3), 3):
        with pytest.raises(TypeError, match="backbone must be a name"):
            octlib.build_classifier(wrong, weights=None)
    with pytest.raises(ValueError, match="Unknown backbone 'rest'"):
        octlib.build_classifier(("test_resnet", "rest"), weights=None)
    with pytest.raises(ValueError, match="test_vit"):
        trained.unfreeze(backbone="test_vitt")
    with pytest.raises(ValueError, match="test_vit"):
        octlib.explain(trained, phantoms[:1], backbone="vit")
    with pytest.raises(ValueError, match="Name one with backbone="):
        octlib.explain(trained, phantoms[:1], layer="layer3")
    for settings in ({"stages": 99}, {"stages": 0, "backbone": "test_vit"}, {"stages": 99, "backbone": "test_vit"}):
        with pytest.raises(ValueError, match="stages, of which 1 or more can be unfrozen"):
            trained.unfreeze(**settings)
    assert trained.frozen


def test_keys_of_a_backbone_are_timms_after_its_name(trained: Any) -> None:
    state = take_state(trained)
    assert {name.partition(".")[0] for name in state} == {*NAMES, "head"}
    module = trained.to_torch().backbone.members["test_vit"].module
    assert {name.partition(".")[2] for name in state if name.startswith("test_vit.")} == set(module.state_dict())


@pytest.mark.filterwarnings("ignore::octlib.errors.ConstantMapWarning")
def test_maps_of_one_backbone_say_so(trained: Any, phantoms: octlib.OctDataset) -> None:
    one = octlib.explain(trained, phantoms[:1], backbone="test_vit", progress=False)
    assert "at the last map of test_vit;" in repr(one)
    assert one.plot()[0, 0].figure.get_suptitle() == "gradcam, last map of test_vit"
    both = octlib.explain(trained, phantoms[:1], progress=False)
    assert "at the last map;" in repr(both)


def test_each_has_a_size_of_its_own() -> None:
    names = ("test_resnet", "test_vit")
    built = octlib.build_classifier(names, weights=None, image_size=[(32, 96), (64, 64)])
    assert built.image_size == (64, 96)  # the largest each way
    assert [member.spec.inner_size for member in built.backbone.members] == [(32, 96), (64, 64)]
    own = octlib.build_classifier(names, weights=None, image_size=[None, (64, 64)])
    assert own.image_size == (160, 160)
    assert octlib.build_classifier(names, weights=None, image_size=[64, 96]).image_size == (64, 96)  # of both
    with pytest.raises(ValueError, match="image_size must be one for all backbones.*got 3 for 2 backbones"):
        octlib.build_classifier(names, weights=None, image_size=[None, (64, 64), None])
