"""Keras backend: whose choice counts, and that no trace of octlib's own is left."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from octlib.errors import MissingPackageError
from octlib.models import keras_backend
from octlib.models.keras_backend import import_keras

# What stands in for Keras: its backend is what the environment says when it is imported, else TensorFlow.
STAND_IN = """
import os
from types import SimpleNamespace
seen = os.environ.get("KERAS_BACKEND") or "tensorflow"
config = SimpleNamespace(backend=lambda: seen)
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a stand-in on the path and forget the Keras that is imported, until the test is over."""
    (tmp_path / "keras.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    real = sys.modules.pop("keras")
    yield
    sys.modules["keras"] = real


def test_torch_without_a_choice(stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert import_keras().config.backend() == "torch"
    assert "KERAS_BACKEND" not in os.environ


def test_an_empty_variable_is_no_choice(stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert import_keras().config.backend() == "torch"


def test_no_trace_is_left_after_a_failed_import(
    stand_in: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    (tmp_path / "keras.py").write_text("raise ImportError('no such backend')", encoding="utf-8")
    with pytest.raises(ImportError, match="no such backend"):
        import_keras()
    assert "KERAS_BACKEND" not in os.environ


def test_the_variable_counts(stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_backend, "find_spec", lambda name: name)  # all are installed
    for backend in ("torch", "jax", "tensorflow"):
        monkeypatch.setenv("KERAS_BACKEND", backend)
        assert import_keras().config.backend() == backend
        assert os.environ["KERAS_BACKEND"] == backend
        del sys.modules["keras"]


@pytest.mark.parametrize("backend", ["openvino", "Torch"])
def test_a_backend_on_which_nothing_can_be_trained(
    stand_in: None, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    with pytest.raises(ValueError, match=f"torch, jax or tensorflow, but .* '{backend}'. Set KERAS_BACKEND to one of"):
        import_keras()
    assert "keras" not in sys.modules


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_a_backend_that_is_not_installed_is_named(
    stand_in: None, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setattr(keras_backend, "find_spec", lambda name: None)
    monkeypatch.setenv("KERAS_BACKEND", backend)
    with pytest.raises(MissingPackageError, match=f"KERAS_BACKEND={backend} needs {backend}") as caught:
        import_keras()
    assert caught.value.advice == f"Run: pip install 'octlib[{backend}]'"
    assert "keras" not in sys.modules


def test_an_imported_keras_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    for backend in ("torch", "jax", "tensorflow"):
        imported = SimpleNamespace(config=SimpleNamespace(backend=lambda backend=backend: backend))
        monkeypatch.setitem(sys.modules, "keras", imported)
        assert import_keras() is imported
    other = SimpleNamespace(config=SimpleNamespace(backend=lambda: "openvino"))
    monkeypatch.setitem(sys.modules, "keras", other)
    with pytest.raises(ValueError, match="Keras is to run on 'openvino'.*before Keras is imported"):
        import_keras()


ASK = """
import json, os
import octlib.models.keras_backend as chosen
import keras
print(json.dumps([keras.config.backend(), chosen.keras is keras, os.environ.get("KERAS_BACKEND")]))
"""


def test_homes(tmp_path: Path, start_python: Callable[..., Any]) -> None:
    """The real Keras, in a home that asks for TensorFlow, an empty one, and one that cannot be written to."""
    opinionated, empty = tmp_path / "opinionated", tmp_path / "empty"
    (opinionated / ".keras").mkdir(parents=True)
    empty.mkdir()
    wish = json.dumps({"backend": "tensorflow", "floatx": "float32"})
    (opinionated / ".keras" / "keras.json").write_text(wish, encoding="utf-8")
    runs = [
        start_python(ASK, HOME=str(opinionated), USERPROFILE=str(opinionated), KERAS_BACKEND=None, KERAS_HOME=None),
        start_python(ASK, HOME=str(empty), USERPROFILE=str(empty), KERAS_BACKEND="torch", KERAS_HOME=None),
        # Not even root can write below a file.
        start_python(ASK, HOME=os.devnull, USERPROFILE=os.devnull, KERAS_BACKEND=None, KERAS_HOME=None),
    ]
    answers = []
    for run in runs:
        out, err = run.communicate(timeout=300)
        assert run.returncode == 0, err
        answers.append(json.loads(out))
    assert answers == [["torch", True, None], ["torch", True, "torch"], ["torch", True, None]]
    assert (opinionated / ".keras" / "keras.json").read_text(encoding="utf-8") == wish
    assert not (empty / ".keras").exists()  # which Keras itself would make


@pytest.mark.parametrize(("backend", "kept_out"), [("torch", False), ("jax", False), ("tensorflow", True)])
def test_triton_stays_out_beside_tensorflow_alone(
    stand_in: None, monkeypatch: pytest.MonkeyPatch, backend: str, kept_out: bool
) -> None:
    """Loaded after TensorFlow, it aborts the process."""
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, "triton")
    monkeypatch.setattr("octlib.models.keras_backend.find_spec", lambda _: True)
    monkeypatch.setenv("KERAS_BACKEND", backend)
    import_keras()
    assert ("triton" in sys.modules) == kept_out
