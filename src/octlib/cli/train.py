"""Train: ``octlib train``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from octlib.cli.output import free_name, new_folder, say_where, write_split
from octlib.cli.results import write_evaluation, write_explanations, write_history


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Folder for the results.  [default: octlib-train]"
)
@click.option("--backbone", default="resnet50", help="A timm architecture.")
@click.option(
    "--weights", default="pretrained", help="'pretrained', a .safetensors or .pth file, a timm folder, or 'none'."
)
@click.option("--freeze/--no-freeze", default=True, help="Train the head alone, or fine-tune everything.")
@click.option("--image-size", type=click.IntRange(1), help="In pixels.  [default: the backbone's own]")
@click.option("--head", default="average", help="'average' or 'flatten'.")
@click.option("--dropout", type=float, default=0.0, help="Share of features dropped while training.")
@click.option("--epochs", type=click.IntRange(1), help="[default: 40 frozen, 14 unfrozen]")
@click.option("--batch-size", type=click.IntRange(1), default=32)
@click.option("--learning-rate", type=float, help="[default: 1e-3 frozen, 5e-4 unfrozen]")
@click.option("--by", type=click.Choice(["patient", "scan"]), default="patient", help="Unit of the split.")
@click.option("--seed", type=int, default=0, help="Of the split, of initial weights and of training.")
def train(folder: Path, output: Path | None, by: str, seed: int, **arguments: Any) -> None:
    """Train a classifier on FOLDER, a folder of class folders.

    The scans are split by patient: 70 % to train on, 15 % to choose the best epoch, 15 % to test on. The results are
    classifier/, history.csv, split.csv, and of the test part metrics.json, predictions.csv and figures.
    """
    import octlib

    scans = octlib.load_oct_dataset(folder)
    click.echo(scans)
    parts = dict(zip(("train", "validation", "test"), scans.split(by=by, seed=seed), strict=True))
    classifier = _build(scans.class_names, seed, arguments)
    output = new_folder(output or free_name("octlib-train"))
    write_split(output / "split.csv", parts)
    fitting = {name: arguments[name] for name in ("epochs", "batch_size", "learning_rate")}
    history = octlib.fit(classifier, parts["train"], parts["validation"], seed=seed, **fitting)
    click.echo(history)
    classifier.save(output / "classifier")
    write_history(output, history)
    write_evaluation(output, classifier, parts["test"])
    write_explanations(output, classifier, parts["test"])
    say_where(output)


def _build(class_names: tuple[str, ...], seed: int, arguments: dict[str, Any]) -> Any:
    import octlib

    return octlib.build_classifier(
        arguments["backbone"],
        arguments["freeze"],
        class_names=class_names,
        image_size=arguments["image_size"],
        weights=None if arguments["weights"].lower() == "none" else arguments["weights"],
        head=arguments["head"],
        dropout=arguments["dropout"],
        seed=seed,
    )
