"""Train: ``octlib train``."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octlib.cli.console import answer, files_in, keep, records, say
from octlib.cli.option_types import CLASS_WEIGHTS, POLICIES, POOLINGS, STEPS, OneOf, Size, Steps, complete_backbones
from octlib.cli.options import (
    batch_size_option,
    cache_option,
    folder_argument,
    json_option,
    output_option,
    read_scans,
    reading_options,
)
from octlib.cli.output import (
    choose_output,
    further_files,
    holds_only,
    new_folder,
    same_folder,
    say_where,
    write_split,
)
from octlib.cli.results import write_evaluation, write_explanations, write_history
from octlib.cli.train_options import build, fit_options, require_shares, require_trainable, require_usable

if TYPE_CHECKING:
    from octlib import Evaluation, History, OctClassifier, OctDataset

PARTS = ("train", "validation", "test")
TRAINED = {"classifier", "history.csv", "history.png", "split.csv"}  # what is there before the evaluation
OF_A_RUN = ("split.csv", "classifier/model.safetensors")  # no other run has the same


@click.command(short_help="Train a classifier on a folder of class folders.")
@folder_argument
@output_option("Folder for the results.", "octlib-train")
@click.option(
    "--backbone",
    default="resnet50",
    shell_complete=complete_backbones,
    help="'octlib', a timm architecture (octlib backbones lists them), hf-hub: or local-dir:. Commas join several.",
)
@click.option(
    "--weights",
    default="pretrained",
    help="'pretrained', a .safetensors or .pth file, a timm folder, or 'none'; of several backbones, one for each.",
)
@click.option("--freeze/--no-freeze", default=True, help="Train the head alone, or fine-tune everything.")
@click.option(
    "--unfreeze-stages",
    type=click.IntRange(1),
    metavar="N",
    show_default="none, or all with --no-freeze",
    help="Fine-tune the backbone's last N stages.",
)
@click.option(
    "--image-size", type=Size(), metavar="PIXELS", show_default="the backbone's own", help="Resize to: 224 or 496x512."
)
@click.option(
    "--steps",
    type=Steps(),
    default=STEPS[0],
    help=f"What is done before resizing, in this order: {', '.join(STEPS)}, joined by commas, or none.",
)
@click.option(
    "--resize",
    type=OneOf("resize policy", POLICIES),
    default="stretch",
    help="Fill the size, or keep the aspect ratio.",
)
@click.option(
    "--pooling", type=OneOf("pooling", POOLINGS), default="average", help="The features' mean over the scan, or all."
)
@click.option(
    "--dropout",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    help="Share of features dropped while training.",
)
@click.option("--flips", is_flag=True, help="Predict from each scan and its mirror image.")
@click.option(
    "--epochs", type=click.IntRange(1), metavar="N", show_default="none frozen, 14 unfrozen", help="Rounds of training."
)
@batch_size_option("Scans a step of an epoch, and at a time in the evaluation.")
@click.option("--learning-rate", type=float, show_default="1e-3 frozen, 5e-4 unfrozen", help="At its peak.")
@click.option(
    "--class-weight",
    type=OneOf("class weight", CLASS_WEIGHTS),
    default="balanced",
    help="What is done about classes with few scans.",
)
@click.option("--familiarity", is_flag=True, help="Learn what scans are familiar, for predict --familiarity.")
@click.option("--no-augment", is_flag=True, help="Fine-tune on the scans as they are.")
@cache_option
@click.option(
    "--fractions",
    type=float,
    nargs=3,
    metavar="TRAIN VALIDATION TEST",
    default=(0.7, 0.15, 0.15),
    callback=require_shares,
    help="Shares of the scans, 1 in all.",
)
@click.option(
    "--by", type=OneOf("unit to split by", ("patient", "scan")), default="patient", help="What stays together."
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, file_okay=False),
    show_default="none",
    help="Folder that keeps the state after each epoch; a frozen classifier's head is then trained in epochs.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --checkpoint, if there is one.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the split, of initial weights and of training.")
@reading_options
@json_option
def train(folder: Path, output: Path | None, **arguments: Any) -> None:
    """Train a classifier on FOLDER, a folder of class folders.

    The scans are split by patient: 70 % to train on, 15 % to choose the best epoch or penalty, 15 % to test on. The
    results are classifier/, history.csv, split.csv, and of the test part metrics.json, predictions.csv and figures.
    """
    output = choose_output(output, "octlib-train", folder)
    require_usable(arguments, output)
    with _results_in(output, resume=arguments["resume"]) as results:
        scans = read_scans(folder, arguments)
        say(scans)
        require_trainable(scans, arguments["by"])
        parts = _split(scans, arguments)
        classifier = build(scans.class_names, arguments)
        history = _fit(classifier, scans, parts, arguments)
        say(history)
        write_split(results / "split.csv", parts)
        write_history(results, history)
        if arguments["familiarity"]:
            _learn_familiarity(classifier, parts["train"], arguments)
        classifier.save(results / "classifier")
    # What has been trained stays, whatever happens now.
    again = ", and the same command with --resume goes on" if arguments["checkpoint"] else ""
    keep(f"the trained classifier stays in {output / 'classifier'}{again}")
    batches = {name: arguments[name] for name in ("cache", "batch_size")}
    with further_files(output) as results:
        result = write_evaluation(results, classifier, parts["test"], **batches)
        say(result)
        write_explanations(results, classifier, parts["test"])
    say_where(output)
    answer(_document(output, parts, history, result))


def _results_in(output: Path, *, resume: bool) -> AbstractContextManager[Path]:
    if resume and holds_only(output, TRAINED):  # a run that was stopped while it was evaluated
        return same_folder(output, OF_A_RUN)
    return new_folder(output)


def _split(scans: OctDataset, arguments: dict[str, Any]) -> dict[str, OctDataset]:
    parts = scans.split(arguments["fractions"], by=arguments["by"], seed=arguments["seed"])
    return dict(zip(PARTS, parts, strict=True))


def _fit(
    classifier: OctClassifier, scans: OctDataset, parts: dict[str, OctDataset], arguments: dict[str, Any]
) -> History:
    import octlib
    from octlib.data import require_readable
    from octlib.errors import UnreadableScanError

    if arguments["checkpoint"] is not None:
        keep(f"what {arguments['checkpoint']} holds stays: the same command with --resume goes on from there")
    try:
        return octlib.fit(classifier, parts["train"], parts["validation"], **fit_options(arguments))
    except UnreadableScanError:
        require_readable(scans)  # Those of the test part would come to light only after the training.
        raise


def _learn_familiarity(classifier: OctClassifier, train: OctDataset, arguments: dict[str, Any]) -> None:
    import octlib

    octlib.learn_familiarity(classifier, train, cache=arguments["cache"], batch_size=arguments["batch_size"])


def _document(output: Path, parts: dict[str, OctDataset], history: History, result: Evaluation) -> dict[str, Any]:
    return {
        "output": output,
        "files": files_in(output),
        "classifier": output / "classifier",
        "scans": {name: len(part) for name, part in parts.items()},
        "best_epoch": history.best_epoch,
        "history": records(history.to_frame()),
        "metrics": result.to_dict(),
    }
