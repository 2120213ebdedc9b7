"""Compare: ``octlib compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from octlib.cli.console import answer, files_in, say
from octlib.cli.known_patients import warn_of_known_patients
from octlib.cli.options import (
    PATH,
    PREDICTING,
    chosen,
    folder_argument,
    json_option,
    level_option,
    output_option,
    predicting_options,
    read_scans,
    reading_options,
    require_classifier,
)
from octlib.cli.output import choose_output, new_folder, say_where, write_figure, write_json, write_table


@click.command(short_help="Compare classifiers on the same labelled scans.")
@click.argument("classifiers", nargs=-1, type=PATH, metavar="CLASSIFIER CLASSIFIER...")
@folder_argument
@output_option("Folder for the results.", "octlib-compare")
@reading_options
@predicting_options
@level_option
@click.option(
    "--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95, help="Of the intervals."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the bootstrap that gives the intervals.")
@json_option
def compare(classifiers: tuple[Path, ...], folder: Path, output: Path | None, **arguments: Any) -> None:
    """Compare saved CLASSIFIERs, two or more, on FOLDER, labelled scans of patients that none of them has seen.

    The results are differences.csv (each metric's difference with its interval, and tests), comparison.json and
    differences.png.
    """
    import octlib

    if len(classifiers) < 2:
        raise click.UsageError(
            f"Two classifiers or more are needed, then the scans; got {len(classifiers)} before them."
        )
    for each in classifiers:
        require_classifier(each, folder)
    names = name_apart(classifiers)
    output = choose_output(output, "octlib-compare", folder)
    with new_folder(output) as results:
        scans = read_scans(folder, arguments)
        for each in classifiers:
            warn_of_known_patients(each, scans)
        a, b, *others = (octlib.load_classifier(each) for each in classifiers)
        settings = chosen(arguments, (*PREDICTING, "level", "confidence", "seed"))
        comparison = octlib.compare(a, b, scans, others=others, names=names, **settings)
        write_table(results / "differences.csv", comparison.to_frame())
        write_json(results / "comparison.json", comparison.to_dict())
        write_figure(results / "differences.png", comparison.plot_differences())
    say(comparison)
    say_where(output)
    answer({"output": output, "files": files_in(output), "comparison": comparison.to_dict()})


def name_apart(paths: Sequence[Path]) -> list[str]:
    """Name paths by the parts in which they differ.

    Args:
        paths: of classifiers.

    Returns:
        A name for each.

    Raises:
        ValueError: if two are the same path.

    Example:
        >>> name_apart([Path("runs/frozen/classifier"), Path("runs/tuned/classifier")])
        ['frozen', 'tuned']
    """
    whole = [path.resolve() for path in paths]
    twice = [path for path, place in zip(paths, whole, strict=True) if whole.count(place) > 1]
    if twice:
        raise ValueError(f"Classifiers must differ from one another; {twice[0]} is named more than once.")
    parts = [path.parts for path in whole]
    while len({each[0] for each in parts}) == 1 and min(map(len, parts)) > 1:
        parts = [each[1:] for each in parts]
    while len({each[-1] for each in parts}) == 1 and min(map(len, parts)) > 1:
        parts = [each[:-1] for each in parts]
    # Bytes that are no text can't be drawn.
    return ["".join(each if each.isprintable() else "_" for each in "/".join(part)) for part in parts]
