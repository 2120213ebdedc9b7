"""Identity: what must be the same for a run to go on from its checkpoint."""

from __future__ import annotations

import hashlib
from typing import Any

from octlib.features.keys import scan_keys
from octlib.models import OctClassifier
from octlib.models.state import state_dict
from octlib.training.recipe import Labelled, Recipe


def describe_run(
    classifier: OctClassifier, train: Labelled, validation: Labelled | None, recipe: Recipe
) -> dict[str, Any]:
    """List what a run's result depends on: classifier, scans and recipe.

    Callbacks are left out: nothing says what they do.

    Args:
        classifier: before it is trained.
        train: the scans that it trains on, and their labels.
        validation: those that choose the best epoch, or ``None``.
        recipe: how.

    Returns:
        Names and values, as JSON can hold them.

    Raises:
        UnreadableScanError: if the file of a scan is gone.
    """
    return {
        **{f"classifier's {name}": value for name, value in classifier.get_config().items()},
        "classifier's weights": _digest_of_weights(classifier),
        "training_scans": _digest_of_scans(train),
        "validation_scans": None if validation is None else _digest_of_scans(validation),
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "learning_rate": recipe.learning_rate,
        "layer_decay": recipe.layer_decay,
        "class_weight": None if recipe.class_weight is None else recipe.class_weight.tolist(),
        "logit_adjustment": recipe.log_prior is not None,
        "augment": None
        if recipe.augment is None
        else getattr(recipe.augment, "__qualname__", type(recipe.augment).__name__),
        "cache": recipe.cache if _keeps_results(classifier) and isinstance(recipe.cache, str) else "exact",
        "seed": recipe.seed,
    }


def _keeps_results(classifier: OctClassifier) -> bool:
    return classifier.frozen or classifier.backbone.partly_frozen


def _digest_of_weights(classifier: OctClassifier) -> str:
    """Tell weights apart, head and buffers included: a frozen backbone's are in no checkpoint, and none may differ."""
    digest = hashlib.sha256()
    for name, value in state_dict(classifier).items():
        digest.update(name.encode())
        digest.update(value.tobytes())
    return digest.hexdigest()[:16]


def _digest_of_scans(part: Labelled) -> str:
    """Tell scans apart by content, label and order.

    Two data sets may well have the same names. To read every file once costs less than an epoch, which decodes them,
    and goes for a copy of the folder on another machine, where dates differ.
    """
    scans, labels = part
    return hashlib.sha256(b"".join(scan_keys(scans)) + labels.astype("<i8").tobytes()).hexdigest()[:16]
