"""Options: those that several commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from octlib.cli.console import answer_as_json
from octlib.cli.option_types import CACHE, LAYOUTS, LEVELS, SPLITS, Columns, NamedPath, OneOf

if TYPE_CHECKING:
    from octlib import OctDataset

Command = TypeVar("Command", bound=Callable[..., Any])

PATH = NamedPath(path_type=Path)
READING = ("layout", "split", "patients", "columns", "on_error")
PREDICTING = ("cache", "flips", "batch_size")

classifier_argument = click.argument("classifier", type=PATH)
folder_argument = click.argument("folder", type=PATH)
json_option = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    callback=answer_as_json,
    help="One JSON document on standard output, all text beside it.",
)
cache_option = click.option(
    "--cache",
    type=OneOf("cache", tuple(CACHE)),
    default="on",
    callback=lambda _, __, name: CACHE[name],
    help="Keep the backbone's features for later runs; 'float16' in half the room.",
)

flips_option = click.option(
    "--flips/--no-flips",
    default=None,
    show_default="as the classifier says",
    help="Average over each scan and its mirror image.",
)

level_option = click.option(
    "--level",
    type=OneOf("level", LEVELS),
    default="scan",
    help="What is judged: each scan, or by the mean over their scans each volume, eye or patient.",
)

familiarity_option = click.option(
    "--familiarity",
    is_flag=True,
    help="Also tell how far scans are like those trained on, for a classifier of octlib train --familiarity.",
)


def output_option(what: str, default: str) -> Callable[[Command], Command]:
    """Make ``--output``.

    Args:
        what: is written there.
        default: name, which is counted up where it is taken.

    Returns:
        The decorator.
    """
    return click.option("--output", "-o", type=PATH, help=f"{what}  [default: {default}]")


def batch_size_option(text: str, default: int = 32) -> Callable[[Command], Command]:
    """Make ``--batch-size``, whose help is the text."""
    return click.option("--batch-size", type=click.IntRange(1), metavar="N", default=default, help=text)


def source_options(command: Command) -> Command:
    """Add the options that say what a folder of scans holds."""
    return _all_of(
        command,
        click.option(
            "--layout", type=OneOf("layout", LAYOUTS), default="auto", help="How FOLDER is laid out; 'auto' finds out."
        ),
        click.option("--split", type=OneOf("split", SPLITS), show_default="all", help="The published split to read."),
        click.option(
            "--patients", metavar="REGEX", help="Reads patients off names: its first group, as in '(P[0-9]+)_'."
        ),
        click.option(
            "--columns", type=Columns(), help="What a table's columns mean, as in label=grade,patient=subject."
        ),
    )


def reading_options(command: Command) -> Command:
    """Add the options that say how a folder of scans is read."""
    on_error = click.option(
        "--on-error",
        type=OneOf("choice", ("raise", "skip")),
        default="raise",
        help="Unreadable images: stop, or leave out.",
    )
    return source_options(on_error(command))


def predicting_options(command: Command) -> Command:
    """Add the options of the pass through the network."""
    return _all_of(command, flips_option, cache_option, batch_size_option("Scans in memory at a time."))


def read_scans(folder: Path, arguments: dict[str, Any]) -> OctDataset:
    """Load scans, as a command's options say: of a folder or, where there is none, of the data set of that name."""
    import octlib

    given = tuple(name for name in READING if name in arguments)
    return octlib.load_oct_dataset(folder if folder.exists() else str(folder), **chosen(arguments, given))


def chosen(arguments: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Choose some of a command's arguments by name."""
    return {name: arguments[name] for name in names}


def require_classifier(classifier: Path, folder: Path | None = None) -> None:
    """Refuse a path that holds no classifier, before anything heavy is imported.

    Args:
        classifier: the path.
        folder: the path that was given beside it, for the case that somebody has swapped them.

    Raises:
        FileNotFoundError: where there is no classifier.
    """
    if is_classifier(classifier):
        return
    hint = ""
    if is_classifier(classifier / "classifier"):
        hint = f" Did you mean {str(classifier / 'classifier')!r}?"
    elif folder is not None and is_classifier(folder):
        hint = " The classifier comes first, then the scans."
    raise FileNotFoundError(
        f"No classifier at {str(classifier)!r}: a folder that octlib saved is needed, with config.json.{hint}"
    )


def is_classifier(path: Path) -> bool:
    """Say whether a path looks like a saved classifier: there is config.json, with weights or of octlib's making."""
    if path.suffix == ".keras":
        return path.is_file()
    config = path / "config.json"
    return config.is_file() and (
        (path / "model.safetensors").is_file() or b'"octlib-classifier"' in config.read_bytes()
    )


def _all_of(command: Command, *decorators: Callable[[Command], Command]) -> Command:
    for decorator in reversed(decorators):  # as they would stand above the function
        command = decorator(command)
    return command
