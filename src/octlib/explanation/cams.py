"""CAMs: pytorch-grad-cam on a copy of a classifier."""

from __future__ import annotations

from contextlib import nullcontext, redirect_stderr
from io import StringIO
from typing import Any

import numpy as np
import pytorch_grad_cam as grad_cam
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from octlib._progress import wanted as progress_wanted
from octlib._suggest import unknown
from octlib.models import OctClassifier

METHODS = {
    "gradcam": grad_cam.GradCAM,
    "gradcam++": grad_cam.GradCAMPlusPlus,
    "hirescam": grad_cam.HiResCAM,
    "xgradcam": grad_cam.XGradCAM,
    "layercam": grad_cam.LayerCAM,
    "eigencam": grad_cam.EigenCAM,
    "eigengradcam": grad_cam.EigenGradCAM,
    "scorecam": grad_cam.ScoreCAM,
    "ablationcam": grad_cam.AblationCAM,
}


class CamMaker:
    """Makes maps by one method at one layer.

    pytorch-grad-cam registers hooks, switches modes and leaves gradients behind, so it gets a copy: the classifier
    itself can't change, whatever happens.

    Args:
        classifier: whose decision is explained.
        method: a key of ``METHODS``.
        layer: timm's name of a layer; ``None`` is the last map.

    Raises:
        ValueError: if the method or the layer is unknown.
    """

    def __init__(self, classifier: OctClassifier, method: str, layer: str | None) -> None:
        if method not in METHODS:
            raise unknown("method", method, METHODS)
        self._module = classifier.to_torch().requires_grad_(False)
        backbone = self._module.backbone
        named = {name: module for name, module in backbone.module.named_modules() if name}
        if layer is not None and layer not in named:
            raise unknown("layer", layer, named)
        self._method, self._layer_name = method, layer
        self._layer = backbone.feature_map if layer is None else named[layer]
        self._to_map: Any = None if layer is None else backbone.to_map
        self._cam = METHODS[method](model=self._module, target_layers=[self._layer], reshape_transform=self._to_map)
        # The weights are frozen, so the gradient has to start at the scan: else there is none at the layer.
        self._cam.compute_input_gradient = True

    def __call__(self, images: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Make a map of each scan.

        Args:
            images: preprocessed scans, uint8 (n, height, width).
            wanted: class indices, int (n,); -1 stands for the predicted class.

        Returns:
            float32 (n, height, width) in [0, 1], and the class indices that were explained, int (n,).
        """
        scans = torch.from_numpy(images).float().unsqueeze(1).to(self._cam.device)
        predicted = self._predict(scans)
        classes = np.where(wanted < 0, predicted, wanted)
        # Two of the methods draw bars of their own, whether or not anybody watches.
        with nullcontext() if progress_wanted(None) else redirect_stderr(StringIO()):
            maps = self._cam(scans, [ClassifierOutputTarget(int(index)) for index in classes])
        return np.clip(maps, 0, 1).astype(np.float32), classes

    def _predict(self, scans: torch.Tensor) -> np.ndarray:
        """Predict classes, int (n,), and see on the way that the layer gives a map."""
        seen: list[torch.Tensor] = []
        hook = self._layer.register_forward_hook(lambda *call: seen.append(call[-1]))
        with torch.inference_mode():
            predicted: np.ndarray = self._module(scans).argmax(1).cpu().numpy()
        hook.remove()
        if self._to_map is not None:
            self._require_map(seen, len(scans))
        return predicted

    def _require_map(self, seen: list[torch.Tensor], n: int) -> None:
        if len(seen) != 1 or seen[0].ndim not in (3, 4) or len(seen[0]) != n:
            raise ValueError(
                f"A layer must give a map of the scans, and {self._layer_name!r} doesn't. Choose a stage or a block of "
                "the network, or leave layer out for the last map."
            )
        if self._method == "ablationcam" and self._to_map(seen[0]) is not seen[0]:
            raise ValueError(
                f"ablationcam needs a layer with its channels first, and {self._layer_name!r} has them last. "
                "Leave layer out for the last map, or choose another method."
            )
