"""Output: folders that are made but never overwritten, and the files in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from octlib import OctDataset


def new_folder(folder: Path) -> Path:
    """Make an output folder.

    Args:
        folder: where; an empty folder may be there already.

    Returns:
        The folder.

    Raises:
        FileExistsError: if something is there: results are never overwritten.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists already. Choose another --output, or remove it.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def free_name(name: str) -> Path:
    """Return a path in the current folder that is not taken: the name itself, or the name and a number."""
    path, number = Path(name), 1
    while path.exists():
        number += 1
        path = Path(f"{name}-{number}")
    return path


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a dictionary as JSON."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_figure(path: Path, axes: Axes) -> None:
    """Write the figure that axes belong to as a PNG, and forget it."""
    from matplotlib import pyplot as plt

    axes.figure.savefig(path, dpi=150)
    plt.close(axes.figure)


def write_split(path: Path, parts: Mapping[str, OctDataset]) -> None:
    """Write which scan went where as CSV: name, path, label, patient, part."""
    import pandas as pd

    tables = [part.to_frame().drop(columns="split").assign(part=name) for name, part in parts.items()]
    pd.concat(tables).to_csv(path, index=False)


def say_where(folder: Path) -> None:
    """List the files of an output folder."""
    click.echo(f"\nWritten to {folder}{'/' if folder.is_dir() else ''}")
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            click.echo(f"  {path.name}{'/' if path.is_dir() else ''}")
