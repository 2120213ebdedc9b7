"""Operators: what torch computes, said with keras.ops, so that every backend can."""

from octlib.models.graph.operators import (
    activations,
    arithmetic,
    convolutions,
    indexing,
    normalisation,
    pooling,
    products,
    reductions,
    resizing,
    shapes,
)
from octlib.models.graph.operators.table import OPERATORS

__all__ = [
    "OPERATORS",
    "activations",
    "arithmetic",
    "convolutions",
    "indexing",
    "normalisation",
    "pooling",
    "products",
    "reductions",
    "resizing",
    "shapes",
]
