"""Results: what training and evaluation leave in a folder, the same for every command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from octlib.cli.output import write_figure, write_json

if TYPE_CHECKING:
    from octlib import Evaluation, History, OctClassifier, OctDataset

EXPLAINED = 8


def write_history(folder: Path, history: History) -> None:
    """Write ``history.csv`` and ``history.png``."""
    history.to_frame().to_csv(folder / "history.csv", index=False)
    write_figure(folder / "history.png", history.plot())


def write_evaluation(folder: Path, classifier: OctClassifier, scans: OctDataset) -> Evaluation:
    """Evaluate in one pass and write ``metrics.json``, ``predictions.csv`` and ``confusion_matrix.png``."""
    import octlib
    from octlib.data import match_labels
    from octlib.evaluation import score

    truth = match_labels(scans, classifier.class_names)
    predictions = octlib.predict(classifier, scans)
    probabilities = predictions[[f"p_{name}" for name in classifier.class_names]].to_numpy()
    result = score(probabilities, truth, scans.patients, classifier.class_names)
    predictions.insert(2, "label", [classifier.class_names[index] for index in truth])
    predictions.to_csv(folder / "predictions.csv", index=False)
    write_json(folder / "metrics.json", result.to_dict())
    write_figure(folder / "confusion_matrix.png", result.plot_confusion_matrix())
    return result


def write_explanations(folder: Path, classifier: OctClassifier, scans: OctDataset) -> None:
    """Write ``explanations.png``: maps of a few scans of each class."""
    import octlib

    maps = octlib.explain(classifier, scans.take(min(EXPLAINED, len(scans))))
    write_figure(folder / "explanations.png", maps.plot().flat[0])
