"""Contract: from building to exporting, on the backend that Keras runs on; KERAS_BACKEND chooses it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import octlib
from octlib.errors import FamiliarityError
from octlib.features import extract_features
from octlib.models.cut_classifier import cut_classifier
from octlib.models.keras_backend import keras
from octlib.models.state import take_state
from octlib.training.compiling import adamw

Build = Callable[..., Any]
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def changed(before: dict[str, np.ndarray], classifier: Any) -> set[str]:
    """Name what of a classifier is no longer what it was; the head left out."""
    now = take_state(classifier)
    return {name for name, value in before.items() if not np.array_equal(now[name], value)} - {"fc.weight", "fc.bias"}


@pytest.fixture(scope="module")
def fine_tuned(build: Build, phantoms: octlib.OctDataset) -> tuple[Any, Any, dict[str, np.ndarray]]:
    """Give a classifier that was fine-tuned for two epochs, its history, and its weights before."""
    classifier = build(freeze=False)
    before = take_state(classifier)
    history = octlib.fit(classifier, phantoms[:16], phantoms[16:], epochs=2, batch_size=8, progress=False)
    return classifier, history, before


@pytest.mark.parametrize(
    "imports",
    [
        "import keras, octlib",
        "import octlib, keras",
        "import octlib.models, keras; octlib.models.build_classifier",
        "import keras; from octlib.explanation import explain; import octlib",
    ],
)
def test_packages_may_be_imported_in_any_order(imports: str) -> None:
    program = f"{imports}; octlib.build_classifier('test_resnet', weights=None, image_size=64); print('built')"
    environment = os.environ | {"KERAS_BACKEND": keras.config.backend()}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "built", done.stderr


def test_the_head_learns_six_times_as_fast_and_decay_spares_what_it_should() -> None:
    backbone, head, spared = (keras.Variable(np.ones(3, np.float32)) for _ in range(3))
    optimizer = adamw(1e-3, scaled=[head], factors=[6.0], undecayed=[spared])
    optimizer.build([backbone, head, spared])
    gradients = [keras.ops.convert_to_tensor(np.full(3, 0.5, np.float32)) for _ in range(3)]
    optimizer.apply(gradients, [backbone, head, spared])
    moved = [1 - keras.ops.convert_to_numpy(variable)[0] for variable in (backbone, head, spared)]
    np.testing.assert_allclose(moved, [1e-3 + 1e-5, 6e-3 + 1e-5, 1e-3], rtol=2e-3)


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit"])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_features_are_timms(build: Build, backbone: str, channels: tuple[int, ...]) -> None:
    classifier = build(backbone)
    scans = np.random.default_rng(0).integers(0, 256, (5, 64, 64, *channels), dtype=np.uint8)
    given = torch.from_numpy(scans)
    with torch.inference_mode():
        wanted = classifier.to_torch().backbone(given.permute(0, 3, 1, 2) if channels else given).numpy()
    np.testing.assert_allclose(classifier.extract(scans), wanted, atol=1e-4 * np.abs(wanted).max())
    np.testing.assert_allclose(classifier.extract(scans[:2]), wanted[:2], atol=1e-4 * np.abs(wanted).max())


def test_a_solved_head_leaves_the_backbone_alone(build: Build, phantoms: octlib.OctDataset) -> None:
    classifier = build()
    before = take_state(classifier)
    octlib.fit(classifier, phantoms, progress=False)
    assert changed(before, classifier) == set()
    assert octlib.evaluate(classifier, phantoms, progress=False).accuracy > 0.9


def test_a_head_trained_in_epochs_leaves_the_backbone_alone(build: Build, phantoms: octlib.OctDataset) -> None:
    classifier = build(dropout=0.2)
    before = take_state(classifier)
    history = octlib.fit(classifier, phantoms[:16], phantoms[16:], epochs=4, progress=False)
    assert changed(before, classifier) == set()
    assert history.epochs[-1]["loss"] < history.epochs[0]["loss"]


def test_fine_tuning_moves_every_weight_and_what_batchnorm_has_seen(fine_tuned: Any) -> None:
    classifier, history, before = fine_tuned
    # The counter of steps plays no part, and only torch counts.
    left = set(before) - changed(before, classifier) - {"fc.weight", "fc.bias"}
    assert {name for name in left if not name.endswith("num_batches_tracked")} == set()
    assert np.isfinite([epoch["val_loss"] for epoch in history.epochs]).all()


def test_what_batchnorm_learned_before_stays_while_fine_tuning(
    build: Build, phantoms: octlib.OctDataset, tmp_path: Path
) -> None:
    file = tmp_path / "weights.pth"
    torch.save(build().to_torch().backbone.module.state_dict(), file)
    classifier = build(freeze=False, weights=file)
    before = take_state(classifier)
    octlib.fit(classifier, phantoms[:8], epochs=1, batch_size=8, progress=False)
    moved = changed(before, classifier)
    assert moved
    assert not {name for name in moved if name.endswith(STATISTICS)}


def test_only_unfrozen_stages_learn(build: Build, phantoms: octlib.OctDataset) -> None:
    classifier = build()
    classifier.unfreeze(stages=1)
    before = take_state(classifier)
    octlib.fit(classifier, phantoms[:8], epochs=1, batch_size=8, progress=False)
    moved = {name for name in changed(before, classifier) if not name.endswith("num_batches_tracked")}
    assert moved
    assert all(name.startswith("layer4.") for name in moved)
    assert classifier.backbone.unfrozen_stages == 1


def test_stages_that_learn_learn_the_same_from_what_the_others_gave(
    build: Build, phantoms: octlib.OctDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights.pth"
    torch.save(build().to_torch().backbone.module.state_dict(), file)
    passes: list[Any] = []

    def trained(cut: Callable[[Any], Any]) -> tuple[dict[str, np.ndarray], list[float]]:
        monkeypatch.setattr("octlib.training.finetuning.cut_classifier", cut)
        classifier = build(weights=file)
        classifier.unfreeze(stages=2)
        history = octlib.fit(classifier, phantoms[:16], phantoms[16:], epochs=2, batch_size=8, progress=False)
        return take_state(classifier), [epoch["val_loss"] for epoch in history.epochs]

    def cutting(classifier: Any) -> Any:
        passes.append(cut_classifier(classifier))
        return passes[-1]

    (stored, losses), (whole, as_whole) = trained(cutting), trained(lambda _: None)
    assert None not in passes
    np.testing.assert_allclose(losses, as_whole, rtol=1e-4)
    assert {name for name in whole if not np.allclose(stored[name], whole[name], rtol=1e-3, atol=1e-4)} == set()


def test_lora_learns_beside_the_backbone_and_merges(build: Build, phantoms: octlib.OctDataset, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="needs octlib[lora]")
    classifier = build("test_vit", lora=2)
    before = take_state(classifier)
    octlib.fit(classifier, phantoms[:16], epochs=1, batch_size=8, progress=False)
    moved = changed(before, classifier) - {"head.weight", "head.bias"}
    assert moved
    assert all(".lora_" in name for name in moved)
    classifier.save(tmp_path / "adapted")
    images = phantoms[:8].images(classifier.preprocessing)
    wanted = classifier.predict(images, verbose=0)
    for other in (octlib.load_classifier(tmp_path / "adapted"), classifier.merge_lora()):
        np.testing.assert_allclose(other.predict(images, verbose=0), wanted, atol=1e-5)


def test_what_is_predicted_is_what_is_evaluated(fine_tuned: Any, phantoms: octlib.OctDataset) -> None:
    classifier = fine_tuned[0]
    table = octlib.predict(classifier, phantoms, flips=True, progress=False)
    shares = table[[f"p_{name}" for name in phantoms.class_names]].to_numpy()
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
    result = octlib.evaluate(classifier, phantoms, flips=True, progress=False)
    assert result.accuracy == np.mean(shares.argmax(1) == phantoms.labels)
    again = octlib.predict(classifier, phantoms, flips=True, cache=False, batch_size=5, progress=False)
    np.testing.assert_allclose(again.iloc[:, 4:].to_numpy(float), shares, atol=1e-5)


def test_keras_itself_trains_and_predicts(build: Build, phantoms: octlib.OctDataset) -> None:
    classifier = build()
    images = phantoms[:8].images(classifier.preprocessing)
    classifier.compile("sgd", "sparse_categorical_crossentropy")
    classifier.fit(images, phantoms[:8].labels, epochs=1, verbose=0)
    found = classifier.predict(images, verbose=0)
    assert found.shape == (8, 4)
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(classifier(images)), atol=1e-5)


def test_explanations_speak_of_this_classifier(fine_tuned: Any, phantoms: octlib.OctDataset) -> None:
    classifier = fine_tuned[0]
    maps = octlib.explain(classifier, phantoms[:3], progress=False)
    predicted = octlib.predict(classifier, phantoms[:3], progress=False)["predicted"]
    assert list(maps.predicted) == list(predicted)
    assert maps.heatmaps.shape == (3, 64, 64)


@pytest.mark.parametrize("name", ["classifier", "classifier.keras"])
def test_a_saved_classifier_comes_back(fine_tuned: Any, phantoms: octlib.OctDataset, tmp_path: Path, name: str) -> None:
    classifier = fine_tuned[0]
    classifier.save(tmp_path / name)
    loaded = octlib.load_classifier(tmp_path / name)
    for key, value in take_state(classifier).items():
        np.testing.assert_array_equal(take_state(loaded)[key], value, err_msg=key)
    images = phantoms[:4].images(classifier.preprocessing)
    np.testing.assert_allclose(loaded.extract(images), classifier.extract(images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("freeze", [True, False])
def test_a_run_goes_on_as_if_it_had_not_been_broken_off(
    build: Build, phantoms: octlib.OctDataset, tmp_path: Path, freeze: bool
) -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

    def run(folder: str, *, resume: bool = False, callbacks: Any = ()) -> Any:
        classifier = build(freeze=freeze, dropout=0.3)
        settings = {"epochs": 3, "batch_size": 8, "progress": False, "checkpoint": tmp_path / folder}
        octlib.fit(classifier, phantoms[:16], phantoms[16:], resume=resume, callbacks=callbacks, **settings)
        return take_state(classifier)

    whole = run("whole")
    with pytest.raises(KeyboardInterrupt):
        run("broken", callbacks=[Stop()])
    resumed = run("broken", resume=True)
    for name, value in whole.items():
        np.testing.assert_allclose(resumed[name], value, rtol=1e-4, atol=1e-5, err_msg=name)


def test_callbacks_see_the_weights_as_they_stand(build: Build, phantoms: octlib.OctDataset) -> None:
    seen: list[np.ndarray] = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(np.array(self.model.get_weights()[0]))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(np.array(self.model.get_weights()[0]))

    classifier = build(freeze=False)
    octlib.fit(classifier, phantoms[:16], epochs=1, batch_size=8, progress=False, callbacks=[Watch()])
    first, second, at_end = seen
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(second, at_end)
    np.testing.assert_array_equal(at_end, classifier.get_weights()[0])


@pytest.mark.parametrize("format", ["torch", "onnx"])
def test_an_exported_file_gives_what_the_classifier_gives(fine_tuned: Any, tmp_path: Path, format: str) -> None:  # noqa: A002
    if format == "onnx" and find_spec("onnxscript") is None:
        pytest.skip("needs octlib[onnx]")
    suffix = {"torch": ".pt2", "onnx": ".onnx"}[format]
    assert fine_tuned[0].export(tmp_path / f"classifier{suffix}", format=format) < 1e-4


def test_the_same_seed_gives_the_same_classifier(build: Build, phantoms: octlib.OctDataset) -> None:
    def run() -> dict[str, np.ndarray]:
        classifier = build(freeze=False, dropout=0.3)
        octlib.fit(classifier, phantoms[:8], epochs=1, batch_size=8, progress=False, seed=3)
        return take_state(classifier)

    first, second = run(), run()
    for name, value in first.items():
        np.testing.assert_array_equal(second[name], value, err_msg=name)


def test_features_of_one_backend_are_not_taken_for_those_of_another(
    build: Build, phantoms: octlib.OctDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    from octlib.features.keys import backbone_key

    classifier = build()
    extract_features(classifier, phantoms[:2], progress=False)
    key = backbone_key(classifier)
    other = "torch" if keras.config.backend() != "torch" else "numpy"
    monkeypatch.setattr(keras.config, "backend", lambda: other)
    assert backbone_key(classifier) != key


def test_a_network_that_has_no_counterpart_is_named(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    if keras.config.backend() == "torch":
        pytest.skip("on torch, every network is timm's own")
    from octlib.models.graph.operators import OPERATORS

    monkeypatch.delitem(OPERATORS, "aten.conv2d.default")
    with pytest.raises(octlib.errors.UnsupportedNetworkError, match=r"test_resnet needs aten\.conv2d\.default"):
        build()


def test_familiarity_is_saved_and_holds_for_these_weights(
    fine_tuned: Any, phantoms: octlib.OctDataset, tmp_path: Path
) -> None:
    octlib.learn_familiarity(fine_tuned[0], phantoms)
    wanted = octlib.familiarity(fine_tuned[0], phantoms)
    for name in ("classifier", "classifier.keras"):
        fine_tuned[0].save(tmp_path / name)
        loaded = octlib.load_classifier(tmp_path / name)
        np.testing.assert_allclose(octlib.familiarity(loaded, phantoms), wanted, atol=1e-4)
        kernel, bias = loaded.head.get_weights()
        loaded.head.set_weights([kernel, bias + 1])
        with pytest.raises(FamiliarityError, match="have changed since"):
            octlib.familiarity(loaded, phantoms)
