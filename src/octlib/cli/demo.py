"""Demo: ``octlib demo``, everything that octlib does on synthetic scans, without a network connection."""

from __future__ import annotations

from pathlib import Path

import click

from octlib.cli.output import free_name, new_folder, say_where, write_split
from octlib.cli.results import write_evaluation, write_explanations, write_history

# Small and from scratch, so that it needs no weights; such a network learns fast from a high rate.
BACKBONE = "test_resnet"
IMAGE_SIZE = 144
EPOCHS = 25
LEARNING_RATE = 3e-3


@click.command()
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Folder for the results.  [default: octlib-demo]")
@click.option("--seed", type=int, default=0, help="Of the split, of initial weights and of training.")
def demo(output: Path | None, seed: int) -> None:
    """Show all of octlib on phantoms: synthetic scans with known lesions.

    Trains a small network from scratch, evaluates it on patients it has never seen, explains its decisions, and leaves
    a folder with the classifier and figures. Takes a minute or two; needs no network connection and no data.
    """
    import octlib

    click.echo(
        "Phantoms: synthetic scans, drawn by octlib. They stand in for real ones and prove nothing about patients."
    )
    with new_folder(output or free_name("octlib-demo")) as results:
        scans = octlib.load_oct_dataset("phantoms")
        click.echo(scans)
        parts = dict(zip(("train", "validation", "test"), scans.split(seed=seed), strict=True))
        write_split(results / "split.csv", parts)
        classifier = octlib.build_classifier(
            BACKBONE, freeze=False, weights=None, image_size=IMAGE_SIZE, class_names=scans.class_names, seed=seed
        )
        history = octlib.fit(
            classifier, parts["train"], parts["validation"], epochs=EPOCHS, learning_rate=LEARNING_RATE, seed=seed
        )
        click.echo(history)
        classifier.save(results / "classifier")
        write_history(results, history)
        result = write_evaluation(results, classifier, parts["test"])
        write_explanations(results, classifier, parts["test"])
    click.echo(f"\nOn patients that it has never seen:\n{result}")
    say_where(results)
