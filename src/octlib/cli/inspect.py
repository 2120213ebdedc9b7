"""Inspect: ``octlib inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octlib.cli.console import answer, say
from octlib.cli.option_types import LAYOUTS, OneOf
from octlib.cli.options import PATH, is_classifier, json_option, read_scans

if TYPE_CHECKING:
    from octlib import OctDataset
    from octlib.data import Inspection

SIZES_SHOWN = 5


@click.command(short_help="Say what a folder of scans or a classifier holds.")
@click.argument("path", type=PATH)
@click.option("--layout", type=OneOf("layout", LAYOUTS), default="auto", help="How PATH is laid out; 'auto' finds out.")
@json_option
def inspect(path: Path, layout: str) -> None:
    """Say what PATH holds: scans, which are all read once, or a saved classifier."""
    found = [each for each in (path, path / "classifier") if is_classifier(each)]  # the second: of octlib train
    if found:
        _inspect_classifier(found[0])
    else:
        _inspect_scans(path, layout)


def _inspect_classifier(path: Path) -> None:
    import octlib

    model = octlib.load_classifier(path)
    document = {
        "kind": "classifier",
        "path": path,
        "backbone": model.backbone_name,
        "weights": model.backbone.spec.origin,
        "frozen": model.frozen,
        "unfrozen_stages": model.backbone.unfrozen_stages,
        "pooling": model.backbone.pooling,
        "dropout": model.dropout.rate,
        "flips": model.postprocessing.flips,
        "image_size": model.image_size,
        "class_names": model.class_names,
        "parameters": model.count_params(),
    }
    for name, value in document.items():
        if value is not None:
            say(f"{name.replace('_', ' '):<16} {_in_words(value)}")
    answer(document)


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return (" x " if isinstance(value[0], int) else ", ").join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _inspect_scans(path: Path, layout: str) -> None:
    from octlib.data import inspect_scans

    scans = read_scans(path, {"layout": layout, "split": None, "patients": None, "columns": None, "on_error": "raise"})
    say(scans)
    found = inspect_scans(scans)
    _say_findings(scans, found)
    answer(_document(path, scans, found))


def _say_findings(scans: OctDataset, found: Inspection) -> None:
    sizes = [f"{height} x {width} {count:,}" for (height, width), count in found.sizes.items()]
    more = len(sizes) - SIZES_SHOWN
    say("sizes (height x width): " + ", ".join(sizes[:SIZES_SHOWN]) + (f", and {more:,} more" if more > 0 else ""))
    say(f"scans without a patient: {sum(scan.patient is None for scan in scans):,}")
    for (one, other), count in found.shared_patients.items():
        say(f"patients in both {one} and {other}: {count:,}")
    say(f"unreadable: {len(found.unreadable):,}")
    for scan, reason in found.unreadable:
        say(f"  {scan.path or scan.name}: {reason}")


def _document(path: Path, scans: OctDataset, found: Inspection) -> dict[str, Any]:
    rows = {name: [scan for scan in scans if scan.label == name] for name in scans.class_names}
    published = [scan.split for scan in scans if scan.split is not None]
    return {
        "kind": "scans",
        "path": path,
        "scans": len(scans),
        "patients": len({scan.patient for scan in scans} - {None}),
        "scans_without_patient": sum(scan.patient is None for scan in scans),
        "classes": [
            {"name": name, "scans": len(own), "patients": len({scan.patient for scan in own} - {None})}
            for name, own in rows.items()
        ],
        "sizes": [{"height": height, "width": width, "scans": count} for (height, width), count in found.sizes.items()],
        "splits": {name: published.count(name) for name in dict.fromkeys(published)},
        "shared_patients": [{"splits": pair, "patients": count} for pair, count in found.shared_patients.items()],
        "unreadable": [{"scan": scan.path or scan.name, "reason": reason} for scan, reason in found.unreadable],
    }
