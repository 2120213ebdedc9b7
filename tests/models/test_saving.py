"""Saving: the same classifier in another process, whole or not at all, and without pickle."""

from __future__ import annotations

import json
import os
import pickle
import pickletools
import shutil
import warnings
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
from octlib.models.state import take_state

Build = Callable[..., Any]

FORMATS = ("classifier", "classifier.keras")


def numpy(tensor: Any) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def same_state(found: Any, wanted: Any) -> None:
    """Compare all weights and buffers bit by bit."""
    found, wanted = take_state(found), take_state(wanted)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.fixture
def classifier(build: Build, learned: Callable[[Any], Any]) -> Any:
    """Build a classifier whose every setting differs from its default."""
    classifier = build(
        freeze=False, class_names=("AMD", "DME", "NORMAL"), image_size=(64, 48), pooling="flatten", dropout=0.25, seed=3
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
    assert config["classifier"]["preprocessing"] == {"image_size": [64, 48], "steps": ["blank_wedges"]}
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


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_other_users_may_read_what_was_saved_as_the_umask_says(classifier: Any, tmp_path: Path, umask: int) -> None:
    former = os.umask(umask)
    try:
        (tmp_path / "usual").mkdir()
        (tmp_path / "usual.txt").touch()
        for _ in range(2):
            classifier.save(tmp_path / "classifier", overwrite=True)
            classifier.save(tmp_path / "classifier.keras", overwrite=True)
    finally:
        os.umask(former)
    assert (tmp_path / "classifier").stat().st_mode == (tmp_path / "usual").stat().st_mode
    for path in (*(tmp_path / "classifier").iterdir(), tmp_path / "classifier.keras"):
        assert path.stat().st_mode == (tmp_path / "usual.txt").stat().st_mode, path


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
@pytest.mark.parametrize("fault", ["save", "model_card"])
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


@pytest.mark.parametrize("n_replaced", [0, 1, 2])
def test_a_folder_is_one_classifier_or_the_other_when_saving_is_broken_off(
    classifier: Any, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_replaced: int
) -> None:
    former = build(class_names=("x", "y"))
    former.save(tmp_path / "classifier")
    replace, calls = Path.replace, []

    def replace_but_the_last(path: Path, target: Path) -> Path:
        calls.append(target.name)
        return fail() if len(calls) > n_replaced else replace(path, target)  # type: ignore[return-value]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace_but_the_last)
        with pytest.raises(OSError, match="No space left"):
            classifier.save(tmp_path / "classifier", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["classifier"]
    assert len(list((tmp_path / "classifier").iterdir())) == 3  # no parts
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = octlib.load_classifier(tmp_path / "classifier")
    assert "model.safetensors" not in calls[:n_replaced]  # the weights come last
    assert loaded.get_config() == former.get_config()
    same_state(loaded, former)
    # Only once the configuration is the new one do the two differ.
    assert len(caught) == ("config.json" in calls[:n_replaced])
    classifier.save(tmp_path / "classifier", overwrite=True)
    same_state(octlib.load_classifier(tmp_path / "classifier"), classifier)


def test_what_a_killed_process_has_left_is_no_obstacle(classifier: Any, build: Build, tmp_path: Path) -> None:
    build(class_names=("x", "y")).save(tmp_path / "classifier")
    for name in (".model-0123abcd.part.safetensors", ".config-0123abcd.part.json"):
        (tmp_path / "classifier" / name).write_bytes(b"half")
    assert octlib.load_classifier(tmp_path / "classifier").class_names == ("x", "y")
    classifier.save(tmp_path / "classifier", overwrite=True)
    assert len(list((tmp_path / "classifier").iterdir())) == 3
    same_state(octlib.load_classifier(tmp_path / "classifier"), classifier)


@pytest.mark.parametrize("before", [False, True])
def test_no_half_written_keras_file_is_left(
    classifier: Any, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    file = tmp_path / "classifier.keras"
    former = build(class_names=("x", "y"))
    if before:
        former.save(file)
    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", fail)
        with pytest.raises(OSError, match="No space left"):
            classifier.save(file, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ([file.name] if before else [])
    if before:
        same_state(octlib.load_classifier(file), former)


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_costs_nothing_that_was_there(classifier: Any, build: Build, tmp_path: Path, name: str) -> None:
    resource = pytest.importorskip("resource", reason="needs limits of resources")
    former, target = build(class_names=("x", "y")), tmp_path / name
    former.save(target)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        for place in (target, tmp_path / f"new-{name}"):
            with pytest.raises(OSError, match="File too large"):
                classifier.save(place, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert not target.is_dir() or len(list(target.iterdir())) == 3
    same_state(octlib.load_classifier(target), former)


# Two files that say the same


def test_weights_know_what_they_were_saved_with(classifier: Any, build: Build, tmp_path: Path) -> None:
    other = build(class_names=("x", "y"))
    classifier.save(tmp_path / "one")
    other.save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "config.json", tmp_path / "one" / "config.json")
    with pytest.warns(UserWarning, match=r"config\.json says otherwise than the weights.*save the classifier again"):
        loaded = octlib.load_classifier(tmp_path / "one")
    assert loaded.get_config() == classifier.get_config()
    same_state(loaded, classifier)
    loaded.save(tmp_path / "one", overwrite=True)
    same_state(octlib.load_classifier(tmp_path / "one"), classifier)  # without a warning


def test_a_configuration_that_somebody_changed_is_not_believed(folder: Path) -> None:
    rewritten(folder, lambda config: config["classifier"].update(class_names=["NORMAL", "DME", "AMD"]))
    with pytest.warns(UserWarning, match="somebody has changed it"):
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
