"""Explain: ``octlib explain``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octlib.cli.output import free_name, new_folder

if TYPE_CHECKING:
    from octlib import Explanation, OctClassifier, OctDataset

AT_A_TIME = 64  # scans whose maps are held in memory


@click.command()
@click.argument("classifier", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), help="Folder for the pictures.  [default: octlib-explain]"
)
@click.option(
    "--method",
    default="gradcam",
    help="gradcam, gradcam++, hirescam, xgradcam, layercam, eigencam, eigengradcam, scorecam or ablationcam.",
)
@click.option("--target", help="The class to explain.  [default: the predicted one of each scan]")
@click.option("--layer", help="timm's name of a layer.  [default: the last map]")
@click.option(
    "--on-error", type=click.Choice(["raise", "skip"]), default="raise", help="Unreadable images: stop, or leave out."
)
def explain(classifier: Path, folder: Path, output: Path | None, on_error: str, **arguments: Any) -> None:
    """Show where the saved CLASSIFIER finds support for a class in every scan of FOLDER.

    The results are one PNG a scan, at the scan's own size, and index.csv.
    """
    import pandas as pd

    import octlib

    with new_folder(output or free_name("octlib-explain")) as pictures:
        scans = octlib.load_oct_dataset(folder, on_error=on_error)
        model = octlib.load_classifier(classifier)
        rows: list[dict[str, Any]] = []
        for start in range(0, len(scans), AT_A_TIME):
            part = scans.subset(range(start, min(start + AT_A_TIME, len(scans))))
            rows += _write_overlays(_explain(model, part, arguments), pictures, start)
            click.echo(f"{len(rows)} of {len(scans)} scans", err=True)
        pd.DataFrame(rows).to_csv(pictures / "index.csv", index=False)
    silent = sum(not row["has_signal"] for row in rows)
    if silent:
        click.echo(f"Warning: {silent} maps are constant and show nothing; index.csv says which.", err=True)
    click.echo(f"{len(rows)} pictures and index.csv written to {pictures}/")


def _explain(model: OctClassifier, scans: OctDataset, arguments: dict[str, Any]) -> Explanation:
    import octlib

    with warnings.catch_warnings():
        # It numbers the scans of one part; index.csv and a single line at the end say the same of all of them.
        warnings.filterwarnings("ignore", message=".* maps are constant")
        return octlib.explain(model, scans, **arguments)


def _write_overlays(maps: Explanation, output: Path, start: int) -> list[dict[str, Any]]:
    from PIL import Image

    rows = []
    for index, scan in enumerate(maps.scans):
        # The number keeps scans apart that bear the same name in different folders.
        picture = f"{start + index:05d}-{Path(scan.name).stem}.png"
        Image.fromarray(maps.overlay(index)).save(output / picture)
        rows.append(
            {
                "picture": picture,
                "scan": scan.name,
                "patient": scan.patient,
                "label": scan.label,
                "target": maps.targets[index],
                "has_signal": bool(maps.has_signal[index]),
            }
        )
    return rows
