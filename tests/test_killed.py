"""Killed: processes that get SIGKILL at random moments leave whole files, and can go on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

import octlib
from octlib.features import extract_features
from octlib.models.state import take_state
from octlib.models.torch_modules import TimmFeatures

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")

NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")


class Worker:
    """Runs tasks of ``killed_worker.py``, each in a process of its own."""

    def __init__(self, errors: Any) -> None:
        self._errors = errors
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(Path(__file__).with_name("killed_worker.py"))],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )

    def run(self, task: str, folder: Path, *, kill_after: float | None = None, **arguments: Any) -> int:
        """Run a task to its end, or kill it so many seconds after it has started; return its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([task, str(folder), arguments, kill_after]) + "\n")
        self._process.stdin.flush()
        status = int(self.answer())
        if status not in (0, -signal.SIGKILL):
            pytest.fail(self._complaints())
        return status

    def answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip() or pytest.fail(self._complaints())

    def close(self) -> None:
        self._process.communicate(timeout=60)

    def _complaints(self) -> str:
        self._errors.seek(0)
        return str(self._errors.read())


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with (tmp_path_factory.mktemp("worker") / "errors.txt").open("w+") as errors:
        worker = Worker(errors)
        try:
            assert worker.answer() == "ready"
            yield worker
        finally:
            worker.close()


def moments(n: int, longest: float) -> list[float]:
    """Draw seconds after which to kill."""
    return [float(value) for value in np.random.default_rng(n).uniform(0, longest, n)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with two classifiers, which differ in weights, buffers and settings, and 24 scans."""
    for name, seed, settings in (("one", 1, {"class_names": ("AMD", "NORMAL")}), ("other", 2, {"dropout": 0.25})):
        classifier = octlib.build_classifier("test_resnet", weights=None, image_size=32, seed=seed, **settings)
        classifier.backbone.module.module.bn1.running_mean.fill_(seed)
        classifier.save(tmp_path / name)
    noise = np.random.default_rng(0).integers(0, 90, (24, 32, 32), dtype=np.uint8)
    np.save(tmp_path / "pixels.npy", noise + 5 * np.arange(24, dtype=np.uint8)[:, None, None])
    return tmp_path


def content(path: Path) -> tuple[Any, dict[str, bytes]]:
    """Load a classifier and give its settings and every bit of its weights."""
    with warnings.catch_warnings():
        # Killed between two files, a folder has the configuration of one and the weights of the other: it says so.
        warnings.filterwarnings("ignore", message=".*says otherwise than the weights", category=UserWarning)
        classifier = octlib.load_classifier(path)
    return classifier.get_config(), {name: value.tobytes() for name, value in take_state(classifier).items()}


@pytest.mark.parametrize(("target", "kills"), [("classifier", 20), ("classifier.keras", 4)])
def test_saving_leaves_one_classifier_or_the_other(worker: Worker, folder: Path, target: str, kills: int) -> None:
    one, other = content(folder / "one"), content(folder / "other")
    assert one[0]["class_names"] != other[0]["class_names"]
    seen = []
    octlib.load_classifier(folder / "one").save(folder / target)
    for moment in moments(kills, 0.1):
        assert worker.run("save_in_turns", folder, target=target, kill_after=moment) == -signal.SIGKILL
        found = content(folder / target)
        assert found in (one, other)
        seen.append(found == one)
        octlib.load_classifier(folder / "one").save(folder / target, overwrite=True)
        assert content(folder / target) == one
        if target == "classifier":
            assert sorted(path.name for path in (folder / target).iterdir()) == [
                "README.md",
                "config.json",
                "model.safetensors",
            ]
    assert len(seen) == kills


def test_saving_where_nothing_is_leaves_nothing_or_all(worker: Worker, folder: Path) -> None:
    one = content(folder / "one")
    assert worker.run("save_anew", folder, death=2) == -signal.SIGKILL
    assert len(saved_in(folder / "new")) == 2  # two are whole, and of the third there is nothing
    for moment in moments(5, 0.1):
        assert worker.run("save_anew", folder, kill_after=moment) == -signal.SIGKILL
        for path in saved_in(folder / "new")[-3:]:
            assert content(path) == one


def saved_in(folder: Path) -> list[Path]:
    """List what bears a name, the newest last."""
    return sorted((path for path in folder.glob("[!.]*")), key=lambda path: path.stat().st_mtime_ns)


def test_the_store_never_holds_a_wrong_row(worker: Worker, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTLIB_CACHE", str(folder / "cache"))
    classifier = octlib.load_classifier(folder / "one")
    scans = octlib.load_oct_dataset(np.load(folder / "pixels.npy"))
    wanted = extract_features(classifier, scans, cache=False, batch_size=2)
    passed: list[int] = []
    classifier.backbone.module.register_forward_hook(lambda module, _, features: passed.append(len(features)))
    assert isinstance(classifier.backbone.module, TimmFeatures)
    computed = []
    for moment in [None, *moments(14, 0.25)]:
        death = 5 if moment is None else None
        assert worker.run("fill_store", folder, kill_after=moment, death=death) == -signal.SIGKILL
        passed.clear()
        found = extract_features(classifier, scans, batch_size=2)
        computed.append(sum(passed))
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
        passed.clear()
        np.testing.assert_array_equal(extract_features(classifier, scans), found)
        assert passed == []
        shutil.rmtree(folder / "cache")
    assert computed[0] == 24 - 4 * 2  # the batches that were done before the one in which it died
    assert max(computed) <= 24


def read_checkpoint(file: Path) -> tuple[int, dict[str, np.ndarray]]:
    with safe_open(file, framework="numpy") as checkpoint:
        arrays = {name: checkpoint.get_tensor(name) for name in checkpoint.keys()}  # noqa: SIM118 - it is no dict
        return len(json.loads(checkpoint.metadata()["octlib"])["epochs"]), arrays


def test_a_checkpoint_can_always_be_read_and_loses_no_epoch(worker: Worker, folder: Path) -> None:
    file = folder / "run" / "training.safetensors"
    order = {"freeze": True, "epochs": 100_000, "checkpoint": "run"}
    assert worker.run("fit", folder, **order, death=[2, 0]) == -signal.SIGKILL
    done, names = [read_checkpoint(file)[0]], read_checkpoint(file)[1].keys()
    assert done == [2]
    for moment in moments(14, 0.5):
        assert worker.run("fit", folder, **order, kill_after=moment) == -signal.SIGKILL
        epochs, arrays = read_checkpoint(file)
        assert arrays.keys() == names
        assert all(np.isfinite(array).all() for array in arrays.values())
        done.append(epochs)
    assert done == sorted(done)
    assert worker.run("fit", folder, **order, death=[done[-1] + 3, 0]) == -signal.SIGKILL
    assert read_checkpoint(file)[0] == done[-1] + 3


@pytest.mark.parametrize(("freeze", "epochs", "kills"), [(True, 12, 6), (False, 5, 6)])
def test_a_run_that_is_killed_and_resumed_gives_the_same_bits(
    worker: Worker, folder: Path, freeze: bool, epochs: int, kills: int
) -> None:
    order = {"freeze": freeze, "epochs": epochs}
    assert worker.run("fit", folder, **order, checkpoint=None) == 0
    wanted, history = results(folder)
    started = time.perf_counter()
    assert worker.run("fit", folder, **order, checkpoint="whole") == 0  # a checkpoint changes nothing
    duration = time.perf_counter() - started
    assert results(folder) == (wanted, history)
    # Once in the middle of an epoch for certain, then whenever it happens.
    assert worker.run("fit", folder, **order, checkpoint="run", death=[2, 1]) == -signal.SIGKILL
    assert read_checkpoint(folder / "run" / "training.safetensors")[0] == 2
    for moment in moments(kills, duration):
        (folder / "result.npz").unlink(missing_ok=True)
        if worker.run("fit", folder, **order, checkpoint="run", kill_after=moment) == 0:
            break
    assert worker.run("fit", folder, **order, checkpoint="run") == 0
    assert results(folder) == (wanted, history)
    assert [epoch["epoch"] for epoch in history[1]] == list(range(1, epochs + 1))


def results(folder: Path) -> tuple[dict[str, bytes], Any]:
    with np.load(folder / "result.npz") as state:
        weights = {name: state[name].tobytes() for name in state.files}
    return weights, json.loads((folder / "history.json").read_text(encoding="utf-8"))
