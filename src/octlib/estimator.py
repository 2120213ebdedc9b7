"""Estimator: octlib's classifier as scikit-learn knows one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from octlib.data import OctDataset, as_dataset, match_labels
from octlib.features import predict_probabilities
from octlib.models import OctClassifier, build_classifier
from octlib.models.backbones import Weights
from octlib.models.sharing import forget_shared, own_copy, sharing_classifier
from octlib.training import fit
from octlib.training.recipe import Augment, ClassWeight

__all__ = ["OctEstimator"]


class OctEstimator(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier of scans for scikit-learn: for ``cross_val_score``, ``GridSearchCV``, pipelines, calibration.

    Wherever scikit-learn says ``X``, give scans: a dataset, a uint8 array (n, height, width[, 1 or 3]) in 0-255, or a
    list of paths. Where ``freeze`` is true, features are computed once and kept, so that a search over the head, with
    all its folds, passes each scan through the backbone once.

    Args:
        backbone: as for ``octlib.build_classifier``, like all arguments down to ``flips``.
        freeze: keep the backbone as it is, and train the head alone.
        image_size: what scans are resized to, in pixels.
        weights: of the backbone.
        pooling: ``"average"`` or ``"flatten"``.
        dropout: share of features dropped while training, in [0, 1).
        lora: rank of the matrices that learn beside the linear layers; ``None`` is without.
        steps: what is done to a scan before it is resized.
        resize: what becomes of its aspect ratio.
        flips: average predictions over a scan and its mirror image.
        l2: as for ``octlib.fit``, like all arguments from here on.
        epochs: how many; ``None`` solves for a frozen backbone's head.
        batch_size: scans a step of an epoch.
        learning_rate: of AdamW.
        layer_decay: of an unfrozen backbone's stages.
        class_weight: a dictionary has a weight for each label.
        augment: of an unfrozen backbone's scans.
        cache: keep features for later fits.
        seed: of every random choice. It is called as everywhere in octlib, not ``random_state``, which may be a
            generator that gives each fit another draw.

    Attributes:
        classes_: the labels in their order, (classes,); what columns of probabilities stand for.
        classifier_: the ``octlib.OctClassifier``, for ``octlib.evaluate``, ``octlib.explain`` and ``save``. Until it is
            asked for, estimators that follow each other with the same frozen backbone share it, loaded once.

    Example:
        >>> import octlib
        >>> from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
        >>> scans = octlib.load_oct_dataset("phantoms").sample(24)
        >>> estimator = octlib.OctEstimator("octlib", image_size=64)
        >>> search = GridSearchCV(estimator, {"l2": [0.01, 0.1, 1]}, cv=StratifiedGroupKFold(2))
        >>> _ = search.fit(scans, scans.column("label"), groups=scans.patient_groups())
        >>> search.predict_proba(scans[:5]).shape, search.best_estimator_.classifier_.frozen
        ((5, 4), True)
    """

    def __init__(
        self,
        backbone: str | Sequence[str] = "resnet50",
        freeze: bool = True,
        *,
        image_size: int | tuple[int, int] | None = None,
        weights: Weights | Sequence[Weights] = "pretrained",
        pooling: str = "average",
        dropout: float = 0.0,
        lora: int | None = None,
        steps: Sequence[str] = ("blank_wedges",),
        resize: str = "stretch",
        flips: bool = False,
        l2: float | None = None,
        epochs: int | None = None,
        batch_size: int = 32,
        learning_rate: float | None = None,
        layer_decay: float = 1.0,
        class_weight: ClassWeight = "balanced",
        augment: bool | Augment | None = None,
        cache: bool | str = True,
        seed: int = 0,
    ) -> None:
        self.backbone = backbone
        self.freeze = freeze
        self.image_size = image_size
        self.weights = weights
        self.pooling = pooling
        self.dropout = dropout
        self.lora = lora
        self.steps = steps
        self.resize = resize
        self.flips = flips
        self.l2 = l2
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.layer_decay = layer_decay
        self.class_weight = class_weight
        self.augment = augment
        self.cache = cache
        self.seed = seed

    def fit(self, X: Any, y: ArrayLike | None = None) -> OctEstimator:  # noqa: N803 - as scikit-learn calls it
        """Build a classifier and train it.

        Args:
            X: scans.
            y: labels (n,), names or whole numbers; ``None`` takes those of a dataset.

        Returns:
            The estimator itself.

        Raises:
            ValueError: if ``X`` isn't scans, there are no labels or those of one class alone, or an argument is out of
                range; and what ``octlib.build_classifier`` and ``octlib.fit`` raise.
            TypeError: as ``octlib.load_oct_dataset``.
        """
        scans = _as_scans(X)
        classes, places = np.unique(_labels(scans, y), return_inverse=True)
        if len(classes) < 2:
            found = f"one class, {classes[0]}" if len(classes) else "no scans"
            raise ValueError(f"Training needs scans of at least two classes, got {found}.")
        names = tuple(map(str, classes))
        try:
            classifier = self._fitted(replace(scans, labels=places, class_names=names))
        except BaseException:
            forget_shared()  # On JAX, a pass that is broken off takes the weights along.
            raise
        self.classes_, self._classifier = classes, classifier
        return self

    def _fitted(self, scans: OctDataset) -> OctClassifier:
        classifier = self._build(scans.class_names)
        weight = self.class_weight
        fit(
            classifier,
            scans,
            l2=self.l2,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            layer_decay=self.layer_decay,
            class_weight={str(label): weight[label] for label in weight} if isinstance(weight, Mapping) else weight,
            augment=self.augment,
            cache=self.cache,
            seed=self.seed,
            progress=False,  # of a hundred fits, each would draw its own
        )
        return classifier

    def _build(self, class_names: tuple[str, ...]) -> OctClassifier:
        settings: dict[str, Any] = {
            "class_names": class_names,
            "image_size": self.image_size,
            "weights": self.weights,
            "pooling": self.pooling,
            "dropout": self.dropout,
            "steps": self.steps,
            "resize": self.resize,
            "flips": self.flips,
            "seed": self.seed,
        }
        if self.freeze is True and self.lora is None:
            return sharing_classifier(self.backbone, **settings)
        return build_classifier(self.backbone, self.freeze, lora=self.lora, **settings)

    @property
    def classifier_(self) -> OctClassifier:
        """The classifier, which is this estimator's own from now on: whatever changes it changes no other."""
        check_is_fitted(self)
        if self._classifier.backbone.unchanging:
            self._classifier = own_copy(self._classifier)
        return self._classifier

    def predict_proba(self, X: Any) -> NDArray[np.float32]:  # noqa: N803
        """Compute probabilities.

        Args:
            X: scans.

        Returns:
            float32 (n, classes) in [0, 1], a column for each of ``classes_``; rows sum to 1.

        Raises:
            NotFittedError: before ``fit``.
            ValueError: if ``X`` isn't scans, or some can't be read.
            TypeError: as ``octlib.load_oct_dataset``.
        """
        check_is_fitted(self)
        return predict_probabilities(
            self._classifier, _as_scans(X), cache=self.cache, batch_size=self.batch_size, progress=False
        )

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Name the most probable class of each scan.

        Args:
            X: scans.

        Returns:
            Labels (n,) out of ``classes_``.

        Raises:
            NotFittedError: before ``fit``.
            ValueError: as ``predict_proba``.
            TypeError: as ``predict_proba``.
        """
        probabilities = self.predict_proba(X)  # first, since it says what is wrong
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def score(self, X: Any, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> float:  # noqa: N803
        """Measure the accuracy.

        Args:
            X: scans.
            y: labels (n,); ``None`` takes those of a dataset.
            sample_weight: of each scan, (n,).

        Returns:
            The share of scans whose class is predicted, in [0, 1].

        Raises:
            NotFittedError: before ``fit``.
            ValueError: as ``predict_proba``, or if there are no labels.
            TypeError: as ``predict_proba``.
        """
        check_is_fitted(self)
        scans = _as_scans(X)
        return float(super().score(scans, _labels(scans, y), sample_weight))

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that it takes scans, not tables."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _as_scans(scans: Any) -> OctDataset:
    if isinstance(scans, np.ndarray) and scans.dtype.kind not in "OUT" and scans.ndim not in (3, 4):
        raise ValueError(
            "X must be scans: a dataset, a uint8 array (n, height, width) or (n, height, width, 1 or 3), or a list of "
            f"paths, got an array of shape {scans.shape}."
        )
    return as_dataset(scans)


def _labels(scans: OctDataset, labels: ArrayLike | None) -> NDArray[Any]:
    if labels is not None:
        column: NDArray[Any] = column_or_1d(labels, warn=True)
        lacking = sum(label is None for label in column)
        if lacking:
            raise ValueError(f"y must have a label for every scan, and {lacking} of {len(column)} have none.")
        check_classification_targets(column)
        check_consistent_length(scans, column)
        return column
    if scans.labels is None:
        raise ValueError(
            "OctEstimator requires y to be passed, but the target y is None, and these scans have no labels of their "
            "own. Give y, or a dataset with labels."
        )
    return np.array(scans.class_names)[match_labels(scans, scans.class_names)]
