"""Model card: the README of a saved classifier, with the head that the Hugging Face hub reads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from octlib.models.description import describe_classifier
from octlib.models.joined_spec import as_spec

TASK = "image-classification"
TAGS = ("optical-coherence-tomography", "retina", "ophthalmology", "timm")
# Metrics that a card shows, in the words of an evaluation and in those of people.
WHOLE = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}
BY_CLASS = {"f1": "F1", "recall": "sensitivity", "auroc": "AUROC"}


def check_evaluation(evaluation: Any, class_names: Sequence[str]) -> None:
    """Refuse what is no evaluation of a classifier of these classes.

    Args:
        evaluation: an ``octlib.Evaluation``, or ``None``.
        class_names: the classifier's.

    Raises:
        TypeError: if it is neither.
        ValueError: if its classes are others.
    """
    if evaluation is None:
        return
    # By what is used of it: this room doesn't know the one that evaluates.
    if not all(hasattr(evaluation, name) for name in ("caveats", "class_names", "confusion_matrix", "intervals")):
        raise TypeError(f"evaluation must be what octlib.evaluate returns, got {type(evaluation).__name__}.")
    if set(evaluation.class_names) != set(class_names):
        raise ValueError(
            f"The evaluation is of the classes {', '.join(evaluation.class_names)}, and the classifier knows "
            f"{', '.join(class_names)}. Evaluate this classifier: octlib.evaluate(classifier, scans)."
        )


def model_card(settings: Mapping[str, Any], evaluation: Any = None, place: str = "this-folder") -> str:
    """Describe a classifier for whoever finds its folder, or its repository on the hub.

    Args:
        settings: the classifier's, from ``get_config``.
        evaluation: what ``octlib.evaluate`` says of it, as ``check_evaluation`` lets pass.
        place: where it is loaded from.

    Returns:
        Markdown, after a head in YAML.
    """
    spec = as_spec(settings["backbone"])
    parts = [*describe_classifier(settings), ("written by", f"octlib {version('octlib')}")]
    return f"""---
{_head(spec.architecture, evaluation)}
---

# An OCT classifier

Classes: {_line(", ".join(settings["class_names"]))}.

{_table(("", ""), parts)}

```python
import octlib

classifier = octlib.load_classifier("{place}")
octlib.predict(classifier, "a-folder-of-scans")
```

{_figures(evaluation)}## Licence

octlib knows of no licence of these weights. Training began with those of the backbone named above: what their licence
asks for holds here too.

For research only: this is not a medical device, and says nothing about a patient.
"""


def _head(architecture: str, evaluation: Any) -> str:
    data = ModelCardData(library_name="octlib", pipeline_tag=TASK, tags=list(TAGS))
    if evaluation is not None:
        data.model_name, data.eval_results = f"octlib {architecture}", list(_results(evaluation))
    return str(data.to_yaml(line_break="\n"))


def _results(evaluation: Any) -> Iterable[EvalResult]:
    """List the figures that are defined, as the hub's index of models has them."""
    values = {("accuracy", "accuracy"): evaluation.accuracy, ("f1", "macro F1"): evaluation.macro_f1}
    values |= {("f1", f"F1 {name}"): value for name, value in evaluation.f1.items()}
    for (kind, name), value in values.items():
        if not math.isnan(value):
            yield EvalResult(
                task_type=TASK,
                dataset_type="unknown",  # the hub requires one, and an evaluation knows none
                dataset_name=_scans(evaluation),
                metric_type=kind,
                metric_name=name,
                metric_value=float(value),
            )


def _figures(evaluation: Any) -> str:
    """Write the section on how well the classifier does, or nothing."""
    if evaluation is None:
        return ""
    support = dict(zip(evaluation.class_names, evaluation.confusion_matrix.sum(axis=1), strict=True))
    whole = [(title, _shown(getattr(evaluation, name), evaluation.intervals[name])) for name, title in WHOLE.items()]
    by_class = [
        (
            name,
            *(_shown(getattr(evaluation, metric)[name], evaluation.intervals[metric][name]) for metric in BY_CLASS),
            f"{n_scans:,}",
        )
        for name, n_scans in support.items()
    ]
    return f"""## How well it does

On {_scans(evaluation)}:

{_table(("", "value [interval]"), whole)}

{_table(("class", *BY_CLASS.values(), f"{evaluation.level}s"), by_class)}

{" ".join(evaluation.caveats)} Nothing here can tell whether training had seen these scans, or others of these patients.

"""


def _scans(evaluation: Any) -> str:
    gathered = "" if evaluation.level == "scan" else f" ({evaluation.aggregation})"
    counted = f"{_count(evaluation.n_scans, evaluation.level)}{gathered}"
    if evaluation.level == "patient":
        return counted
    patients = "unknown patients" if evaluation.n_patients is None else _count(evaluation.n_patients, "patient")
    return f"{counted} of {patients}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _shown(value: float, interval: tuple[float, float]) -> str:
    if math.isnan(value):
        return "undefined"
    low, high = interval
    return f"{value:.3f}" + (f" [{low:.3f}, {high:.3f}]" if not math.isnan(low) else "")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [[_line(cell) for cell in row] for row in (head, *rows)]
    lines.insert(1, ["---"] * len(head))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _line(text: str) -> str:
    # A class and a file of weights may have any name: no cell may end early, nor a line.
    return " ".join(text.replace("|", r"\|").split())
