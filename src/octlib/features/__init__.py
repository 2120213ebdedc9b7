"""Features: the pass of scans through a backbone, the store of what comes out, and probabilities."""

from octlib.features.extraction import extract_features
from octlib.features.location import cache_folder
from octlib.features.prediction import predict_probabilities
from octlib.features.rows import StoredRows

__all__ = ["StoredRows", "cache_folder", "extract_features", "predict_probabilities"]
