"""Loading: what was saved, and nothing that somebody has planted in it."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import octlib
from octlib.errors import ConfigWarning, WeightsError
from octlib.models.keras_backend import keras
from octlib.models.state import take_state

Build = Callable[..., Any]


def same_state(found: Any, wanted: Any) -> None:
    """Compare all weights and buffers bit by bit."""
    found, wanted = take_state(found), take_state(wanted)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


# Two files that say the same


def test_weights_know_what_they_were_saved_with(classifier: Any, build: Build, tmp_path: Path) -> None:
    other = build(class_names=("x", "y"))
    classifier.save(tmp_path / "one")
    other.save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "config.json", tmp_path / "one" / "config.json")
    with pytest.warns(ConfigWarning, match=r"config\.json says otherwise than the weights.*Save the classifier again"):
        loaded = octlib.load_classifier(tmp_path / "one")
    assert loaded.get_config() == classifier.get_config()
    same_state(loaded, classifier)
    loaded.save(tmp_path / "one", overwrite=True)
    same_state(octlib.load_classifier(tmp_path / "one"), classifier)  # without a warning


def test_a_configuration_that_somebody_changed_is_not_believed(folder: Path) -> None:
    rewritten(folder, lambda config: config["classifier"].update(class_names=["NORMAL", "DME", "AMD"]))
    with pytest.warns(ConfigWarning, match="somebody has changed it"):
        assert octlib.load_classifier(folder).class_names == ("AMD", "DME", "NORMAL")


def test_weights_that_say_nothing_are_taken_at_the_configurations_word(folder: Path, classifier: Any) -> None:
    save_file(load_file(folder / "model.safetensors"), folder / "model.safetensors")
    same_state(octlib.load_classifier(folder), classifier)


# Damage


def rewritten(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change(config)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.fixture
def folder(classifier: Any, tmp_path: Path) -> Path:
    classifier.save(tmp_path / "classifier")
    return tmp_path / "classifier"


@pytest.mark.parametrize("name", ["nothing", "nothing.keras"])
def test_no_classifier_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=f"No classifier at .*{name}"):
        octlib.load_classifier(tmp_path / name)


def test_the_folder_of_a_run_names_the_classifier_in_it(folder: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        octlib.load_classifier(folder.parent)
    assert f"Did you mean {str(folder)!r}?" in str(caught.value)


def test_a_folder_without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"no model\.safetensors: copy the whole folder"):
        octlib.load_classifier(folder)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": "octlib-classifier"}', '{"architecture": "resnet50"}']
)
def test_configurations_that_are_none(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"config\.json is not the configuration of an octlib classifier"):
        octlib.load_classifier(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config.update(format="octlib-ensemble"), r"has the format 'octlib-ensemble'.*Upgrade octlib"),
        (
            lambda config: config["classifier"].update(version=99),
            r"version 99 is newer.*Upgrade octlib",
        ),
        (lambda config: config["classifier"].update(colour="red"), r"'colour'.*newer octlib.*upgrade octlib"),
        (lambda config: config["classifier"]["backbone"].update(depth=3), r"of a backbone: 'depth'.*upgrade octlib"),
        (lambda config: config["classifier"]["postprocessing"].update(T=2), r"postprocessing: 'T'.*upgrade octlib"),
    ],
)
def test_configurations_of_a_newer_octlib(folder: Path, change: Callable[[dict[str, Any]], Any], message: str) -> None:
    rewritten(folder, change)
    with pytest.raises(ValueError, match=rf"config\.json .*{message}"):
        octlib.load_classifier(folder)


def test_what_an_older_folder_lacks_gets_its_default(folder: Path, classifier: Any) -> None:
    lacking = ("postprocessing", "unfrozen_stages", "seed", "version")
    rewritten(folder, lambda config: [config["classifier"].pop(name) for name in lacking])
    rewritten(folder, lambda config: [config["classifier"]["backbone"].pop(name) for name in ("origin", "model_args")])
    save_file(load_file(folder / "model.safetensors"), folder / "model.safetensors")
    loaded = octlib.load_classifier(folder)
    same_state(loaded, classifier)
    assert not loaded.postprocessing.flips


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.pop("classifier"),
        lambda config: config["classifier"].update(version="one"),
        lambda config: config.update(classifier=[]),
        lambda config: config["classifier"].pop("class_names"),
        lambda config: config["classifier"]["backbone"].pop("mean"),
        lambda config: config["classifier"]["backbone"].update(architecture="resnet5O"),
        lambda config: config["classifier"]["preprocessing"].update(image_size=None),
    ],
)
def test_damaged_configurations_are_named(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    rewritten(folder, change)
    with pytest.raises(ValueError, match=r"config\.json is not the configuration of an octlib classifier"):
        octlib.load_classifier(folder)


@pytest.mark.parametrize("damage", ["truncated", "renamed", "of another shape", "without its head", "empty"])
def test_damaged_weights_are_named(folder: Path, damage: str) -> None:
    file = folder / "model.safetensors"
    weights = load_file(file)
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:5000])
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        key = {"renamed": "conv1.0.weight", "of another shape": "bn1.bias", "without its head": "fc.weight"}[damage]
        value = weights.pop(key)
        weights |= {"renamed": {"other": value}, "of another shape": {key: value[:3]}}.get(damage, {})
        save_file(weights, file)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged, or not this classifier's"):
        octlib.load_classifier(folder)


def test_damaged_keras_files_are_named(classifier: Any, tmp_path: Path) -> None:
    file = tmp_path / "classifier.keras"
    classifier.save(file)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"classifier\.keras is damaged, or not an octlib classifier"):
        octlib.load_classifier(file)


def test_other_keras_models_are_no_classifiers(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match=r"other\.keras is damaged, or not an octlib classifier"):
        octlib.load_classifier(tmp_path / "other.keras")


# Settings from elsewhere choose no files: the canary sees to it that nobody opens them


def planted(folder: Path, change: Callable[[dict[str, Any]], Any], *, metadata: bool) -> Path:
    """Change the settings of a classifier in its configuration or in the metadata of its weights."""
    file = folder / "model.safetensors"
    with safe_open(file, framework="pt") as weights:
        settings = json.loads(weights.metadata()["classifier"])
    change(settings)
    if metadata:
        save_file(load_file(file), file, {"classifier": json.dumps(settings)})
    else:
        rewritten(folder, lambda config: config.update(classifier=settings))
    return folder


def planted_keras(file: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    with zipfile.ZipFile(file) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(contents["config.json"])
    change(config["config"])
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**contents, "config.json": json.dumps(config).encode()}.items():
            archive.writestr(name, content)
    return file


# What is named, and how it gets into the settings.
HOSTILE: dict[str, Callable[[dict[str, Any], Path], Any]] = {
    "checkpoint_path": lambda settings, file: settings["backbone"]["model_args"].update(checkpoint_path=str(file)),
    "pretrained_cfg_overlay": lambda settings, file: settings["backbone"]["model_args"].update(
        pretrained_cfg_overlay={"file": str(file)}, pretrained=True
    ),
    "cache_dir": lambda settings, file: settings["backbone"]["model_args"].update(cache_dir=str(file)),
    "features_only": lambda settings, _: settings["backbone"]["model_args"].update(features_only=True),
    "global_pool": lambda settings, file: settings["backbone"]["model_args"].update(global_pool=str(file)),
    "local-dir:": lambda settings, file: settings["backbone"].update(architecture=f"local-dir:{file.parent}"),
    "hf-hub:": lambda settings, _: settings["backbone"].update(architecture="hf-hub:timm/resnet18.a1_in1k"),
    "/": lambda settings, file: settings["backbone"].update(architecture=f"{file.parent}/test_resnet"),
}


@pytest.mark.filterwarnings("ignore::octlib.errors.ConfigWarning")  # the two files of a folder differ
@pytest.mark.parametrize("named", HOSTILE)
@pytest.mark.parametrize("place", ["config.json", "model.safetensors", "classifier.keras"])
def test_settings_choose_no_files(
    classifier: Any, tmp_path: Path, canary: Path, monkeypatch: pytest.MonkeyPatch, place: str, named: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "test_resnet"}), encoding="utf-8")
    path = tmp_path / ("classifier.keras" if place == "classifier.keras" else "classifier")
    classifier.save(path)

    def change(settings: dict[str, Any]) -> None:
        HOSTILE[named](settings, canary)

    if path.suffix:
        planted_keras(path, change)
    else:
        planted(path, change, metadata=place == "model.safetensors")
    with pytest.raises(WeightsError, match=rf"{path.name}.*{named}"):
        octlib.load_classifier(path)


def test_a_hostile_classifier_fails_in_one_line(classifier: Any, tmp_path: Path, canary: Path) -> None:
    classifier.save(tmp_path / "classifier")
    change = HOSTILE["checkpoint_path"]
    planted(tmp_path / "classifier", lambda settings: change(settings, canary), metadata=False)
    with pytest.raises(WeightsError) as caught:
        octlib.load_classifier(tmp_path / "classifier")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": ["CNV", "CNV", "DME", "NORMAL"]},
        {"class_names": "ABCD"},
        {"pooling": "max"},
        {"frozen": "false"},
    ],
    ids=["names twice", "one text", "pooling", "frozen"],
)
def test_settings_that_cannot_be_are_refused(change: dict[str, Any]) -> None:
    classifier = octlib.build_classifier("test_resnet", weights=None, image_size=32)
    with pytest.raises((TypeError, ValueError), match="class_names must be|Unknown pooling|frozen must be"):
        octlib.OctClassifier.from_config({**classifier.get_config(), **change})
