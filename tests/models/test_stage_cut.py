"""Stage cut: what frozen stages give can be kept, and the others go on from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

import octlib
from octlib.errors import CheckpointError, NoRoomError, TrainingWarning
from octlib.features import extract_features
from octlib.models.cut_classifier import cut_classifier
from octlib.models.keras_backend import keras
from octlib.models.stage_cut import cut_stages
from octlib.training import finetuning


@pytest.fixture
def pretrained(build: Any, tmp_path: Path) -> Any:
    """Give a function that builds a classifier some of whose stages learn, from a file of weights."""

    def make(name: str, stages: int | None) -> Any:
        file = tmp_path / f"{name}.safetensors"
        if not file.exists():
            state = build(name).to_torch().backbone.module.state_dict()
            save_file({key: value.contiguous() for key, value in state.items()}, file)
        classifier = build(name, False, weights=file)
        classifier.unfreeze(stages)
        return classifier

    return make


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_convnext", "test_efficientnet", "levit_128s"])
def test_features_from_the_cut_are_those_of_the_whole(
    build: Any, pretrained: Any, name: str, scans: np.ndarray
) -> None:
    if len(build(name).backbone.stages) <= 2:
        pytest.skip(f"timm {timm.__version__} does not tell the stages of {name}")
    cut = cut_classifier(classifier := pretrained(name, 2))
    assert cut is not None
    rows = cut.extract(scans)
    assert rows.shape == (len(scans), cut.n_values)
    found = keras.ops.convert_to_numpy(cut.features(keras.ops.convert_to_tensor(rows)))
    np.testing.assert_allclose(found, classifier.extract(scans), rtol=1e-4, atol=1e-5)


def test_there_is_no_cut_where_all_learns_or_batchnorm_does(build: Any, pretrained: Any) -> None:
    assert cut_classifier(pretrained("test_resnet", None)) is None
    at_random = build("test_resnet", False)
    at_random.unfreeze(1)
    assert cut_classifier(at_random) is None


def test_parts_that_do_not_give_what_the_whole_gives_are_not_used(
    pretrained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = pretrained("test_vit", 2)
    original = type(classifier.backbone).carry_out

    def mixing(self: Any, part: Any, inputs: Any) -> Any:
        return [value.roll(1, 0) for value in original(self, part, inputs)]  # as if the scans of a batch were mixed

    assert cut_stages(classifier.backbone) is not None
    monkeypatch.setattr(type(classifier.backbone), "carry_out", mixing)
    assert cut_stages(classifier.backbone) is None


def test_a_network_that_cannot_be_traced_trains_from_scans(pretrained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> None:
        raise RuntimeError("data-dependent")

    monkeypatch.setattr("octlib.models.torch_backbone.trace_features", refuse)
    assert cut_classifier(pretrained("test_vit", 2)) is None


def test_results_are_kept_until_what_gives_them_changes(pretrained: Any, cache: Path) -> None:
    scans = octlib.load_oct_dataset("phantoms").sample(8)

    def folders(classifier: Any) -> set[str]:
        cut = cut_classifier(classifier)
        assert cut is not None
        extract_features(cut, scans, progress=False)
        return {folder.name for folder in (cache / "features").iterdir()}

    classifier = pretrained("test_resnet", 1)
    (first,) = folders(classifier)
    # Training moves the stages after the cut alone.
    octlib.fit(classifier, scans, epochs=1, augment=False, progress=False)
    assert folders(classifier) == {first}
    assert len(folders(pretrained("test_resnet", 2))) == 2
    with torch.no_grad():
        classifier.backbone.module.module.layer2[0].conv1.weight.add_(1e-3)
    assert len(folders(classifier)) == 3


def test_without_room_training_is_the_same_from_scans(pretrained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = octlib.load_oct_dataset("phantoms").sample(24)

    def trained(**settings: Any) -> Any:
        classifier = pretrained("test_vit", 2)
        octlib.fit(classifier, scans[:16], scans[16:], epochs=2, batch_size=8, progress=False, **settings)
        return classifier.backbone.state() | {"head": classifier.head.get_weights()[0]}

    seen = []
    monkeypatch.setattr(finetuning, "stored_rows", lambda *a, **k: seen.append(1) or rows(*a, **k))
    rows = octlib.training.batches.stored_rows
    stored = trained()
    assert seen
    seen.clear()
    monkeypatch.setenv("OCTLIB_CACHE_LIMIT", "1 KB")
    with pytest.warns(TrainingWarning, match="What the frozen stages give finds no room"):
        again = trained()
    assert not seen
    assert {name for name in stored if not np.allclose(stored[name], again[name], atol=1e-5)} == set()


def test_a_full_disk_costs_time_and_nothing_else(pretrained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = octlib.load_oct_dataset("phantoms").sample(8)

    def full(*_: Any, **__: Any) -> None:
        raise NoRoomError("no room", "free some")

    monkeypatch.setattr(finetuning, "stored_rows", full)
    with pytest.warns(TrainingWarning, match="finds no room"):
        assert octlib.fit(pretrained("test_vit", 2), scans, epochs=1, progress=False).best_epoch == 1


def test_what_drops_values_while_it_learns_is_not_cut(pretrained: Any) -> None:
    classifier = pretrained("test_vit", 2)
    spec = replace(classifier.backbone.spec, model_args={**classifier.backbone.spec.model_args, "drop_path_rate": 0.1})
    assert cut_classifier(classifier) is not None
    classifier.backbone.spec = spec
    assert cut_classifier(classifier) is None


def test_a_run_on_kept_results_goes_on_with_the_same_precision_alone(pretrained: Any, tmp_path: Path) -> None:
    scans = octlib.load_oct_dataset("phantoms").sample(8)
    settings = {"epochs": 2, "checkpoint": tmp_path / "run", "progress": False}
    octlib.fit(pretrained("test_vit", 1), scans, **settings)
    with pytest.raises(CheckpointError, match="cache"):
        octlib.fit(pretrained("test_vit", 1), scans, cache="float16", resume=True, **settings)
    assert octlib.fit(pretrained("test_vit", 1), scans, resume=True, **settings).best_epoch == 2


def test_joined_backbones_are_cut_one_by_one(build: Any, scans: np.ndarray) -> None:
    classifier = build(("test_resnet", "test_vit"), True)
    classifier.unfreeze(2, backbone="test_vit")
    cut = cut_classifier(classifier)
    assert cut is not None
    rows = keras.ops.convert_to_tensor(cut.extract(scans))
    found = keras.ops.convert_to_numpy(cut.features(rows))
    np.testing.assert_allclose(found, classifier.extract(scans), rtol=1e-4, atol=1e-5)
    classifier.unfreeze(None, backbone="test_vit")
    assert not classifier.backbone.partly_frozen
    assert cut_classifier(classifier) is None


def test_a_module_in_training_mode_is_traced_as_it_predicts(pretrained: Any) -> None:
    classifier = pretrained("test_efficientnet", 2)
    module: nn.Module = classifier.backbone.module
    module.train()
    assert cut_classifier(classifier) is not None
