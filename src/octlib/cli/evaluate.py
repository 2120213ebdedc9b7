"""Evaluate: ``octlib evaluate``."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octlib.cli.console import answer, files_in, say, warn
from octlib.cli.options import (
    PREDICTING,
    chosen,
    classifier_argument,
    familiarity_option,
    folder_argument,
    json_option,
    level_option,
    output_option,
    predicting_options,
    read_scans,
    reading_options,
    require_classifier,
)
from octlib.cli.output import choose_output, new_folder, say_where
from octlib.cli.results import write_evaluation, write_page

if TYPE_CHECKING:
    from octlib import OctDataset


@click.command(short_help="Measure a classifier on labelled scans.")
@classifier_argument
@folder_argument
@output_option("Folder for the results.", "octlib-evaluate")
@reading_options
@predicting_options
@level_option
@familiarity_option
@click.option(
    "--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95, help="Of the intervals."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the bootstrap that gives the intervals.")
@click.option("--report", is_flag=True, help="Also write report.html: metrics, maps of some scans, the worst errors.")
@json_option
def evaluate(classifier: Path, folder: Path, output: Path | None, report: bool, **arguments: Any) -> None:
    """Evaluate the saved CLASSIFIER on FOLDER, labelled scans of patients that it has never seen.

    The results are metrics.json (every metric with its interval), predictions.csv and confusion_matrix.png.
    """
    import octlib

    require_classifier(classifier, folder)
    output = choose_output(output, "octlib-evaluate", folder)
    with new_folder(output) as results:
        scans = read_scans(folder, arguments)
        _warn_of_known_patients(classifier.absolute().parent / "split.csv", scans)
        model = octlib.load_classifier(classifier)
        settings = chosen(arguments, (*PREDICTING, "level", "familiarity", "confidence", "seed"))
        result = write_evaluation(results, model, scans, **settings)
        if report:
            write_page(results, model, scans, result, flips=arguments["flips"])
    say(result)
    say_where(output)
    answer({"output": output, "files": files_in(output), "metrics": result.to_dict()})


def _warn_of_known_patients(split: Path, scans: OctDataset) -> None:
    """Warn where ``split.csv``, which octlib train writes beside a classifier, says that it was trained on patients."""
    if not split.is_file():
        return
    with split.open(newline="", encoding="utf-8", errors="replace") as file:
        known = {row.get("patient") for row in csv.DictReader(file) if row.get("part") in ("train", "validation")}
    shared = {scan.patient for scan in scans if scan.patient is not None} & known
    if shared:
        warn(
            f"{len(shared):,} patients of the folder are among those that the classifier was trained or chosen on, as "
            f"{split} says: the figures come out too high. Evaluate it on others."
        )
