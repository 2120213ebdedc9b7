"""Models: backbones, the classifier, save and load."""

from octlib.models.building import build_classifier
from octlib.models.classifier import OctClassifier
from octlib.models.saving import load_classifier

__all__ = ["OctClassifier", "build_classifier", "load_classifier"]
