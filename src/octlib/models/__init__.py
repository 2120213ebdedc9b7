"""Models: backbones, the classifier, save and load, export."""

from typing import TYPE_CHECKING

from octlib._lazy import lazy

if TYPE_CHECKING:
    from octlib.models.building import build_classifier
    from octlib.models.classifier import OctClassifier
    from octlib.models.description import describe_classifier
    from octlib.models.listing import BackboneList, ListedBackbone, list_backbones
    from octlib.models.loading import load_classifier
    from octlib.models.postprocessing import Postprocessing

__all__ = [
    "BackboneList",
    "ListedBackbone",
    "OctClassifier",
    "Postprocessing",
    "build_classifier",
    "describe_classifier",
    "list_backbones",
    "load_classifier",
]

# Names of backbones and postprocessing need neither torch nor Keras, which take seconds to import.
__getattr__, __dir__ = lazy(
    __name__,
    {
        "BackboneList": "listing",
        "ListedBackbone": "listing",
        "OctClassifier": "classifier",
        "Postprocessing": "postprocessing",
        "build_classifier": "building",
        "describe_classifier": "description",
        "list_backbones": "listing",
        "load_classifier": "loading",
    },
)
