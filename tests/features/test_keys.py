"""Keys: they change with all that features depend on, and with nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import octlib
from octlib.features import keys
from octlib.features.keys import backbone_key, scan_keys
from octlib.models.config_format import carried_over

Build = Callable[..., Any]
Toy = Callable[..., Any]


def nudged(classifier: Any, name: str) -> Any:
    """Change one number of a weight or a buffer by as little as possible."""
    values = classifier.backbone.module.module.state_dict()[name]
    last = (-1,) * values.ndim
    values[last] = torch.nextafter(values[last], torch.tensor(1e9)) if values.is_floating_point() else values[last] + 1
    return classifier


def with_config(classifier: Any, **changes: Any) -> Any:
    """Build a classifier that differs in its configuration alone: the weights are the same."""
    module = classifier.backbone.module.module
    return octlib.OctClassifier(**{**carried_over(classifier.get_config()), **changes}, module=module)


MISSES: dict[str, Callable[[Any], Any]] = {
    "a weight": lambda classifier: nudged(classifier, "conv1.0.weight"),
    "the last weight": lambda classifier: nudged(classifier, "layer4.0.downsample.2.bias"),
    "a mean of BatchNorm": lambda classifier: nudged(classifier, "bn1.running_mean"),
    "a variance of BatchNorm": lambda classifier: nudged(classifier, "layer4.0.bn2.running_var"),
    "a counter of BatchNorm": lambda classifier: nudged(classifier, "bn1.num_batches_tracked"),
    "the pooling": lambda classifier: with_config(classifier, pooling="flatten"),
    "wedges": lambda classifier: with_config(
        classifier, preprocessing={"image_size": classifier.image_size, "steps": []}
    ),
    "another step": lambda classifier: with_config(
        classifier,
        preprocessing={"image_size": classifier.image_size, "steps": ["blank_wedges", "flatten_retina"]},
    ),
    "the order of steps": lambda classifier: with_config(
        classifier,
        preprocessing={"image_size": classifier.image_size, "steps": ["flatten_retina", "blank_wedges"]},
    ),
    "the aspect ratio": lambda classifier: with_config(
        classifier, preprocessing={"image_size": classifier.image_size, "steps": ["blank_wedges"], "resize": "pad"}
    ),
    "the size": lambda classifier: with_config(
        classifier, preprocessing={"image_size": (32, 64), "steps": ["blank_wedges"]}
    ),
    "the normalisation": lambda classifier: with_config(
        classifier, backbone={**classifier.backbone.spec.to_dict(), "mean": (0.4, 0.4, 0.4)}
    ),
}
HITS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda classifier: classifier,
    "the head's weights": lambda classifier: classifier.head.kernel.assign(classifier.head.kernel + 1) is None or None,
    "class names": lambda classifier: with_config(classifier, class_names=("a", "b")),
    "dropout": lambda classifier: with_config(classifier, dropout=0.5),
    "flips": lambda classifier: with_config(classifier, postprocessing={"flips": True}),
    "the place of the weights": lambda classifier: with_config(
        classifier, backbone={**classifier.backbone.spec.to_dict(), "origin": "somewhere else"}
    ),
    "frozen": lambda classifier: classifier.unfreeze(),
    "a call": lambda classifier: classifier(np.zeros((2, 32, 32), np.uint8), training=True) is None or None,
}


@pytest.mark.parametrize("what", MISSES)
def test_what_changes_features_changes_the_key(classifier: Any, what: str) -> None:
    before = backbone_key(classifier)
    assert len(bytes.fromhex(before)) == 32
    assert backbone_key(MISSES[what](classifier)) != before


@pytest.mark.parametrize("what", HITS)
def test_what_does_not_leaves_it(classifier: Any, what: str) -> None:
    before = backbone_key(classifier)
    assert backbone_key(HITS[what](classifier) or classifier) == before


def test_names_and_shapes_of_weights_count(build: Build) -> None:
    # The same bytes in another weight would be another network.
    one, other = build(), build()
    for classifier, first, second in ((one, "bn1.weight", "bn1.bias"), (other, "bn1.bias", "bn1.weight")):
        state = classifier.backbone.module.module.state_dict()
        state[first].fill_(1)
        state[second].fill_(0)
    assert backbone_key(one) != backbone_key(other)


@pytest.mark.parametrize("name", ["classifier", "classifier.keras"])
def test_a_classifier_that_was_saved_has_the_same_key(classifier: Any, tmp_path: Path, name: str) -> None:
    classifier.save(tmp_path / name)
    assert backbone_key(octlib.load_classifier(tmp_path / name)) == backbone_key(classifier)


def test_another_version_of_a_package_is_another_key(classifier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = backbone_key(classifier)
    monkeypatch.setattr(keys, "_version", lambda name: "99" if name == "timm" else "1")
    assert backbone_key(classifier) != before


def test_a_pixel_changes_the_key_of_its_scan_alone(toy: Toy, pixels: np.ndarray) -> None:
    before = scan_keys(toy())
    assert len(set(before)) == 24
    assert {len(key) for key in before} == {32}
    pixels[3, 0, 0] ^= 1
    after = scan_keys(toy())
    assert [place for place in range(24) if after[place] != before[place]] == [3]


def test_names_labels_and_order_do_not_count(toy: Toy, pixels: np.ndarray) -> None:
    before = scan_keys(toy())
    assert scan_keys(octlib.load_oct_dataset(pixels[::-1])) == before[::-1]
    assert scan_keys(toy().subset([5, 5, 0])) == [before[5], before[5], before[0]]


def test_a_copy_of_a_file_has_its_key(tmp_path: Path, pixels: np.ndarray) -> None:
    for number in range(2):
        Image.fromarray(pixels[number]).save(tmp_path / f"{number}.png")
    shutil.copy(tmp_path / "0.png", tmp_path / "copy.png")
    first, second, copy = scan_keys(octlib.load_oct_dataset([tmp_path / f"{name}.png" for name in (0, 1, "copy")]))
    assert first == copy != second


def test_mirrored_scans_have_keys_of_their_own(toy: Toy) -> None:
    assert not set(scan_keys(toy(), flipped=True)) & set(scan_keys(toy()))
    assert scan_keys(toy(), flipped=True) == scan_keys(toy(), flipped=True)


def test_a_file_that_is_gone_is_named(tmp_path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels[0]).save(tmp_path / "gone.png")
    scans = octlib.load_oct_dataset([tmp_path / "gone.png"])
    (tmp_path / "gone.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        scan_keys(scans)
