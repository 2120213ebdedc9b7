"""CAMs: pytorch-grad-cam on a copy of a classifier."""

from __future__ import annotations

import numpy as np
import pytorch_grad_cam as grad_cam
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

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
        named = dict(backbone.module.named_modules())
        if layer is not None and layer not in named:
            raise unknown("layer", layer, [name for name in named if name])
        self._cam = METHODS[method](
            model=self._module,
            target_layers=[backbone.feature_map if layer is None else named[layer]],
            reshape_transform=None if layer is None else backbone.to_map,
        )
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
        with torch.inference_mode():
            predicted = self._module(scans).argmax(1).cpu().numpy()
        classes = np.where(wanted < 0, predicted, wanted)
        maps = self._cam(scans, [ClassifierOutputTarget(int(index)) for index in classes])
        return np.clip(maps, 0, 1).astype(np.float32), classes
