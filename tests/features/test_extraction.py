"""Extraction: features are computed once, for whoever needs them, and come back as they were."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import octlib
from octlib.features import StoredRows, extract_features, extraction, predict_probabilities, store
from octlib.models.state import take_state

Build = Callable[..., Any]
Toy = Callable[..., Any]


def plain(classifier: Any, scans: Any, **kwargs: Any) -> np.ndarray:
    """Compute features without any store."""
    return extract_features(classifier, scans, cache=False, **kwargs)


def kept(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


# Once


def test_features_are_computed_once_for_all(classifier: Any, toy: Toy, passed: list[int]) -> None:
    scans = toy()
    for train, test in scans.folds(3):
        octlib.fit(classifier, train, test, epochs=1, progress=False)
        octlib.evaluate(classifier, test)
    octlib.fit(classifier, scans, epochs=2, progress=False)
    octlib.predict(classifier, scans)
    extract_features(classifier, scans)
    assert sum(passed) == 24


def test_stored_features_give_the_same_bits_as_none(build: Build, toy: Toy) -> None:
    # The second classifier takes from the store what the first one has put there.
    states, figures = [], []
    for kept in (False, True, True):
        classifier = build(dropout=0.3)
        octlib.fit(classifier, toy(18), toy().subset(range(18, 24)), epochs=3, cache=kept, progress=False)
        states.append(take_state(classifier))
        figures.append(predict_probabilities(classifier, toy(), cache=kept))
    for state, probabilities in zip(states[1:], figures[1:], strict=True):
        for name, value in states[0].items():
            np.testing.assert_array_equal(state[name], value, err_msg=name)
        np.testing.assert_allclose(probabilities, figures[0], rtol=1e-5)


def test_reading_gives_the_bits_that_were_computed(classifier: Any, toy: Toy) -> None:
    wanted = plain(classifier, toy(), batch_size=5)
    for _ in range(2):
        np.testing.assert_array_equal(extract_features(classifier, toy(), batch_size=5), wanted)


def test_a_pixel_misses_its_scan_alone(classifier: Any, toy: Toy, pixels: np.ndarray, passed: list[int]) -> None:
    before = extract_features(classifier, toy())
    passed.clear()
    pixels[7, 3, 3] += 60
    after = extract_features(classifier, toy())
    assert passed == [1]
    assert np.flatnonzero((before != after).any(axis=1)).tolist() == [7]
    np.testing.assert_allclose(after, plain(classifier, toy()), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["conv1.0.weight", "bn1.running_var"])
def test_a_weight_or_a_buffer_misses_everything(classifier: Any, toy: Toy, passed: list[int], name: str) -> None:
    before = extract_features(classifier, toy())
    with torch.no_grad():
        classifier.backbone.module.module.state_dict()[name][0] += 0.5
    passed.clear()
    after = extract_features(classifier, toy())
    assert sum(passed) == 24
    assert not np.allclose(before, after)
    np.testing.assert_array_equal(after, plain(classifier, toy()))


@pytest.mark.parametrize(
    "changes",
    [{"pooling": "flatten"}, {"preprocessing": {"image_size": (64, 64), "steps": []}}],
    ids=["head", "wedges"],
)
def test_other_settings_miss_everything(
    build: Build, toy: Toy, pixels: np.ndarray, passed: list[int], changes: Any
) -> None:
    classifier = build(image_size=64)
    pixels[:, :8, :8] = 255  # a wedge
    extract_features(classifier, toy())
    module = classifier.backbone.module.module
    other = octlib.OctClassifier(**{**classifier.get_config(), **changes}, module=module)
    passed.clear()
    np.testing.assert_array_equal(extract_features(other, toy()), (wanted := plain(other, toy())))
    assert sum(passed) == 48  # with the store, and without
    assert not np.array_equal(wanted, extract_features(classifier, toy()))


def test_scans_under_other_names_are_known(
    classifier: Any, pixels: np.ndarray, tmp_path: Path, passed: list[int]
) -> None:
    for number in range(4):
        Image.fromarray(pixels[number]).save(tmp_path / f"{number}.png")
    first = extract_features(classifier, octlib.load_oct_dataset([tmp_path / f"{number}.png" for number in range(4)]))
    (tmp_path / "else").mkdir()
    for number in range(4):
        shutil.copy(tmp_path / f"{number}.png", tmp_path / "else" / f"renamed-{9 - number}.png")
    passed.clear()
    paths = [tmp_path / "else" / f"renamed-{number}.png" for number in (6, 7, 8, 9)]
    second = extract_features(classifier, octlib.load_oct_dataset(paths))
    assert passed == []
    np.testing.assert_array_equal(second, first[::-1])


def test_duplicates_are_computed_once(classifier: Any, toy: Toy, passed: list[int]) -> None:
    order = [6, 0, 3, 3, 0, 0]
    found = extract_features(classifier, toy().subset(order))
    assert sum(passed) == 3
    np.testing.assert_allclose(found, plain(classifier, toy())[order], rtol=1e-4, atol=1e-6)


def test_only_what_is_missing_is_computed(classifier: Any, toy: Toy, passed: list[int]) -> None:
    extract_features(classifier, toy().subset(range(5, 15)))
    passed.clear()
    found = extract_features(classifier, toy())
    assert sum(passed) == 14
    np.testing.assert_allclose(found, plain(classifier, toy()), rtol=1e-4, atol=1e-6)


# Where, and when


def test_nothing_is_written_before_it_is_needed(build: Build, toy: Toy, cache: Path) -> None:
    for freeze in (False, True):
        classifier = build(freeze=freeze)
        octlib.fit(classifier, toy(8), epochs=1, cache=False, progress=False)
        octlib.evaluate(classifier, toy(8), cache=False)
        octlib.predict(classifier, toy(8), cache=False)
    octlib.fit(build(freeze=False), toy(8), epochs=1, progress=False)
    assert not cache.exists()
    octlib.predict(classifier, toy(8))
    assert len(kept(cache)) == 1
    assert {path.suffix for path in kept(cache)} == {".features"}


def test_a_limit_of_nothing_keeps_nothing(
    classifier: Any, toy: Toy, cache: Path, passed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTLIB_CACHE_LIMIT", "0")
    octlib.fit(classifier, toy(), epochs=1, progress=False)
    octlib.predict(classifier, toy())
    assert sum(passed) == 48
    assert not cache.exists()


def test_mistakes_are_found_before_anything_is_read(
    classifier: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0.png").write_bytes(b"no image")
    scans = octlib.load_oct_dataset([tmp_path / "0.png"])
    monkeypatch.setattr("octlib.data.scan.Scan.fingerprint", None)
    monkeypatch.setattr("octlib.data.scan.Scan.read", None)
    for function in (extract_features, predict_probabilities):
        with pytest.raises(ValueError, match="cache must be"):
            function(classifier, scans, cache="typo")
        with pytest.raises(ValueError, match="batch_size must be"):
            function(classifier, scans, batch_size=0)
    monkeypatch.setenv("OCTLIB_CACHE_LIMIT", "much")
    for function in (extract_features, predict_probabilities):
        with pytest.raises(ValueError, match="OCTLIB_CACHE_LIMIT must be a size .* got 'much'"):
            function(classifier, scans)


def test_the_environment_moves_the_store(
    classifier: Any, toy: Toy, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passed: list[int]
) -> None:
    extract_features(classifier, toy())
    monkeypatch.setenv("OCTLIB_CACHE", str(tmp_path / "elsewhere"))
    extract_features(classifier, toy())
    assert sum(passed) == 48
    assert len(kept(tmp_path / "elsewhere")) == len(kept(cache)) == 1
    shutil.rmtree(cache)  # at any time
    extract_features(classifier, toy())
    assert sum(passed) == 48


def test_half_precision_is_kept_apart(classifier: Any, toy: Toy, cache: Path, passed: list[int]) -> None:
    single = extract_features(classifier, toy())
    size = kept(cache)[0].stat().st_size
    half = extract_features(classifier, toy(), cache="float16")
    assert sum(passed) == 48
    np.testing.assert_array_equal(half, single.astype(np.float16))
    assert half.dtype == np.float32
    assert not np.array_equal(half, single)
    np.testing.assert_array_equal(extract_features(classifier, toy(), cache="float16"), half)
    np.testing.assert_array_equal(extract_features(classifier, toy()), single)
    assert sum(passed) == 48
    assert min(path.stat().st_size for path in kept(cache)) < 0.65 * size


def test_features_too_large_for_half_precision_are_an_error(classifier: Any, toy: Toy) -> None:
    module = classifier.backbone.module.module
    with torch.no_grad():
        module.layer4[0].downsample[2].weight.fill_(1e6)
    with pytest.raises(ValueError, match=r"exceed the range of float16, ±65,504\. Use cache=True"):
        extract_features(classifier, toy(), cache="float16")
    assert extract_features(classifier, toy()).max() > 65_504


@pytest.mark.parametrize("given", ["float32", "on", None, 1])
def test_choices_that_there_are_not(classifier: Any, toy: Toy, given: Any) -> None:
    with pytest.raises(ValueError, match="cache must be True, False or 'float16', got"):
        extract_features(classifier, toy(), cache=given)


def test_no_scans_are_an_error(classifier: Any, toy: Toy, cache: Path) -> None:
    for kept in (True, False):
        with pytest.raises(ValueError, match="at least one scan"):
            extract_features(classifier, toy().subset([]), cache=kept)
    assert not cache.exists()


def test_scans_that_cannot_be_read_are_named_and_the_others_kept(
    classifier: Any, pixels: np.ndarray, tmp_path: Path, passed: list[int]
) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(6)]
    for path, scan in zip(paths, pixels, strict=False):
        Image.fromarray(scan).save(path)
    scans = octlib.load_oct_dataset(paths)
    (tmp_path / "5.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"5\.png"):
        extract_features(classifier, scans, batch_size=2)
    passed.clear()
    Image.fromarray(pixels[5]).save(tmp_path / "5.png")
    assert len(extract_features(classifier, scans, batch_size=2)) == 6
    assert sum(passed) == 2
    (tmp_path / "1.png").unlink()
    (tmp_path / "4.png").unlink()
    with pytest.raises((ValueError, FileNotFoundError), match=r"(?s)1\.png.*4\.png"):
        extract_features(classifier, scans)


# Much


def test_many_features_stay_on_disk(build: Build, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    states, figures = [], []
    for limit in (extraction.IN_MEMORY, 0):
        monkeypatch.setattr(extraction, "IN_MEMORY", limit)
        classifier = build(dropout=0.2)
        found = extract_features(classifier, toy())
        assert isinstance(found, StoredRows if limit == 0 else np.ndarray)
        history = octlib.fit(classifier, toy(18), toy().subset(range(18, 24)), epochs=4, progress=False)
        states.append(take_state(classifier))
        figures.append([history.epochs[-1]["val_loss"], octlib.evaluate(classifier, toy()).accuracy])
    assert all(isinstance(shard, np.memmap) for shard in found.shards)
    for name, value in states[0].items():
        np.testing.assert_allclose(states[1][name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(figures[1], figures[0], rtol=1e-4)


# Broken off


def test_a_pass_that_was_broken_off_goes_on_where_it_was(classifier: Any, toy: Toy, passed: list[int]) -> None:
    def interrupt(*_: Any) -> None:
        if len(passed) == 3:
            raise KeyboardInterrupt

    handle = classifier.backbone.module.register_forward_pre_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        extract_features(classifier, toy(), batch_size=4)
    handle.remove()
    assert passed == [4, 4, 4]
    found = extract_features(classifier, toy(), batch_size=4)
    assert passed == [4] * 6
    np.testing.assert_array_equal(found, plain(classifier, toy(), batch_size=4))


# Several processes

NEW_PROCESS = """
import json, os, sys, time, zlib
from pathlib import Path
import numpy as np
import torch
import octlib
from octlib.features import extract_features, store
from octlib.models.torch_modules import TimmFeatures

folder, name, first, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
store.SHARD_BYTES = 1  # each batch becomes a file
classifier = octlib.load_classifier(folder / "classifier")
scans = octlib.load_oct_dataset(np.load(folder / "pixels.npy")[first:last][::-1])
passed = []
classifier.backbone.module.register_forward_hook(lambda module, _, out: passed.append(len(out)))
(folder / name).touch()
while len(list(folder.glob("ready-*"))) < 2:
    time.sleep(0.01)
found = extract_features(classifier, scans, batch_size=2)
np.save(folder / f"{name}.npy", found[::-1])
print(json.dumps(sum(passed)))
"""


def test_processes_share_a_store_at_the_same_time(
    classifier: Any, toy: Toy, pixels: np.ndarray, cache: Path, tmp_path: Path, passed: list[int]
) -> None:
    classifier.save(tmp_path / "classifier")
    np.save(tmp_path / "pixels.npy", pixels)
    extract_features(classifier, toy(10))
    parts = [(0, 20), (6, 24)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", NEW_PROCESS, tmp_path, f"ready-{first}", str(first), str(last)],
            env={**os.environ, "OCTLIB_CACHE": str(cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for first, last in parts
    ]
    wanted = plain(classifier, toy())
    passed.clear()
    for process, (first, last) in zip(processes, parts, strict=True):
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        computed = json.loads(out.splitlines()[-1])
        assert 0 < computed <= last - 10  # what this process had computed before, no other computed again
        np.testing.assert_allclose(np.load(tmp_path / f"ready-{first}.npy"), wanted[first:last], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(extract_features(classifier, toy()), wanted, rtol=1e-4, atol=1e-6)
    assert passed == []  # nor this one what they have
    assert {path.suffix for path in kept(cache)} == {".features"}
    assert all(not path.name.startswith(".") for path in kept(cache))
    assert store.SHARD_BYTES > 1
