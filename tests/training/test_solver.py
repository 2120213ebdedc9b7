"""Solver: the head is the one solution of a convex problem, whatever the form in which the scans are passed over."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import octlib
from octlib.errors import TrainingWarning
from octlib.features import StoredRows
from octlib.training import problem, solver
from octlib.training.recipe import Recipe
from octlib.training.solver import solve_head
from octlib.training.whitening import Whitening

FEATURES = 96
NAMES = ("A", "B", "C")


def solve(classifier, train, validation=None, **changes):
    return solve_head(classifier, train, validation, Recipe(1, 8, 1e-3, exact=True, **changes))


def make(n=45, *, seed=0, width=FEATURES, apart=2.0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    features = 5 + rng.normal(size=(n, width)) @ np.diag(rng.uniform(0.2, 2, width))
    features[np.arange(n), labels] += apart
    return features.astype(np.float32), labels


@pytest.fixture
def classifier(build):
    return build(class_names=NAMES)


def logits(classifier, features):
    kernel, bias = classifier.head.get_weights()
    return features @ kernel + bias


@pytest.mark.parametrize("width", [FEATURES, 10])
@pytest.mark.parametrize("weights", [None, np.array([1, 4, 1], np.float32)])
def test_the_head_is_that_of_logistic_regression(classifier, weights, width, build):
    train = make(width=width)
    scale = Whitening.of(*train)
    whitened = scale.apply(train[0]).astype(float)
    whitened /= np.sqrt(np.square(whitened).sum(axis=1).mean())
    share = np.ones(3) if weights is None else weights / weights[train[1]].mean()
    reference = LogisticRegression(C=1 / solver.DEFAULT_L2, fit_intercept=False, tol=1e-8, max_iter=10_000)
    reference.fit(np.column_stack([whitened, np.ones(len(whitened))]), train[1], share[train[1]])
    expected = whitened @ reference.coef_[:, :-1].T + reference.coef_[:, -1]
    posed = problem.Problem.of(train, 3, Recipe(1, 8, 1e-3, class_weight=weights))
    kernel, bias = posed.space.outward(*posed.solve(solver.DEFAULT_L2, None)[0])
    np.testing.assert_allclose(train[0] @ kernel + bias, expected, atol=2e-3)


def test_neither_the_start_nor_the_order_of_scans_matters(build):
    train = make()
    first, second = build(class_names=NAMES, seed=0), build(class_names=NAMES, seed=1)
    second.head.set_weights([100 * weights + 3 for weights in second.head.get_weights()])
    for classifier in (first, second):
        solve(classifier, train)
    for found, expected in zip(second.head.get_weights(), first.head.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    order = np.random.default_rng(0).permutation(len(train[1]))
    solve(second, (train[0][order], train[1][order]))
    np.testing.assert_allclose(logits(second, train[0]), logits(first, train[0]), atol=2e-3)


@pytest.mark.parametrize("stored", [False, True])
def test_many_scans_are_passed_over_to_the_same_end(build, monkeypatch, stored):
    features, labels = make(60)
    held, passed = build(class_names=NAMES), build(class_names=NAMES)
    solve(held, (features, labels), class_weight=np.array([1, 2, 3], np.float32))
    monkeypatch.setattr(problem, "ROTATED", 59)
    monkeypatch.setattr("octlib.training.whitening.CHUNK", 7 * FEATURES)
    if stored:
        rows = StoredRows((features,), np.column_stack([np.zeros(60, int), np.arange(60)]), FEATURES)
    solve(passed, (rows if stored else features, labels), class_weight=np.array([1, 2, 3], np.float32))
    np.testing.assert_allclose(logits(passed, features), logits(held, features), atol=0.05)


def test_without_validation_scans_the_penalty_is_the_default(classifier):
    outcome = solve(classifier, make())
    assert (len(outcome.epochs), outcome.best_epoch) == (1, 1)
    assert outcome.epochs[0]["l2"] == solver.DEFAULT_L2
    assert list(outcome.epochs[0]) == ["step", "l2", "loss", "accuracy", "seconds"]


@pytest.mark.parametrize("l2", [30.0, 0.3, 0.01])
@pytest.mark.parametrize("validated", [False, True])
def test_the_penalty_is_what_is_asked_for(build, l2, validated):
    train, classifier = make(apart=0.5), build(class_names=NAMES)
    outcome = solve(classifier, train, make(30, seed=1, apart=0.5) if validated else None, l2=l2)
    assert ([step["l2"] for step in outcome.epochs], outcome.best_epoch) == ([l2], 1)
    assert ("val_loss" in outcome.epochs[0]) is validated
    posed = problem.Problem.of(train, 3, Recipe(1, 8, 1e-3))
    layer = None
    for penalty in (*solver.PATH, l2):  # wherever it comes from
        layer = posed.solve(penalty, layer)[0]
    kernel, bias = posed.space.outward(*layer)
    np.testing.assert_allclose(logits(classifier, train[0]), train[0] @ kernel + bias, atol=5e-3)


@pytest.mark.parametrize(("apart", "weak"), [(4.0, True), (0.0, False)])
def test_validation_scans_choose_the_penalty(classifier, apart, weak):
    validation = make(300, seed=1, apart=apart)
    outcome = solve(classifier, make(300, apart=apart), validation)
    losses = [step["val_loss"] for step in outcome.epochs]
    assert [step["l2"] for step in outcome.epochs] == list(solver.PATH)
    assert outcome.best_epoch == int(np.argmin(losses)) + 1
    assert (outcome.epochs[outcome.best_epoch - 1]["l2"] <= solver.DEFAULT_L2) is weak
    found = logits(classifier, validation[0])
    shares = np.exp(found) / np.exp(found).sum(axis=1, keepdims=True)
    loss = -np.log(shares[np.arange(300), validation[1]]).mean()
    assert loss == pytest.approx(min(losses), rel=1e-3)


def test_a_class_without_scans_is_unlikely_and_finite(classifier):
    features, labels = make()
    solve(classifier, (features[labels < 2], labels[labels < 2]))
    kernel, bias = classifier.head.get_weights()
    assert np.isfinite(kernel).all()
    assert np.abs(bias - (5 * -kernel).sum(axis=0)).max() < 50
    assert (logits(classifier, features[labels < 2]).argmax(axis=1) < 2).all()


def test_features_that_never_vary_leave_the_shares_of_the_classes(build):
    classifier = build(class_names=("A", "B"))
    features, labels = np.full((240, FEATURES), 3.0, np.float32), np.arange(240) % 4 // 3
    solve(classifier, (features, labels))
    assert np.diff(logits(classifier, features[:1]))[0, 0] == pytest.approx(np.log(1 / 3), abs=0.01)
    solve(classifier, (features, labels), log_prior=np.log(np.array([0.75, 0.25], np.float32)))
    assert np.diff(logits(classifier, features[:1]))[0, 0] == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("class_weight", [None, "balanced", "logit_adjustment"])
def test_rare_classes_are_heard_as_asked(build, class_weight):
    images = np.broadcast_to(np.arange(32, dtype=np.uint8), (240, 32, 32))
    scans = octlib.load_oct_dataset((images, ["CNV"] * 60 + ["NORMAL"] * 180))
    classifier = build(class_names=("CNV", "NORMAL"))
    octlib.fit(classifier, scans, class_weight=class_weight, progress=False)
    found = octlib.predict(classifier, scans.subset([0]))["p_CNV"][0]
    assert found == pytest.approx(0.25 if class_weight is None else 0.5, abs=0.01)


def test_a_second_fit_finds_the_same_head(build, toy, snapshot):
    classifier, scans = build(), toy(16)
    states = []
    for _ in range(2):
        octlib.fit(classifier, scans, toy(8, seed=1), progress=False)
        states.append(snapshot(classifier))
    assert states[0] == states[1]


def test_ctrl_c_leaves_the_best_step_so_far_and_says_so(classifier, monkeypatch):
    whole, steps = problem.Problem.solve, []

    def interrupted(self, l2, start):
        if len(steps) == 2:
            raise KeyboardInterrupt
        steps.append(l2)
        return whole(self, l2, start)

    monkeypatch.setattr(problem.Problem, "solve", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        solve(classifier, make(), make(seed=1))
    assert caught.value.__notes__ == ["The classifier has the weights of step 2, the best so far."]
    assert (logits(classifier, make()[0]).argmax(axis=1) == make()[1]).mean() > 0.9


@pytest.mark.parametrize("rotated", [1000, 44])
def test_a_solution_that_was_not_reached_is_said_once(classifier, monkeypatch, rotated):
    monkeypatch.setattr(problem, "ROTATED", rotated)
    monkeypatch.setitem(problem.TOLERANCE, "maxiter", 2)
    with pytest.warns(
        TrainingWarning, match="not solved for to the end with 1 of 1 penalties. Train it in epochs"
    ) as all_:
        solve(classifier, make())
    assert len(all_) == 1


def test_a_head_learns_what_can_be_learned_and_nothing_else(build, toy):
    scans = toy(48)
    classifier = build()
    octlib.fit(classifier, scans, progress=False)
    assert octlib.evaluate(classifier, toy(40, seed=1)).accuracy > 0.9
    labels = np.random.default_rng(0).permutation(scans.labels)
    wrong = octlib.load_oct_dataset((scans.images(32), labels), class_names=list(scans.class_names))
    octlib.fit(classifier, wrong, progress=False)
    assert octlib.evaluate(classifier, toy(40, seed=1)).accuracy < 0.6


@pytest.mark.parametrize("class_weight", [None, "balanced", "logit_adjustment"])
def test_the_accuracy_of_the_history_is_what_evaluate_gives(build, toy, class_weight):
    scans, validation = toy(20), toy(12, seed=1)
    train, model = (
        scans.subset([*range(20), *np.flatnonzero(scans.labels == 0), *np.flatnonzero(scans.labels == 0)]),
        build(),
    )
    history = octlib.fit(model, train, validation, class_weight=class_weight, progress=False)
    best = history.epochs[history.best_epoch - 1]
    assert best["accuracy"] == pytest.approx(octlib.evaluate(model, train).accuracy)
    assert best["val_accuracy"] == pytest.approx(octlib.evaluate(model, validation).accuracy)
