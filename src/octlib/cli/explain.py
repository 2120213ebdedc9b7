"""Explain: ``octlib explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octlib._progress import progress
from octlib.cli.console import answer, say, warn
from octlib.cli.option_types import METHODS, OneOf
from octlib.cli.options import (
    batch_size_option,
    chosen,
    classifier_argument,
    flips_option,
    folder_argument,
    json_option,
    output_option,
    read_scans,
    reading_options,
    require_classifier,
)
from octlib.cli.output import choose_output, new_folder, picture_name, write_table
from octlib.cli.results import explained

if TYPE_CHECKING:
    from octlib import Explanation

AT_A_TIME = 64  # scans whose maps are held in memory
EXPLAINING = ("method", "target", "against", "layer", "backbone", "flips", "smooth", "batch_size")


@click.command(short_help="Show where a classifier finds support for a class.")
@classifier_argument
@folder_argument
@output_option("Folder for the pictures.", "octlib-explain")
@click.option("--method", type=OneOf("method", METHODS), default="gradcam", help="How the maps are made.")
@click.option("--target", metavar="CLASS", help="The class to explain.  [default: the predicted one of each scan]")
@click.option("--against", metavar="CLASS", help="A class to tell it from: why this and not that.")
@click.option(
    "--layer",
    metavar="NAME",
    multiple=True,
    help="timm's name of a layer, or 'last map'; repeatable.  [default: what suits the method]",
)
@click.option("--backbone", metavar="NAME", help="Which of several backbones to ask.  [default: all]")
@reading_options
@flips_option
@click.option("--smooth", type=click.IntRange(0), default=0, metavar="N", help="Average over N noisy copies.")
@batch_size_option("Scans that pass through the network at a time.", default=16)
@json_option
def explain(classifier: Path, folder: Path, output: Path | None, **arguments: Any) -> None:
    """Show where the saved CLASSIFIER finds support for a class in every scan of FOLDER.

    The results are one PNG a scan, at the scan's own size, and index.csv.
    """
    import octlib

    require_classifier(classifier, folder)
    arguments["layer"] = arguments["layer"] or None
    output = choose_output(output, "octlib-explain", folder)
    with new_folder(output) as pictures:
        scans = read_scans(folder, arguments)
        model = octlib.load_classifier(classifier)
        rows: list[dict[str, Any]] = []
        for start in progress(range(0, len(scans), AT_A_TIME), title="pictures"):
            part = scans.subset(range(start, min(start + AT_A_TIME, len(scans))))
            maps = explained(model, part, **chosen(arguments, EXPLAINING), progress=False)
            rows += _write_overlays(maps, pictures, start)
        _write_index(pictures / "index.csv", rows)
    silent = sum(not row["has_signal"] for row in rows)
    if silent:
        warn(f"{silent} maps are constant and show nothing; index.csv says which.")
    say(f"{len(rows):,} picture{'' if len(rows) == 1 else 's'} and index.csv written to {output}/")
    answer({"output": output, "pictures": rows})


def _write_overlays(maps: Explanation, output: Path, start: int) -> list[dict[str, Any]]:
    from PIL import Image

    rows = []
    for index, scan in enumerate(maps.scans):
        picture = picture_name(start + index, scan.name)
        Image.fromarray(maps.overlay(index)).save(output / picture)
        rows.append(
            {
                "picture": picture,
                "scan": scan.name,
                "patient": scan.patient,
                "label": scan.label,
                "target": maps.targets[index],
                "against": maps.against[index] if maps.against else None,
                "predicted": maps.predicted[index],
                "has_signal": bool(maps.has_signal[index]),
            }
        )
    return rows


def _write_index(file: Path, rows: list[dict[str, Any]]) -> None:
    import pandas as pd

    write_table(file, pd.DataFrame(rows, dtype=object))  # not pandas' own texts, which refuse bytes that are none
