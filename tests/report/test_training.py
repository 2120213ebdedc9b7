"""Training: the curve of a fit, and what came of it."""

from __future__ import annotations

import base64

import octlib
from octlib.report.training import describe_training


def test_a_fit_is_a_curve_and_a_line():
    epochs = [{"epoch": n, "loss": 1 / n, "accuracy": 0.5, "learning_rate": 0.1, "seconds": 1.0} for n in (1, 2, 3)]
    told = describe_training(octlib.History(tuple(epochs), 3, 3.0))
    assert told["how"] == "The epoch that was kept is number 3 of 3: accuracy 0.500."
    assert "best epoch (3)" in base64.b64decode(told["curve"]["source"].partition(",")[2]).decode()
    assert describe_training(None) is None
