"""Familiarity: how far scans are like those that a classifier was fitted on, to its backbone and as pictures."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from octlib.data import as_dataset
from octlib.errors import FamiliarityError, UnknownPatientsWarning
from octlib.features.asymmetry import N_ASYMMETRIES, AsymmetryPass
from octlib.features.extraction import extract_features
from octlib.features.keys import classifier_key
from octlib.models import OctClassifier
from octlib.models.classifier import require_classifier
from octlib.models.reference import Distribution, Reference

if TYPE_CHECKING:
    from octlib.data import OctDataset
    from octlib.data.loading import Source

AXES = 32  # that vary by themselves; across all others, features vary alike
KEPT = 0.99  # share of scans of unseen patients that each of the two distributions is to let pass, both 0.98
FOLDS = 5
FEWEST = 10  # scans
LEARNED = 4096  # scans that are learned from, of more a random draw
LEARNED_BYTES = 2**28  # of their features
AXES_BYTES = 2**22  # of the axes, which are saved
CHUNK = 1024  # rows of features at a time
LEAST_VARIANCE = 1e-10  # of normalised features, where scans are equal
LEAST_SPAN = 1e-3  # between what is typical and what is just familiar, where most scans are equal
LEAST_DIFFERENCE = 1e-5  # of a normalised feature between scans, above what rounding does


def learn_familiarity(
    classifier: OctClassifier,
    scans: OctDataset | Source,
    *,
    cache: bool | str = True,
    batch_size: int = 32,
    progress: bool | None = None,
) -> None:
    """Learn what scans are familiar to a classifier, after it was fitted and before it is saved.

    The features of the scans, each as the root of its share in all, are described by a normal distribution
    (probabilistic principal components: Tipping & Bishop 1999, "Probabilistic Principal Component Analysis"; as a
    distance: Lee et al. 2018, "A Simple Unified Framework for Detecting Out-of-Distribution Samples"). How far scans
    of *other* patients are from it is found by leaving out a fifth of the patients at a time.

    Training on classes may rid features of what tells a scan from its negative, or from one that is upside down. So a
    second distribution describes the scans themselves, white wedges blanked, by eight numbers: at four scales, whether
    grey rises more steeply than it falls on the way down, and whether bright lines stand out more than dark ones.

    A frozen classifier that was fitted with its features in the store takes them from there; else each scan passes
    through the network once. For the eight numbers each is read once more, as a small picture; they are kept in the
    store, too. It is no part of ``octlib.fit``, which would be slower for whoever doesn't need it.

    Args:
        classifier: gets what is learned, which is saved with it and is a few megabytes at most. It holds for its
            weights, head included, and for its preprocessing: where one of them changes, it has to be learned anew.
        scans: those that it was fitted on; labels aren't needed. Of more than 4,096, that many are drawn.
        cache: of the backbone's features and of the eight numbers, as in ``octlib.features.extract_features``;
            without it each scan is read twice.
        batch_size: scans in memory at a time.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Warns:
        UnknownPatientsWarning: if patients are unknown, so that scans of one patient count as unseen for each other.

    Raises:
        TypeError: if ``classifier`` is none, or ``scans`` is no source of ``load_oct_dataset``.
        FamiliarityError: if there are fewer than ten scans, they are of one patient, or their features are equal.
        UnreadableScanError: if some scans can't be read; the text names them all.
        ValueError: if an argument is out of its range.

    Example:
        >>> import octlib
        >>> scans = octlib.load_oct_dataset("phantoms").sample(24)
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> octlib.learn_familiarity(classifier, scans)
        >>> octlib.familiarity(classifier, scans).shape
        (24,)
    """
    require_classifier(classifier)
    dataset = as_dataset(scans)
    drawn = np.random.default_rng(0).permutation(len(dataset))[:LEARNED]
    dataset = dataset.subset(np.sort(drawn))
    patients = dataset.patient_groups()
    n_patients = len(set(patients.tolist()))
    if len(dataset) < FEWEST or n_patients < 2:
        raise FamiliarityError(
            f"Familiarity is learned from {FEWEST} scans or more of two patients or more, got {len(dataset)} of "
            f"{n_patients}.",
            "Give the scans that the classifier was fitted on.",
        )
    unknown = sum(patient is None for patient in dataset.column("patient"))
    if unknown:
        warnings.warn(
            UnknownPatientsWarning(
                f"The patients of {unknown:,} of {len(dataset):,} scans are unknown: scans of one patient, which are "
                "alike, count as unseen for each other, and fewer scans of new patients will be familiar.",
                "Load the scans with their patients.",
            ),
            stacklevel=2,
        )
    features = extract_features(classifier, dataset, cache=cache, batch_size=batch_size, progress=progress)
    most = max(FEWEST, LEARNED_BYTES // (4 * features.shape[1]))  # those of whole maps are long
    drawn = np.linspace(0, len(features) - 1, min(len(features), most)).astype(int)
    rows, patients = normalised(features[drawn], classifier.backbone.feature_lengths), patients[drawn]
    if np.ptp(rows, axis=0).max() < LEAST_DIFFERENCE:
        raise FamiliarityError(
            f"Familiarity is learned from scans that differ, and the features of all {len(rows)} are equal.",
            "Give the scans that the classifier was fitted on.",
        )
    asymmetries = extract_features(
        AsymmetryPass(), dataset.subset(drawn), cache=cache, batch_size=batch_size, progress=progress
    )
    classifier.reference = Reference(
        features=_learned(rows, patients),
        asymmetries=_learned(asymmetries[:], patients),
        key=_key(classifier),
        n_scans=len(rows),
        n_patients=None if unknown == len(dataset) else n_patients,
    )


def familiarity(
    classifier: OctClassifier,
    scans: OctDataset | Source,
    *,
    cache: bool | str = True,
    batch_size: int = 32,
    progress: bool | None = None,
) -> np.ndarray:
    """Measure how far scans are like those that a classifier was fitted on.

    What is no B-scan of a retina, or is far from all that was learned from, gets a low value, whatever class is
    predicted for it: the lower of what the backbone's features and the scan itself say. A low value says nothing about
    a disease, and a high one doesn't say that the prediction is right.

    Args:
        classifier: one that ``octlib.learn_familiarity`` was called for, since it was last fitted.
        scans: a dataset, uint8 (n, height, width[, 1 or 3]), a path or a list of paths.
        cache: of the backbone's features and of the eight numbers, as in ``octlib.features.extract_features``;
            without it each scan is read twice.
        batch_size: scans in memory at a time.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        float32 (n,), higher is more like them: around 1 for a typical scan of a patient who was not learned from, 0
        for one that is just familiar, which 98 % of such scans surpass if many patients were learned from, and less,
        without a bound, for what is not. What was learned from fewer than some fifty patients may refuse many more.

    Raises:
        TypeError: if ``classifier`` is none, or ``scans`` is no source of ``load_oct_dataset``.
        FamiliarityError: if nothing was learned, or the classifier was changed since.
        UnreadableScanError: if some scans can't be read; the text names them all.
        ValueError: if there are no scans, or an argument is out of its range.

    Example:
        >>> import numpy as np, octlib
        >>> scans = octlib.load_oct_dataset("phantoms").sample(24)
        >>> classifier = octlib.build_classifier("octlib", image_size=64)
        >>> octlib.learn_familiarity(classifier, scans)
        >>> noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64), dtype=np.uint8)
        >>> bool((octlib.familiarity(classifier, noise) < 0).all())
        True
    """
    require_classifier(classifier)
    dataset = as_dataset(scans)
    reference = require_reference(classifier)
    features = extract_features(classifier, dataset, cache=cache, batch_size=batch_size, progress=progress)
    asymmetries = extract_features(AsymmetryPass(), dataset, cache=cache, batch_size=batch_size, progress=progress)
    lengths, found = classifier.backbone.feature_lengths, np.empty(len(dataset), np.float32)
    for start in range(0, len(dataset), CHUNK):
        part = slice(start, start + CHUNK)
        by_features = reference.features.familiarity(normalised(features[part], lengths))
        found[part] = np.minimum(by_features, reference.asymmetries.familiarity(asymmetries[part]))
    return found


def require_reference(classifier: OctClassifier) -> Reference:
    """Give what was learned, if it holds for the classifier as it is.

    Args:
        classifier: any.

    Raises:
        FamiliarityError: if nothing was learned, or for other weights or another preprocessing.
    """
    advice = "Call octlib.learn_familiarity(classifier, train) with the scans that it was fitted on."
    if classifier.reference is None:
        raise FamiliarityError("Familiarity must have been learned, and this classifier has learned none.", advice)
    if classifier.reference.key != _key(classifier):
        raise FamiliarityError(
            "Familiarity must have been learned for the classifier as it is, and its weights or its preprocessing have "
            "changed since, or what this version of octlib looks at in a scan.",
            advice,
        )
    wanted = (sum(classifier.backbone.feature_lengths), N_ASYMMETRIES)
    got = (len(classifier.reference.features.mean), len(classifier.reference.asymmetries.mean))
    if got != wanted:
        raise FamiliarityError(
            f"What was learned must be of the classifier's {wanted[0]:,} features and {wanted[1]} asymmetries, got "
            f"{got[0]:,} and {got[1]:,}: its file was changed.",
            advice,
        )
    return classifier.reference


def _key(classifier: OctClassifier) -> str:
    """Digest all that decides what is described of a scan."""
    digests = classifier_key(classifier), AsymmetryPass().digest
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _learned(rows: np.ndarray, patients: np.ndarray) -> Distribution:
    """Fit a distribution, and find the distances of scans whose patients were left out."""
    from sklearn.model_selection import GroupKFold

    unseen = np.empty(len(rows))
    for seen, left_out in GroupKFold(min(FOLDS, len(np.unique(patients)))).split(rows, groups=patients):
        if len(seen) < FEWEST // 2:
            raise FamiliarityError(
                f"Familiarity is learned from what scans are like without those of some patients, and must have "
                f"{FEWEST // 2} scans then: without a single patient there are {len(seen)} of {len(rows)}.",
                "Give scans of more patients.",
            )
        unseen[left_out] = described(rows[seen]).distances(rows[left_out])
    limit = float(np.quantile(unseen, KEPT, method="higher"))
    typical = min(float(np.median(unseen)), limit - LEAST_SPAN)
    return replace(described(rows), typical=typical, limit=limit)


def normalised(features: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
    """Take the root of each feature's share, its sign kept, so that neither brightness nor a single feature rules.

    Distances are then Hellinger's (Arandjelovic & Zisserman 2012, "Three things everyone should know to improve object
    retrieval", for features of images).

    Args:
        features: float32 (n, features).
        lengths: how many features come from each of several backbones, which count alike.

    Returns:
        float32 (n, features); those of each backbone have a length of 1.
    """
    parts = np.split(features, np.cumsum(lengths)[:-1], axis=1)
    sums = [np.abs(part).sum(axis=1, keepdims=True) + np.finfo(np.float32).tiny for part in parts]
    shares = [part / total for part, total in zip(parts, sums, strict=True)]
    return np.concatenate([np.sign(share) * np.sqrt(np.abs(share)) for share in shares], axis=1)


def described(rows: np.ndarray) -> Distribution:
    """Fit a distribution to rows; what scans that were left out have to say is not known yet."""
    from sklearn.decomposition import PCA

    n, length = rows.shape
    axes = max(1, min(AXES, n // 2, length - 1, AXES_BYTES // (4 * length)))
    with np.errstate(divide="ignore", invalid="ignore"):  # shares of a variance of nothing, which nobody asks for
        found = PCA(axes, random_state=0).fit(rows)
    total = float(np.square(rows - rows.mean(axis=0), dtype=np.float64).sum() / (n - 1))
    # Over all other directions, those too in which so few scans can't differ, which scikit-learn leaves out.
    noise = (total - float(found.explained_variance_.sum())) / max(1, length - axes)
    return Distribution(
        mean=found.mean_.astype(np.float32),
        axes=found.components_.astype(np.float32),
        variances=np.maximum(found.explained_variance_, LEAST_VARIANCE).astype(np.float32),
        noise=max(noise, LEAST_VARIANCE),
        typical=0.0,
        limit=1.0,
    )
