"""Train: ``octlib train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octlib.cli.output import free_name, new_folder, say_where, write_split
from octlib.cli.results import write_evaluation, write_explanations, write_history

if TYPE_CHECKING:
    from octlib import OctClassifier, OctDataset


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
@click.option(
    "--image-size", type=click.IntRange(1), metavar="PIXELS", show_default="the backbone's own", help="Resize to."
)
@click.option("--head", default="average", help="'average' or 'flatten'.")
@click.option("--dropout", type=float, default=0.0, help="Share of features dropped while training.")
@click.option(
    "--epochs", type=click.IntRange(1), metavar="N", show_default="20 frozen, 14 unfrozen", help="Rounds of training."
)
@click.option("--batch-size", type=click.IntRange(1), metavar="N", default=32, help="Scans a step.")
@click.option("--learning-rate", type=float, show_default="1e-3 frozen, 5e-4 unfrozen", help="At its peak.")
@click.option(
    "--by", type=click.Choice(["patient", "scan"]), default="patient", help="What stays together in the split."
)
@click.option("--seed", type=int, default=0, help="Of the split, of initial weights and of training.")
@click.option(
    "--on-error", type=click.Choice(["raise", "skip"]), default="raise", help="Unreadable images: stop, or leave out."
)
def train(folder: Path, output: Path | None, by: str, seed: int, on_error: str, **arguments: Any) -> None:
    """Train a classifier on FOLDER, a folder of class folders.

    The scans are split by patient: 70 % to train on, 15 % to choose the best epoch, 15 % to test on. The results are
    classifier/, history.csv, split.csv, and of the test part metrics.json, predictions.csv and figures.
    """
    import octlib
    from octlib.data import require_readable

    with new_folder(output or free_name("octlib-train")) as results:
        scans = octlib.load_oct_dataset(folder, on_error=on_error)
        click.echo(scans)
        _require_trainable(scans, by)
        parts = dict(zip(("train", "validation", "test"), scans.split(by=by, seed=seed), strict=True))
        classifier = _build(scans.class_names, seed, arguments)
        fitting = {name: arguments[name] for name in ("epochs", "batch_size", "learning_rate")}
        try:
            history = octlib.fit(classifier, parts["train"], parts["validation"], seed=seed, **fitting)
        except (ValueError, FileNotFoundError):
            require_readable(scans)  # Those of the test part would come to light only after the training.
            raise
        click.echo(history)
        write_split(results / "split.csv", parts)
        write_history(results, history)
        classifier.save(results / "classifier")
    # What has been trained stays, whatever happens now.
    click.echo(write_evaluation(results, classifier, parts["test"]))
    write_explanations(results, classifier, parts["test"])
    say_where(results)


def _require_trainable(scans: OctDataset, by: str) -> None:
    """Say what a folder lacks, in the words of the shell."""
    present = [name for name in scans.class_names if any(scan.label == name for scan in scans)]
    if len(present) < 2:
        found = ", ".join(present) or "none"
        raise ValueError(f"Training needs a folder with two class folders or more (CLASS/image); found: {found}.")
    unknown = sum(scan.patient is None for scan in scans)
    if by == "patient" and unknown:
        raise ValueError(
            f"The patients of {unknown:,} of {len(scans):,} scans are unknown, and the split is by patient. They are "
            "read off file names of the form CLASS-patient-number, such as CNV-0042-1.png: rename the files, or use "
            "--by scan. Scans of one patient can then be trained on and tested on, and the figures come out too high."
        )


def _build(class_names: tuple[str, ...], seed: int, arguments: dict[str, Any]) -> OctClassifier:
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
