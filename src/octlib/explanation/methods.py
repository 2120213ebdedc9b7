"""Methods: what every way to explain a decision has in common, and all that there are."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import pytorch_grad_cam as grad_cam
import torch

from octlib.explanation.ablation import AblationMethod
from octlib.explanation.cams import CamMethod, MaskingCam
from octlib.explanation.integrated_gradients import IntegratedGradients
from octlib.explanation.last_map import LastMap
from octlib.explanation.occlusion import Occlusion
from octlib.explanation.shapley import ShapleyMethod
from octlib.explanation.torchcams import TorchcamMethod


class Method(Protocol):
    """A way to explain: a function from scans and classes to maps.

    Where no layer is named it is asked at the last map, or, if it has an attribute ``fine`` that is true, at the
    deepest one with a cell for every 16 x 16 pixels.
    """

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


# Of pytorch-grad-cam's others, FinerCAM is what ``against`` does for every method; FullGrad needs the biases of all
# layers, and finds those of no BatchNorm of timm's, LayerNorm or Linear; guided backpropagation hardly changes with the
# weights (Adebayo et al. 2018); RandomCAM explains nothing; SegEigenCAM is for segmentation; RefineCAM and SESS came
# after 1.5.5, and SESS wants scans of many sizes. Of torchcam's, LeGrad needs torchvision's transformers.
METHODS: dict[str, Method] = {
    "gradcam": CamMethod(grad_cam.GradCAM),
    "gradcam++": CamMethod(grad_cam.GradCAMPlusPlus),
    "hirescam": CamMethod(grad_cam.HiResCAM),
    "xgradcam": CamMethod(grad_cam.XGradCAM),
    "layercam": CamMethod(grad_cam.LayerCAM),
    "elementwisecam": CamMethod(grad_cam.GradCAMElementWise, fine=True),
    "shapleycam": ShapleyMethod(),
    "smoothgradcam++": TorchcamMethod("SmoothGradCAMpp", samples=4),
    "eigencam": CamMethod(grad_cam.EigenCAM),
    "eigengradcam": CamMethod(grad_cam.EigenGradCAM),
    "kpcacam": CamMethod(grad_cam.KPCA_CAM),
    "fem": CamMethod(grad_cam.FEM),
    "scorecam": MaskingCam(grad_cam.ScoreCAM),
    "sscam": TorchcamMethod("SSCAM", samples=35),
    "iscam": TorchcamMethod("ISCAM", samples=10),
    "ablationcam": AblationMethod(),
    "occlusion": Occlusion(),
    "integrated_gradients": IntegratedGradients(),
}
