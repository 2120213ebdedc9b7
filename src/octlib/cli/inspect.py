"""Inspect: ``octlib inspect``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octlib.cli.console import answer, say
from octlib.cli.options import PATH, is_classifier, json_option, read_scans, source_options
from octlib.cli.output import new_file, say_where

if TYPE_CHECKING:
    from octlib import OctDataset
    from octlib.data import Audit

FAULTS = 3  # exit status: the command did its work, and found what costs trust


@click.command(short_help="Say what a folder of scans or a classifier holds.")
@click.argument("path", type=PATH)
@source_options
@click.option(
    "--page", type=PATH, metavar="FILE.html", show_default="no page", help="Also write the findings, with pictures."
)
@json_option
@click.pass_context
def inspect(context: click.Context, /, path: Path, page: Path | None, **reading: Any) -> None:
    """Say what PATH holds: scans, which are all read once, or a saved classifier.

    Of scans it names those that can't be read, copies and near copies, pictures under two labels, and patients whom
    published splits share; the exit status is 3 where there is any of it, and 0 where there is none.
    """
    found = [each for each in (path, path / "classifier") if is_classifier(each)]  # the second: of octlib train
    if found and page is not None:
        raise click.UsageError("--page is for scans, and PATH holds a classifier.")
    if found:
        _inspect_classifier(found[0])
    elif _inspect_scans(path, reading, page).findings:
        context.exit(FAULTS)


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
        "prediction": model.postprocessing.describe(),
        "image_size": model.image_size,
        "preprocessing": model.preprocessing.describe(),
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


def _inspect_scans(path: Path, reading: dict[str, Any], page: Path | None) -> Audit:
    with new_file(page, "--page") if page else nullcontext() as unfinished:
        scans = read_scans(path, reading)
        say(scans)
        audit = scans.audit()
        if unfinished:
            _write_page(unfinished, audit, path)
    say(f"scans without a patient: {sum(scan.patient is None for scan in scans):,}")
    say(audit)
    if page:
        say_where(page)
    answer(_document(path, scans, audit, page))
    return audit


def _write_page(file: Path, audit: Audit, path: Path) -> None:
    import octlib

    octlib.write_audit(file, audit, title=f"Audit of {path}")


def _document(path: Path, scans: OctDataset, audit: Audit, page: Path | None) -> dict[str, Any]:
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
        "sizes": [{"height": height, "width": width, "scans": count} for (height, width), count in audit.sizes.items()],
        "wedges": audit.wedges,
        "splits": {name: published.count(name) for name in dict.fromkeys(published)},
        "shared_patients": [{"splits": pair, "patients": count} for pair, count in audit.shared_patients.items()],
        "counts": audit.counts,
        "findings": audit.to_frame().to_dict("records"),
        "page": page,
    }
