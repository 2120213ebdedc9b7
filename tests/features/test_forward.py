"""Forward passes: every scan once, in order, whatever the batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import octlib
from octlib.features.forward import forward, require_batches

Toy = Callable[..., Any]


def run(classifier: Any, scans: Any, batch_size: int = 3, progress: bool | None = False) -> list[np.ndarray]:
    return list(
        forward(
            classifier.extract,
            classifier.preprocessing,
            scans,
            batch_size=batch_size,
            progress=progress,
            title="counting",
        )
    )


@pytest.mark.parametrize("batch_size", [1, 5, 24, 32])
def test_any_batch_size_gives_what_the_function_gives(
    classifier: Any, pixels: np.ndarray, toy: Toy, batch_size: int
) -> None:
    parts = run(classifier, toy(), batch_size)
    assert [len(part) for part in parts] == [len(pixels[i : i + batch_size]) for i in range(0, 24, batch_size)]
    found = np.concatenate(parts)
    assert found.dtype == np.float32
    wanted = classifier.features(classifier.preprocess(pixels)).detach().numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_scans_that_cannot_be_read_are_all_named(classifier: Any, pixels: np.ndarray, tmp_path: Path) -> None:
    for number, scan in enumerate(pixels[:8]):
        Image.fromarray(scan).save(tmp_path / f"{number}.png")
    for number in (2, 7):
        (tmp_path / f"{number}.png").write_bytes(b"nothing")
    scans = octlib.load_oct_dataset([tmp_path / f"{number}.png" for number in range(8)])
    with pytest.raises(ValueError, match=r"(?s)2\.png.*7\.png"):  # not only that of the first batch
        run(classifier, scans, batch_size=2)


def test_no_scans_are_an_error(classifier: Any, toy: Toy) -> None:
    with pytest.raises(ValueError, match="at least one scan"):
        run(classifier, toy().subset([]))


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batches_hold_at_least_one_scan(classifier: Any, toy: Toy, batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"batch_size must be at least 1, got {batch_size}"):
        require_batches(toy(), batch_size)


def test_no_gradients_are_kept_and_nothing_changes(build: Callable[..., Any], toy: Toy) -> None:
    classifier = build(freeze=False)
    before = {key: value.clone() for key, value in classifier.backbone.module.state_dict().items()}
    run(classifier, toy())
    for key, value in classifier.backbone.module.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert all(weight.value.grad is None for weight in classifier.weights)
    assert not classifier.head.kernel.value.is_inference()  # training may go on
    assert not torch.is_inference_mode_enabled()


def test_the_mode_is_set_once_for_a_pass(build: Callable[..., Any], toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = build(freeze=False)
    network = classifier.backbone.module
    network.train()
    walks = []
    monkeypatch.setattr(network, "train", lambda mode=True: walks.append(mode) or type(network).train(network, mode))
    run(classifier, toy(), batch_size=3)
    assert walks == [False]
    assert not any(part.training for part in network.modules())


def test_inference_mode_ends_with_each_batch(classifier: Any, toy: Toy) -> None:
    for _ in forward(classifier.extract, classifier.preprocessing, toy(), batch_size=9, progress=False, title=""):
        assert not torch.is_inference_mode_enabled()


def test_a_bar_is_drawn_where_it_is_asked_for(classifier: Any, toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    run(classifier, toy(), progress=True)
    assert "counting" in capsys.readouterr().err
    run(classifier, toy(), progress=False)
    assert capsys.readouterr().err == ""


def test_a_network_that_has_diverged_is_refused_instead_of_believed(build: Any, toy: Any) -> None:
    for freeze in (True, False):
        classifier = build(freeze=freeze)
        next(iter(classifier.backbone.module.module.parameters())).data.fill_(float("nan"))
        with pytest.raises(ValueError, match="no finite numbers"):
            octlib.predict(classifier, toy(4))
