"""Exporting: a classifier as one file for other programs, which gives what the classifier gives or isn't written."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from octlib._files import written_whole
from octlib._suggest import unknown
from octlib.errors import MissingPackageError
from octlib.models.postprocessing import Postprocessing
from octlib.models.torch_modules import TorchClassifier

FORMATS = {"onnx": ".onnx", "torch": ".pt2"}
CHECKED = 4  # scans whose probabilities are compared
ALLOWED = 1e-4  # difference of a probability; sums in another order make about 1e-6


class Predictor(torch.nn.Module):
    """A classifier with its postprocessing: scans in, predictions out.

    Args:
        classifier: gives logits.
        postprocessing: makes one prediction of the views of a scan.
    """

    def __init__(self, classifier: TorchClassifier, postprocessing: Postprocessing) -> None:
        super().__init__()
        self.classifier, self.postprocessing = classifier, postprocessing

    def forward(self, scans: torch.Tensor) -> Any:
        """Predict.

        Args:
            scans: float in 0-255, (batch, height, width).

        Returns:
            Probabilities, float32 (batch, classes).
        """
        views = [scans.flip(-1) if mirrored else scans for mirrored in self.postprocessing.views]
        return self.postprocessing.combine([self.classifier(view).softmax(dim=1) for view in views])


def export_file(
    predictor: Predictor,
    target: Path,
    format: str,  # noqa: A002
    *,
    class_names: Sequence[str],
    predicted: Callable[[np.ndarray], np.ndarray],
) -> float:
    """Write a predictor as one file, run the file, and keep it if it gives what it has to give.

    Args:
        predictor: what to export; it is moved to the processor.
        target: the file that is to be.
        format: one of ``FORMATS``.
        class_names: kept in the file.
        predicted: what the file has to give for float32 (n, height, width).

    Returns:
        The largest difference of a probability, on a few random scans.

    Raises:
        ValueError: if the format is unknown, the suffix is that of another one, or the difference is above 1e-4.
        FileExistsError: if something is at ``target``.
        MissingPackageError: if the packages of ``octlib[onnx]`` are missing.
        OSError: if the file can't be written.
    """
    _check(target, format)
    size = predictor.classifier.backbone.image_size
    scans = np.random.default_rng(0).integers(0, 256, (CHECKED, *size)).astype(np.float32)
    wanted = predicted(scans)
    with written_whole(target) as part:
        with _silent():
            _WRITERS[format](_program(predictor, scans), json.dumps(list(class_names)), part)
            found = _READERS[format](scans, part)
        difference = float(np.abs(found - wanted).max())
        if not difference <= ALLOWED:  # NaN is refused too
            raise ValueError(
                f"{target.name} was not written: a probability would differ by {difference:.2g} from the "
                f"classifier's own, and at most {ALLOWED:g} is allowed. Choose another format."
            )
    return difference


def _check(target: Path, format: str) -> None:  # noqa: A002
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if target.suffix != FORMATS[format]:
        raise ValueError(f"The name of a file of format {format!r} must end in {FORMATS[format]}, got {target.name!r}.")
    if target.exists():
        raise FileExistsError(f"{target} exists already. Choose another name, or remove it.")
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if format == "onnx" and missing:
        raise MissingPackageError(
            f"ONNX needs {' and '.join(missing)}, not installed here.", "Run: pip install 'octlib[onnx]'"
        )


def _program(predictor: Predictor, scans: np.ndarray) -> Any:
    # On the processor, wherever the classifier is: such a file can be read on any machine.
    module = predictor.cpu().eval().requires_grad_(False)
    return torch.export.export(module, (torch.from_numpy(scans),), dynamic_shapes=({0: torch.export.Dim("batch")},))


def _write_onnx(program: Any, class_names: str, file: Path) -> None:
    # Not by Keras: its export numbers inputs and outputs, and fixes a transformer's output at a batch of one.
    names = {"input_names": ["scans"], "output_names": ["probabilities"]}
    onnx = torch.onnx.export(program, dynamo=True, verbose=False, **names)
    onnx.model.metadata_props["class_names"] = class_names
    onnx.save(file)


def _write_torch(program: Any, class_names: str, file: Path) -> None:
    torch.export.save(program, file, extra_files={"class_names.json": class_names})


def _run_onnx(scans: np.ndarray, file: Path) -> Any:
    from onnxruntime import InferenceSession

    session = InferenceSession(file, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"scans": scans})[0]


def _run_torch(scans: np.ndarray, file: Path) -> Any:
    with torch.inference_mode():
        return torch.export.load(file).module()(torch.from_numpy(scans)).numpy()


_WRITERS: dict[str, Callable[[Any, str, Path], None]] = {"onnx": _write_onnx, "torch": _write_torch}
_READERS: dict[str, Callable[[np.ndarray, Path], Any]] = {"onnx": _run_onnx, "torch": _run_torch}


@contextmanager
def _silent() -> Iterator[None]:
    """Keep back what exporters write on the way: it is meant for their developers."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
