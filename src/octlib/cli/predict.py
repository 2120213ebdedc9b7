"""Predict: ``octlib predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octlib.cli.console import answer, records, say
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
from octlib.cli.output import choose_output, new_file, say_where, write_table

if TYPE_CHECKING:
    import pandas as pd


@click.command(short_help="Write the predicted class of every scan.")
@classifier_argument
@folder_argument
@output_option("CSV file.", "octlib-predictions.csv")
@reading_options
@predicting_options
@level_option
@familiarity_option
@json_option
def predict(classifier: Path, folder: Path, output: Path | None, **arguments: Any) -> None:
    """Predict the class of every scan in FOLDER with the saved CLASSIFIER. Labels aren't needed.

    The result is a table: name, path, patient, predicted class, and the probability of each class; of a classifier that
    octlib calibrate has given sets, also the classes that fit. With --level a row
    is a volume, an eye or a patient, and says which of its scans speaks the most for the class.
    """
    import octlib

    require_classifier(classifier, folder)
    output = choose_output(output, "octlib-predictions.csv")
    with new_file(output) as file:
        scans = read_scans(folder, arguments)
        settings = chosen(arguments, (*PREDICTING, "level", "familiarity"))
        table = octlib.predict(octlib.load_classifier(classifier), scans, **settings)
        write_table(file, table)
    say(table["predicted"].value_counts().to_string())
    if arguments["level"] != "scan":
        say(f"Probabilities: {table.attrs['aggregation']}.")
    if arguments["familiarity"]:
        say(f"Unfamiliar: {int((~table['familiar']).sum()):,} of {len(table):,}.")
    say_where(output)
    answer({"output": output, "counts": table["predicted"].value_counts().to_dict(), "predictions": _rows(table)})


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Gather the columns of probabilities, so that no name of a class can be taken for another column."""
    names = [name for name in table if name.startswith("p_")]
    known, probabilities = table.drop(columns=names), table[names]
    named = probabilities.rename(columns=lambda name: name.removeprefix("p_"))
    return [{**row, "probabilities": values} for row, values in zip(records(known), records(named), strict=True)]
