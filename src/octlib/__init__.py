"""octlib: from a folder of retinal OCT B-scans to a classifier that one can trust.

Nothing heavy happens on import: every name is handed over when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from octlib._lazy import keep_triton_out, lazy

if TYPE_CHECKING:
    from octlib.data import OctDataset, load_oct_dataset
    from octlib.estimator import OctEstimator
    from octlib.evaluation import Evaluation, evaluate, predict
    from octlib.explanation import Explanation, explain
    from octlib.features import familiarity, learn_familiarity
    from octlib.models import OctClassifier, build_classifier, load_classifier
    from octlib.phantoms import Phantom, make_phantoms
    from octlib.report import write_audit, write_report
    from octlib.training import History, fit

_ROOMS = {
    "Evaluation": "evaluation",
    "Explanation": "explanation",
    "History": "training",
    "OctClassifier": "models",
    "OctDataset": "data",
    "OctEstimator": "estimator",
    "Phantom": "phantoms",
    "build_classifier": "models",
    "evaluate": "evaluation",
    "explain": "explanation",
    "familiarity": "features",
    "fit": "training",
    "learn_familiarity": "features",
    "load_classifier": "models",
    "load_oct_dataset": "data",
    "make_phantoms": "phantoms",
    "predict": "evaluation",
    "write_audit": "report",
    "write_report": "report",
}

__all__ = [
    "Evaluation",
    "Explanation",
    "History",
    "OctClassifier",
    "OctDataset",
    "OctEstimator",
    "Phantom",
    "build_classifier",
    "evaluate",
    "explain",
    "familiarity",
    "fit",
    "learn_familiarity",
    "load_classifier",
    "load_oct_dataset",
    "make_phantoms",
    "predict",
    "write_audit",
    "write_report",
]


keep_triton_out()  # Somebody may go on to import a room's modules by themselves.
_find, __dir__ = lazy(__name__, _ROOMS)


def __getattr__(name: str) -> Any:
    """Hand over a public name, importing its room on the way."""
    if name == "__version__":
        from importlib.metadata import version

        return version("octlib")
    return _find(name)
