"""octlib: from a folder of retinal OCT B-scans to a classifier that one can trust.

Nothing heavy happens on import: every name is handed over when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from octlib._lazy import keep_triton_out, lazy

if TYPE_CHECKING:
    from octlib.calibration import Calibration, PredictionSets, adjust_priors, calibrate, prediction_sets
    from octlib.data import OctDataset, load_oct_dataset
    from octlib.estimator import OctEstimator
    from octlib.evaluation import Comparison, Evaluation, compare, evaluate, predict
    from octlib.explanation import Explanation, explain
    from octlib.features import familiarity, learn_familiarity
    from octlib.models import OctClassifier, build_classifier, load_classifier
    from octlib.phantoms import Phantom, make_phantoms
    from octlib.report import write_audit, write_report
    from octlib.training import History, fit

_ROOMS = {
    "Calibration": "calibration",
    "Comparison": "evaluation",
    "Evaluation": "evaluation",
    "Explanation": "explanation",
    "History": "training",
    "OctClassifier": "models",
    "OctDataset": "data",
    "OctEstimator": "estimator",
    "Phantom": "phantoms",
    "PredictionSets": "calibration",
    "adjust_priors": "calibration",
    "build_classifier": "models",
    "calibrate": "calibration",
    "compare": "evaluation",
    "evaluate": "evaluation",
    "explain": "explanation",
    "familiarity": "features",
    "fit": "training",
    "learn_familiarity": "features",
    "load_classifier": "models",
    "load_oct_dataset": "data",
    "make_phantoms": "phantoms",
    "predict": "evaluation",
    "prediction_sets": "calibration",
    "write_audit": "report",
    "write_report": "report",
}

__all__ = [
    "Calibration",
    "Comparison",
    "Evaluation",
    "Explanation",
    "History",
    "OctClassifier",
    "OctDataset",
    "OctEstimator",
    "Phantom",
    "PredictionSets",
    "adjust_priors",
    "build_classifier",
    "calibrate",
    "compare",
    "evaluate",
    "explain",
    "familiarity",
    "fit",
    "learn_familiarity",
    "load_classifier",
    "load_oct_dataset",
    "make_phantoms",
    "predict",
    "prediction_sets",
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
