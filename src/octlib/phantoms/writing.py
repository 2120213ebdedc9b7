"""Writing: phantoms as files, scans and truth side by side."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from octlib.phantoms.phantom import Phantom

NAMED = ("name", "label", "patient", "scan")


def write_phantoms(folder: str | Path, phantoms: Iterable[Phantom]) -> int:
    """Write phantoms as files; ``octlib.load_oct_dataset(folder / "scans")`` reads the scans back.

    - ``scans/CLASS/NAME.png``: the scan, 8-bit grey;
    - ``masks/NAME-KIND.png``: one for each kind of lesion that is there, 255 inside, else 0;
    - ``boundaries/NAME.csv``: a row for each column of the scan, and a column for each surface: where it runs, in rows
      from the top;
    - ``phantoms.csv``: a row for each scan: name, label, patient, scan, and the single values among its parameters,
      empty where it has none of that name;
    - ``parameters.json``: all parameters, by the name of the scan.

    Args:
        folder: where to; it is made where there is none, and must be empty.
        phantoms: any number of them, one in memory at a time.

    Returns:
        How many were written.

    Raises:
        FileExistsError: where the folder isn't empty, or is a file.
        ValueError: where two phantoms have the same name, such as P0001 of two collections.
        OSError: where a file can't be written.

    Example:
        >>> import tempfile, octlib
        >>> from octlib.phantoms import phantom_specs, render
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_phantoms(folder, (render(spec) for spec in phantom_specs(4, scans_per_patient=2, size=128)))
        8
        >>> octlib.load_oct_dataset(folder / "scans")
        OctDataset: 8 scans of 4 patients
        scans per class: CNV 2, DME 2, DRUSEN 2, NORMAL 2
        patients per class: CNV 1, DME 1, DRUSEN 1, NORMAL 1
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"Phantoms need an empty folder, and {folder} isn't one. Choose another.")
    for part in ("scans", "masks", "boundaries"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    parameters = {phantom.name: _written(folder, phantom) for phantom in _differing(phantoms)}
    (folder / "parameters.json").write_text(json.dumps(parameters, indent=1) + "\n", encoding="utf-8")
    _write_table(folder / "phantoms.csv", [{"name": name, **values} for name, values in parameters.items()])
    return len(parameters)


def _differing(phantoms: Iterable[Phantom]) -> Iterator[Phantom]:
    seen: set[str] = set()
    for phantom in phantoms:
        if phantom.name in seen:
            raise ValueError(f"Phantoms must have different names, got {phantom.name} twice. Write two folders.")
        seen.add(phantom.name)
        yield phantom


def _written(folder: Path, phantom: Phantom) -> dict[str, Any]:
    """Write the files of one phantom, and give what the tables say of it."""
    scan = folder / "scans" / phantom.label / f"{phantom.name}.png"
    scan.parent.mkdir(exist_ok=True)
    Image.fromarray(phantom.image).save(scan)
    for kind, mask in phantom.masks.items():
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / "masks" / f"{phantom.name}-{kind}.png")
    columns = np.stack([*phantom.boundaries.values()], axis=1)
    head = ",".join(phantom.boundaries)
    np.savetxt(
        folder / "boundaries" / f"{phantom.name}.csv", columns, fmt="%.3f", delimiter=",", header=head, comments=""
    )
    return {"label": phantom.label, "patient": phantom.patient, "scan": phantom.scan, **phantom.parameters}


def _write_table(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = dict.fromkeys([*NAMED, *(name for row in rows for name in row if _is_single(row[name]))])
    with file.open("w", newline="", encoding="utf-8") as target:
        table = csv.DictWriter(target, columns, extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)


def _is_single(value: object) -> bool:
    return isinstance(value, str | int | float | bool)
