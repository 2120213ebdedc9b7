"""Tracing: a backbone as a graph whose weights have timm's names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import timm

from octlib.models.graph.network import Graph, trace
from octlib.models.spec import BackboneSpec
from octlib.models.torch_modules import NormalisedFeatures, TimmFeatures

PREFIX = "features.module."  # of timm's names, as they are traced
KEPT = 8  # graphs, for the folds of a cross-validation: to trace takes longer than to train a small network

_kept: dict[tuple[Any, ...], tuple[Graph, int]] = {}


def trace_features(features: TimmFeatures) -> tuple[Graph, int]:
    """Trace a backbone from normalised scans, (batch, 3, height, width), to features.

    Args:
        features: the backbone; it is left as it was.

    Returns:
        The graph, and the number of features.

    Raises:
        AssertionError: if the architecture doesn't take scans of that size.
        RuntimeError: the same, or torch can't trace it.
    """
    graph, (n_features,) = trace(NormalisedFeatures(features), (3, *features.image_size))
    weights = {name: key.removeprefix(PREFIX) for name, key in graph.weights.items()}
    return replace(graph, weights=weights), n_features


def trace_architecture(spec: BackboneSpec, features: TimmFeatures) -> tuple[Graph, int]:
    """Do the same for a backbone that is what its specification says, once for all whose specification is the same.

    Args:
        spec: the specification.
        features: the backbone; it is left as it was.

    Returns:
        The graph, which others may hold too, and the number of features.

    Raises:
        AssertionError: if the architecture doesn't take scans of that size.
        RuntimeError: the same, or torch can't trace it.
    """
    shape = (sorted(spec.model_args.items()), spec.inner_size, spec.lora, features.pooling, features.image_size)
    # A program may register another architecture under the same name.
    key = (timm.model_entrypoint(spec.architecture), repr(shape))
    if key not in _kept:
        found = trace_features(features)
        while len(_kept) >= KEPT:
            _kept.pop(next(iter(_kept)), None)
        _kept[key] = found
    return _kept[key]
