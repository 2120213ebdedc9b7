"""Model card: the README of a saved classifier."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from octlib.models.classifier import OctClassifier


def model_card(classifier: OctClassifier) -> str:
    """Describe a classifier for whoever finds its folder.

    Args:
        classifier: what to describe.

    Returns:
        Markdown.
    """
    spec = classifier.backbone.spec
    height, width = classifier.image_size
    return f"""# An OCT classifier

Classes: {", ".join(classifier.class_names)}.

| | |
|---|---|
| backbone | {spec.architecture} (timm), weights: {spec.origin}, {"frozen" if classifier.frozen else "fine-tuned"} |
| head | {classifier.backbone.pooling} pooling, one dense layer |
| input | {height} x {width} pixels (height x width), grey or RGB in 0-255 |
| preprocessing | {classifier.preprocessing.describe()} |
| written by | octlib {version("octlib")} |

```python
import octlib

classifier = octlib.load_classifier("this-folder")
octlib.predict(classifier, "a-folder-of-scans")
```

For research only: this is not a medical device, and says nothing about a patient.
"""
