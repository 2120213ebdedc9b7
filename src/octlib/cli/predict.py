"""Predict: ``octlib predict``."""

from __future__ import annotations

from pathlib import Path

import click

from octlib.cli.output import free_name, say_where, taken


@click.command()
@click.argument("classifier", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--output", "-o", type=click.Path(path_type=Path), help="CSV file.  [default: octlib-predictions.csv]")
@click.option(
    "--on-error", type=click.Choice(["raise", "skip"]), default="raise", help="Unreadable images: stop, or leave out."
)
def predict(classifier: Path, folder: Path, output: Path | None, on_error: str) -> None:
    """Predict the class of every scan in FOLDER with the saved CLASSIFIER. Labels aren't needed.

    The result is a table: path, patient, predicted class, and the probability of each class.
    """
    import octlib

    output = output or free_name("octlib-predictions.csv")
    if output.exists():
        raise taken(output)
    scans = octlib.load_oct_dataset(folder, on_error=on_error)
    table = octlib.predict(octlib.load_classifier(classifier), scans)
    output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(output, index=False)
    click.echo(table["predicted"].value_counts().to_string())
    say_where(output)
