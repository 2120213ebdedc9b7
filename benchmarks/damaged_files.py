"""Damaged files: what octlib makes of them, through every reader and format.

Usage: python benchmarks/damaged_files.py [NUMBER] [--seed SEED] [--only KIND]

NUMBER data sets in miniature (10,000) are written, one file of each is damaged (bytes changed, cut off, zeroed,
repeated, swapped, the beginning of another format put in front), and all are loaded and every scan is read. What may
come is a result, or an error that is octlib's own or of the families of OSError and ValueError, and names the file.
Everything else is a finding, and is listed with the number that repeats it: other errors, errors without the name, more
than ten seconds, a process that crashes, and scans that are lost in silence. It needs
octlib[parquet,dicom,vol,volumes].
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import queue
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from device_files import (
    VOL,
    e2e_of_both_eyes,
    topcon_about,
    topcon_jpeg,
    topcon_raw,
    write_bioptigen,
    write_e2e,
    write_optovue,
    write_topcon,
    write_vol,
)
from PIL import Image

import octlib
from octlib.errors import OctlibError

SECONDS = 10  # for one data set
STALLED = 60  # seconds without a word from the process: no signal reaches it
ROOM = 6 * 2**30  # bytes of memory for one process
RNG = np.random.default_rng(0)
PAGES = RNG.integers(0, 256, (4, 24, 32), dtype=np.uint8)


class Built(NamedTuple):
    """A data set in miniature: what is loaded, the file that is damaged, and how many scans there are."""

    source: Path
    victim: Path
    n: int


def image(path: Path, page: int = 0, **options: Any) -> Path:
    """Write one scan; the name says the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(PAGES[page]).save(path, **options)
    return path


def in_classes(suffix: str, **options: Any) -> Callable[[Path], Built]:
    """Build class folders, one image of which is damaged."""

    def build(root: Path) -> Built:
        image(root / "DME/DME-2-1.png", 1)
        return Built(root, image(root / f"CNV/CNV-1-1{suffix}", **options), 2)

    return build


def tiff_16_bit(root: Path) -> Built:
    """Build class folders with a TIFF of 16 bits."""
    built = in_classes(".tif")(root)
    Image.fromarray(PAGES[0].astype(np.uint16) * 257).save(built.victim)
    return built


def stack(root: Path) -> Built:
    """Build class folders with a TIFF of four pages."""
    built = in_classes(".tif")(root)
    first, *others = map(Image.fromarray, PAGES)
    first.save(built.victim, save_all=True, append_images=others)
    return built._replace(n=5)


def volume(root: Path) -> Built:
    """Build class folders with a DICOM file of four frames."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, OphthalmicTomographyImageStorage

    built = in_classes(".png")(root)
    built.victim.unlink()
    scan = Dataset()
    scan.file_meta = FileMetaDataset()
    scan.file_meta.MediaStorageSOPClassUID = scan.SOPClassUID = OphthalmicTomographyImageStorage
    scan.file_meta.MediaStorageSOPInstanceUID = scan.SOPInstanceUID = "1.2.3"
    scan.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    scan.PatientID, scan.PatientName, scan.ImageLaterality, scan.PixelSpacing = "7", "Roe^Jane", "L", [0.004, 0.01]
    scan.SamplesPerPixel, scan.PhotometricInterpretation, scan.NumberOfFrames = 1, "MONOCHROME2", 4
    scan.Rows, scan.Columns = PAGES.shape[1:]
    scan.BitsAllocated, scan.BitsStored, scan.HighBit, scan.PixelRepresentation = 8, 8, 7, 0
    scan.PixelData = PAGES.tobytes()
    victim = built.victim.with_suffix(".dcm")
    scan.save_as(victim, enforce_file_format=True)
    return Built(root, victim, 5)


def table(suffix: str) -> Callable[[Path], Built]:
    """Build a table of scans."""

    def build(root: Path) -> Built:
        files = [image(root / f"images/{page}.png", page) for page in range(4)]
        frame = pd.DataFrame({"path": [f"images/{file.name}" for file in files], "label": list("abab")})
        frame = frame.assign(patient=["007", "Größe", "2", "3"], eye="left", depth=1.5, site=["x", None, "y", "z"])
        victim = root / f"scans{suffix}"
        if suffix == ".parquet":
            frame.to_parquet(victim)
        else:
            frame.to_csv(victim, index=False, sep="\t" if suffix == ".tsv" else ",")
        return Built(victim, victim, 4)

    return build


def metadata(suffix: str) -> Callable[[Path], Built]:
    """Build an image folder as Hugging Face has it."""

    def build(root: Path) -> Built:
        names = [image(root / f"{page}.png", page).name for page in range(4)]
        frame = pd.DataFrame({"file_name": names, "label": list("abab"), "patient": [1, 1, 2, 2], "device": "Größe"})
        victim = root / f"metadata{suffix}"
        if suffix == ".csv":
            frame.to_csv(victim, index=False)
        else:
            frame.to_json(victim, orient="records", lines=True, force_ascii=False)
        return Built(root, victim, 4)

    return build


def octdl(root: Path) -> Built:
    """Build a folder as OCTDL has it."""
    names = [
        image(root / f"OCTDL/{name}/{name.lower()}_{page}.jpg", page).stem for page, name in enumerate(["AMD", "NO"])
    ]
    rows = {"file_name": names, "disease": ["AMD", "NO"], "patient_id": [1, 2], "eye": "OD", "year": 2019}
    pd.DataFrame(rows).to_csv(root / "OCTDL_labels.csv", index=False)
    return Built(root, root / "OCTDL_labels.csv", 2)


def neh(root: Path) -> Built:
    """Build a folder as NEH has it, where the table tells the eyes."""
    for page, name in enumerate(("CNV/1/001_CNV.png", "NORMAL/1/001_Normal.png")):
        image(root / name, page)
    rows = {"Directory": ["/CNV/1/001_CNV.png", "/NORMAL/1/001_Normal.png"], "Eye": ["OD", "OS"]}
    pd.DataFrame(rows).to_csv(root / "data_information.csv", index=False)
    return Built(root, root / "data_information.csv", 2)


def octmnist(root: Path) -> Built:
    """Build an OCTMNIST file."""
    labels = np.arange(4, dtype=np.uint8)[:, None]
    np.savez_compressed(root / "octmnist.npz", train_images=PAGES, train_labels=labels)
    return Built(root / "octmnist.npz", root / "octmnist.npz", 4)


def archive(name: str) -> Callable[[Path], Built]:
    """Build an archive of class folders."""

    def build(root: Path) -> Built:
        members = {f"{each}/{each}-{page}-1.png": page for each in ("CNV", "DME") for page in range(2)}
        contents = {}
        for member, page in members.items():
            file = io.BytesIO()
            Image.fromarray(PAGES[page]).save(file, "png")
            contents[member] = file.getvalue()
        victim = root / name
        if name.endswith(".zip"):
            with zipfile.ZipFile(victim, "w", zipfile.ZIP_DEFLATED) as packed:
                for member, content in contents.items():
                    packed.writestr(member, content)
            return Built(victim, victim, 4)
        with tarfile.open(victim, "w:gz" if name.endswith("gz") else "w") as packed:
            for member, content in contents.items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                packed.addfile(info, io.BytesIO(content))
        return Built(victim, victim, 4)

    return build


def device(name: str, write: Callable[[Path], object], n: int, *, beside: str = "") -> Callable[[Path], Built]:
    """Build a volume as a device writes it, of which the file itself or the one beside it is damaged."""

    def build(root: Path) -> Built:
        path = root / name
        write(path)
        return Built(path, path.with_suffix(beside) if beside else path, n)

    return build


def topcon(content: Callable[[], dict[str, bytes]]) -> Callable[[Path], object]:
    """Write a volume of Topcon's with a person."""
    return lambda path: write_topcon(path, {**content(), **topcon_about()})


def write_zeiss(path: Path) -> None:
    """Write a cube of Zeiss', whose name tells its size."""
    path.write_bytes(PAGES[0, :12, :30].tobytes())


ZEISS = "P12_Macular Cube 20x3_1-2-2020_9-8-7_OS_sn0169_cube_z.img"
FLOATS = PAGES[:3, :6, :8] / 255
DEVICES = {
    "E2E": device("eye.e2e", lambda path: write_e2e(path, e2e_of_both_eyes()), 7),
    "VOL": device("eye.vol", lambda path: write_vol(path, VOL), 3),
    "FDA": device("eye.fda", topcon(lambda: topcon_raw(".fda")), 3),
    "FDA, packed": device("eye.fda", topcon(lambda: topcon_jpeg(PAGES[:3])), 3),
    "FDS": device("eye.fds", topcon(lambda: topcon_raw(".fds")), 3),
    "Zeiss": device(ZEISS, write_zeiss, 3),
    "Bioptigen": device("eye_OD.OCT", write_bioptigen, 4),
    "Optovue": device("eye.OCT", lambda path: write_optovue(path, FLOATS), 3),
    "Optovue's text": device("eye.OCT", lambda path: write_optovue(path, FLOATS), 3, beside=".txt"),
}
KINDS: dict[str, Callable[[Path], Built]] = {
    "JPEG": in_classes(".jpeg"),
    "PNG": in_classes(".png"),
    "BMP": in_classes(".bmp"),
    "GIF": in_classes(".gif"),
    "WebP": in_classes(".webp"),
    "TIFF": in_classes(".tif"),
    "TIFF, packed": in_classes(".tif", compression="tiff_lzw"),
    "TIFF, 16 bit": tiff_16_bit,
    "TIFF, stack": stack,
    "DICOM": volume,
    "CSV": table(".csv"),
    "TSV": table(".tsv"),
    "Parquet": table(".parquet"),
    "metadata.csv": metadata(".csv"),
    "metadata.jsonl": metadata(".jsonl"),
    "OCTDL's table": octdl,
    "NEH's table": neh,
    "OCTMNIST": octmnist,
    "zip": archive("scans.zip"),
    "tar": archive("scans.tar"),
    "tar.gz": archive("scans.tar.gz"),
    **DEVICES,
}
# Where rows that are cut off, pages of another size, or as many slices as are left, are what such files may well hold.
UNCHECKED = ("CSV", "TSV", "TIFF, stack", "E2E", "FDA", "FDS")
BEGINNINGS = [
    b"\xff\xd8\xff\xe0\0\x10JFIF",
    b"\x89PNG\r\n\x1a\n",
    b"II*\0\x08\0\0\0",
    b"BM",
    b"GIF89a",
    b"PK\3\4",
    b"PAR1",
]
BEGINNINGS += [b"\x1f\x8b\x08\0", b"RIFF\x24\0\0\0WEBP", bytes(128) + b"DICM", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b'"']


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Damage the content of a file in one of the ways in which files are damaged, or in two."""
    for _ in range(rng.integers(1, 3)):
        content = DAMAGES[rng.integers(len(DAMAGES))](bytearray(content or b"\0"), rng)
    return content


def _block(content: bytearray, rng: np.random.Generator) -> slice:
    start = int(rng.integers(len(content)))
    return slice(start, start + int(rng.choice([1, 4, 16, 64, 512])))


def _changed(content: bytearray, rng: np.random.Generator) -> bytes:
    for place in rng.integers(len(content), size=rng.choice([1, 1, 3, 20])):
        content[place] = rng.integers(256)
    return bytes(content)


def _one_bit(content: bytearray, rng: np.random.Generator) -> bytes:
    content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
    return bytes(content)


def _cut(content: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(content[: rng.integers(len(content))])


def _zeroed(content: bytearray, rng: np.random.Generator) -> bytes:
    block = _block(content, rng)
    content[block] = bytes([rng.choice([0, 255])]) * len(content[block])
    return bytes(content)


def _repeated(content: bytearray, rng: np.random.Generator) -> bytes:
    block = _block(content, rng)
    return bytes(content[: block.start] + content[block] * int(rng.integers(2, 5)) + content[block.stop :])


def _removed(content: bytearray, rng: np.random.Generator) -> bytes:
    del content[_block(content, rng)]
    return bytes(content)


def _swapped(content: bytearray, rng: np.random.Generator) -> bytes:
    half = int(rng.integers(len(content)))
    return bytes(content[half:] + content[:half])


def _begun_otherwise(content: bytearray, rng: np.random.Generator) -> bytes:
    beginning = BEGINNINGS[rng.integers(len(BEGINNINGS))]
    return beginning + bytes(content[0 if rng.integers(2) else len(beginning) :])


DAMAGES = [_changed, _one_bit, _one_bit, _cut, _zeroed, _repeated, _removed, _swapped, _begun_otherwise]


@contextlib.contextmanager
def _no_longer_than(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def trial(kind: str, number: int, seed: int = 0) -> tuple[str, str]:
    """Damage one data set and load it.

    Args:
        kind: of ``KINDS``.
        number: with the kind and the seed, it makes the damage.
        seed: another one makes other damages.

    Returns:
        The outcome, which begins with "finding" where it shouldn't be, and a text.
    """
    with tempfile.TemporaryDirectory() as folder:
        built = KINDS[kind](Path(folder))
        rng = np.random.default_rng([seed, list(KINDS).index(kind), number])
        built.victim.write_bytes(damaged(built.victim.read_bytes(), rng))
        try:
            with _no_longer_than(SECONDS), warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                scans = octlib.load_oct_dataset(built.source)
                for scan in scans:
                    scan.read()
                    scan.fingerprint()
        except KeyboardInterrupt:
            return "finding: too slow", ""
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return _outcome(error, built)
        if any(not issubclass(each.category, UserWarning) for each in caught):
            return "finding: a warning of Python's", str(caught[0].message)
        if len(scans) < built.n and not caught:
            silent = "result, fewer scans" if kind in UNCHECKED else "finding: scans lost in silence"
            return silent, f"{len(scans)} of {built.n}"
        return ("result, with a warning" if caught else "result"), ""


def _outcome(error: Exception, built: Built) -> tuple[str, str]:
    text = f"{type(error).__name__}: {error}"
    if not isinstance(error, (OctlibError, OSError, ValueError)):
        return "finding: another error", text
    if built.victim.name not in str(error):
        return "finding: an error without the name", text
    return ("an error of octlib" if isinstance(error, OctlibError) else "an error of Python's"), text


def _work(kinds: list[str], start: int, stop: int, seed: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    for number in range(start, stop):
        kind = kinds[number % len(kinds)]
        sys.stdout.write(json.dumps([number, kind, *trial(kind, number, seed)]) + "\n")
        sys.stdout.flush()


def _lines(process: subprocess.Popen[str]) -> Iterator[str | None]:
    """Give the lines of a process; ``None`` where it is silent for too long."""
    lines: queue.Queue[str] = queue.Queue()
    stdout = process.stdout or io.StringIO()

    def read() -> None:
        for line in stdout:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=STALLED)
        except queue.Empty:
            yield None
            return
        if not line:
            return
        yield line


def run(n: int, seed: int, kinds: list[str]) -> Iterator[tuple[int, str, str, str]]:
    """Run all trials in processes of their own, each of which goes on where the former one crashed."""
    start = 0
    while start < n:
        words = [sys.executable, __file__, str(n), "--seed", str(seed), "--from", str(start), "--only", *kinds]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            outcome = "finding: the process crashed"
            for line in _lines(process):
                if line is None:
                    outcome = "finding: too slow, and not to be stopped"
                    process.kill()
                    break
                number, kind, *result = json.loads(line)
                start = number + 1
                yield number, kind, result[0], result[1]
        if start < n:
            yield start, kinds[start % len(kinds)], outcome, f"exit status {process.returncode}"
            start += 1


def main() -> None:
    """Count outcomes by kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("number", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--from", dest="start", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.start is not None:
        _work(arguments.only, arguments.start, arguments.number, arguments.seed)
        return
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in arguments.only}
    for number, kind, outcome, text in run(arguments.number, arguments.seed, arguments.only):
        counts[kind][outcome] += 1
        if outcome.startswith("finding"):
            sys.stdout.write(f"{outcome} ({kind}, number {number}): {text}\n")
    table = pd.DataFrame(counts).T.fillna(0).astype(int)
    table.loc["all"] = table.sum()
    sys.stdout.write(f"\n{table.to_string()}\n")


if __name__ == "__main__":
    main()
