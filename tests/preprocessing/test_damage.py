"""Damage: a JPEG that was damaged in whatever way is read or named, without a crash, a hang or a warning."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octlib.errors import UnreadableScanError
from octlib.phantoms import make_phantoms
from octlib.preprocessing import read_scan

Random = np.random.Generator


def segments(jpeg: bytes) -> list[tuple[int, int]]:
    """Find the segments between the start of a JPEG and its pixels: where each begins and ends."""
    found = []
    place = 2
    while jpeg[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
        found.append((place, end))
        place = end
    return found


def flipped(random: Random, jpeg: bytes, first: int = 0, last: int | None = None) -> bytes:
    content = bytearray(jpeg)
    for place in random.integers(first, last or len(jpeg), random.integers(1, 9)):
        content[place] ^= 1 << int(random.integers(8))
    return bytes(content)


def flipped_header(random: Random, jpeg: bytes) -> bytes:
    return flipped(random, jpeg, 2, segments(jpeg)[-1][1])


def cut(random: Random, jpeg: bytes) -> bytes:
    return jpeg[: random.integers(len(jpeg))]


def swapped(random: Random, jpeg: bytes) -> bytes:
    return _swap(jpeg, *sorted(random.choice(segments(jpeg), 2, replace=False).tolist()))


def swapped_runs(random: Random, jpeg: bytes) -> bytes:
    ends = sorted(random.integers(2, len(jpeg), 4).tolist())
    return _swap(jpeg, (ends[0], ends[1]), (ends[2], ends[3]))


def _swap(content: bytes, one: Sequence[int], other: Sequence[int]) -> bytes:
    return (
        content[: one[0]]
        + content[other[0] : other[1]]
        + content[one[1] : other[0]]
        + content[one[0] : one[1]]
        + content[other[1] :]
    )


def overwritten(random: Random, jpeg: bytes) -> bytes:
    start, length = int(random.integers(len(jpeg))), int(random.integers(1, 200))
    filling = random.bytes(length) if random.random() < 0.5 else bytes(length)
    return (jpeg[:start] + filling + jpeg[start + length :])[: len(jpeg)]


def resized(random: Random, jpeg: bytes) -> bytes:
    """Claim another size: small ones, and so large ones that Pillow warns of a decompression bomb."""
    frame = next(start for start, _ in segments(jpeg) if jpeg[start + 1] in (0xC0, 0xC1, 0xC2))
    size = (2 ** random.uniform(0, 16, 2)).astype(">u2")
    return jpeg[: frame + 5] + size.tobytes() + jpeg[frame + 9 :]


def with_broken_exif(random: Random, jpeg: bytes) -> bytes:
    """Insert EXIF data whose one entry lies outside of it, or isn't there, or that is any bytes at all."""
    entry = b"\x01\x00" + (0x011A).to_bytes(2, "little") + b"\x05\x00" + random.bytes(8)
    data = b"Exif\0\0" + b"II*\0\x08\0\0\0" + (entry[: random.integers(15)] if random.random() < 0.5 else entry)
    return jpeg[:2] + b"\xff\xe1" + (len(data) + 2).to_bytes(2, "big") + data + jpeg[2:]


DAMAGES = (flipped, flipped_header, cut, swapped, swapped_runs, overwritten, resized, with_broken_exif)


def fate(path: Path, at_least: tuple[int, int] | None) -> str:
    """Read a file as octlib does and say what came of it."""
    try:
        scan = read_scan(path, at_least)
    except UnreadableScanError as error:
        return "named" if str(path) in str(error) else "unnamed"
    assert scan.dtype == np.uint8
    assert scan.ndim == 2
    assert scan.size
    return "read"


def fate_at_any_scale(path: Path) -> str:
    """Read a file at three scales: octlib trains on a reduced one and looks for damage at the smallest."""
    return " or ".join({fate(path, at_least) for at_least in ((1, 1), (100, 100), None)})


def fates(originals: Sequence[bytes], n: int, folder: Path) -> Counter[str]:
    """Read n damaged copies in two threads; no warning may come, even where warnings are no errors."""

    def read(number: int) -> str:
        random = np.random.default_rng(number)
        path = folder / f"{number}.jpeg"
        path.write_bytes(DAMAGES[number % len(DAMAGES)](random, originals[number % len(originals)]))
        result = fate_at_any_scale(path)
        path.unlink()
        return result

    with warnings.catch_warnings(record=True) as heard, ThreadPoolExecutor(2) as pool:
        warnings.simplefilter("always")
        counts = Counter(pool.map(read, range(n)))
    assert [str(warning.message) for warning in heard] == []
    return counts


@pytest.fixture(scope="module")
def synthetic() -> list[bytes]:
    files = []
    for phantom in make_phantoms(3, scans_per_patient=1, size=(120, 136)):
        stream = io.BytesIO()
        Image.fromarray(phantom.image).save(stream, "JPEG", progressive=bool(files))
        files.append(stream.getvalue())
    return files


def test_damaged_copies_of_a_phantom_are_read_or_named(synthetic: list[bytes], tmp_path: Path) -> None:
    counts = fates(synthetic, 240, tmp_path)
    assert counts.keys() == {"read", "named"}
    assert min(counts.values()) >= 40


def test_a_thousand_damaged_copies_of_real_scans_are_read_or_named(kermany: Path, tmp_path: Path) -> None:
    originals = [path.read_bytes() for path in sorted(kermany.glob("*/*.jpeg"))[::5]]
    counts = fates(originals, 1000, tmp_path)
    assert counts.keys() == {"read", "named"}
    assert counts.total() == 1000
    assert min(counts.values()) >= 200


def test_pillow_itself_would_warn(synthetic: list[bytes]) -> None:
    # Without this, the tests above could not hear a warning if they wanted to.
    copies = [with_broken_exif(np.random.default_rng(number), synthetic[0]) for number in range(4)]
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for copy in copies:
            Image.open(io.BytesIO(copy)).close()
    assert heard
