"""Evaluate: ``octlib evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from octlib._suggest import unknown
from octlib.cli.console import answer, files_in, say
from octlib.cli.known_patients import warn_of_known_patients
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
from octlib.cli.output import choose_output, new_folder, say_where, write_table
from octlib.cli.results import write_evaluation


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
@click.option("--by", metavar="COLUMN", help="Also write groups.csv: the metrics for each value of this column.")
@json_option
def evaluate(classifier: Path, folder: Path, output: Path | None, by: str | None, **arguments: Any) -> None:
    """Evaluate the saved CLASSIFIER on FOLDER, labelled scans of patients that it has never seen.

    The results are metrics.json (every metric with its interval), predictions.csv and confusion_matrix.png. octlib
    report makes a page of them.
    """
    import octlib

    require_classifier(classifier, folder)
    output = choose_output(output, "octlib-evaluate", folder)
    with new_folder(output) as results:
        scans = read_scans(folder, arguments)
        if by is not None and by not in (columns := scans.to_frame().columns):
            raise unknown("column", by, columns)  # before the pass through the network, which can take an hour
        warn_of_known_patients(classifier, scans)
        model = octlib.load_classifier(classifier)
        settings = chosen(arguments, (*PREDICTING, "level", "familiarity", "confidence", "seed"))
        result = write_evaluation(results, model, scans, **settings)
        groups = None if by is None else result.by(by)
        if groups is not None:
            write_table(results / "groups.csv", groups.to_frame())
    say(result)
    if groups is not None:
        say(groups)
    say_where(output)
    answer({"output": output, "files": files_in(output), "metrics": result.to_dict()})
