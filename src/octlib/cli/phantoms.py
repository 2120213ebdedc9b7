"""Phantoms: ``octlib phantoms``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from octlib._progress import progress
from octlib.cli.console import answer, files_in, say
from octlib.cli.option_types import DEVICES, OneOf, Size
from octlib.cli.options import json_option, output_option
from octlib.cli.output import choose_output, new_folder, say_where


@click.command(short_help="Write synthetic scans with known lesions.")
@output_option("Folder for the scans.", "octlib-phantoms")
@click.option("--patients", type=click.IntRange(1), metavar="N", default=80, help="The classes take turns.")
@click.option("--scans-per-patient", type=click.IntRange(1), metavar="N", default=3, help="Of one anatomy and class.")
@click.option(
    "--size", type=Size(), metavar="PIXELS", show_default="the device's own", help="Of a scan: 224 or 496x512."
)
@click.option("--device", type=OneOf("device", DEVICES), default="spectralis", help="Whose looks the scans have.")
@click.option(
    "--severity",
    type=click.FloatRange(0, 1, min_open=True),
    show_default="drawn for each patient",
    help="How far the disease has gone.",
)
@click.option(
    "--averaging",
    type=click.IntRange(1),
    metavar="N",
    show_default="drawn as the device does",
    help="Frames averaged for a scan: more leave less speckle.",
)
@click.option("--wedges/--no-wedges", default=None, show_default="drawn", help="White wedges along the border.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Another one gives other patients.")
@json_option
def phantoms(output: Path | None, patients: int, **arguments: Any) -> None:
    """Write synthetic scans with known lesions, layers and parameters.

    The results are scans/ (a folder for octlib train and the others), masks/, boundaries/, phantoms.csv and
    parameters.json. They prove nothing about patients.
    """
    from octlib.phantoms import phantom_specs, render, write_phantoms

    specs = phantom_specs(patients, **arguments)
    output = choose_output(output, "octlib-phantoms")
    with new_folder(output) as folder:
        write_phantoms(folder, (render(spec) for spec in progress(specs, title="phantoms")))
    counts = Counter(spec.label for spec in specs)
    of = f"{patients:,} patient{'' if patients == 1 else 's'}"
    say(f"{len(specs):,} scans of {of}: {', '.join(f'{name} {n:,}' for name, n in counts.items())}")
    say_where(output)
    answer({"output": output, "files": files_in(output), "scans": dict(counts), "patients": patients})
