"""Models: backbones, the classifier, save and load, export."""

from octlib.models.building import build_classifier
from octlib.models.classifier import OctClassifier
from octlib.models.exporting import export_classifier
from octlib.models.listing import ListedBackbone, list_backbones
from octlib.models.saving import load_classifier

__all__ = [
    "ListedBackbone",
    "OctClassifier",
    "build_classifier",
    "export_classifier",
    "list_backbones",
    "load_classifier",
]
