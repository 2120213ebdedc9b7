"""Evaluate: ``octlib evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from octlib.cli.output import free_name, new_folder, say_where
from octlib.cli.results import write_evaluation


@click.command()
@click.argument("classifier", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Folder for the results.  [default: octlib-evaluate]"
)
@click.option(
    "--on-error", type=click.Choice(["raise", "skip"]), default="raise", help="Unreadable images: stop, or leave out."
)
def evaluate(classifier: Path, folder: Path, output: Path | None, on_error: str) -> None:
    """Evaluate the saved CLASSIFIER on FOLDER, a folder of class folders whose patients it has never seen.

    The results are metrics.json (every figure with its interval), predictions.csv and confusion_matrix.png.
    """
    import octlib

    with new_folder(output or free_name("octlib-evaluate")) as results:
        scans = octlib.load_oct_dataset(folder, on_error=on_error)
        result = write_evaluation(results, octlib.load_classifier(classifier), scans)
    click.echo(result)
    say_where(results)
