"""The estimator: scikit-learn's tools work on scans, and a search over the head is one pass through the backbone."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

import octlib
import octlib.estimator
from octlib.errors import UnmatchedClassesError
from octlib.models import sharing
from octlib.models.passes import FeaturePass

NAMES = ("DRUSEN", "CNV", "DME")  # not in order of the alphabet, which is scikit-learn's
SIZE = 32


def estimator(**changes):
    return octlib.OctEstimator("test_resnet", **{"weights": None, "image_size": SIZE, **changes})


def labels_of(n):
    return np.array(NAMES)[np.arange(n) % 3]


@pytest.fixture
def pixels():
    """Give 60 noisy scans of three classes, of different brightness: uint8 (60, 32, 32)."""
    noise = np.random.default_rng(0).integers(0, 60, (60, SIZE, SIZE), dtype=np.uint8)
    return noise + 60 * (np.arange(60, dtype=np.uint8) % 3)[:, None, None]


@pytest.fixture
def scans(pixels):
    """Give the same as a dataset, three scans a patient."""
    patients = [f"p{number // 3}" for number in range(60)]
    return octlib.load_oct_dataset((pixels, labels_of(60), patients), class_names=NAMES)


@pytest.fixture
def passes(monkeypatch):
    """Count the scans that pass through a backbone."""
    counts, extract = [], FeaturePass.extract

    def counted(self, batch):
        counts.append(len(batch))
        return extract(self, batch)

    monkeypatch.setattr(FeaturePass, "extract", counted)
    return counts


def sources(pixels, scans, folder):
    paths = []
    for number, image in enumerate(pixels):
        paths.append(folder / f"{number}.png")
        Image.fromarray(image).save(paths[-1])
    return {
        "dataset": scans,
        "array": pixels,
        "array with a channel": pixels[..., None],
        "paths": paths,
        "texts": list(map(str, paths)),
        "column of paths": np.array(list(map(str, paths)), dtype=object),
        "list of arrays": list(pixels),
    }


class OfTables(octlib.OctEstimator):
    """Draws each row of a table as a scan of stripes, since a table is what scikit-learn's checks try."""

    def fit(self, X, y=None):  # noqa: N803
        return super().fit(self._drawn(X, reset=True), y)

    def predict_proba(self, X):  # noqa: N803
        check_is_fitted(self)
        return super().predict_proba(self._drawn(X, reset=False))

    def score(self, X, y, sample_weight=None):  # noqa: N803
        return super().score(self._drawn(X, reset=False), y, sample_weight)

    def _drawn(self, table, *, reset):
        if isinstance(table, octlib.OctDataset):  # drawn already, by score
            return table
        table = validate_data(self, table, reset=reset)
        grey = np.clip(128 + 20 * table, 0, 255).astype(np.uint8)
        return np.repeat(np.repeat(grey[:, None, :], SIZE, axis=1), -(-SIZE // table.shape[1]), axis=2)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learn_finds_no_fault_with_what_needs_no_table():
    # All but one of its checks try tables, so it leaves them out for whoever doesn't take any; see the next test.
    check_estimator(estimator(), on_skip=None)


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_finds_no_fault_where_its_tables_are_drawn_as_scans():
    done = check_estimator(OfTables("test_resnet", weights=None, image_size=SIZE), on_skip=None)
    assert len(done) > 40
    assert {each["check_name"] for each in done if each["status"] == "skipped"} <= {"check_array_api_input"}


def test_parameters_are_those_of_building_and_fitting():
    parameters = estimator(l2=0.3).get_params()
    assert (parameters["l2"], parameters["backbone"], parameters["seed"]) == (0.3, "test_resnet", 0)
    assert clone(estimator(l2=0.3)).set_params(l2=2.0).l2 == 2.0
    both = octlib.build_classifier.__kwdefaults__ | octlib.fit.__kwdefaults__
    assert all(parameters[name] == both[name] for name in ("pooling", "epochs", "batch_size", "class_weight", "cache"))
    left_out = set(both) - set(parameters)
    assert left_out == {"class_names", "checkpoint", "resume", "callbacks", "progress"}


@pytest.mark.parametrize(
    "kind", ["dataset", "array", "array with a channel", "paths", "texts", "column of paths", "list of arrays"]
)
def test_all_that_scans_can_be_is_divided_and_learned(kind, pixels, scans, tmp_path):
    given = sources(pixels, scans, tmp_path)[kind]
    found = cross_val_score(
        estimator(), given, labels_of(60), groups=scans.patients, cv=StratifiedGroupKFold(3), error_score="raise"
    )
    assert (found > 0.9).all()


@pytest.mark.parametrize(
    "labels", [labels_of(60), np.arange(60) % 3, (np.arange(60) % 3) * 10 - 5, np.arange(60) % 2 == 0]
)
def test_labels_come_back_as_they_were_given(labels, pixels):
    fitted = estimator().fit(pixels, labels)
    np.testing.assert_array_equal(fitted.classes_, np.unique(labels))
    found = fitted.predict(pixels)
    assert found.dtype == labels.dtype
    probabilities = fitted.predict_proba(pixels)
    assert probabilities.shape == (60, len(fitted.classes_))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(found, fitted.classes_[probabilities.argmax(axis=1)])
    assert fitted.score(pixels, labels) == (found == labels).mean()
    assert fitted.classifier_.class_names == tuple(map(str, fitted.classes_))


def test_it_is_what_fit_and_predict_make(scans):
    classifier = octlib.build_classifier("test_resnet", weights=None, image_size=SIZE, class_names=sorted(NAMES))
    octlib.fit(classifier, scans, l2=0.5, progress=False)
    expected = octlib.predict(classifier, scans)[[f"p_{name}" for name in sorted(NAMES)]]
    np.testing.assert_array_equal(estimator(l2=0.5).fit(scans).predict_proba(scans), expected)


def test_a_dataset_brings_its_own_labels(scans):
    fitted = estimator().fit(scans)
    assert fitted.classes_.tolist() == sorted(NAMES)
    assert fitted.score(scans) == fitted.score(scans, scans.column("label")) > 0.9
    assert GridSearchCV(estimator(), {"l2": [0.1, 1]}, cv=2).fit(scans).best_score_ > 0.9


def test_labels_that_are_given_win(scans):
    other = np.where(scans.labels == 0, "yes", "no")
    assert estimator().fit(scans, other).classes_.tolist() == ["no", "yes"]


def test_a_class_that_a_part_lacks_has_no_column(scans):
    assert estimator().fit(scans[scans.labels > 0]).classes_.tolist() == ["CNV", "DME"]


def test_weights_of_classes_go_by_label(pixels):
    labels = np.arange(60) % 2
    mean = [
        estimator(class_weight=weight, l2=10.0).fit(pixels, labels).predict_proba(pixels)[:, 1].mean()
        for weight in ({0: 50, 1: 1}, {0: 1, 1: 50})
    ]
    assert mean[0] < 0.3 < 0.7 < mean[1]


def test_a_search_over_the_head_is_one_pass_through_the_backbone(scans, passes):
    grid = {"l2": np.geomspace(1e-2, 10, 10).tolist(), "class_weight": ["balanced", None]}
    search = GridSearchCV(estimator(), grid, cv=StratifiedGroupKFold(3), scoring="f1_macro", error_score="raise")
    search.fit(scans, scans.column("label"), groups=scans.patient_groups())
    assert len(search.cv_results_["params"]) == 20
    assert sum(passes) == len(scans)
    assert search.best_score_ > 0.9
    assert search.best_estimator_.classifier_.frozen


def test_a_search_builds_the_backbone_once(scans, monkeypatch):
    built, build = [], sharing.build_classifier
    monkeypatch.setattr(sharing, "build_classifier", lambda *given, **more: built.append(1) or build(*given, **more))
    search = GridSearchCV(estimator(seed=7, image_size=[SIZE, SIZE]), {"l2": [0.01, 0.1, 1]}, cv=3)
    search.fit(scans, scans.column("label"))
    assert len(built) == 1


def test_several_backbones_are_searched_as_one_is(scans, passes):
    several = octlib.OctEstimator(("test_resnet", "test_vit"), weights=None, image_size=SIZE)
    search = GridSearchCV(several, {"l2": [0.01, 1.0]}, cv=StratifiedGroupKFold(3))
    search.fit(scans, scans.labels, groups=scans.patient_groups())
    assert sum(passes) == 2 * len(scans)
    assert clone(several).get_params()["backbone"] == ("test_resnet", "test_vit")
    other = octlib.OctEstimator(("test_resnet", "test_resnet"), weights=None, image_size=SIZE).fit(scans)
    assert other.classifier_.backbone_names == ("test_resnet", "test_resnet_2")
    assert search.best_estimator_.classifier_.backbone_names == ("test_resnet", "test_vit")


def test_what_happens_to_the_classifier_of_one_happens_to_no_other(scans):
    one, other = estimator(seed=3).fit(scans), estimator(seed=3).fit(scans)
    before = one.predict_proba(scans)
    np.testing.assert_array_equal(other.predict_proba(scans), before)
    mine = one.classifier_
    np.testing.assert_array_equal(one.predict_proba(scans), before)
    mine.unfreeze()
    mine.backbone.load_state({name: 0 * value for name, value in mine.backbone.state().items()})
    assert one.classifier_ is mine
    assert not np.allclose(one.predict_proba(scans), before)
    np.testing.assert_array_equal(other.predict_proba(scans), before)
    assert other.classifier_.frozen
    np.testing.assert_array_equal(estimator(seed=3).fit(scans).predict_proba(scans), before)


def test_weights_that_have_changed_on_disk_are_read_again(scans, tmp_path):
    first, second = (octlib.build_classifier("test_resnet", weights=None, image_size=SIZE, seed=n) for n in (1, 2))
    for classifier in (first, second):
        state = {name: np.ascontiguousarray(value) for name, value in classifier.backbone.state().items()}
        save_file(state, tmp_path / "weights.safetensors")
        fitted = estimator(weights=tmp_path / "weights.safetensors").fit(scans)
        for name, value in fitted.classifier_.backbone.state().items():
            np.testing.assert_array_equal(value, classifier.backbone.state()[name], err_msg=name)


def test_a_fit_that_fails_leaves_no_shared_backbone(scans, monkeypatch):
    estimator(seed=5).fit(scans)
    monkeypatch.setattr(octlib.estimator, "fit", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        estimator(seed=5).fit(scans)
    assert not sharing._owner


def test_another_backbone_is_not_taken_for_the_one_before(scans):
    before = estimator(seed=1).fit(scans).predict_proba(scans)
    for changes in ({"seed": 2}, {"pooling": "flatten"}, {"image_size": 48}, {"backbone": "test_vit"}):
        built = estimator(seed=1).set_params(**changes).fit(scans)
        own = octlib.build_classifier(
            built.backbone, weights=None, image_size=built.image_size, pooling=built.pooling, seed=built.seed
        )
        for name, value in built.classifier_.backbone.state().items():
            np.testing.assert_array_equal(value, own.backbone.state()[name], err_msg=name)
        assert built.classifier_.image_size == own.image_size
        assert built.classifier_.backbone.pooling == built.pooling
    np.testing.assert_array_equal(estimator(seed=1).fit(scans).predict_proba(scans), before)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"freeze": "no"}, "frozen must be True or False"),
        ({"freeze": None}, "frozen must be True or False"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
        ({"image_size": 64.0}, "size must be"),
        ({"steps": ["flatten"]}, "did you mean 'flatten_retina'"),
        ({"resize": "squeeze"}, "Unknown resize policy 'squeeze'"),
    ],
)
def test_arguments_are_checked_as_by_build_classifier(wrong, said, scans):
    estimator(image_size=64).fit(scans)
    with pytest.raises((TypeError, ValueError), match=said):
        estimator(**wrong).fit(scans)


def test_seeds_may_be_numpys(scans):
    fitted = estimator(seed=np.int64(3)).fit(scans)
    again = copy.deepcopy(fitted)  # before anybody has asked for its classifier
    np.testing.assert_array_equal(again.predict_proba(scans), fitted.predict_proba(scans))


def test_epochs_learning_rate_and_dropout_can_be_searched_too(scans, passes):
    grid = [{"dropout": [0.0, 0.3], "epochs": [1, 2]}, {"epochs": [1], "learning_rate": [1e-3, 1e-2]}]
    search = GridSearchCV(estimator(), grid, cv=2, error_score="raise").fit(scans, scans.column("label"))
    assert len(search.cv_results_["params"]) == 6
    assert sum(passes) == len(scans)


def test_pipelines_take_it_as_their_last_step(pixels):
    pipeline = make_pipeline(FunctionTransformer(lambda scans: scans[:, ::-1]), estimator())
    assert cross_val_score(pipeline, pixels, labels_of(60), cv=2).min() > 0.9
    assert clone(pipeline).set_params(octestimator__l2=1.0).fit(pixels, labels_of(60)).classes_.tolist() == sorted(
        NAMES
    )


def test_probabilities_can_be_calibrated(scans):
    parts = StratifiedGroupKFold(3).split(scans, scans.column("label"), scans.patient_groups())
    calibrated = CalibratedClassifierCV(estimator(), cv=list(parts)).fit(scans, scans.column("label"))
    found = calibrated.predict_proba(scans)
    assert found.shape == (60, 3)
    assert calibrated.score(scans, scans.column("label")) > 0.9
    assert cross_val_predict(estimator(), scans, scans.column("label"), cv=2, method="predict_proba").shape == (60, 3)


def test_an_unfrozen_backbone_is_fine_tuned(scans):
    fitted = estimator(freeze=False, epochs=1, augment=False).fit(scans)
    assert not fitted.classifier_.frozen
    assert fitted.predict_proba(scans[:3]).shape == (3, 3)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda fitted: pickle.loads(pickle.dumps(fitted))])  # noqa: S301
def test_a_fitted_estimator_survives_copies(copied, scans):
    fitted = estimator(flips=True).fit(scans)
    again = copied(fitted)
    np.testing.assert_array_equal(again.predict_proba(scans), fitted.predict_proba(scans))
    again.classifier_.head.set_weights([0 * weights for weights in again.classifier_.head.get_weights()])
    assert fitted.score(scans) > 0.9
    assert again.classifier_.postprocessing == fitted.classifier_.postprocessing


def test_processes_share_the_work(scans):
    found = cross_validate(
        estimator(), scans, scans.column("label"), cv=2, n_jobs=2, return_estimator=True, error_score="raise"
    )
    assert found["test_score"].min() > 0.9
    assert found["estimator"][0].score(scans) > 0.9


def test_before_fit_nothing_can_be_predicted(pixels):
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError, match="OctEstimator instance is not fitted yet"):
            getattr(estimator(), method)(pixels)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        estimator().score(pixels, labels_of(60))


@pytest.mark.parametrize("shape", [(60, 5), (60,), (60, 2, 2, 2, 2)])
def test_a_table_is_no_scan(shape, pixels):
    told = r"X must be scans: a dataset, a uint8 array \(n, height, width\).*got an array of shape \(60, "
    with pytest.raises(ValueError, match=told[: None if len(shape) > 1 else -2]):
        estimator().fit(np.zeros(shape), labels_of(60))
    with pytest.raises(ValueError, match="X must be scans"):
        estimator().fit(pixels, labels_of(60)).predict(np.zeros(shape))


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (None, "requires y to be passed, but the target y is None, and these scans have no labels of their own"),
        (labels_of(59), r"inconsistent numbers of samples: \[60, 59\]"),
        (np.full(60, "CNV"), "at least two classes, got one class, CNV"),
        (np.linspace(0, 1, 60), "Unknown label type: continuous"),
        ([None, *labels_of(59)], "y must have a label for every scan, and 1 of 60 have none"),
    ],
)
def test_labels_that_can_not_be_learned_are_refused(labels, told, pixels):
    with pytest.raises(ValueError, match=told):
        estimator().fit(pixels, labels)


def test_no_scans_are_refused(pixels):
    with pytest.raises(ValueError, match="at least two classes, got no scans"):
        estimator().fit(pixels[:0], [])


def test_scans_without_a_label_are_counted(scans):
    some = octlib.load_oct_dataset((scans.images(SIZE), [None, None, *labels_of(58)]))
    with pytest.raises(UnmatchedClassesError, match="2 of 60 have none"):
        estimator().fit(some)


def test_a_wrong_argument_is_refused_by_fit_and_not_before(pixels):
    wrong = estimator(pooling="most", l2=-1)
    with pytest.raises(ValueError, match="pooling"):
        wrong.fit(pixels, labels_of(60))
    with pytest.raises(ValueError, match="l2 must be a positive number, got -1"):
        wrong.set_params(pooling="average").fit(pixels, labels_of(60))
