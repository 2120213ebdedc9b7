"""Report: ``octlib report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octlib.cli.console import answer, say, warn
from octlib.cli.known_patients import SPLIT, warn_of_known_patients
from octlib.cli.options import (
    PREDICTING,
    chosen,
    classifier_argument,
    folder_argument,
    json_option,
    level_option,
    output_option,
    predicting_options,
    read_scans,
    reading_options,
    require_classifier,
)
from octlib.cli.output import choose_output, free_name, new_file, say_where
from octlib.cli.results import write_page

if TYPE_CHECKING:
    from octlib import History, OctDataset

DEFAULT = "octlib-report.html"


@click.command(short_help="Write a page about a classifier on labelled scans.")
@classifier_argument
@folder_argument
@output_option("The page.", DEFAULT)
@click.option("--title", default="octlib report", help="Of the page.")
@click.option("--no-audit", is_flag=True, help="Don't look for copies, shared patients and the like in FOLDER.")
@reading_options
@predicting_options
@level_option
@click.option(
    "--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95, help="Of the intervals."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the bootstrap that gives the intervals.")
@json_option
def report(classifier: Path, folder: Path, output: Path | None, title: str, no_audit: bool, **arguments: Any) -> None:
    """Write one page about the saved CLASSIFIER on FOLDER, labelled scans: data, training, metrics, maps, errors.

    Where CLASSIFIER was written by octlib train, and FOLDER is what it was trained on, the page is about the test part;
    else it is about all scans of FOLDER.
    """
    import octlib

    require_classifier(classifier, folder)
    output = choose_output(output or free_name(DEFAULT), DEFAULT, folder)
    run = classifier.absolute().parent
    with new_file(output) as page:
        scans = read_scans(folder, arguments)
        parts = _parts(run / SPLIT, scans)
        tested = parts.get("test", scans)
        warn_of_known_patients(classifier, tested)
        say(f"The page is about {len(tested):,} scans{' of the test part' if 'test' in parts else ''}.")
        model = octlib.load_classifier(classifier)
        result = octlib.evaluate(model, tested, **chosen(arguments, (*PREDICTING, "level", "confidence", "seed")))
        more = {"audit": None if no_audit else scans.audit(), "history": _history(run / "history.csv")}
        write_page(page, model, tested, result, flips=arguments["flips"], parts=parts, title=title, **more)
    say(result)
    say_where(output)
    answer({"output": output, "metrics": result.to_dict()})


def _parts(split: Path, scans: OctDataset) -> dict[str, OctDataset]:
    """Divide scans as ``split.csv`` says; nothing where they are other scans than those that it names."""
    import pandas as pd

    if not split.is_file():
        return {}
    table = pd.read_csv(split, dtype=str, keep_default_na=False, encoding="utf-8", encoding_errors="surrogateescape")
    part_of = {(row["name"], row["label"], row["patient"]): row["part"] for row in table.to_dict("records")}
    parts = [part_of.get((scan.name, scan.label or "", scan.patient or "")) for scan in scans]
    if None in parts:
        known = len(parts) - parts.count(None)
        if known:
            warn(
                f"{known:,} of the {len(parts):,} scans have names, labels and patients of scans in {split}, the "
                "others have not: they are taken for other scans, and all of them evaluated."
            )
        return {}
    names = [name for name in ("train", "validation", "test") if name in parts]
    return {name: scans.subset([place for place, part in enumerate(parts) if part == name]) for name in names}


def _history(file: Path) -> History | None:
    """Read what octlib train wrote: the best row has the lowest validation loss or, without one, is the last."""
    import pandas as pd

    from octlib.training import History

    if not file.is_file():
        return None
    table = pd.read_csv(file)
    best = int(table["val_loss"].argmin()) + 1 if "val_loss" in table else len(table)
    return History(tuple(table.to_dict("records")), best, float(table["seconds"].sum()))
