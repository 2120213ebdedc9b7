"""Configurations: timm's own, a folder's, and how they become a specification."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm

import octlib
from octlib.errors import WeightsError
from octlib.models.configs import BackboneConfig, folder_config, named_config, specify


def specified(config: BackboneConfig, image_size: Any = None) -> Any:
    return specify(config, image_size, origin="a test", fixed_batchnorm=True)[0]


def size_of(config: BackboneConfig, image_size: Any = None) -> Any:
    return specify(config, image_size, origin="a test", fixed_batchnorm=True)[1]


def test_a_name_means_what_timm_says_of_it() -> None:
    spec = specified(named_config("resnet50"))
    known = timm.get_pretrained_cfg("resnet50").to_dict()
    assert spec.architecture == "resnet50"
    assert (spec.mean, spec.std) == (tuple(known["mean"]), tuple(known["std"]))
    assert (3, *size_of(named_config("resnet50"))) == tuple(known["input_size"])
    assert spec.classifier == "fc"


def test_a_tag_chooses_among_the_weights_of_an_architecture() -> None:
    name = "vit_base_patch16_clip_224.openai"
    spec = specified(named_config(name))
    assert spec.architecture == "vit_base_patch16_clip_224"
    assert spec.mean == tuple(timm.get_pretrained_cfg(name).mean)


def test_misspelt_names_are_answered_with_the_right_ones() -> None:
    with pytest.raises(ValueError, match="Unknown backbone 'resnet5O': did you mean 'resnet50'"):
        named_config("resnet5O")
    with pytest.raises(ValueError, match="Unknown weights tag of resnet50 'a1_in1kk': did you mean 'a1_in1k'"):
        named_config("resnet50.a1_in1kk")


@pytest.mark.parametrize("size", [64, (64, 96)])
def test_transformers_are_built_for_their_size(size: int | tuple[int, int]) -> None:
    spec = specified(named_config("test_vit"), size)
    assert spec.model_args["img_size"] == size_of(named_config("test_vit"), size) == ((64, 64) if size == 64 else size)
    assert "img_size" not in specified(named_config("test_resnet"), size).model_args


def test_networks_with_several_classifiers_are_saved_under_the_first() -> None:
    assert specified(named_config("deit_tiny_distilled_patch16_224")).classifier == "head"


def test_a_folder_wins_over_the_defaults(timm_folder: Callable[..., Path]) -> None:
    config = folder_config(timm_folder(model_args={"output_stride": 16, "num_classes": 7, "in_chans": 3}))
    spec = specified(config)
    assert spec.mean == (0.21, 0.32, 0.43)
    assert spec.std == (0.31, 0.22, 0.13)
    assert size_of(config) == (72, 88)
    assert spec.model_args == {"output_stride": 16}


def test_the_callers_size_wins_over_a_folders(timm_folder: Callable[..., Path]) -> None:
    assert size_of(folder_config(timm_folder()), (32, 40)) == (32, 40)


def test_a_folders_size_may_stand_among_the_arguments(timm_folder: Callable[..., Path]) -> None:
    folder = timm_folder("test_vit", {"img_size": 96}, input_size=[3, 160, 160], fixed_input_size=True)
    assert size_of(folder_config(folder)) == (96, 96)


def test_folders_of_timms_first_layout_are_read(tmp_path: Path) -> None:
    config = {"architecture": "test_resnet", "num_features": 96, "mean": [0.1, 0.2, 0.3], "input_size": [3, 48, 48]}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    config = folder_config(tmp_path)
    assert (specified(config).mean, size_of(config)) == ((0.1, 0.2, 0.3), (48, 48))


def test_a_folder_without_configuration_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="needs a config.json beside its weights"):
        folder_config(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '"text"', '{"model_type": "bert"}', '{"pretrained_cfg": {}}'])
def test_other_configurations_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="config.json is not a timm configuration"):
        folder_config(tmp_path)


@pytest.mark.parametrize("change", [{"model_args": {"in_chans": 1}}, {"input_size": [1, 64, 64]}])
def test_weights_for_other_than_three_channels_are_an_error(timm_folder: Callable[..., Path], change: Any) -> None:
    with pytest.raises(ValueError, match="three channels; a test takes 1"):
        specified(folder_config(timm_folder(**change)))


# A folder from elsewhere chooses no files


HOSTILE: dict[str, Callable[[dict[str, Any], Path], Any]] = {
    "checkpoint_path": lambda config, file: config["model_args"].update(checkpoint_path=str(file)),
    "cache_dir": lambda config, file: config["model_args"].update(cache_dir=str(file)),
    "pretrained": lambda config, file: config["model_args"].update(pretrained=True),
    "file": lambda config, file: config["pretrained_cfg"].update(file=str(file)),
    "url": lambda config, file: config["pretrained_cfg"].update(url=file.as_uri()),
    "hf_hub_id": lambda config, file: config["pretrained_cfg"].update(hf_hub_id="someone/else"),
    "custom_load": lambda config, file: config["pretrained_cfg"].update(custom_load=True),
    "local-dir:": lambda config, file: config.update(architecture=f"local-dir:{file.parent}"),
    "hf-hub:": lambda config, file: config.update(architecture="hf-hub:timm/resnet18"),
}


@pytest.mark.parametrize("named", HOSTILE)
def test_a_folder_chooses_no_files(timm_folder: Callable[..., Path], canary: Path, named: str) -> None:
    folder = timm_folder()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    HOSTILE[named](config, canary)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(WeightsError, match=named):
        octlib.build_classifier("test_resnet", weights=folder)
