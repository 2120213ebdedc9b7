"""Prediction: the probabilities of a classifier as a table of scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from octlib.data import as_dataset
from octlib.evaluation.levels import check_level, columns_of_level, describe_level, group_scans

if TYPE_CHECKING:
    import pandas as pd

    from octlib.data import OctDataset
    from octlib.data.loading import Source
    from octlib.evaluation.levels import Groups
    from octlib.models import OctClassifier

FAMILIARITY_COLUMNS = ("familiarity", "familiar")


def predict(
    classifier: OctClassifier,
    scans: OctDataset | Source,
    *,
    cache: bool | str = True,
    flips: bool | None = None,
    batch_size: int = 32,
    level: str = "scan",
    familiarity: bool = False,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Predict the class of each scan, or of each volume, eye or patient.

    Args:
        classifier: from ``build_classifier`` or ``load_classifier``.
        scans: a dataset, uint8 (n, height, width[, 1 or 3]), a path or a list of paths; labels aren't needed.
        cache: keep the backbone's features on disk for later runs, ``"float16"`` in half the room; see
            ``octlib.features.extract_features``.
        flips: average over each scan and its mirror image; ``None`` is what ``classifier.postprocessing`` says.
        batch_size: scans in memory at a time, from 1 on.
        level: what a row is, ``"scan"``, ``"volume"``, ``"eye"`` (of a patient) or ``"patient"``: probabilities are
            the means over the scans of each.
        familiarity: also tell how far each is like the scans that were learned from; see ``octlib.familiarity``.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        A row for each scan, in their order. Columns: ``name`` (what identifies the scan on every machine), ``path`` and
        ``patient`` (str, or None where there is none), ``predicted`` (the name of the most probable class) and, for
        each class, ``p_<class>`` (float32 in [0, 1]; a row sums to 1). Where the classifier has prediction sets, for
        the flips that are asked for, there is also ``set`` behind ``predicted``: the names of the classes that fit,
        joined by ``|``, and an empty text where none does. See ``octlib.calibrate``.

        At another level a row is one of these, in the order of their first scans. ``path`` is there where all of its
        scans share one; of volumes and eyes there is also ``eye``. Before ``predicted`` stand ``n_scans`` and
        ``strongest``, the name of the scan with the highest probability of the predicted class; of volumes also
        ``position``, that scan's. How the probabilities came about is said in ``table.attrs["aggregation"]``.

        With ``familiarity``, two columns more before ``predicted``: ``familiarity`` (float32, the mean over the scans
        of a row) and ``familiar`` (bool, whether it is 0 or more).

    Raises:
        FamiliarityError: if familiarity is asked for and was not learned, or for other weights.
        LevelError: if scans don't tell what they belong to at the level, or a position comes more than once in a
            volume.
        TypeError: if ``classifier`` is none, or ``scans`` is no source of ``load_oct_dataset``.
        UnreadableScanError: if some scans can't be read; the text names them all.
        ValueError: if an argument is out of its range, or as ``load_oct_dataset``.

    Example:
        >>> import octlib
        >>> classifier = octlib.build_classifier("resnet18", weights=None, image_size=32)
        >>> table = octlib.predict(classifier, octlib.load_oct_dataset("phantoms").sample(4))
        >>> list(table.columns)
        ['name', 'path', 'patient', 'predicted', 'p_CNV', 'p_DME', 'p_DRUSEN', 'p_NORMAL']
        >>> len(table)
        4
    """
    # torch comes with it.
    from octlib.features import familiarity as measure_familiarity
    from octlib.features import predict_probabilities
    from octlib.features.familiarity import require_reference
    from octlib.models.classifier import require_classifier

    require_classifier(classifier)
    check_level(level)
    if familiarity:
        require_reference(classifier)
    dataset = as_dataset(scans)
    groups = group_scans(dataset, level)
    probabilities = predict_probabilities(
        classifier, dataset, cache=cache, flips=flips, batch_size=batch_size, progress=progress
    )
    familiar = None
    if familiarity:
        familiar = measure_familiarity(classifier, dataset, cache=cache, batch_size=batch_size, progress=progress)
    if groups is None:
        known = dataset.to_frame()[list(columns_of_level(level))]
    else:
        known, probabilities = groups.tabulate(probabilities), groups.mean(probabilities)
    if familiar is not None:
        known = with_familiarity(known, familiar, groups)
    postprocessing = classifier.postprocessing.with_flips(flips)
    sets = postprocessing.sets(probabilities) if level == "scan" and postprocessing.least is not None else None
    table = tabulate_predictions(known, probabilities, tuple(classifier.class_names), sets)
    table.attrs["aggregation"] = describe_level(level)
    return table


def with_familiarity(table: pd.DataFrame, familiarity: np.ndarray, groups: Groups | None) -> pd.DataFrame:
    """Add the columns ``familiarity`` and ``familiar``.

    Args:
        table: a row for each scan, or each group of them.
        familiarity: of each scan.
        groups: what the rows are; ``None`` for scans.

    Returns:
        The same rows with two columns more.
    """
    if groups is not None:
        familiarity = groups.mean(familiarity[:, None])[:, 0]
    return table.assign(familiarity=familiarity, familiar=familiarity >= 0)


def tabulate_predictions(
    scans: pd.DataFrame, probabilities: np.ndarray, class_names: tuple[str, ...], sets: np.ndarray | None = None
) -> pd.DataFrame:
    """Set predictions beside the scans that they belong to.

    Args:
        scans: a row for each scan.
        probabilities: float (n, classes).
        class_names: what the columns of ``probabilities`` stand for.
        sets: bool (n, classes), or ``None``.

    Returns:
        The same rows, with the columns ``predicted``, ``set`` if there are sets and, for each class, ``p_<class>``.
    """
    names = np.array(class_names, dtype=object)
    joined = {} if sets is None else {"set": ["|".join(names[row]) for row in sets]}
    predicted = names[probabilities.argmax(axis=1)]
    columns = {f"p_{name}": probabilities[:, index] for index, name in enumerate(class_names)}
    return scans.assign(predicted=predicted, **joined, **columns)
