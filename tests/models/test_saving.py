"""Saving: the same classifier in another process, whole or not at all, and without pickle."""

from __future__ import annotations

import json
import pickle
import pickletools
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

import octlib
from octlib.models import saving
from octlib.models.keras_backend import keras

Build = Callable[..., Any]

FORMATS = ("classifier", "classifier.keras")


def numpy(tensor: Any) -> np.ndarray:
    return tensor.detach().cpu().numpy()


@pytest.fixture
def classifier(build: Build, learned: Callable[[Any], Any]) -> Any:
    """Build a classifier whose every setting differs from its default."""
    classifier = build(
        freeze=False, class_names=("AMD", "DME", "NORMAL"), image_size=(64, 48), head="flatten", dropout=0.25, seed=3
    )
    learned(classifier.backbone.module)
    return classifier


@pytest.fixture
def scans() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 64, 48), dtype=np.uint8)


def test_a_loaded_classifier_is_the_saved_one(classifier: Any, scans: np.ndarray, tmp_path: Path) -> None:
    wanted = numpy(classifier(scans))
    for name in FORMATS:
        classifier.save(tmp_path / name)
        loaded = octlib.load_classifier(str(tmp_path / name))
        np.testing.assert_array_equal(numpy(loaded(scans)), wanted)
        assert loaded.get_config() == classifier.get_config()
        assert loaded.preprocessing == classifier.preprocessing
        assert not loaded.frozen


NEW_PROCESS = """
import json, sys
import numpy as np
import octlib
scans = np.load(sys.argv[1])
loaded = [octlib.load_classifier(path) for path in sys.argv[2:]]
print(json.dumps([[each(scans).detach().cpu().numpy().tolist(), list(each.class_names)] for each in loaded]))
"""


def test_a_new_process_gives_the_same_probabilities(
    classifier: Any, scans: np.ndarray, tmp_path: Path, run_python: Callable[..., Any]
) -> None:
    np.save(tmp_path / "scans.npy", scans)
    for name in FORMATS:
        classifier.save(tmp_path / name)
    wanted = numpy(classifier(scans))
    answers = run_python(NEW_PROCESS, tmp_path / "scans.npy", *(tmp_path / name for name in FORMATS))
    assert len(answers) == 2
    for probabilities, class_names in answers:
        # Another process may spread the sums over its threads in another way.
        np.testing.assert_allclose(np.array(probabilities, np.float32), wanted, rtol=1e-6)
        assert class_names == ["AMD", "DME", "NORMAL"]


def test_what_a_folder_holds(classifier: Any, tmp_path: Path) -> None:
    classifier.save(tmp_path / "deep" / "classifier")
    folder = tmp_path / "deep" / "classifier"
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["format"] == "octlib-classifier"
    assert config["classifier"]["class_names"] == ["AMD", "DME", "NORMAL"]
    assert config["classifier"]["preprocessing"] == {"image_size": [64, 48], "blank_wedges": True}
    assert "AMD, DME, NORMAL" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("backbone", ["test_resnet", "resnet10t"])
def test_timm_reads_the_weights(build: Build, learned: Any, tmp_path: Path, backbone: str) -> None:
    classifier = build(backbone)
    learned(classifier.backbone.module)
    classifier.save(tmp_path / "classifier")
    plain = timm.create_model(backbone, num_classes=4)
    plain.load_state_dict(load_file(tmp_path / "classifier" / "model.safetensors"), strict=True)
    scans = np.random.default_rng(1).integers(0, 256, (3, 64, 64), dtype=np.uint8)
    spec = classifier.backbone.spec
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (spec.mean, spec.std))
    with torch.inference_mode():
        logits = plain.eval()((torch.from_numpy(scans).unsqueeze(1) / 255 - mean) / std)
    np.testing.assert_allclose(numpy(classifier.logits(scans)), logits.numpy(), rtol=1e-4, atol=1e-5)


def is_pickle(content: bytes) -> bool:
    try:
        return bool(list(pickletools.genops(content)))
    except ValueError:
        return False


def test_nothing_is_pickled(classifier: Any, tmp_path: Path) -> None:
    for name in FORMATS:
        classifier.save(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "classifier.keras") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents |= {f"folder/{path.name}": path.read_bytes() for path in (tmp_path / "classifier").iterdir()}
    assert len(contents) == 6
    assert is_pickle(pickle.dumps(classifier.get_config()))  # the check itself can fail
    for name, content in contents.items():
        assert not is_pickle(content), name
        assert b"torch.save" not in content, name
        assert b"data.pkl" not in content, name
    assert isinstance(keras.saving.load_model(tmp_path / "classifier.keras", safe_mode=True), octlib.OctClassifier)


def test_other_users_may_read_what_was_saved(classifier: Any, tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    classifier.save(tmp_path / "classifier")
    assert (tmp_path / "classifier").stat().st_mode == (tmp_path / "usual").stat().st_mode


# Overwriting, and what is left when writing fails


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_overwritten_unasked(classifier: Any, build: Build, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    classifier.save(target)
    with pytest.raises(FileExistsError, match=f"{name} exists already.*overwrite=True"):
        build(class_names=("x", "y")).save(target)
    assert octlib.load_classifier(target).class_names == ("AMD", "DME", "NORMAL")
    build(class_names=("x", "y")).save(target, overwrite=True)
    assert octlib.load_classifier(target).class_names == ("x", "y")
    assert [path.name for path in tmp_path.iterdir()] == [name]  # nothing is left beside it


def test_a_folder_with_anything_else_in_it_is_never_replaced(classifier: Any, tmp_path: Path) -> None:
    classifier.save(tmp_path / "classifier")
    (tmp_path / "classifier" / "mine.txt").touch()
    with pytest.raises(FileExistsError, match=r"more than a classifier \(mine.txt\)"):
        classifier.save(tmp_path / "classifier", overwrite=True)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="not replaced"):
        classifier.save(tmp_path / "file", overwrite=True)
    assert (tmp_path / "classifier" / "mine.txt").exists()
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["model.h5", "model.safetensors", "model.onnx"])
def test_a_suffix_of_another_format_is_refused(classifier: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="as a folder or as a .keras file"):
        classifier.save(tmp_path / name)
    assert not (tmp_path / name).exists()


def fail(*_: Any, **__: Any) -> None:
    raise OSError("No space left on device")


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("fault", ["save_file", "model_card"])
def test_no_half_written_folder_is_left(
    classifier: Any, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, before: bool
) -> None:
    if before:
        build(class_names=("x", "y")).save(tmp_path / "classifier")
    with monkeypatch.context() as patch:
        patch.setattr(saving, fault, fail)
        with pytest.raises(OSError, match="No space left"):
            classifier.save(tmp_path / "classifier", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == (["classifier"] if before else [])
    if before:
        assert octlib.load_classifier(tmp_path / "classifier").class_names == ("x", "y")


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(
    classifier: Any, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(class_names=("x", "y")).save(tmp_path / "classifier")
    rename, calls = Path.rename, []

    def rename_but_once(path: Path, target: Path) -> Path:
        calls.append(path)
        return fail() if len(calls) == 2 else rename(path, target)  # type: ignore[return-value]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename_but_once)
        with pytest.raises(OSError, match="No space left"):
            classifier.save(tmp_path / "classifier", overwrite=True)
    assert len(calls) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["classifier"]
    assert octlib.load_classifier(tmp_path / "classifier").class_names == ("x", "y")


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


def test_configurations_of_a_newer_octlib(folder: Path) -> None:
    rewritten(folder, lambda config: (config.update(format_version=2), config.pop("classifier")))
    with pytest.raises(ValueError, match=r"config\.json has format 'octlib-classifier' version 2.*Upgrade octlib"):
        octlib.load_classifier(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.pop("classifier"),
        lambda config: config.update(format_version="one"),
        lambda config: config.update(classifier=[]),
        lambda config: config["classifier"].pop("class_names"),
        lambda config: config["classifier"].update(colour="red"),
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
