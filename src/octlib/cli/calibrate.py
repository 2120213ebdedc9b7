"""Calibrate: ``octlib calibrate``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from octlib.cli.console import answer, files_in, say
from octlib.cli.known_patients import CALIBRATED_ON, SPLIT, warn_of_known_patients
from octlib.cli.options import (
    batch_size_option,
    cache_option,
    chosen,
    classifier_argument,
    folder_argument,
    json_option,
    output_option,
    read_scans,
    reading_options,
    require_classifier,
)
from octlib.cli.output import choose_output, new_folder, say_where, write_json, write_split


@click.command(short_help="Make a classifier's probabilities come true as often as they say.")
@classifier_argument
@folder_argument
@output_option("Folder for the results.", "octlib-calibrate")
@reading_options
@click.option(
    "--coverage",
    type=click.FloatRange(0.5, 1, max_open=True),
    metavar="SHARE",
    show_default="no sets",
    help="Also find sets of classes that hold the true one for this share of patients.",
)
@cache_option
@batch_size_option("Scans in memory at a time.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the division of patients.")
@json_option
def calibrate(classifier: Path, folder: Path, output: Path | None, **arguments: Any) -> None:
    """Calibrate the saved CLASSIFIER on FOLDER, labelled scans of patients that it was not trained on.

    The results are classifier/, which is the same with a temperature and, with --coverage, sets for octlib predict;
    calibration.json, which says what was found; and calibration.csv, the scans that it is from.
    """
    import octlib

    require_classifier(classifier, folder)
    output = choose_output(output, "octlib-calibrate", folder)
    beside = classifier.absolute().parent
    with new_folder(output) as results:
        scans = read_scans(folder, arguments)
        warn_of_known_patients(
            classifier, scans, ("train",), "its probabilities seem better there than elsewhere. Calibrate it on others"
        )
        model = octlib.load_classifier(classifier)
        settings = chosen(arguments, ("coverage", "cache", "batch_size", "seed"))
        calibration = octlib.calibrate(model, scans, **settings)
        model.save(results / "classifier")
        write_json(results / "calibration.json", calibration.to_dict())
        write_split(results / CALIBRATED_ON, {"calibration": scans})
        if (beside / SPLIT).is_file():  # what octlib evaluate knows patients by
            shutil.copyfile(beside / SPLIT, results / SPLIT)
    say(calibration)
    say_where(output)
    answer(
        {
            "output": output,
            "files": files_in(output),
            "classifier": output / "classifier",
            "calibration": calibration.to_dict(),
        }
    )
