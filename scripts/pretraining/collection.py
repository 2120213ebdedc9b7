"""Collection: phantoms of many devices with maps of their tissues, made once and kept in a folder."""

from __future__ import annotations

import hashlib
import shutil
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

import octlib.phantoms
from octlib.phantoms import CLASS_NAMES, Device, Phantom, PhantomSpec, render

MADE_AT = 384  # pixels each way: a close crop still has detail
# The map of tissues: the vitreous, what lies below each of these surfaces, the lesions, then what a scan doesn't cover.
SURFACES = (
    "top of ILM",
    "top of GCL",
    "top of INL",
    "top of OPL",
    "top of ONL",
    "top of ELM",
    "top of RPE",
    "BM",
    "CSI",
)
LESIONS = ("drusen", "PED", "SHRM", "SRF", "IRF", "exudates")
FIRST_LESION = len(SURFACES) + 1
OUTSIDE = FIRST_LESION + len(LESIONS)
N_TISSUES = OUTSIDE + 1
PHANTOMS = (Path(__file__), *Path(octlib.phantoms.__file__).parent.rglob("*.py"))  # the code that they depend on
NEARLY_NOTHING = 0.01  # of a scan: saturated specks are no wedge


def digest_of(*files: Path) -> str:
    """Digest code, so that what was made by other code isn't taken for what this makes."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()[:16]


def draw_device(rng: np.random.Generator) -> Device:
    """Draw a scanner that may exist: its field, depth, noise, grain and roll-off."""
    width = rng.uniform(4500, 9500)  # micrometres
    return Device(
        size=(MADE_AT, MADE_AT),
        depth=float(rng.uniform(1500, 2600)),
        micrometres_across=float(width / MADE_AT),
        floor=float(rng.uniform(0.03, 0.2)),
        averaging=(1, 10),
        grain=bool(rng.random() < 0.6),
        rolloff=float(rng.uniform(1800, 5000)),
        wedges=0.2,
    )


def specification(number: int, seed: int) -> PhantomSpec:
    """Say what the phantom of a number is: every class in turn, a patient and a device of its own."""
    device = draw_device(np.random.default_rng((seed, number)))
    return PhantomSpec(CLASS_NAMES[number % len(CLASS_NAMES)], number + 1, scan=1, seed=seed, device=device)


def tissues(phantom: Phantom) -> np.ndarray:
    """Draw the map of tissues: uint8 (height, width), 0 for the vitreous."""
    rows = np.arange(phantom.image.shape[0])[:, None] + 0.5
    marked = sum((rows >= phantom.boundaries[name]).astype(np.uint8) for name in SURFACES)
    for number, kind in enumerate(LESIONS):
        if kind in phantom.masks:
            marked[phantom.masks[kind]] = FIRST_LESION + number
    wedges = phantom.image == 255
    if wedges.mean() > NEARLY_NOTHING:
        marked[wedges] = OUTSIDE
    return np.asarray(marked, dtype=np.uint8)


def example(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make the phantom of a number: its image and its map of tissues."""
    phantom = render(specification(number, seed))
    return phantom.image, tissues(phantom)


def collection(folder: Path, count: int, seed: int, workers: int) -> dict[str, np.ndarray]:
    """Open a collection of phantoms; make it first where it isn't there yet.

    Args:
        folder: where collections are kept.
        count: of phantoms.
        seed: of phantoms.
        workers: processes that make them.

    Returns:
        ``images`` and ``tissues``, uint8 (count, MADE_AT, MADE_AT) that stay on disk, and ``labels``, int64 (count,).
    """
    kept = folder / f"phantoms-{count}-{seed}-{digest_of(*PHANTOMS)}"
    if not kept.exists():
        unfinished = folder / f"{kept.name}.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        _make(unfinished, count, seed, workers)
        unfinished.replace(kept)
    arrays = {name: np.load(kept / f"{name}.npy", mmap_mode="r") for name in ("images", "tissues")}
    return arrays | {"labels": np.arange(count) % len(CLASS_NAMES)}


def _make(folder: Path, count: int, seed: int, workers: int) -> None:
    images, marked = (
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, (count, MADE_AT, MADE_AT))
        for name in ("images", "tissues")
    )
    with ProcessPoolExecutor(workers) as pool:
        made = pool.map(partial(example, seed=seed), range(count), chunksize=16)
        for number, (image, tissue) in enumerate(made):
            images[number], marked[number] = image, tissue
    images.flush()
    marked.flush()
