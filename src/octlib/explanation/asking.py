"""Asking: a classifier, and the way in which it is asked about one batch of scans after another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from pytorch_grad_cam.utils.image import scale_cam_image

from octlib.explanation.cams import CamMethod
from octlib.explanation.last_map import LastMap, look
from octlib.explanation.layers import LAST, find_fine_layer
from octlib.explanation.methods import MapMethod, Method
from octlib.explanation.noise import noisy
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
        layers: timm's names, or ``"last map"``; none for what suits the method. The maps of several are averaged.
        smooth: how many noisy copies of each scan the maps are averaged over; 0 takes the scan as it is.
        postprocessing: makes one prediction of the views of a scan.
    """

    module: TorchClassifier
    backbone: str | None
    method: Method
    layers: tuple[str, ...]
    smooth: int
    postprocessing: Postprocessing

    @cached_property
    def parts(self) -> dict[str, TorchClassifier]:
        """The backbones by name, each with its part of the head; a single one has no name."""
        parts = self.module.parts() or {"": self.module}
        for each in (self.module, *parts.values()):
            each.requires_grad_(False)
        return parts

    @cached_property
    def places(self) -> dict[str, tuple[str, ...]]:
        """At which layers each backbone is asked, by its name."""
        if self.layers:
            return dict.fromkeys(self.parts, self.layers)
        fine = getattr(self.method, "fine", False)
        return {name: (find_fine_layer(part) if fine else LAST,) for name, part in self.parts.items()}

    def describe_places(self) -> tuple[str, ...]:
        """Name the layers asked; with their backbones where those are asked at different ones."""
        asked = {name: layers for name, layers in self.places.items() if self.backbone in (None, name)}
        if len(set(asked.values())) == 1:
            return next(iter(asked.values()))
        return tuple(f"{layer} of {name}" for name, layers in asked.items() for layer in layers)

    def of_batch(
        self, images: np.ndarray, wanted: np.ndarray, against: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Explain some scans.

        Args:
            images: uint8 (n, height, width), preprocessed.
            wanted: int (n,): the class to explain for each; -1 is the predicted one.
            against: int (n,): the class that it is to be told from.

        Returns:
            Maps, float32 (n, height, width), and the classes explained and predicted, int (n,).
        """
        mirrored = self.postprocessing.views
        scans = torch.from_numpy(images).float().unsqueeze(1).to(self.module.backbone.mean.device)
        views = [scans.flip(-1) if each else scans for each in mirrored]
        seen = [self._look(view) for view in views]
        predicted = self.postprocessing.combine([self._predict(each) for each in seen]).argmax(axis=1)
        asked = np.where(wanted < 0, predicted, wanted), against
        maps = [self._smooth_map(view, each, *asked) for view, each in zip(views, seen, strict=True)]
        turned = [heatmaps[:, :, ::-1] if each else heatmaps for heatmaps, each in zip(maps, mirrored, strict=True)]
        return np.mean(turned, axis=0), asked[0], predicted

    def _look(self, scans: torch.Tensor) -> dict[str, LastMap]:
        return {name: look(part, scans, self._watched(name)) for name, part in self.parts.items()}

    def _watched(self, name: str) -> str | None:
        """Name the layer that a method needs beside the last map, where the first pass through a backbone gives it."""
        (layer, *others), asked = self.places[name], self.backbone in (None, name)
        return layer if asked and not others and layer != LAST and isinstance(self.method, CamMethod) else None

    def _predict(self, seen: dict[str, LastMap]) -> np.ndarray:
        """Return probabilities, float32 (n, classes)."""
        with torch.no_grad():
            logits = self.module.head(torch.cat([each.features for each in seen.values()], dim=1))
        probabilities: np.ndarray = logits.softmax(1).cpu().numpy()
        return probabilities

    def _smooth_map(
        self, scans: torch.Tensor, seen: dict[str, LastMap], classes: np.ndarray, against: np.ndarray | None
    ) -> np.ndarray:
        """Average the maps of noisy copies of the scans: float32 (n, height, width) in [0, 1]."""
        if not self.smooth:
            return self._joint_map(scans, seen, classes, against)
        copies = noisy(scans, self.smooth)
        maps = [self._joint_map(each, self._look(each), classes, against) for each in copies]
        return np.asarray(np.mean(maps, axis=0))

    def _joint_map(
        self, scans: torch.Tensor, seen: dict[str, LastMap], classes: np.ndarray, against: np.ndarray | None
    ) -> np.ndarray:
        """Average the maps of the backbones asked."""
        asked = {name: each for name, each in seen.items() if self.backbone in (None, name)}
        maps = [self._map(scans, each, self.places[name], classes, against) for name, each in asked.items()]
        if len(asked) == 1:
            return maps[0]
        weights = shares(list(asked.values()), scans, classes, against)[:, :, None, None]
        return np.asarray((weights * maps).sum(axis=0), dtype=np.float32)

    def _map(
        self,
        scans: torch.Tensor,
        seen: LastMap,
        layers: tuple[str, ...],
        classes: np.ndarray,
        against: np.ndarray | None,
    ) -> np.ndarray:
        """Make the maps of one backbone."""
        if against is not None:
            seen, classes = seen.contrasted(classes, against), np.arange(len(classes))
        if isinstance(self.method, MapMethod) and (layers == (LAST,) or seen.watched is not None):
            return self.method.of_last_map(seen, classes)
        names = [None if layer == LAST else layer for layer in layers]
        maps = [self.method(seen.classifier, scans, classes, name) for name in names]
        return maps[0] if len(maps) == 1 else np.asarray(scale_cam_image(np.mean(maps, axis=0)))
