"""State: every weight and buffer of a classifier by name, taken out and put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np


class HasWeights(Protocol):
    """What is needed of a classifier: its two halves."""

    backbone: Any
    head: Any


def state_dict(classifier: HasWeights) -> dict[str, np.ndarray]:
    """Return every weight and buffer in timm's key names; the head bears timm's name of the architecture's classifier.

    Args:
        classifier: whose weights.

    Returns:
        Name to array; arrays may share their memory with the classifier.
    """
    name = classifier.backbone.spec.classifier
    kernel, bias = classifier.head.get_weights()
    state = {**classifier.backbone.state(), f"{name}.weight": kernel.T, f"{name}.bias": bias}
    # In C's order: on torch, convolutions lie in memory with channels last, and safetensors would write them so.
    return {key: np.asarray(value, order="C") for key, value in state.items()}


def load_state_dict(classifier: HasWeights, state: Mapping[str, np.ndarray]) -> None:
    """Put back what ``state_dict`` returned.

    Args:
        classifier: changed in place.
        state: name to array.

    Raises:
        KeyError: if the head is missing.
        RuntimeError: if names or shapes of the backbone do not fit.
        ValueError: if shapes of the head do not fit.
    """
    name = classifier.backbone.spec.classifier
    head = (f"{name}.weight", f"{name}.bias")
    classifier.head.set_weights([state[head[0]].T, state[head[1]]])
    classifier.backbone.load_state({key: state[key] for key in state if key not in head})


def take_state(classifier: HasWeights) -> dict[str, np.ndarray]:
    """Copy every weight and buffer, BatchNorm's statistics included, which ``classifier.get_weights`` may lack."""
    return {name: np.array(value, order="C") for name, value in state_dict(classifier).items()}
