"""Console: text for people, one JSON document for programs, and what stays when somebody stops a command."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

# What a command's context notes under these names.
JSON, STAYS = "octlib.cli.json", "octlib.cli.stays"


def answer_as_json(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Note that ``--json`` was given."""
    context.meta[JSON] = wanted


def say(text: object = "") -> None:
    """Write a line for people: to standard output, or beside it where ``--json`` keeps that for the document."""
    click.echo(text, err=_as_json(), color=colour())


def warn(text: object) -> None:
    """Write a warning to standard error."""
    click.echo(f"{click.style('Warning:', fg='yellow')} {text}", err=True, color=colour())


def answer(document: Mapping[str, Any]) -> None:
    """Write the one JSON document of a command, where ``--json`` asks for it; paths become text."""
    if _as_json():
        click.echo(json.dumps(document, indent=2, default=os.fspath, allow_nan=False))


def colour() -> bool | None:
    """Say whether colours are wanted: ``False`` where NO_COLOR is set, ``None`` at a terminal alone."""
    return False if os.environ.get("NO_COLOR") else None


def keep(what: str) -> None:
    """Note what stays when the command is stopped from now on: one clause for people."""
    click.get_current_context().meta[STAYS] = what


def records(table: Any) -> list[dict[str, Any]]:
    """Turn a pandas table into rows that JSON can hold; what is missing becomes null."""
    # Not to_json, which refuses bytes of file names that are no text.
    return [{str(name): _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def files_in(folder: Path) -> list[str]:
    """List what is in an output folder, by name."""
    return sorted(path.name for path in folder.iterdir())


def _as_json() -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(JSON))


def _plain(value: Any) -> Any:
    import pandas as pd

    missing = pd.isna(value) or (isinstance(value, float) and not math.isfinite(value))
    return None if missing else value
