"""Export: ``octlib export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from octlib.cli.console import answer, say, warn
from octlib.cli.option_types import FORMATS, OneOf
from octlib.cli.options import classifier_argument, json_option, output_option, require_classifier
from octlib.cli.output import choose_output, new_file, say_where
from octlib.cli.shell import OneLineError

if TYPE_CHECKING:
    from octlib import OctClassifier


@click.command(short_help="Write a classifier as an ONNX file or a torch program.")
@classifier_argument
@output_option("File, .onnx or .pt2.", "octlib-classifier.onnx")
@click.option(
    "--format",
    "kind",
    type=OneOf("format", tuple(FORMATS)),
    show_default="what --output ends in, else onnx",
    help="For ONNX Runtime and others, or a program for torch.export.load.",
)
@json_option
def export(classifier: Path, output: Path | None, kind: str | None) -> None:
    """Write the saved CLASSIFIER as one file that other programs run, and compare what the file computes.

    The file takes scans after octlib's preprocessing, float32 (batch, height, width) in 0-255, and gives the
    probability of each class; the names of the classes are in it.
    """
    require_classifier(classifier)
    kind = kind or _kind_of(output)
    output = choose_output(output, f"octlib-classifier{FORMATS[kind]}")
    with new_file(output) as file:
        model, difference = _written(classifier, file, kind)
    if model.flips:
        warn("The classifier averages over each scan and its mirror image; the file sees a scan once.")
    say(f"Classes: {', '.join(model.class_names)}.")
    say(f"Largest difference of a probability, on random scans: {difference:.1g}.")
    say_where(output)
    answer(
        {
            "output": output,
            "format": kind,
            "class_names": model.class_names,
            "image_size": model.image_size,
            "largest_difference": difference,
        }
    )


def _written(classifier: Path, output: Path, kind: str) -> tuple[OctClassifier, float]:
    import octlib
    from octlib.models import export_classifier

    model = octlib.load_classifier(classifier)
    try:
        return model, export_classifier(model, output, format=kind)
    except ModuleNotFoundError as error:  # of an extra; the text says which one, and how to install it
        raise OneLineError(str(error)) from error


def _kind_of(output: Path | None) -> str:
    by_suffix = {suffix: kind for kind, suffix in FORMATS.items()}
    return by_suffix.get(output.suffix if output else "", "onnx")
