"""Exporting: a classifier as one file for other programs, compared with what it came from."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from octlib._files import written_whole
from octlib._suggest import unknown
from octlib.models.classifier import OctClassifier
from octlib.models.keras_backend import keras

FORMATS = {"onnx": ".onnx", "torch": ".pt2"}
CHECKED = 4  # scans whose probabilities are compared


def export_classifier(classifier: OctClassifier, path: str | Path, *, format: str = "onnx") -> float:  # noqa: A002
    """Write a classifier as one file that needs neither octlib nor Keras, run the file, and compare.

    In: ``scans`` after ``classifier.preprocess``, float32 (batch, height, width) in 0-255, a batch of any length. Out:
    ``probabilities``, float32 (batch, classes). The file holds the names of the classes, as JSON under ``class_names``
    in the metadata of ONNX, and in torch's extra file ``class_names.json``. Flips aren't part of it.

    Args:
        classifier: what to export; it isn't changed.
        path: of the file, ``.onnx`` or ``.pt2``; one that is there is never replaced.
        format: ``"onnx"``, for ONNX Runtime and others (needs the extra ``octlib[onnx]``); or ``"torch"``, a program
            that ``torch.export.load`` reads.

    Returns:
        The largest difference between the file's probabilities and the classifier's own, on a few random scans: about
        1e-6, from sums in another order.

    Raises:
        ValueError: if the format is unknown, or the suffix is that of another one.
        FileExistsError: if something is at ``path``.
        ModuleNotFoundError: if the packages of ``octlib[onnx]`` are missing.
        OSError: if the file can't be written.

    Example:
        >>> import octlib, tempfile
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> export_classifier(classifier, tempfile.mkdtemp() + "/classifier.pt2", format="torch") < 1e-5
        True
    """
    target = Path(path)
    _check(target, format)
    scans = _random_scans(classifier)
    with written_whole(target) as part:
        with _silent():
            _WRITERS[format](classifier, scans, part)
            found = _READERS[format](scans, part)
        own = keras.ops.convert_to_numpy(classifier(scans))
    return float(np.abs(found - own).max())


def _check(target: Path, format: str) -> None:  # noqa: A002
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if target.suffix != FORMATS[format]:
        raise ValueError(f"The name of a file of format {format!r} must end in {FORMATS[format]}, got {target.name!r}.")
    if target.exists():
        raise FileExistsError(f"{target} exists already. Choose another name, or remove it.")
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if format == "onnx" and missing:
        raise ModuleNotFoundError(
            f"ONNX needs {' and '.join(missing)}, not installed here. Run: pip install 'octlib[onnx]'"
        )


def _random_scans(classifier: OctClassifier) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (CHECKED, *classifier.image_size)).astype(np.float32)


def _write_onnx(classifier: OctClassifier, scans: np.ndarray, file: Path) -> None:
    # Not by Keras: its export numbers inputs and outputs, and fixes a transformer's output at a batch of one.
    names = {"input_names": ["scans"], "output_names": ["probabilities"]}
    onnx = torch.onnx.export(_program(classifier, scans), dynamo=True, verbose=False, **names)
    onnx.model.metadata_props["class_names"] = json.dumps(classifier.class_names)
    onnx.save(file)


def _write_torch(classifier: OctClassifier, scans: np.ndarray, file: Path) -> None:
    extra = {"class_names.json": json.dumps(classifier.class_names)}
    torch.export.save(_program(classifier, scans), file, extra_files=extra)


def _program(classifier: OctClassifier, scans: np.ndarray) -> Any:
    # On the processor, wherever the classifier is: such a file can be read on any machine.
    module = torch.nn.Sequential(classifier.to_torch(), torch.nn.Softmax(dim=1)).cpu().eval().requires_grad_(False)
    return torch.export.export(module, (torch.from_numpy(scans),), dynamic_shapes=({0: torch.export.Dim("batch")},))


def _run_onnx(scans: np.ndarray, file: Path) -> Any:
    from onnxruntime import InferenceSession

    session = InferenceSession(file, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"scans": scans})[0]


def _run_torch(scans: np.ndarray, file: Path) -> Any:
    with torch.inference_mode():
        return torch.export.load(file).module()(torch.from_numpy(scans)).numpy()


_WRITERS: dict[str, Callable[[OctClassifier, np.ndarray, Path], None]] = {"onnx": _write_onnx, "torch": _write_torch}
_READERS: dict[str, Callable[[np.ndarray, Path], Any]] = {"onnx": _run_onnx, "torch": _run_torch}


@contextmanager
def _silent() -> Iterator[None]:
    """Keep back what exporters write on the way: it is meant for their developers."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
