"""Compare: differences over the same resamples, tests by patients, and what can't be compared."""

from __future__ import annotations

import dataclasses
import sys
import warnings

import numpy as np
import pytest

import octlib
from octlib._bootstrap import percentile_interval
from octlib.errors import UndefinedMetricWarning, UnknownPatientsWarning
from octlib.evaluation import METRICS, compare_evaluations, score
from octlib.evaluation.delong import compare_aurocs
from octlib.evaluation.mcnemar import compare_hits

NAMES = ("CNV", "DME", "NORMAL")
TRUTH = np.arange(90) % 3
PATIENTS = np.arange(90) // 3


def make(seed, strength=0.4, *, truth=TRUTH, names=NAMES):
    noise = np.random.default_rng(seed).dirichlet(np.ones(len(names)), size=len(truth))
    return (1 - strength) * noise + strength * np.eye(len(names))[truth]


def evaluation(seed=0, strength=0.4, *, patients=PATIENTS):
    return score(TRUTH, make(seed, strength), patients, NAMES)


@pytest.fixture(scope="module")
def three():
    return compare_evaluations({"a": evaluation(0), "b": evaluation(1, 0.5), "c": evaluation(2, 0.1)})


def test_differences_are_those_of_the_metrics(three):
    assert list(three.pairs) == [("a", "b"), ("a", "c"), ("b", "c")]
    pair = three.pairs["a", "c"]
    first, second = evaluation(0), evaluation(2, 0.1)
    assert pair.differences["accuracy"] == first.accuracy - second.accuracy
    assert pair.differences["auroc"]["DME"] == first.auroc["DME"] - second.auroc["DME"]
    assert pair.differences.keys() == pair.intervals.keys() == METRICS.keys()


def test_intervals_are_over_the_same_resamples_of_patients():
    one, other = evaluation(0), evaluation(1)
    low, high = compare_evaluations({"a": one, "b": other}, seed=3).pairs["a", "b"].intervals["accuracy"]
    hits = [(each.probabilities.argmax(axis=1) == TRUTH).reshape(30, 3).mean(axis=1) for each in (one, other)]
    order = np.argsort([str(number) for number in range(30)])  # patients are drawn in the order of their names
    differences = (hits[0] - hits[1])[order]
    drawn = differences[np.random.default_rng(3).integers(30, size=(1000, 30))].mean(axis=1)
    assert (low, high) == pytest.approx(percentile_interval(drawn, 30, 0.95))


def test_tests_are_by_patients_and_corrected_within_their_kind(three):
    one, other = evaluation(0), evaluation(2, 0.1)
    hits = [each.probabilities.argmax(axis=1) == TRUTH for each in (one, other)]
    pair = three.pairs["a", "c"]
    assert (pair.mcnemar.statistic, pair.mcnemar.p) == compare_hits(*hits, PATIENTS)
    assert (pair.only_first, pair.only_second) == ((hits[0] & ~hits[1]).sum(), (hits[1] & ~hits[0]).sum())
    scores = [each.probabilities[:, 1] for each in (one, other)]
    assert (pair.delong["DME"].statistic, pair.delong["DME"].p) == pytest.approx(
        compare_aurocs(TRUTH == 1, *scores, PATIENTS)
    )
    kinds = [
        [each.mcnemar for each in three.pairs.values()],
        [test for each in three.pairs.values() for test in each.delong.values()],
    ]
    for tests in kinds:
        least = min(tests, key=lambda test: test.p)
        assert least.p_holm == pytest.approx(min(1, least.p * len(tests)))
        most = max(tests, key=lambda test: test.p)
        assert most.p_holm >= most.p


def test_a_classifier_and_itself_do_not_differ():
    pair = compare_evaluations({"a": evaluation(), "again": evaluation()}).pairs["a", "again"]
    assert pair.differences["accuracy"] == 0
    assert set(pair.differences["auroc"].values()) == {0}
    assert pair.intervals["macro_f1"] == (0, 0)
    assert (pair.mcnemar.p, pair.only_first, pair.only_second) == (1, 0, 0)
    assert {test.p_holm for test in pair.delong.values()} == {1}


@pytest.mark.parametrize("right", [True, False])
def test_classifiers_that_are_always_right_or_always_wrong_do_not_differ(right):
    certain = score(TRUTH, np.eye(3)[TRUTH if right else (TRUTH + 1) % 3], PATIENTS, NAMES)
    comparison = compare_evaluations({"a": certain, "b": certain})
    assert comparison.pairs["a", "b"].mcnemar.p == 1
    assert comparison.pairs["a", "b"].delong["CNV"].p == 1
    assert "An interval without width is no certainty" in repr(comparison)


def test_one_is_always_right_and_one_always_wrong():
    right, wrong = (score(TRUTH, np.eye(3)[predicted], PATIENTS, NAMES) for predicted in (TRUTH, (TRUTH + 1) % 3))
    pair = compare_evaluations({"right": right, "wrong": wrong}).pairs["right", "wrong"]
    assert pair.differences["accuracy"] == 1
    assert pair.mcnemar.p < 1e-6
    assert all(np.isnan(test.p) for test in pair.delong.values())  # there is no variance to hold a difference against


def test_an_absent_class_is_undefined_and_leaves_the_others_alone():
    truth = np.arange(40) % 2
    with pytest.warns(UndefinedMetricWarning, match="NORMAL"):
        one, other = (score(truth, make(seed, truth=truth), np.arange(40) // 2, NAMES) for seed in (0, 1))
    comparison = compare_evaluations({"a": one, "b": other})
    pair = comparison.pairs["a", "b"]
    assert np.isnan([pair.differences["f1"]["NORMAL"], *pair.intervals["f1"]["NORMAL"], pair.delong["NORMAL"].p]).all()
    p = np.array([pair.delong[name].p for name in ("CNV", "DME")])
    assert pair.delong["CNV"].p_holm in (pytest.approx(min(1, 2 * p[0])), pytest.approx(max(2 * p[1], p[0])))
    assert "F1 NORMAL          undefined" in repr(comparison)
    assert "(1 and 2 tests)" in repr(comparison)


def test_two_classes_have_one_auroc_and_one_test_of_it():
    truth = np.arange(60) % 2
    one, other = (
        score(truth, make(seed, truth=truth, names="ab"), np.arange(60) // 2, ["CNV", "NORMAL"]) for seed in (0, 1)
    )
    pair = compare_evaluations({"a": one, "b": other}).pairs["a", "b"]
    assert pair.delong["CNV"] == pair.delong["NORMAL"]
    assert pair.delong["CNV"].p_holm == pair.delong["CNV"].p


@pytest.mark.filterwarnings("ignore::octlib.errors.OctlibWarning")
def test_one_patient_alone_has_no_intervals_and_no_test_of_aurocs():
    one, other = (evaluation(seed, patients=["p"] * 90) for seed in (0, 1))
    pair = compare_evaluations({"a": one, "b": other}).pairs["a", "b"]
    assert np.isnan(pair.intervals["accuracy"]).all()
    assert np.isnan(pair.intervals["f1"]["CNV"]).all()
    assert pair.mcnemar.p == 1
    assert np.isnan(pair.delong["CNV"].p)


@pytest.mark.filterwarnings("ignore::octlib.errors.UnknownPatientsWarning")
def test_the_order_of_the_scans_changes_nothing_with_patients_and_without():
    patients = np.where(np.arange(90) < 30, None, PATIENTS)
    order = np.random.default_rng(0).permutation(90)
    comparisons = [
        compare_evaluations(
            {str(seed): score(TRUTH[o], make(seed)[o], patients[o], NAMES) for seed in (0, 1)},
        )
        for o in (np.arange(90), order)
    ]
    tables = [each.to_frame().set_index(["metric", "class"]).drop(columns=["first", "second"]) for each in comparisons]
    np.testing.assert_allclose(tables[0], tables[1], atol=1e-9)
    assert "A scan without a patient counts as a patient of its own: there are 30." in repr(comparisons[0])


def test_classes_may_stand_in_another_order(three):
    order = [2, 0, 1]
    turned = score(np.argsort(order)[TRUTH], make(2, 0.1)[:, order], PATIENTS, [NAMES[each] for each in order])
    other = compare_evaluations({"a": evaluation(0), "b": evaluation(1, 0.5), "c": turned})
    expected, found = three.to_frame(), other.to_frame()
    assert found["class"].tolist() == expected["class"].tolist()
    np.testing.assert_allclose(found.select_dtypes(float), expected.select_dtypes(float), atol=1e-12)


# What can't be compared


def other_scans(**changes):
    return score(changes.get("truth", TRUTH), make(1), changes.get("patients", PATIENTS), changes.get("names", NAMES))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"truth": np.roll(TRUTH, 1)},
            r"the label differs in 90 of 90 rows, first in row 0: 'CNV' and 'NORMAL'\. Comp",
        ),
        ({"patients": PATIENTS // 2}, r"the patient differs in 87 of 90 rows, first in row 3: '1' and '0'\."),
        ({"patients": None}, r"the patient differs in 90 of 90 rows, first in row 0: '0' and None\."),
        ({"names": ("CNV", "DME", "AMD")}, r"a has \['CNV', 'DME', 'NORMAL'\], b has \['AMD', 'CNV', 'DME'\]\. Train"),
    ],
)
@pytest.mark.filterwarnings("ignore::octlib.errors.UnknownPatientsWarning")
def test_evaluations_of_other_scans_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        compare_evaluations({"a": evaluation(), "b": other_scans(**changes)})


def test_evaluations_of_another_number_or_level_are_refused():
    few = score(TRUTH[:60], make(0)[:60], PATIENTS[:60], NAMES)
    with pytest.raises(ValueError, match="a was evaluated on 90 scans, b on 60 scans. Compare evaluations of the same"):
        compare_evaluations({"a": evaluation(), "b": few})
    by_eye = dataclasses.replace(evaluation(), level="eye")
    with pytest.raises(ValueError, match="a was evaluated at level 'scan', b at level 'eye'"):
        compare_evaluations({"a": evaluation(), "b": by_eye})


def test_names_of_scans_are_looked_at_where_both_have_them():
    one = evaluation()
    named, renamed = (
        dataclasses.replace(one, scans=one.scans.assign(name=[f"{letter}{row}" for row in range(90)]))
        for letter in "xy"
    )
    with pytest.raises(ValueError, match="the name differs in 90 of 90 rows, first in row 0: 'x0' and 'y0'"):
        compare_evaluations({"a": named, "b": renamed})
    assert compare_evaluations({"a": named, "b": one}).n_scans == 90


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="two evaluations or more, got 1"):
        compare_evaluations({"a": evaluation()})
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        compare_evaluations({"a": evaluation(), "b": evaluation()}, confidence=95)
    with pytest.raises(ValueError, match="seed must be"):
        compare_evaluations({"a": evaluation(), "b": evaluation()}, seed=-1)


# Classifiers


@pytest.fixture(scope="module")
def classifiers():
    options = {"weights": None, "image_size": 32}
    turned = ["NORMAL", "DRUSEN", "DME", "CNV"]
    return (
        octlib.build_classifier("test_resnet", seed=0, **options),
        octlib.build_classifier("test_resnet", seed=1, class_names=turned, **options),
    )


@pytest.fixture(scope="module")
def scans():
    return octlib.load_oct_dataset("phantoms").sample(24, seed=0)


def test_classifiers_are_compared_as_their_evaluations_are(classifiers, scans):
    comparison = octlib.compare(*classifiers, scans, seed=5)
    evaluations = {name: octlib.evaluate(each, scans) for name, each in zip("AB", classifiers, strict=True)}
    expected = compare_evaluations(evaluations, seed=5)
    assert comparison.to_dict() == expected.to_dict()
    assert comparison.names == ("A", "B")


def test_several_classifiers_a_level_and_names(classifiers, scans):
    comparison = octlib.compare(
        *classifiers, scans, others=classifiers[:1], names=["x", "y", "z"], level="patient", confidence=0.8
    )
    assert list(comparison.pairs) == [("x", "y"), ("x", "z"), ("y", "z")]
    assert comparison.pairs["x", "z"].mcnemar.p == 1
    assert (comparison.level, comparison.confidence) == ("patient", 0.8)
    assert comparison.n_scans == comparison.n_patients


def test_a_warning_comes_once_and_points_at_the_caller(classifiers, scans):
    unknown = octlib.load_oct_dataset((scans.images(32), [scan.label for scan in scans]))
    with pytest.warns(UnknownPatientsWarning, match="Patients are unknown") as caught:
        octlib.compare(*classifiers, unknown)
    assert [each.filename for each in caught if each.category is UnknownPatientsWarning] == [__file__]


def test_mistakes_are_found_before_the_work(classifiers, scans, monkeypatch):
    monkeypatch.setattr(
        sys.modules["octlib.evaluation.compare"], "evaluate", lambda *_, **__: pytest.fail("the work had begun")
    )
    with pytest.raises(TypeError):
        octlib.compare(classifiers[0], "classifier/", scans)
    with pytest.raises(ValueError, match="names must be 2 different ones, one for each classifier; got \\['a', 'a'\\]"):
        octlib.compare(*classifiers, scans, names=["a", "a"])
    other = octlib.build_classifier("test_resnet", weights=None, image_size=32, class_names=["CNV", "AMD"])
    with pytest.raises(ValueError, match=r"A has \['CNV', .*\], B has \['AMD', 'CNV'\]"):
        octlib.compare(classifiers[0], other, scans)


def test_a_damaged_scan_is_an_error_that_names_it(classifiers, tmp_path):
    for name in ("CNV", "DME"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}-1-1.png").write_bytes(b"no image")
    with warnings.catch_warnings(), pytest.raises(ValueError, match=r"2 of 2 scans can't be read: .*CNV-1-1\.png"):
        octlib.compare(*classifiers, tmp_path)
