"""Loading: the verb that gives back a classifier that was saved."""

from __future__ import annotations

from pathlib import Path

from octlib.models.classifier import OctClassifier
from octlib.models.reading import read_classifier


def load_classifier(folder: str | Path) -> OctClassifier:
    """Load a classifier that was saved.

    Args:
        folder: the folder, or a ``.keras`` file; or ``"hf-hub:owner/name"``, a repository of the Hugging Face hub that
            ``push_to_hub`` has written, with ``"@revision"`` or without: see ``OctClassifier.from_pretrained``.

    Returns:
        The classifier, with the same probabilities as when it was saved.

    Raises:
        FileNotFoundError: if there is no classifier.
        ValueError: if it is damaged, or written by a newer octlib.
        WeightsError: if its settings would choose files or places; nothing of theirs is opened.
        HubError: if the hub doesn't give it, and it isn't in the local cache.

    Example:
        >>> import octlib, tempfile
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     classifier.save(f"{folder}/classifier")
        ...     octlib.load_classifier(f"{folder}/classifier").class_names
        ('CNV', 'DME', 'DRUSEN', 'NORMAL')
    """
    classifier: OctClassifier = read_classifier(OctClassifier, folder)
    return classifier
