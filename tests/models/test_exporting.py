"""Exporting: files that other programs run, with the classifier's own probabilities."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import octlib
import octlib.models.exporting as exporting
from octlib.models import Postprocessing
from octlib.models.keras_backend import keras

Build = Callable[..., Any]


@pytest.fixture
def decided(build: Build) -> Callable[[str], Any]:
    """Give a function that builds a classifier whose probabilities differ from scan to scan."""

    def build_decided(backbone: str, **kwargs: Any) -> Any:
        classifier = build(backbone, **kwargs)
        classifier.head.set_weights([3000 * weights for weights in classifier.head.get_weights()])
        return classifier

    return build_decided


def run_onnx(file: Path, scans: np.ndarray) -> tuple[np.ndarray, list[str]]:
    runtime = pytest.importorskip("onnxruntime", reason="needs octlib[onnx]")
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
    (output,) = session.get_outputs()
    assert output.name == "probabilities"
    assert not isinstance(output.shape[0], int)  # else ONNX Runtime complains of every other batch
    return session.run(None, {"scans": scans.astype(np.float32)})[0], names


def run_torch(file: Path, scans: np.ndarray) -> tuple[np.ndarray, list[str]]:
    extra = {"class_names.json": ""}
    program = torch.export.load(file, extra_files=extra).module()
    return program(torch.from_numpy(scans).float()).numpy(), json.loads(extra["class_names.json"])


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit"])
@pytest.mark.parametrize(("kind", "run"), [("onnx", run_onnx), ("torch", run_torch)], ids=["onnx", "torch"])
def test_the_file_gives_the_classifiers_probabilities(decided, scans, tmp_path, backbone, kind, run):
    if kind == "onnx":
        pytest.importorskip("onnxscript", reason="needs octlib[onnx]")
    classifier = decided(backbone, class_names=("wet", "dry", "none"), image_size=(64, 64))
    file = tmp_path / "new" / f"classifier{exporting.FORMATS[kind]}"
    assert classifier.export(file, format=kind) < 1e-4
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    for batch in (scans[:1], scans):
        found, names = run(file, batch)
        own = keras.ops.convert_to_numpy(classifier(batch))
        assert np.ptp(own) > 0.1
        np.testing.assert_allclose(found, own, atol=1e-4)
    assert names == ["wet", "dry", "none"]


@pytest.mark.parametrize("fault", [2e-4, np.nan])
def test_a_file_that_differs_is_refused(decided, tmp_path, monkeypatch, fault):
    run = exporting._READERS["torch"]
    monkeypatch.setitem(exporting._READERS, "torch", lambda scans, file: run(scans, file) + fault)
    with pytest.raises(ValueError, match=r"classifier\.pt2 was not written: .*differ by .*at most 0\.0001"):
        decided("test_resnet").export(tmp_path / "classifier.pt2", format="torch")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "run"), [("onnx", run_onnx), ("torch", run_torch)], ids=["onnx", "torch"])
def test_the_file_averages_over_the_mirror_image_where_the_classifier_does(decided, scans, tmp_path, kind, run):
    if kind == "onnx":
        pytest.importorskip("onnxscript", reason="needs octlib[onnx]")
    classifier = decided("test_resnet")
    classifier.postprocessing = Postprocessing(flips=True)
    file = tmp_path / f"classifier{exporting.FORMATS[kind]}"
    classifier.export(file, format=kind)
    views = [keras.ops.convert_to_numpy(classifier(view)) for view in (scans, scans[:, :, ::-1].copy())]
    assert np.abs(views[0] - views[1]).max() > 1e-3
    np.testing.assert_allclose(run(file, scans)[0], (views[0] + views[1]) / 2, atol=1e-4)


def test_other_formats_are_keras_own(build, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(keras.Model, "export", lambda self, path, **options: given.append((path, options)))
    assert build().export("folder", format="openvino", verbose=False) is None
    assert given == [("folder", {"format": "openvino", "verbose": False})]
    with pytest.raises(TypeError, match="export takes no verbose with format='onnx'"):
        build().export(tmp_path / "classifier.onnx", verbose=False)


def test_exporters_are_kept_quiet(build, tmp_path, capfd):
    pytest.importorskip("onnxscript", reason="needs octlib[onnx]")
    build().export(tmp_path / "classifier.onnx")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "kind", "error", "message"),
    [
        ("c.onnx", "onxx", ValueError, "onxx"),
        ("c.pt", "torch", ValueError, "must end in .pt2, got 'c.pt'"),
        ("taken.onnx", "onnx", FileExistsError, "exists already"),
    ],
)
def test_mistakes_write_nothing(build, tmp_path, name, kind, error, message):
    (tmp_path / "taken.onnx").write_text("precious")
    with pytest.raises(error, match=message):
        build().export(tmp_path / name, format=kind)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("taken.onnx", "precious")]


def test_a_missing_extra_names_the_command_that_installs_it(build, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(ModuleNotFoundError, match=r"needs onnxscript.* pip install 'octlib\[onnx\]'"):
        build().export(tmp_path / "classifier.onnx")


def test_a_failure_leaves_no_file(build, tmp_path, monkeypatch):
    def fail(program, class_names, file):
        file.write_text("half")
        raise RuntimeError

    monkeypatch.setitem(exporting._WRITERS, "torch", fail)
    with pytest.raises(RuntimeError):
        build().export(tmp_path / "classifier.pt2", format="torch")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "backbone",
    ["mobilenetv2_100", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"],
    ids=["CNN", "ViT", "Swin"],
)
def test_on_real_scans_every_form_gives_the_same(
    kermany: Path, imagenet_weights: Path, tmp_path: Path, backbone: str
) -> None:
    weights = imagenet_weights if backbone == "mobilenetv2_100" else None  # at random
    scans = octlib.load_oct_dataset(kermany).sample(24)
    classifier = octlib.build_classifier(backbone, class_names=scans.class_names, weights=weights)
    octlib.fit(classifier, scans, progress=False)
    images = scans.images(classifier.preprocessing)
    own = classifier.predict(images, batch_size=8, verbose=0)
    assert len(set(own.argmax(1))) > 1
    with torch.inference_mode():
        np.testing.assert_allclose(classifier.to_torch()(torch.from_numpy(images)).softmax(1).numpy(), own, atol=1e-5)
    for kind, run in (("torch", run_torch), ("onnx", run_onnx)):
        file = tmp_path / f"classifier{exporting.FORMATS[kind]}"
        classifier.export(file, format=kind)
        np.testing.assert_allclose(run(file, images)[0], own, atol=1e-5)
