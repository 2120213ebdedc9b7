"""Real scans: other patients get better probabilities, and sets that hold as much as they promise."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import octlib
from octlib.calibration.losses import log_loss
from octlib.evaluation.metrics.plain import ece as ece_of
from octlib.features import predict_probabilities
from octlib.models import Postprocessing

SPLITS = 12


@pytest.mark.filterwarnings("ignore:Other patients would see")  # as chance has it in some of the splits
def test_other_patients_gain(kermany: Path, imagenet_weights: Path) -> None:
    scans = octlib.load_oct_dataset(kermany)
    classifier = octlib.build_classifier("mobilenetv2_100", weights=imagenet_weights, class_names=scans.class_names)
    covered, gains = [], []
    for seed in range(SPLITS):
        train, validation, test = scans.split((0.5, 0.25, 0.25), seed=seed)
        classifier.postprocessing = Postprocessing()
        octlib.fit(classifier, train, progress=False)
        before = predict_probabilities(classifier, test)
        octlib.calibrate(classifier, validation, seed=seed)
        after = predict_probabilities(classifier, test)
        labels = np.asarray(test.labels)
        gains.append([f(labels, before) - f(labels, after) for f in (log_loss, ece_of)])
        octlib.calibrate(classifier, validation, coverage=0.8, seed=seed)
        covered.append(octlib.prediction_sets(classifier, test).covered)
    assert np.mean(gains, axis=0).min() > 0
    # Splits share patients, so that the error of the mean is larger than that of as many independent ones.
    assert abs(np.mean(covered) - 0.8) < 4 * np.std(covered) / math.sqrt(SPLITS)
