"""LoRA: only the small matrices learn, and the classifier is the same when saved, loaded and merged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn

import octlib
from octlib.errors import MissingPackageError, UnsupportedNetworkError, WeightsError
from octlib.models.lora import Lora, adapt, lora_for, merge
from octlib.models.networks import random_module
from octlib.models.spec import BackboneSpec


@pytest.fixture(scope="module")
def phantoms() -> octlib.OctDataset:
    return octlib.load_oct_dataset("phantoms").sample(16)


@pytest.fixture(scope="module", params=["test_vit", ("test_vit", "test_convnext")])
def trained(request: pytest.FixtureRequest, phantoms: octlib.OctDataset) -> tuple[Any, dict[str, np.ndarray]]:
    """Give a classifier that was trained with LoRA, and its weights before."""
    classifier = octlib.build_classifier(request.param, weights=None, image_size=64, lora=4)
    before = {name: value.copy() for name, value in classifier.backbone.state().items()}
    octlib.fit(classifier, phantoms, epochs=2, batch_size=8, augment=False, progress=False)
    return classifier, before


def probabilities(classifier: Any, scans: octlib.OctDataset) -> np.ndarray:
    return octlib.predict(classifier, scans, progress=False).filter(like="p_").to_numpy()


def test_the_small_matrices_learn_and_nothing_else(trained: Any) -> None:
    classifier, before = trained
    now = classifier.backbone.state()
    moved = {name for name in before if not np.array_equal(before[name], now[name])}
    assert moved == {name for name in before if ".lora_" in name}
    assert not classifier.frozen
    assert "LoRA of rank 4" in repr(classifier)


def test_nothing_changes_before_training(build: Any, scans: np.ndarray) -> None:
    plain, adapted = (build("test_vit", False, lora=lora) for lora in (None, 4))
    np.testing.assert_allclose(plain.extract(scans), adapted.extract(scans), atol=1e-5)


def test_saved_loaded_and_merged_the_probabilities_are_the_same(
    trained: Any, phantoms: octlib.OctDataset, tmp_path: Path
) -> None:
    classifier, _ = trained
    wanted = probabilities(classifier, phantoms)
    for name in ("folder", "file.keras"):
        classifier.save(tmp_path / name)
        loaded = octlib.load_classifier(tmp_path / name)
        np.testing.assert_allclose(probabilities(loaded, phantoms), wanted, atol=1e-6)
        octlib.fit(loaded, phantoms, epochs=1, batch_size=8, progress=False)
        frozen = {key for key in classifier.backbone.state() if ".lora_" not in key}
        before, after = classifier.backbone.state(), loaded.backbone.state()
        assert all(np.array_equal(before[key], after[key]) for key in frozen)
    merged = classifier.merge_lora()
    np.testing.assert_allclose(probabilities(merged, phantoms), wanted, atol=1e-5)
    assert not any("lora" in name or "base_layer" in name for name in merged.backbone.state())
    merged.save(tmp_path / "merged")
    np.testing.assert_allclose(probabilities(octlib.load_classifier(tmp_path / "merged"), phantoms), wanted, atol=1e-5)
    with pytest.raises(ValueError, match="There is no LoRA to merge"):
        merged.merge_lora()


def test_what_leaves_keras_is_merged(trained: Any, phantoms: octlib.OctDataset, tmp_path: Path) -> None:
    classifier, _ = trained
    module = classifier.to_torch()
    assert not any("lora" in name for name in module.state_dict())
    images = phantoms.images(classifier.preprocessing)
    with torch.inference_mode():
        found = module(torch.from_numpy(images)).softmax(1).numpy()
    np.testing.assert_allclose(found, probabilities(classifier, phantoms), atol=1e-5)
    assert classifier.export(tmp_path / "classifier.pt2", format="torch") < 1e-5
    assert octlib.explain(classifier, phantoms[:2], progress=False).heatmaps.shape[0] == 2


def test_some_stages_learn_alone(build: Any, phantoms: octlib.OctDataset) -> None:
    classifier = build("test_vit", lora=2)
    classifier.unfreeze(1)
    before = {name: value.copy() for name, value in classifier.backbone.state().items()}
    octlib.fit(classifier, phantoms, epochs=1, batch_size=8, progress=False)
    now = classifier.backbone.state()
    moved = {name for name in before if not np.array_equal(before[name], now[name])}
    last = max(int(name.split(".")[1]) for name in before if name.startswith("blocks."))
    assert moved
    assert all(name.startswith(f"blocks.{last}.") and ".lora_" in name for name in moved)


def test_the_same_seed_gives_the_same_matrices(build: Any) -> None:
    states = [build("test_vit", lora=2, seed=seed).backbone.state() for seed in (0, 0, 1)]
    name = next(name for name in states[0] if "lora_A" in name)
    assert np.array_equal(states[0][name], states[1][name])
    assert not np.array_equal(states[0][name], states[2][name])


class Half(nn.Module):
    """Calls one layer, and takes the weights of another without calling it, as some attentions do."""

    def __init__(self) -> None:
        super().__init__()
        self.called, self.taken = nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, scans: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(self.called(scans.mean((2, 3))), self.taken.weight)


def test_layers_that_are_not_called_stay_as_they_are() -> None:
    module, scans = Half(), torch.rand(2, 3, 8, 8)
    assert lora_for(module, 2, (8, 8)) == Lora(2, ("called",))
    adapt(module, Lora(2, ("called",)))
    with torch.no_grad():
        module.called.lora_B["default"].weight.normal_(generator=torch.Generator().manual_seed(0))
        adapted = module(scans)
        merge(module)
        torch.testing.assert_close(module(scans), adapted)
    assert isinstance(module.called, nn.Linear)


def test_a_network_without_linear_layers_is_refused(build: Any) -> None:
    with pytest.raises(UnsupportedNetworkError, match="linear layers of transformers, and ResNet has none"):
        build("test_resnet", lora=4)


@pytest.mark.parametrize("rank", [0, -1, 2.5, True])
def test_a_rank_is_a_whole_number(build: Any, rank: Any) -> None:
    with pytest.raises(ValueError, match="lora must be a whole number from 1 on"):
        build("test_vit", lora=rank)


def test_a_specification_from_elsewhere_names_layers_and_no_more(build: Any) -> None:
    spec = build("test_vit", lora=2).backbone.spec
    assert BackboneSpec.from_dict(spec.to_dict()) == spec
    values = spec.to_dict()
    with pytest.raises(ValueError, match="target_modules"):
        BackboneSpec.from_dict(values | {"lora": {"rank": 2, "layers": [], "target_modules": "all"}})
    with pytest.raises(WeightsError, match="must name layers"):
        BackboneSpec.from_dict(values | {"lora": {"rank": 2, "layers": ["../x"]}})
    with pytest.raises(WeightsError, match="layers that VisionTransformer hasn't got: blocks.99.mlp"):
        random_module(BackboneSpec.from_dict(values | {"lora": {"rank": 2, "layers": ["blocks.99.mlp"]}}))


def test_without_peft_it_says_what_to_install(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingPackageError, match=r"lora needs peft, not installed here. Run: pip"):
        build("test_vit", lora=2)


def test_timm_itself_reads_what_was_merged(trained: Any) -> None:
    classifier, _ = trained
    backbone = classifier.merge_lora().backbone
    for member in getattr(backbone, "members", [backbone]):
        module = timm.create_model(member.spec.architecture, num_classes=0, **member.spec.model_args)
        module.load_state_dict({name: torch.from_numpy(value) for name, value in member.state().items()})
