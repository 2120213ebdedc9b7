"""Features: the pass of scans through a backbone or a whole classifier."""

from octlib.features.forward import extract_features, predict_probabilities

__all__ = ["extract_features", "predict_probabilities"]
