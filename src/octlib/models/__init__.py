"""Models: backbones, the classifier, save and load, export."""

from octlib.models.building import build_classifier
from octlib.models.classifier import OctClassifier
from octlib.models.listing import ListedBackbone, list_backbones
from octlib.models.loading import load_classifier
from octlib.models.postprocessing import Postprocessing

__all__ = [
    "ListedBackbone",
    "OctClassifier",
    "Postprocessing",
    "build_classifier",
    "list_backbones",
    "load_classifier",
]
