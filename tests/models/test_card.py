"""Model card: what a stranger needs to know of a saved classifier."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard

import octlib
from octlib.evaluation import score
from octlib.models.card import model_card


def test_it_states_what_the_classifier_is(build: Callable[..., Any]) -> None:
    card = model_card(build(class_names=("AMD", "healthy"), image_size=(48, 64), pooling="flatten").get_config())
    for fact in ("AMD, healthy", "test_resnet", "weights: random", "frozen", "flatten", "48 x 64", "blank wedges"):
        assert fact in card
    assert f"octlib {version('octlib')}" in card
    assert "not a medical device" in card


def test_it_says_whether_the_backbone_was_trained(build: Callable[..., Any]) -> None:
    assert "fine-tuned" in model_card(build(freeze=False).get_config())


def test_it_says_how_a_prediction_comes_about(build: Callable[..., Any]) -> None:
    assert "mirror image" in model_card(build(flips=True).get_config())
    assert "mirror image" not in model_card(build().get_config())


def test_it_says_what_makes_a_backbone_another_than_timms(build: Callable[..., Any]) -> None:
    settings = build().get_config()
    assert "| test_resnet (timm), weights: random" in model_card(settings)
    settings["backbone"]["model_args"] = {"stem_width": 8, "channels": [8, 16, 32, 48]}
    assert "| test_resnet (timm, stem_width=8, channels=[8, 16, 32, 48]), weights" in model_card(settings)


def test_no_name_breaks_a_line_or_a_cell(build: Callable[..., Any]) -> None:
    settings = build(class_names=("AMD", "heal\nthy")).get_config()
    settings["backbone"]["origin"] = "best | of\n# all.pth"
    lines = model_card(settings).splitlines()
    assert "Classes: AMD, heal thy." in lines
    row = next(line for line in lines if line.startswith("| backbone |"))
    assert r"weights: best \| of # all.pth, frozen |" in row


def test_the_verbs_that_it_shows_exist(build: Callable[..., Any]) -> None:
    code = model_card(build().get_config()).split("```python\n")[1].split("```")[0]
    compile(code, "card", "exec")
    assert {"load_classifier", "predict"} <= set(octlib.__all__)
    assert "octlib.load_classifier(" in code
    assert "octlib.predict(" in code


NAMES = ("AMD", "a | b", "healthy")


def evaluation(patients: Any = None, n_scans: int = 60, **arguments: Any) -> octlib.Evaluation:
    """Judge predictions of which some are wrong; no scan is of the last class."""
    truth = np.arange(n_scans) % 2
    predicted = np.where(np.arange(n_scans) % 7 < 5, truth, 1 - truth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a class is absent, among others
        return score(truth, 0.1 + 0.7 * np.eye(3)[predicted], patients, NAMES, **arguments)


@pytest.fixture
def settings(build: Callable[..., Any]) -> dict[str, Any]:
    return build(class_names=NAMES).get_config()


def test_the_hub_can_read_its_head(settings: dict[str, Any]) -> None:
    data = ModelCard(model_card(settings)).data
    assert (data.library_name, data.pipeline_tag) == ("octlib", "image-classification")
    assert "optical-coherence-tomography" in data.tags
    assert data.eval_results is None
    assert data.license is None


def test_it_claims_no_licence(settings: dict[str, Any]) -> None:
    text = ModelCard(model_card(settings)).text
    assert "knows of no licence of these weights" in text
    assert "weights: random" in text


def test_the_index_of_results_has_the_figures_that_are_defined(settings: dict[str, Any]) -> None:
    result = evaluation(np.arange(60) // 2)
    results = ModelCard(model_card(settings, result)).data.eval_results
    assert {each.metric_name: each.metric_value for each in results} == {
        "accuracy": result.accuracy,
        "macro F1": result.macro_f1,
        "F1 AMD": result.f1["AMD"],
        "F1 a | b": result.f1["a | b"],
    }
    assert {each.dataset_name for each in results} == {"60 scans of 30 patients"}
    assert {each.task_type for each in results} == {"image-classification"}


def test_people_read_figures_with_their_intervals(settings: dict[str, Any]) -> None:
    result = evaluation(np.arange(60) // 2, confidence=0.9)
    card = model_card(settings, result)
    low, high = result.intervals["accuracy"]
    assert f"| accuracy | {result.accuracy:.3f} [{low:.3f}, {high:.3f}] |" in card
    assert "On 60 scans of 30 patients:" in card
    row = next(line for line in card.splitlines() if line.startswith("| AMD |"))
    low, high = result.intervals["f1"]["AMD"]
    assert f"| {result.f1['AMD']:.3f} [{low:.3f}, {high:.3f}] |" in row
    assert row.endswith("| 30 |")
    assert "Intervals of 90 %, bootstrapped over patients." in card
    assert "| healthy | undefined | undefined | undefined | 0 |" in card
    assert r"| a \| b |" in card


@pytest.mark.parametrize(
    ("patients", "caveat"),
    [
        (None, "Patients are unknown"),
        ([None, *range(59)], "A scan without a patient counts as a patient of its own: there are 1."),
        (np.arange(60) // 20, "From as few as 3 patients"),
        (["one"] * 60, "There are no intervals"),
    ],
)
def test_caveats_are_carried_over(settings: dict[str, Any], patients: Any, caveat: str) -> None:
    card = model_card(settings, evaluation(patients))
    assert caveat in card
    assert "unknown patients" in card or patients is not None


def test_patients_that_were_judged_are_counted_once(settings: dict[str, Any]) -> None:
    card = model_card(settings, replace(evaluation(np.arange(60)), level="patient"))
    assert "On 60 patients (mean probability over the scans of each patient):" in card


def test_intervals_without_width_are_said_to_be_no_certainty(build: Callable[..., Any]) -> None:
    truth = np.arange(40) % 2
    result = score(truth, np.eye(2)[truth], np.arange(40), ["x", "y"])
    assert "no certainty" in model_card(build(class_names=("y", "x")).get_config(), result)


def test_a_saved_folder_has_the_figures_too(
    settings: dict[str, Any], build: Callable[..., Any], tmp_path: Path
) -> None:
    classifier, result = build(class_names=NAMES), evaluation(np.arange(60) // 2)
    classifier.save(tmp_path / "classifier", evaluation=result)
    card = (tmp_path / "classifier" / "README.md").read_text(encoding="utf-8")
    assert card == model_card(settings, result)
    classifier.save(tmp_path / "classifier", overwrite=True)
    assert "How well it does" not in (tmp_path / "classifier" / "README.md").read_text(encoding="utf-8")
