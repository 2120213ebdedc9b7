"""Judged: what two evaluations share is told by patients, else by files, and never by names of arrays."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.evaluation import score
from octlib.evaluation.judged import check_positive, require_both_sides, sum_positive, units_of

NAMES = ("CNV", "DME", "NORMAL")


def result(patients, shift=0.0):
    probabilities = np.tile([0.5 + shift, 0.3 - shift, 0.2], (len(patients), 1))
    return score(np.arange(len(patients)) % 3, probabilities, patients, NAMES)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_patients_and_files_overlap_and_other_unknown_scans_do_not():
    assert units_of(result(list("abc"))) & units_of(result(list("cde"))) == {"patient c"}
    unknown = result([None] * 3)
    assert units_of(unknown) == units_of(result([None] * 3))
    assert not units_of(unknown) & units_of(result([None] * 3, shift=0.1))
    unknown.scans["path"] = ["x.png", "y.png", None]
    assert {"file x.png", "file y.png"} < units_of(unknown)


def test_a_question_is_about_some_classes_and_leaves_others():
    assert check_positive("DME", NAMES) == ("DME",)
    positive, scores = sum_positive(result(list("abc")), ("CNV", "NORMAL"))
    assert positive.tolist() == [True, False, True]
    np.testing.assert_allclose(scores, 0.7)
    for wrong in ((), NAMES, ("CNV", "CNV")):
        with pytest.raises(ValueError, match="positive must be one or more different classes"):
            check_positive(wrong, NAMES)
    with pytest.raises(ValueError, match="did you mean 'CNV'"):
        check_positive("CVN", NAMES)
    with pytest.raises(ValueError, match="3 of the 3 scans are of them"):
        require_both_sides(np.ones(3, dtype=bool), ["CNV"], "scan")
