"""Classifier: what Keras users, torch users and a dataset expect of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import octlib
from octlib.models import Postprocessing
from octlib.models.keras_backend import keras

Build = Callable[..., Any]


def numpy(tensor: Any) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def labels_of(scans: np.ndarray) -> np.ndarray:
    return np.arange(len(scans)) % 4


# The graph


def test_probabilities(build: Build, scans: np.ndarray) -> None:
    probabilities = numpy(build()(scans))
    assert probabilities.shape == (5, 4)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert (probabilities >= 0).all()
    assert np.ptp(probabilities, axis=0).min() > 0  # scans matter


def test_kinds_of_numbers_and_channels_agree(build: Build, scans: np.ndarray) -> None:
    classifier = build()
    wanted = numpy(classifier(scans))
    colour = np.stack([scans] * 3, axis=-1)
    for same in (
        scans.astype(np.float32),
        scans[..., None],
        colour,
        colour.astype(np.float32),
        torch.from_numpy(scans),
    ):
        np.testing.assert_allclose(numpy(classifier(same)), wanted, rtol=1e-5)
    np.testing.assert_allclose(classifier.predict(scans, verbose=0), wanted, rtol=1e-5)
    np.testing.assert_allclose(classifier.predict(colour, batch_size=2, verbose=0), wanted, rtol=1e-5)


def test_scans_of_another_size_are_an_error_that_names_preprocess(build: Build) -> None:
    with pytest.raises(ValueError, match=r"scans of 64 x 64 .*classifier\.preprocess\(scans\)"):
        build()(np.zeros((2, 64, 65), np.uint8))
    with pytest.raises(ValueError, match=r"classifier\.preprocess\(scans\)"):
        build().predict(np.zeros((2, 32, 32, 3), np.uint8), verbose=0)


def test_steps_add_up(build: Build, scans: np.ndarray) -> None:
    classifier = build()
    logits = classifier.head_logits(classifier.features(scans))
    np.testing.assert_allclose(numpy(logits), numpy(classifier.logits(scans)), rtol=1e-6)
    np.testing.assert_allclose(numpy(torch.softmax(logits, dim=1)), numpy(classifier(scans)), rtol=1e-6)


def test_dropout_acts_in_training_alone(build: Build, scans: np.ndarray) -> None:
    classifier = build(dropout=0.5)
    calm = numpy(classifier(scans))
    np.testing.assert_array_equal(numpy(classifier(scans)), calm)
    assert not np.allclose(numpy(classifier(scans, training=True)), calm)


# Keras


def test_summary_shows_the_parts(build: Build) -> None:
    lines: list[str] = []
    build().summary(print_fn=lines.append)
    text = "\n".join(lines)
    for part in ("backbone", "dropout", "head", "388", "372,688"):  # 96 * 4 + 4 trainable, the backbone's not
        assert part in text


def test_fit_by_keras_leaves_a_frozen_backbone_alone(build: Build, scans: np.ndarray, tmp_path: Path) -> None:
    classifier = build()
    before = {key: value.clone() for key, value in classifier.backbone.module.state_dict().items()}
    head = numpy(classifier.head.kernel.value).copy()
    classifier.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True)
    stopping = keras.callbacks.EarlyStopping(monitor="accuracy", mode="max", min_delta=2.0, patience=1)
    history = classifier.fit(
        scans, labels_of(scans), batch_size=2, epochs=9, callbacks=[checkpoint, stopping], verbose=0
    )
    assert len(history.epoch) == 2  # an accuracy that grows by 2 there is none
    assert not np.array_equal(numpy(classifier.head.kernel.value), head)
    for key, value in classifier.backbone.module.state_dict().items():
        assert torch.equal(value, before[key]), key
    np.testing.assert_allclose(numpy(octlib.load_classifier(tmp_path / "best.keras")(scans)).sum(axis=1), 1, rtol=1e-6)
    loss, accuracy = classifier.evaluate(scans, labels_of(scans), verbose=0)
    assert np.isfinite(loss)
    assert 0 <= accuracy <= 1


def test_checkpoints_hold_the_epoch_that_they_were_written_at(build: Build, scans: np.ndarray, tmp_path: Path) -> None:
    classifier = build(freeze=False)
    classifier.compile("adam", "sparse_categorical_crossentropy")
    seen: list[np.ndarray] = []
    after = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(numpy(classifier(scans))))
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    classifier.fit(scans, labels_of(scans), epochs=2, callbacks=[after, checkpoint], verbose=0)
    assert not np.allclose(seen[0], seen[1])
    for epoch, wanted in enumerate(seen, start=1):  # BatchNorm's statistics included
        np.testing.assert_array_equal(numpy(octlib.load_classifier(tmp_path / f"{epoch}.keras")(scans)), wanted)


def test_early_stopping_restores_the_head(build: Build, scans: np.ndarray) -> None:
    classifier = build()
    classifier.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    first: list[np.ndarray] = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: first.append(numpy(classifier(scans))))
    # Nothing is ever better than the first epoch by this much.
    stopping = keras.callbacks.EarlyStopping(monitor="loss", min_delta=1e9, patience=2, restore_best_weights=True)
    classifier.fit(scans, labels_of(scans), epochs=5, callbacks=[note, stopping], verbose=0)
    assert not np.allclose(first[0], first[-1])
    np.testing.assert_array_equal(numpy(classifier(scans)), first[0])


def test_unfreeze_makes_the_backbone_trainable(build: Build, scans: np.ndarray) -> None:
    classifier = build()
    assert classifier.frozen
    assert len(classifier.trainable_weights) == 2
    classifier.unfreeze()
    assert not classifier.frozen
    assert sum(int(np.prod(weight.shape)) for weight in classifier.trainable_weights) == 372_688 + 388
    before = numpy(classifier.backbone.module.module.conv1[0].weight).copy()
    classifier.compile("adam", "sparse_categorical_crossentropy")
    classifier.fit(scans, labels_of(scans), verbose=0)
    assert not np.array_equal(numpy(classifier.backbone.module.module.conv1[0].weight), before)


def test_it_says_in_two_lines_what_it_is(build: Build) -> None:
    classifier = build()
    height, width = classifier.image_size
    assert repr(classifier) == (
        f"OctClassifier: test_resnet, frozen, for scans of {height} x {width}\nclasses: CNV, DME, DRUSEN, NORMAL"
    )
    classifier.unfreeze()
    assert "test_resnet, not frozen," in repr(classifier)
    classifier.unfreeze(2)
    assert "test_resnet, last 2 stages not frozen," in repr(classifier)


# Postprocessing


@pytest.mark.parametrize("name", ["classifier", "classifier.keras"])
def test_postprocessing_is_saved(build: Build, tmp_path: Path, name: str) -> None:
    classifier = build(flips=True)
    classifier.save(tmp_path / name)
    assert octlib.load_classifier(tmp_path / name).postprocessing == Postprocessing(flips=True)
    classifier.postprocessing = Postprocessing()
    classifier.save(tmp_path / name, overwrite=True)
    assert octlib.load_classifier(tmp_path / name).postprocessing == Postprocessing()


def test_postprocessing_does_not_change_the_graph(build: Build, scans: np.ndarray) -> None:
    classifier = build()
    before = numpy(classifier(scans))
    classifier.postprocessing = Postprocessing(flips=True)
    np.testing.assert_array_equal(numpy(classifier(scans)), before)


@pytest.mark.parametrize("value", [None, True, {"flips": True}])
def test_postprocessing_is_a_value_of_its_kind(build: Build, value: Any) -> None:
    classifier = build()
    with pytest.raises(TypeError, match="must be a Postprocessing, got"):
        classifier.postprocessing = value
    assert classifier.postprocessing == Postprocessing()


# Export


@pytest.mark.filterwarnings("ignore")  # those of torch's exporter
@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit"])
def test_onnx_gives_the_same_probabilities(build: Build, scans: np.ndarray, tmp_path: Path, backbone: str) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs octlib[onnx]")
    pytest.importorskip("onnxscript", reason="needs octlib[onnx]")
    classifier = build(backbone)
    classifier.export(tmp_path / "classifier.onnx")
    session = runtime.InferenceSession(tmp_path / "classifier.onnx", providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    for batch in (scans[:1], scans, np.concatenate([scans, scans])):
        (found,) = session.run(None, {entry.name: batch.astype(np.float32)})
        np.testing.assert_allclose(found, numpy(classifier(batch)), rtol=1e-4, atol=1e-6)


# Torch


def test_to_torch_gives_the_same_probabilities(build: Build, scans: np.ndarray) -> None:
    classifier = build(freeze=True, dropout=0.5)
    plain = classifier.to_torch()
    assert isinstance(plain, torch.nn.Module)
    assert not plain.training
    grey = torch.from_numpy(scans)
    for batch in (grey, grey.float(), grey.unsqueeze(1), grey.unsqueeze(1).expand(-1, 3, -1, -1)):
        np.testing.assert_allclose(numpy(plain(batch).softmax(dim=1)), numpy(classifier(scans)), rtol=1e-5)


def test_to_torch_shares_nothing(build: Build, scans: np.ndarray) -> None:
    classifier = build()
    wanted = numpy(classifier(scans))
    plain = classifier.to_torch()
    assert all(parameter.requires_grad and parameter.grad is None for parameter in plain.parameters())
    plain.train()
    plain(torch.from_numpy(scans)).sum().backward()  # moves BatchNorm's statistics, too
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.add_(1)
    np.testing.assert_array_equal(numpy(classifier(scans)), wanted)
    assert all(parameter.grad is None for parameter in classifier.backbone.module.parameters())
    assert classifier.frozen


# Preprocessing


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Write three scans of one size, with white wedges."""
    generator = np.random.default_rng(4)
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path in paths:
        scan = generator.integers(0, 200, (90, 120), dtype=np.uint8)
        scan[:20, :30] = 255
        Image.fromarray(scan).save(path)
    return paths


def test_all_kinds_of_scans_are_prepared_alike(build: Build, files: list[Path]) -> None:
    classifier = build(image_size=(48, 64))
    pixels = np.stack([np.asarray(Image.open(path)) for path in files])
    wanted = classifier.preprocess(pixels)
    assert wanted.shape == (3, 48, 64)
    assert wanted.dtype == np.uint8
    assert (wanted[:, :8, :12] == 0).all()  # the wedge is gone
    same = [
        pixels[..., None],
        np.stack([pixels] * 3, axis=-1),
        files,
        tuple(map(str, files)),
    ]
    for kind in same:
        np.testing.assert_array_equal(classifier.preprocess(kind), wanted)
    for dataset in (octlib.load_oct_dataset(files), octlib.load_oct_dataset((pixels, [0, 1, 2]))):
        np.testing.assert_array_equal(dataset.images(classifier.preprocessing), wanted)
        with pytest.raises(TypeError, match=r"A dataset: dataset\.images\(classifier\.preprocessing\)"):
            classifier.preprocess(dataset)
    np.testing.assert_array_equal(classifier.preprocess(files[1]), wanted[1:2])
    np.testing.assert_array_equal(classifier.preprocess(str(files[1])), wanted[1:2])


def test_no_scans_are_no_error(build: Build) -> None:
    for nothing in ([], np.empty((0, 90, 120), np.uint8)):
        assert build().preprocess(nothing).shape == (0, 64, 64)


@pytest.mark.parametrize(
    ("scans", "kind", "message"),
    [
        (5, TypeError, "must be a uint8 array, or a list of arrays or of paths of images, got int"),
        (None, TypeError, "got NoneType"),
        ([np.zeros((90, 120))], TypeError, "uint8"),
        (np.zeros((90, 120, 3), np.uint8), ValueError, "looks like one image with channels"),
        (".", ValueError, "is a folder. Load it first"),
        (np.zeros((2, 90, 120)), TypeError, "uint8"),
        (np.zeros((90, 120), np.uint8), ValueError, "shape"),
        (np.zeros((2, 90, 120, 2), np.uint8), ValueError, "shape"),
        ("no-such-scan.png", FileNotFoundError, "no-such-scan.png"),
    ],
)
def test_other_scans_are_named(build: Build, scans: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        build().preprocess(scans)


def test_lists_of_images_and_arrays_of_paths_are_scans_too(build: Build, tmp_path: Path) -> None:
    images = [np.full((90, 120), grey, np.uint8) for grey in (10, 200)]
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    classifier = build()
    expected = classifier.preprocess(np.stack(images))
    np.testing.assert_array_equal(classifier.preprocess(images), expected)
    paths = np.array([tmp_path / "0.png", tmp_path / "1.png"], dtype=object)
    np.testing.assert_array_equal(classifier.preprocess(paths), expected)


def test_files_that_are_no_images_are_named(build: Build, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(ValueError, match=r"broken\.png"):
        build().preprocess([tmp_path / "broken.png"])
