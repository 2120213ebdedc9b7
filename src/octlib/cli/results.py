"""Results: what training and evaluation leave in a folder, the same for every command."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octlib.cli.output import write_figure, write_json, write_table

if TYPE_CHECKING:
    from octlib import Evaluation, Explanation, History, OctClassifier, OctDataset

EXPLAINED = 8
ON_THE_PAGE, ERRORS = 12, 6


def write_history(folder: Path, history: History) -> None:
    """Write ``history.csv`` and ``history.png``."""
    write_table(folder / "history.csv", history.to_frame())
    write_figure(folder / "history.png", history.plot())


def write_evaluation(folder: Path, classifier: OctClassifier, scans: OctDataset, **options: Any) -> Evaluation:
    """Evaluate as the options say and write ``metrics.json``, ``predictions.csv`` and ``confusion_matrix.png``."""
    import octlib

    result = octlib.evaluate(classifier, scans, **options)
    write_table(folder / "predictions.csv", result.predictions())
    write_json(folder / "metrics.json", result.to_dict())
    write_figure(folder / "confusion_matrix.png", result.plot_confusion_matrix())
    return result


def write_explanations(folder: Path, classifier: OctClassifier, scans: OctDataset) -> None:
    """Write ``explanations.png``: maps of a few scans of each class."""
    maps = explained(classifier, scans.sample(min(EXPLAINED, len(scans))))
    write_figure(folder / "explanations.png", maps.plot().flat[0])


def write_page(
    page: Path,
    classifier: OctClassifier,
    scans: OctDataset,
    result: Evaluation,
    *,
    flips: bool | None = None,
    **more: Any,
) -> None:
    """Write a page: an evaluation, maps of a few scans of each class, and the most confident errors.

    The flips are those of the evaluation, so that maps speak of the same predictions. More is what
    ``octlib.write_report`` takes: parts, audit, history, title, introduction, notes.
    """
    import octlib

    rows = result.errors(ERRORS)
    # Of a volume, eye or patient, the scan that speaks the most for the mistaken class stands for the rest.
    errors = scans.subset(result.strongest[rows])
    taken_for = [result.class_names[place] for place in result.probabilities[rows].argmax(axis=1)]
    octlib.write_report(
        page,
        result,
        explained(classifier, scans.sample(min(ON_THE_PAGE, len(scans))), flips=flips),
        errors=explained(classifier, errors, flips=flips, target=taken_for) if len(errors) else None,
        classifier=classifier,
        **more,
    )


def explained(classifier: OctClassifier, scans: OctDataset, **options: Any) -> Explanation:
    """Explain without the warning of constant maps: it numbers scans that a user of the shell doesn't see."""
    import octlib
    from octlib.errors import ConstantMapWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantMapWarning)
        return octlib.explain(classifier, scans, **options)
