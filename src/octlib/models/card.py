"""Model card: the README of a saved classifier."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from octlib.models.joined_spec import as_spec
from octlib.models.postprocessing import Postprocessing
from octlib.preprocessing import Preprocessing


def model_card(settings: Mapping[str, Any]) -> str:
    """Describe a classifier for whoever finds its folder.

    Args:
        settings: the classifier's, from ``get_config``.

    Returns:
        Markdown.
    """
    spec, preprocessing = as_spec(settings["backbone"]), Preprocessing.from_dict(settings["preprocessing"])
    height, width = preprocessing.image_size
    frozen = "frozen" if settings["frozen"] else "fine-tuned"
    return f"""# An OCT classifier

Classes: {", ".join(settings["class_names"])}.

| | |
|---|---|
| backbone | {spec.architecture} (timm), weights: {spec.origin}, {frozen} |
| head | {settings["pooling"]} pooling, one dense layer |
| input | {height} x {width} pixels (height x width), grey or RGB in 0-255 |
| preprocessing | {preprocessing.describe()} |
| prediction | {Postprocessing.from_dict(settings["postprocessing"]).describe()} |
| written by | octlib {version("octlib")} |

```python
import octlib

classifier = octlib.load_classifier("this-folder")
octlib.predict(classifier, "a-folder-of-scans")
```

For research only: this is not a medical device, and says nothing about a patient.
"""
