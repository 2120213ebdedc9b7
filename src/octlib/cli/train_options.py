"""Train options: what ``octlib train`` is given, checked before the work and brought to the library's arguments."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from octlib import OctClassifier, OctDataset


def require_shares(_: click.Context, __: click.Parameter, shares: tuple[float, ...]) -> tuple[float, ...]:
    """Refuse ``--fractions`` that are no shares of a whole; percentages, for example."""
    if min(shares) <= 0 or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        given = " ".join(f"{share:g}" for share in shares)
        raise click.BadParameter(f"they must be positive and sum to 1, such as 0.7 0.15 0.15; got {given}.")
    return shares


def require_usable(arguments: dict[str, Any], output: Path) -> None:
    """Refuse options that contradict each other, and weights that aren't there.

    Args:
        arguments: those of the command.
        output: its results.

    Raises:
        click.UsageError: where they contradict each other.
        FileNotFoundError: where there are no such weights.
    """
    checkpoint = arguments["checkpoint"]
    if arguments["resume"] and checkpoint is None:
        raise click.UsageError("--resume needs the folder of the run to go on with: --checkpoint FOLDER.")
    if checkpoint is not None and checkpoint.absolute().is_relative_to(output.absolute()):
        raise click.UsageError("--checkpoint must lie outside of --output, which goes where a run is broken off.")
    source = click.get_current_context().get_parameter_source("freeze")
    if arguments["unfreeze_stages"] and arguments["freeze"] and source is ParameterSource.COMMANDLINE:
        raise click.UsageError("--freeze trains no stage of the backbone: leave it or --unfreeze-stages out.")
    for weights in several(arguments)[1]:
        _require_weights(weights)


def several(arguments: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Take apart what commas join: names of backbones and, where there are several, what goes for their weights."""
    backbones = [name.strip() for name in arguments["backbone"].split(",")]
    weights = arguments["weights"].split(",") if len(backbones) > 1 else [arguments["weights"]]
    return backbones, [each.strip() for each in weights]


def _require_weights(weights: str) -> None:
    # The library says the same, but not before all the scans were listed and keras was imported.
    if weights.lower() not in ("pretrained", "none") and not Path(weights).exists():
        raise FileNotFoundError(
            f"No weights at {weights!r}. --weights takes 'pretrained', 'none', a .safetensors or .pth file, or a timm "
            "folder."
        )


def require_trainable(scans: OctDataset, by: str) -> None:
    """Say what a folder lacks, in the words of the shell.

    Args:
        scans: that were read from it.
        by: what they are to be split by.

    Raises:
        ValueError: where it lacks classes or patients.
    """
    present = [name for name in scans.class_names if any(scan.label == name for scan in scans)]
    if len(present) < 2:
        found = ", ".join(present) or "none"
        raise ValueError(f"Training needs a folder with two class folders or more (CLASS/image); found: {found}.")
    unknown = sum(scan.patient is None for scan in scans)
    if by == "patient" and unknown:
        raise ValueError(
            f"The patients of {unknown:,} of {len(scans):,} scans are unknown, and the split is by patient. They are "
            "read off file names of the form CLASS-patient-number, such as CNV-0042-1.png: read them off other names "
            "by --patients REGEX, as in --patients '(P[0-9]+)_', or use --by scan. Scans of one patient can then be "
            "trained on and tested on, and the figures come out too high."
        )


def build(class_names: tuple[str, ...], arguments: dict[str, Any]) -> OctClassifier:
    """Build the classifier that the options ask for."""
    import octlib

    backbones, sources = several(arguments)
    weights = [None if each.lower() == "none" else each for each in sources]
    classifier = octlib.build_classifier(
        backbones,
        arguments["freeze"],
        class_names=class_names,
        weights=weights if len(weights) > 1 else weights[0],
        **{name: arguments[name] for name in ("image_size", "steps", "resize", "pooling", "dropout", "flips", "seed")},
    )
    if arguments["unfreeze_stages"] is not None:
        classifier.unfreeze(arguments["unfreeze_stages"])
    return classifier


def fit_options(arguments: dict[str, Any]) -> dict[str, Any]:
    """Give the arguments of ``octlib.fit`` that the options ask for."""
    alike = ("epochs", "batch_size", "learning_rate", "cache", "checkpoint", "resume", "seed")
    class_weight = arguments["class_weight"]
    return {
        **{name: arguments[name] for name in alike},
        "class_weight": None if class_weight == "none" else class_weight,
        "augment": False if arguments["no_augment"] else None,
    }
