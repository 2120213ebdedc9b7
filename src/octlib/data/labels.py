"""Labels: those of a dataset in the order of somebody else's classes, matched by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from octlib.data.dataset import OctDataset
from octlib.data.naming import misspelt
from octlib.errors import UnmatchedClassesError


def match_labels(dataset: OctDataset, class_names: Sequence[str]) -> NDArray[np.int64]:
    """Translate a dataset's labels to the order of other class names, such as a classifier's.

    Classes are matched by name. Those of the dataset that have no scan don't matter.

    Args:
        dataset: labelled scans.
        class_names: the classes in the order that is wanted.

    Returns:
        int64 (n,): for each scan the position of its class in ``class_names``.

    Raises:
        UnmatchedClassesError: if scans have no label, or a class of theirs is not in ``class_names``.

    Example:
        >>> import numpy as np
        >>> from octlib.data import load_oct_dataset
        >>> scans = load_oct_dataset((np.zeros((3, 8, 8), dtype=np.uint8), ["DME", "CNV", "DME"]))
        >>> match_labels(scans, ["NORMAL", "DME", "CNV"])
        array([1, 2, 1])
    """
    unlabelled = len(dataset) if dataset.labels is None else int((dataset.labels < 0).sum())
    if dataset.labels is None or unlabelled:
        if unlabelled == len(dataset):
            raise UnmatchedClassesError(
                "The scans must have labels, and they have none.", "Load them from class folders, or with labels."
            )
        raise UnmatchedClassesError(
            f"All scans must have labels, and {unlabelled:,} of {len(dataset):,} have none.",
            "Leave them out: dataset[dataset.labels >= 0].",
        )
    present = {dataset.class_names[label] for label in np.unique(dataset.labels)}
    missing = sorted(present - set(class_names))
    if missing:
        raise UnmatchedClassesError(
            f"Class names must match: the scans are of {', '.join(sorted(present))}, and of these {', '.join(missing)} "
            f"can't be found among {', '.join(class_names)}.",
            f"Rename the classes, or leave their scans out with subset.{misspelt(sorted(present), class_names)}",
        )
    place = {name: position for position, name in enumerate(class_names)}
    order = np.array([place.get(name, -1) for name in dataset.class_names], dtype=np.int64)
    return order[dataset.labels]
