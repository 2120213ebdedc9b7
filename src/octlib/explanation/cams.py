"""CAMs: class activation maps by pytorch-grad-cam."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from octlib.explanation.last_map import AfterLastMap, AfterLayer, LastMap, look
from octlib.explanation.layers import find_layer


@dataclass(frozen=True)
class CamMethod:
    """One of pytorch-grad-cam's methods, as ``MapMethod`` says.

    Args:
        cam: its class.
        fine: whether it is at its best where a map has a cell for every 16 pixels, and not only at the last map.
    """

    cam: Any
    fine: bool = False

    def __call__(
        self, module: torch.nn.Module, scans: torch.Tensor, classes: np.ndarray, layer: str | None
    ) -> np.ndarray:
        """Make a map of each scan: see ``Method``."""
        return self.of_last_map(look(module, scans, layer), classes)

    def of_last_map(self, seen: LastMap, classes: np.ndarray) -> np.ndarray:
        """Make a map of each scan, at the layer that was watched if one was: see ``MapMethod``."""
        if seen.watched is not None:
            return self._of_layer(seen, seen.watched, classes)
        after = AfterLastMap(seen)
        cam = self.cam(after, [after.feature_map])
        cam.compute_input_gradient = True  # of the last map, which is the input here
        cam.get_target_width_height = lambda _: seen.size[::-1]
        return run_cam(cam, seen.maps, _targets(classes))

    def _of_layer(self, seen: LastMap, watched: torch.Tensor, classes: np.ndarray) -> np.ndarray:
        after = AfterLayer(seen)
        cam = self.cam(after, [after.layer], seen.classifier.backbone.to_map)
        cam.get_target_width_height = lambda _: seen.size[::-1]
        return run_cam(cam, watched.detach(), _targets(classes))


@dataclass(frozen=True)
class MaskingCam:
    """One of pytorch-grad-cam's methods that mask the scan itself, and need the whole network; see ``Method``.

    Args:
        cam: its class.
    """

    cam: Any

    def __call__(
        self, module: torch.nn.Module, scans: torch.Tensor, classes: np.ndarray, layer: str | None
    ) -> np.ndarray:
        """Make a map of each scan: see ``Method``."""
        watched = find_layer(module, scans[:1], layer)
        to_map = None if layer is None else module.backbone.to_map
        # One after another: the masks of a scan, of its size and one for each channel, take hundreds of megabytes.
        cams = (self.cam(module, [watched], to_map) for _ in classes)
        each = zip(cams, scans.split(1), _targets(classes), strict=True)
        return np.concatenate([run_cam(cam, scan, [target]) for cam, scan, target in each])


def run_cam(cam: Any, inputs: torch.Tensor, targets: Sequence[Any]) -> np.ndarray:
    """Run one of grad-cam's objects once, and release what it watches.

    Args:
        cam: the object.
        inputs: of its model.
        targets: what makes a score of the logits of each scan.

    Returns:
        float32 (n, height, width) in [0, 1].
    """
    try:
        with redirect_stderr(StringIO()):  # Two of the methods draw bars of their own, whether or not anybody looks.
            maps = cam(inputs, list(targets))
    finally:
        watching = cam.activations_and_grads
        watching.activations, watching.gradients = [], []  # else detached in place, which torch refuses of views
        watching.release()
    return np.asarray(np.clip(maps, 0, 1), dtype=np.float32)


def _targets(classes: np.ndarray) -> list[ClassifierOutputTarget]:
    return [ClassifierOutputTarget(int(index)) for index in classes]
