"""Cut classifier: a classifier some of whose stages learn, from where the first of them begins."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from octlib.models.classifier import OctClassifier
from octlib.models.joined_backbone import JoinedBackbone
from octlib.models.keras_backend import keras
from octlib.models.passes import FeaturePass
from octlib.models.stage_cut import StageCut, cut_stages


class CutClassifier:
    """What of a classifier is left to train on the results of its frozen stages.

    Args:
        classifier: the whole.
        cuts: of each of its backbones; ``None`` for one that is frozen as a whole.
    """

    def __init__(self, classifier: OctClassifier, cuts: list[StageCut | None]) -> None:
        self._cuts = cuts
        self.preprocessing = classifier.preprocessing
        layers = [
            member if found is None else found.frozen for member, found in zip(members(classifier), cuts, strict=True)
        ]
        self.passes = tuple(FeaturePass(layer, self.preprocessing) for layer in layers)
        ends = np.cumsum([0, *(layer.n_features for layer in layers)])
        self._places = list(pairwise(map(int, ends)))

    @property
    def n_values(self) -> int:
        """How many numbers the frozen stages give for each scan."""
        return self._places[-1][1]

    def extract(self, scans: np.ndarray) -> np.ndarray:
        """Compute what the frozen stages give; see ``OctClassifier.extract``."""
        return np.concatenate([each.extract(scans) for each in self.passes], axis=1)

    def features(self, rows: Any) -> Any:
        """Compute the classifier's features from what ``extract`` gave: float32 (batch, features)."""
        parts = [
            rows[:, start:end] if found is None else found.features(rows[:, start:end])
            for found, (start, end) in zip(self._cuts, self._places, strict=True)
        ]
        return parts[0] if len(parts) == 1 else keras.ops.concatenate(parts, axis=1)


def members(classifier: OctClassifier) -> list[Any]:
    """List a classifier's backbones."""
    backbone = classifier.backbone
    return backbone.members if isinstance(backbone, JoinedBackbone) else [backbone]


def cut_classifier(classifier: OctClassifier) -> CutClassifier | None:
    """Cut a classifier before its first stages that learn.

    Args:
        classifier: some of whose stages are unfrozen.

    Returns:
        The cut classifier; ``None`` if a backbone can't be cut, see ``cut_stages``.
    """
    cuts = []
    for member in members(classifier):
        found = cut_stages(member) if member.trainable else None
        if member.trainable and found is None:
            return None
        cuts.append(found)
    return CutClassifier(classifier, cuts)
