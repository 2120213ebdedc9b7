"""Batches: preprocessed, augmented scans for Keras, each scan once an epoch."""

from __future__ import annotations

import math

import numpy as np

from octlib.data import OctDataset
from octlib.models import OctClassifier
from octlib.models.keras_backend import keras
from octlib.training.recipe import Augment, Recipe

HELD_IN_MEMORY = 512 * 2**20  # bytes: larger datasets are read again in every epoch


class ScanBatches(keras.utils.PyDataset):
    """Scans in batches, in a new order each epoch.

    Args:
        classifier: its preprocessing is used.
        scans: the dataset.
        labels: int (n,), in the order of the classifier's classes.
        recipe: batch size, class weights, augmentation and seed.
        training: shuffle, augment and weigh; validation scans are taken as they are.
    """

    def __init__(
        self, classifier: OctClassifier, scans: OctDataset, labels: np.ndarray, recipe: Recipe, *, training: bool
    ) -> None:
        # One worker: with more, Keras's queue carries batches over into the next epoch, and which scans an epoch has
        # depends on who comes first.
        super().__init__(workers=1)
        self._classifier, self._scans, self._labels, self._recipe = classifier, scans, labels, recipe
        self._training = training
        self._augment: Augment | None = recipe.augment if training else None
        self._epoch = 0
        self._shuffle()
        height, width = classifier.image_size
        fits = len(scans) * height * width <= HELD_IN_MEMORY
        self._held = classifier.preprocess(scans) if fits else None

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return math.ceil(len(self._labels) / self._recipe.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        """Return one batch: scans and labels, and weights in training."""
        start = index * self._recipe.batch_size
        chosen = self._order[start : start + self._recipe.batch_size]
        images = (
            self._held[chosen] if self._held is not None else self._classifier.preprocess(self._scans.subset(chosen))
        )
        if self._augment is not None:
            # A generator of its own for each batch: the order in which threads come by must not matter.
            images = self._augment(images, np.random.default_rng((self._recipe.seed, self._epoch, index)))
        labels = self._labels[chosen]
        if not self._training or self._recipe.class_weight is None:
            return images, labels
        return images, labels, np.array([self._recipe.class_weight[int(label)] for label in labels], np.float32)

    def on_epoch_end(self) -> None:
        """Draw a new order."""
        self._epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        self._order = np.arange(len(self._labels))
        if self._training:
            np.random.default_rng((self._recipe.seed, self._epoch)).shuffle(self._order)
