"""Methods: what every way to explain a decision has in common, and all that there are."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import pytorch_grad_cam as grad_cam
import torch

from octlib.explanation.ablation import AblationMethod
from octlib.explanation.cams import CamMethod, MaskingCam
from octlib.explanation.last_map import LastMap


class Method(Protocol):
    """A way to explain: a function from scans and classes to maps."""

    def __call__(
        self, module: torch.nn.Module, scans: torch.Tensor, classes: np.ndarray, layer: str | None
    ) -> np.ndarray:
        """Make a map of each scan.

        Args:
            module: what ``classifier.to_torch()`` gives, in evaluation mode and without gradients of its weights; it is
                left as it was.
            scans: preprocessed, float32 (n, 1, height, width) in 0-255, where the module is.
            classes: int (n,): the index of the class to explain, for each scan.
            layer: timm's name of a layer; ``None`` is the last map, or what suits a method without layers.

        Returns:
            float32 (n, height, width) in [0, 1], high where support for the class was found.

        Raises:
            ValueError: if there is no such layer, or it doesn't suit the method.
        """


@runtime_checkable
class MapMethod(Method, Protocol):
    """A method that needs no more than the last map, where no layer is named: the scans pass the backbone once."""

    def of_last_map(self, seen: LastMap, classes: np.ndarray) -> np.ndarray:
        """Make a map of each scan.

        Args:
            seen: what the backbone made of the scans.
            classes: int (n,): the index of the class to explain, for each scan.

        Returns:
            float32 (n, height, width) in [0, 1], at the size of the scans.
        """


METHODS: dict[str, Method] = {
    "gradcam": CamMethod(grad_cam.GradCAM),
    "gradcam++": CamMethod(grad_cam.GradCAMPlusPlus),
    "hirescam": CamMethod(grad_cam.HiResCAM),
    "xgradcam": CamMethod(grad_cam.XGradCAM),
    "layercam": CamMethod(grad_cam.LayerCAM),
    "eigencam": CamMethod(grad_cam.EigenCAM),
    "eigengradcam": CamMethod(grad_cam.EigenGradCAM),
    "scorecam": MaskingCam(grad_cam.ScoreCAM),
    "ablationcam": AblationMethod(),
}
