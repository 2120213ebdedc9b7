"""Asking: a classifier, and the way in which it is asked about one batch of scans after another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from octlib.explanation.last_map import LastMap, look
from octlib.explanation.methods import MapMethod, Method
from octlib.explanation.shares import shares
from octlib.models import Postprocessing
from octlib.models.torch_modules import TorchClassifier


@dataclass(frozen=True, eq=False)
class Asking:
    """How all scans of one explanation are asked about.

    Args:
        module: the classifier, a copy, in evaluation mode.
        backbone: which of several to ask; ``None`` is all.
        method: makes the maps.
        layer: timm's name; ``None`` is the last map.
        postprocessing: makes one prediction of the views of a scan.
    """

    module: TorchClassifier
    backbone: str | None
    method: Method
    layer: str | None
    postprocessing: Postprocessing

    @cached_property
    def parts(self) -> dict[str, TorchClassifier]:
        """The backbones by name, each with its part of the head; a single one has no name."""
        parts = self.module.parts() or {"": self.module}
        for each in (self.module, *parts.values()):
            each.requires_grad_(False)
        return parts

    def of_batch(self, images: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Explain some scans.

        Args:
            images: uint8 (n, height, width), preprocessed.
            wanted: int (n,): the class to explain for each; -1 is the predicted one.

        Returns:
            Maps, float32 (n, height, width), and the classes explained and predicted, int (n,).
        """
        mirrored = self.postprocessing.views
        scans = torch.from_numpy(images).float().unsqueeze(1).to(self.module.backbone.mean.device)
        views = [scans.flip(-1) if each else scans for each in mirrored]
        seen = [{name: look(part, view) for name, part in self.parts.items()} for view in views]
        predicted = self.postprocessing.combine([self._predict(each) for each in seen]).argmax(axis=1)
        classes = np.where(wanted < 0, predicted, wanted)
        maps = [self._joint_map(view, each, classes) for view, each in zip(views, seen, strict=True)]
        turned = [heatmaps[:, :, ::-1] if each else heatmaps for heatmaps, each in zip(maps, mirrored, strict=True)]
        return np.mean(turned, axis=0), classes, predicted

    def _predict(self, seen: dict[str, LastMap]) -> np.ndarray:
        """Return probabilities, float32 (n, classes)."""
        with torch.no_grad():
            logits = self.module.head(torch.cat([each.features for each in seen.values()], dim=1))
        probabilities: np.ndarray = logits.softmax(1).cpu().numpy()
        return probabilities

    def _joint_map(self, scans: torch.Tensor, seen: dict[str, LastMap], classes: np.ndarray) -> np.ndarray:
        """Average the maps of the backbones asked: float32 (n, height, width) in [0, 1]."""
        asked = [each for name, each in seen.items() if self.backbone in (None, name)]
        maps = [self._map(scans, each, classes) for each in asked]
        if len(asked) == 1:
            return maps[0]
        return np.asarray((shares(asked, scans, classes)[:, :, None, None] * maps).sum(axis=0), dtype=np.float32)

    def _map(self, scans: torch.Tensor, seen: LastMap, classes: np.ndarray) -> np.ndarray:
        """Make the maps of one backbone."""
        if self.layer is None and isinstance(self.method, MapMethod):
            return self.method.of_last_map(seen, classes)
        return self.method(seen.classifier, scans, classes, self.layer)
