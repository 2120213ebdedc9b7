"""Evaluate: ``octlib evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octlib._suggest import unknown
from octlib.cli.console import answer, files_in, say, warn
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

if TYPE_CHECKING:
    from octlib import Evaluation, OctDataset
    from octlib.evaluation import GroupedEvaluation


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
@click.option(
    "--by",
    metavar="COLUMN",
    show_default="none",
    help="Also write groups.csv: the metrics for each value of this column.",
)
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
        _require_column(by, scans, arguments)
        warn_of_known_patients(classifier, scans)
        model = octlib.load_classifier(classifier)
        settings = chosen(arguments, (*PREDICTING, "level", "familiarity", "confidence", "seed"))
        result = write_evaluation(results, model, scans, **settings)
        groups = _by(by, result)
        if groups is not None:
            write_table(results / "groups.csv", groups.to_frame())
    say(result)
    if groups is not None:
        say(groups)
    say_where(output)
    answer({"output": output, "files": files_in(output), "metrics": result.to_dict()})


def _require_column(by: str | None, scans: OctDataset, arguments: dict[str, Any]) -> None:
    """Refuse a column that there won't be, before the pass through the network, which can take an hour."""
    of_level = () if arguments["level"] == "scan" else ("n_scans", "strongest")
    of_familiarity = ("familiarity", "familiar") if arguments["familiarity"] else ()
    columns = [*scans.to_frame().columns, *of_level, *of_familiarity]
    if by is not None and by not in columns:
        raise unknown("column", by, columns)


def _by(by: str | None, result: Evaluation) -> GroupedEvaluation | None:
    """Evaluate by groups; where a level has no such column, say so and keep what has been computed."""
    if by is None:
        return None
    if by not in result.scans:
        warn(f"There are no groups: at level {result.level!r} scans that are judged together differ in {by!r}.")
        return None
    return result.by(by)
