"""Saving: the same classifier in another process, whole or not at all, and without pickle."""

from __future__ import annotations

import json
import os
import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file

import octlib
from octlib.models import saving, torch_backbone
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
    assert config["classifier"]["preprocessing"] == {
        "image_size": [64, 48],
        "steps": ["blank_wedges"],
        "resize": "stretch",
    }
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


def test_timm_reads_the_backbones_of_a_classifier_with_several(
    build: Build, learned: Any, tmp_path: Path, scans: np.ndarray
) -> None:
    classifier = build(("test_resnet", "test_vit", "test_resnet"))
    for member in classifier.backbone.members:
        learned(member.module)
    classifier.save(tmp_path / "classifier")
    weights = load_file(tmp_path / "classifier" / "model.safetensors")
    config = json.loads((tmp_path / "classifier" / "config.json").read_text(encoding="utf-8"))["classifier"]
    scans = classifier.preprocess(scans)
    found = []
    for name, member in zip(classifier.backbone_names, config["backbone"]["members"], strict=True):
        plain = timm.create_model(member["architecture"], num_classes=0, **member["model_args"]).eval()
        start = f"{name}."
        own = {key.removeprefix(start): value for key, value in weights.items() if key.startswith(start)}
        plain.load_state_dict(own, strict=True)
        mean, std = (torch.tensor(member[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
        with torch.inference_mode():
            features = plain.forward_features((torch.from_numpy(scans).unsqueeze(1) / 255 - mean) / std)
        # A transformer's map is averaged over its patches, the class token left out.
        vit = features.ndim == 3
        found.append((features[:, 1:].mean(1) if vit else features.mean((2, 3))).numpy())
    assert len(found) == 3
    np.testing.assert_allclose(classifier.extract(scans), np.concatenate(found, axis=1), rtol=1e-3, atol=1e-4)


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


def test_what_the_backbone_computes_is_not_traced_for_it(
    classifier: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras looks at every attribute of a layer, and swallows the errors that this raises."""
    traced = []
    monkeypatch.setattr(torch_backbone, "trace_features", lambda *_: traced.append(1))
    classifier.save(tmp_path / "classifier.keras")
    octlib.load_classifier(tmp_path / "classifier.keras")
    assert traced == []


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
