"""Last map: what a backbone makes of scans before it pools, or at a layer, and the way from there to the logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from octlib.explanation.layers import name_layer, require_map
from octlib.models.torch_modules import TimmFeatures, TorchClassifier

FEW = 4  # scans whose early maps a processor holds near itself; with 16 the pass takes a quarter longer


@dataclass(frozen=True, eq=False)
class LastMap:
    """What one backbone made of some scans, once and, up to the layer that is watched, without gradients.

    A class activation map at the last map, or at that layer, needs nothing else: neither the scans nor the layers
    before.

    Args:
        classifier: that saw the scans, with a single backbone.
        outputs: what its backbone gave, as ``TimmFeatures.outputs_of`` says.
        size: (height, width) of the scans in pixels.
        watched: what a layer gave, in the architecture's own layout; gradients lead there and no further.
    """

    classifier: TorchClassifier
    outputs: Sequence[torch.Tensor]
    size: tuple[int, int]
    watched: torch.Tensor | None = None

    @cached_property
    def maps(self) -> torch.Tensor:
        """float32 (n, channels, height, width)."""
        return _backbone(self.classifier).to_map(self.outputs[-1])

    @cached_property
    def features(self) -> torch.Tensor:
        """float32 (n, features)."""
        with torch.no_grad():
            return _backbone(self.classifier).pool(self.maps, self.outputs)

    @property
    def logits(self) -> torch.Tensor:
        """float32 (n, classes)."""
        with torch.no_grad():
            logits: torch.Tensor = self.classifier.head(self.features)
        return logits

    def of_one(self, index: int) -> LastMap:
        """Return what was made of one of the scans."""
        return LastMap(self.classifier, [each[index : index + 1] for each in self.outputs], self.size)

    def contrasted(self, classes: np.ndarray, others: np.ndarray) -> LastMap:
        """Ask of each scan by how much the logit of one class exceeds that of another.

        Args:
            classes: int (n,): the index of the one, for each scan.
            others: int (n,): of the other.

        Returns:
            The same, with a head whose output i is the difference for scan i.
        """
        head, device = self.classifier.head, self.maps.device
        one, other = (torch.as_tensor(indices, device=device) for indices in (classes, others))
        with torch.no_grad():
            weight, bias = head.weight[one] - head.weight[other], head.bias[one] - head.bias[other]
        asked = TorchClassifier(self.classifier.backbone, weight, bias).to(device).eval().requires_grad_(False)
        return LastMap(asked, self.outputs, self.size, self.watched)


class AfterLastMap(torch.nn.Module):
    """What comes after the last map, pooling and head: maps in, logits out.

    Args:
        seen: whose other tokens and branches go with the maps. Where it is of one scan, there may be any number of maps
            in its place.
    """

    def __init__(self, seen: LastMap) -> None:
        super().__init__()
        self.feature_map = torch.nn.Identity()
        self.head = seen.classifier.head
        self._pool = _backbone(seen.classifier).pool
        self._outputs = seen.outputs

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Compute logits, (n, classes), of maps, (n, channels, height, width)."""
        outputs = [each.expand(len(maps), *each.shape[1:]) for each in self._outputs]
        logits: torch.Tensor = self.head(self._pool(self.feature_map(maps), outputs))
        return logits


class AfterLayer(torch.nn.Module):
    """What comes after a layer, as it was passed through already: whatever goes in, those logits come out.

    Args:
        seen: with what the layer gave.
    """

    def __init__(self, seen: LastMap) -> None:
        super().__init__()
        self.layer = torch.nn.Identity()
        self.head = seen.classifier.head
        self._seen = seen

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        """Give the logits, (n, classes), whose gradients lead to what the layer gave."""
        self.layer(self._seen.watched)
        backbone, outputs = _backbone(self._seen.classifier), self._seen.outputs
        logits: torch.Tensor = self.head(backbone.pool(backbone.to_map(outputs[-1]), outputs))
        return logits


def look(classifier: TorchClassifier, scans: torch.Tensor, layer: str | None = None) -> LastMap:
    """Pass scans through a backbone.

    Args:
        classifier: with a single backbone, in evaluation mode, its weights without gradients.
        scans: float32 (n, 1, height, width) in 0-255.
        layer: timm's name of a layer to watch, from which on gradients are kept.

    Returns:
        What there is before the backbone pools.

    Raises:
        ValueError: if there is no such layer, or it gives no map.
    """
    backbone, watched = _backbone(classifier), []

    def begin(*call: torch.Tensor) -> torch.Tensor:
        watched.append(call[-1])
        require_map(watched, str(layer), len(scans))
        watched[0] = call[-1].detach().requires_grad_()
        return watched[0].clone()  # for layers that come next and work in place, which torch refuses where it begins

    hook = None if layer is None else name_layer(classifier, layer).register_forward_hook(begin)
    # Gradients lead to what the layer made of all scans at once.
    few = len(scans) if layer is not None or scans.device.type != "cpu" else FEW
    try:
        with torch.set_grad_enabled(layer is not None):
            parts = [backbone.outputs_of(backbone.normalised(part)) for part in scans.split(few)]
            outputs = [torch.cat(each) for each in zip(*parts, strict=True)]
    finally:
        if hook is not None:
            hook.remove()
    if layer is not None:
        require_map(watched, layer, len(scans))  # what comes after the last map was not passed through
    return LastMap(classifier, outputs, backbone.image_size, watched[0] if watched else None)


def _backbone(classifier: TorchClassifier) -> TimmFeatures:
    backbone: TimmFeatures = classifier.backbone
    return backbone
