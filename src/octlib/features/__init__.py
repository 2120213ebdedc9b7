"""Features: the pass of scans through a backbone, the store of what comes out, and probabilities."""

from octlib._cache import cache_folder, cache_limit
from octlib.features.extraction import extract_features
from octlib.features.familiarity import familiarity, learn_familiarity
from octlib.features.inventory import (
    CheckedShard,
    StoredBackbone,
    cache_contents,
    clear_cache,
    verify_cache,
)
from octlib.features.prediction import predict_probabilities
from octlib.features.rows import StoredRows

__all__ = [
    "CheckedShard",
    "StoredBackbone",
    "StoredRows",
    "cache_contents",
    "cache_folder",
    "cache_limit",
    "clear_cache",
    "extract_features",
    "familiarity",
    "learn_familiarity",
    "predict_probabilities",
    "verify_cache",
]
