"""Batches: rows of scans or features with their targets, for Keras, each row once an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from octlib.data import OctDataset
from octlib.features.extraction import Features, extract_features
from octlib.models import OctClassifier
from octlib.models.cut_classifier import CutClassifier
from octlib.models.keras_backend import keras
from octlib.training.augmentation import draw_mirrored
from octlib.training.recipe import Augment, Recipe

HELD_IN_MEMORY = 512 * 2**20  # bytes: larger datasets are read again in every epoch

Batch = tuple[np.ndarray, ...]

# Gives the rows at some positions; what it draws, it draws from the generator.
Rows = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class Batches(keras.utils.PyDataset):
    """Rows in batches, in a new order each epoch.

    The next batch is prepared while the network works on this one. What is drawn for a batch depends on the seed, the
    epoch and the batch's number alone, so that a run that goes on after a break draws the same as one without.

    Args:
        rows: gives the inputs.
        targets: one a row, (n, classes).
        weights: float32 (n,), one a row; ``None`` weighs all alike.
        batch_size: rows a step.
        seed: of the order and of what ``rows`` draws.
        shuffled: whether the order changes from epoch to epoch.
        multiple: of what a batch has to be; it is filled with rows again, whose targets are zero.
    """

    def __init__(
        self,
        rows: Rows,
        targets: np.ndarray,
        *,
        weights: np.ndarray | None = None,
        batch_size: int,
        seed: int = 0,
        shuffled: bool = False,
        multiple: int = 1,
    ) -> None:
        # One worker: with more, Keras's queue carries batches over into the next epoch, and which rows an epoch has
        # depends on who comes first.
        super().__init__(workers=1)
        self._rows, self._targets, self._weights = rows, targets, weights
        self._batch_size, self._seed, self._shuffled = batch_size, seed, shuffled
        self._multiple = multiple
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._upcoming: dict[tuple[int, int], Future[Batch]] = {}
        self.start_at(0)

    def start_at(self, epoch: int) -> None:
        """Take the order of an epoch.

        Args:
            epoch: its number, from 0.
        """
        self._epoch = epoch
        self._order = np.arange(len(self._targets))
        if self._shuffled:
            np.random.default_rng((self._seed, epoch)).shuffle(self._order)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return math.ceil(len(self._targets) / self._batch_size)

    def __getitem__(self, index: int) -> Batch:
        """Return one batch: rows and targets, and weights if there are any."""
        prepared = self._upcoming.pop((self._epoch, index), None)
        batch = self._prepare(index) if prepared is None else prepared.result()
        if index + 1 < len(self):
            self._upcoming = {(self._epoch, index + 1): self._pool.submit(self._prepare, index + 1)}
        return batch

    def _prepare(self, index: int) -> Batch:
        chosen = self._order[index * self._batch_size :][: self._batch_size]
        # A generator of its own for each batch: the order in which threads come by must not matter.
        rows = self._rows(chosen, np.random.default_rng((self._seed, self._epoch, index)))
        batch = (rows, self._targets[chosen])
        weights = () if self._weights is None else (self._weights[chosen],)
        return _filled((*batch, *weights), -len(chosen) % self._multiple)

    def close(self) -> None:
        """End the thread that prepares batches."""
        self._pool.shutdown(cancel_futures=True)

    def on_epoch_end(self) -> None:
        """Go on to the next order."""
        self.start_at(self._epoch + 1)


def _filled(batch: Batch, missing: int) -> Batch:
    """Fill a batch with some of its rows again, so that devices can share it; they have targets of zero."""
    if not missing:
        return batch
    rows, targets, *weights = (np.resize(each, (len(each) + missing, *each.shape[1:])) for each in batch)
    targets[-missing:] = 0
    return (rows, targets * np.float32(len(rows) / (len(rows) - missing)), *weights)  # the mean loss is what it was


def scan_rows(classifier: OctClassifier, scans: OctDataset, augment: Augment | None = None) -> Rows:
    """Make rows of preprocessed scans, which are held in memory if there is room.

    Args:
        classifier: its preprocessing is used.
        scans: the dataset.
        augment: changes a batch, or ``None``.

    Returns:
        Rows of uint8 (height, width).

    Raises:
        UnreadableScanError: if some can't be read.
    """
    height, width = classifier.image_size
    held = scans.images(classifier.preprocessing) if len(scans) * height * width <= HELD_IN_MEMORY else None

    def rows(chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        images = held[chosen] if held is not None else scans.subset(chosen).images(classifier.preprocessing)
        return images if augment is None else augment(images, rng)

    return rows


def stored_rows(cut: CutClassifier, scans: OctDataset, recipe: Recipe, *, mirrored: bool = False) -> Rows:
    """Make rows of what frozen stages give, from the store.

    Args:
        cut: the classifier whose stages they are.
        scans: the dataset.
        recipe: whether they are kept, and whether a bar is shown.
        mirrored: whether half of the rows are those of mirror images, as ``mirror_scans`` draws them.

    Returns:
        Rows of float32 (values,).

    Raises:
        UnreadableScanError: if some scans can't be read.
        OSError: if there is no room for the results.
    """

    def results(*, flipped: bool) -> Features:
        return extract_features(cut, scans, cache=recipe.cache, flipped=flipped, progress=recipe.progress)

    plain = results(flipped=False)
    in_a_mirror = results(flipped=True) if mirrored else plain

    def rows(chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        found = plain[chosen]
        if mirrored:
            drawn = draw_mirrored(len(chosen), rng)
            found[drawn] = in_a_mirror[chosen[drawn]]
        return found

    return rows
