"""Volumes that are kept: decoded once for all of their slices, whoever asks, and never more than two."""

from __future__ import annotations

import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from octlib.data import load_oct_dataset
from octlib.data.volume_format import KEPT, KeptVolumes, as_8_bit, own_copy
from octlib.errors import UnreadableScanError


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.vol" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes(number + 1))
    return paths


def decoder(decoded: list[Path]):
    def decode(path: Path):
        decoded.append(path)
        return [np.full((2, 2), path.stat().st_size, np.uint8)]

    return decode


def test_threads_that_want_the_same_volume_wait_for_one_of_them(files):
    decoded: list[Path] = []
    kept, ready = KeptVolumes(), threading.Barrier(8)

    def read(_):
        ready.wait()
        return kept.get(files[0], decoder(decoded))[0]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read, range(8)))
    assert decoded == [files[0]]
    assert len({id(each) for each in found}) == 1


def test_the_last_ones_stay(files):
    decoded: list[Path] = []
    kept = KeptVolumes()
    for path in [*files[: KEPT + 1], *files[1 : KEPT + 1], files[0]]:
        assert kept.get(path, decoder(decoded))[0][0, 0] == path.stat().st_size
    assert decoded == [*files[: KEPT + 1], files[0]]


def test_nobody_changes_what_others_read(files):
    with pytest.raises(ValueError, match="read-only"):
        KeptVolumes().get(files[0], decoder([]))[0][0, 0] = 7


def test_what_fails_is_tried_again(files):
    kept, decoded = KeptVolumes(), []
    with pytest.raises(ZeroDivisionError):
        kept.get(files[0], lambda path: 1 // 0)
    kept.get(files[0], decoder(decoded))
    assert decoded == [files[0]]


def test_numbers_without_meaning_are_black():
    values = np.array([[np.nan, np.inf, -np.inf, -3.0, 2.0, 4.0]])
    assert as_8_bit([values])[0].tolist() == [[0, 0, 0, 0, 128, 255]]
    assert as_8_bit([np.zeros((1, 2), np.uint16)])[0].tolist() == [[0, 0]]


def test_a_copy_of_a_module_is_nobody_elses():
    import fractions

    copy = own_copy("fractions", math=None)
    assert copy.math is None
    assert fractions.math is not None
    assert copy.Fraction is not fractions.Fraction


def test_a_file_of_a_device_in_an_archive_says_to_unpack_it(tmp_path):
    pytest.importorskip("oct_converter")
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        archive.writestr("CNV/eye.e2e", b"whatever it is")
    scans = load_oct_dataset(tmp_path / "scans.zip")
    with pytest.raises(UnreadableScanError, match=r"eye\.e2e .*lies in an archive, .*: unpack it"):
        scans[0].read()
