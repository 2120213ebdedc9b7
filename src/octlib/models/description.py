"""Description: what a classifier is made of, in words that its card and its report share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octlib.models.joined_spec import JoinedSpec, as_spec
from octlib.models.postprocessing import Postprocessing
from octlib.models.spec import BackboneSpec
from octlib.preprocessing import Preprocessing


def describe_classifier(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Describe a classifier.

    Args:
        settings: its own, from ``get_config``.

    Returns:
        Names and values: backbone, head, input, preprocessing, prediction.

    Example:
        >>> import octlib
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> describe_classifier(classifier.get_config())[1]
        ('head', 'average pooling, one dense layer')
    """
    spec, preprocessing = as_spec(settings["backbone"]), Preprocessing.from_dict(settings["preprocessing"])
    height, width = preprocessing.image_size
    frozen = "frozen" if settings["frozen"] else "fine-tuned" if spec.lora is None else f"LoRA of rank {spec.lora.rank}"
    return [
        ("backbone", f"{spec.architecture} (timm{_arguments(spec)}), weights: {spec.origin}, {frozen}"),
        ("head", f"{settings['pooling']} pooling, one dense layer"),
        ("input", f"{height} x {width} pixels (height x width), grey or RGB in 0-255"),
        ("preprocessing", preprocessing.describe()),
        ("prediction", Postprocessing.from_dict(settings["postprocessing"]).describe()),
    ]


def _arguments(spec: BackboneSpec | JoinedSpec) -> str:
    """Say what makes a single backbone another one than timm's of that name; several have names alone."""
    given = {} if isinstance(spec, JoinedSpec) else spec.model_args
    return "".join(f", {name}={value}" for name, value in given.items())
