"""TIFF: stacks are volumes, whatever their depth, and pages of other sizes are no part of them."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from octlib.data import OctDataset, load_oct_dataset
from octlib.errors import LeftOutWarning, TableError, UnreadableScanError

PAGES = [np.full((12, 16), 40 * page, np.uint8) for page in range(5)]


def save(path: Path, pages: list[np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *others = map(Image.fromarray, pages)
    first.save(path, save_all=True, append_images=others)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a stack of five, a plain scan, one with a preview, and a damaged one, in two classes."""
    save(tmp_path / "scans/AMD/stack.tif", PAGES)
    save(tmp_path / "scans/AMD/preview.tiff", [PAGES[2], PAGES[1][:6, :8]])
    save(tmp_path / "scans/NORMAL/plain.TIF", [PAGES[3]])
    (tmp_path / "scans/NORMAL/damaged.tif").write_bytes(b"II*\0 nothing of the kind")
    return tmp_path / "scans"


def test_a_stack_is_a_volume(folder: Path) -> None:
    scans = load_oct_dataset(folder)
    stack = [f"AMD/stack.tif#{page}" for page in range(5)]
    assert scans.names.tolist() == ["AMD/preview.tiff", *stack, "NORMAL/damaged.tif", "NORMAL/plain.TIF"]
    assert scans.column("volume").tolist() == [None, *["AMD/stack.tif"] * 5, None, None]
    assert scans.column("position").tolist() == [None, 0, 1, 2, 3, 4, None, None]
    assert scans.column("label").tolist() == ["AMD"] * 6 + ["NORMAL"] * 2
    assert [int(scan.read()[0, 0]) for scan in scans[[0, 1, 2, 3, 4, 5, 7]]] == [80, 0, 40, 80, 120, 160, 120]
    assert len({scan.fingerprint() for scan in scans[[1, 2, 3, 4, 5]]}) == 5
    assert all(scan.path == folder / "AMD/stack.tif" for scan in scans[[1, 5]])
    with pytest.raises(UnreadableScanError, match="damaged.tif"):
        scans[6].read()


@pytest.mark.parametrize(
    ("sizes", "stack"),
    [
        ([12, 12, 12, 6], [0, 1, 2]),
        ([6, 12, 12, 12], [1, 2, 3]),
        ([12, 6, 12, 9, 12], [0, 2, 4]),
        ([12, 6, 12, 6], [0, 2]),  # as many of either: those of the first page
        ([6, 12, 12, 6], [0, 3]),
    ],
)
def test_pages_of_another_size_are_no_part_of_a_stack(tmp_path: Path, sizes: list[int], stack: list[int]) -> None:
    for name in ("a", "b"):
        save(tmp_path / f"{name}.tif", [np.full((size, 16), 10 * page, np.uint8) for page, size in enumerate(sizes)])
    left = [page for page in range(len(sizes)) if page not in stack]
    said = rf"another size.* left out: {2 * len(left)}, such as {', '.join(map(str, left))} of .*a\.tif, counted from 0"
    with pytest.warns(LeftOutWarning, match=said):
        scans = load_oct_dataset(tmp_path)
    assert scans.names.tolist() == [f"{name}.tif#{number}" for name in "ab" for number in range(len(stack))]
    assert [int(scan.read()[0, 0]) for scan in scans] == 2 * [10 * page for page in stack]
    table = pd.DataFrame({"path": [str(tmp_path / "a.tif")] * 2, "frame": [1, 0]})
    with pytest.warns(LeftOutWarning, match=f"left out: {len(left)}, such"):  # rows of one file count it once
        assert [int(scan.read()[0, 0]) for scan in load_oct_dataset(table)] == [10 * page for page in stack[1::-1]]


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(("sizes", "reduced", "stack"), [
    ([12, 12, 6], [2], [0, 1]),
    ([12, 6, 6], [1, 2], [0]),
    ([6, 12], [0], [1]),
    ([12, 12, 12], [1, 2], [0, 1, 2]),  # of one size, none is a smaller version of another
])  # fmt: skip
def test_smaller_versions_are_passed_over_in_silence(
    tmp_path: Path, big: bool, sizes: list[int], reduced: list[int], stack: list[int]
) -> None:
    pages = [Image.fromarray(np.full((size, 16), 10 * page, np.uint8)) for page, size in enumerate(sizes)]
    for page, image in enumerate(pages):
        image.encoderinfo = {"tiffinfo": {254: int(page in reduced)}}
    tiffinfo = {254: int(0 in reduced)}
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], tiffinfo=tiffinfo, big_tiff=big)
    scans = load_oct_dataset(tmp_path / "a.tif")
    assert [int(scan.read()[0, 0]) for scan in scans] == [10 * page for page in stack]


def test_an_image_of_another_kind_is_read_whatever_its_name(tmp_path: Path) -> None:
    Image.fromarray(PAGES[3]).save(tmp_path / "a.tif", format="PNG")
    assert [int(scan.read()[0, 0]) for scan in load_oct_dataset(tmp_path / "a.tif")] == [120]


def test_a_stack_that_has_become_shorter_is_an_error(tmp_path: Path) -> None:
    save(tmp_path / "a.tif", PAGES)
    scans = load_oct_dataset(tmp_path / "a.tif")
    save(tmp_path / "a.tif", PAGES[:3])
    with pytest.raises(UnreadableScanError, match=r"a\.tif.*it has no slice 4 any more"):
        scans[4].read()


def test_slices_of_a_stack_stay_together(tmp_path: Path) -> None:
    for number in range(6):
        save(tmp_path / f"{'AB'[number % 2]}/{number}.tif", PAGES)
    train, test = load_oct_dataset(tmp_path).split((0.5, 0.5), by="volume")
    assert {len(train), len(test)} == {15}
    assert not set(train.column("volume")) & set(test.column("volume"))


def test_16_bit_pages_are_scaled(tmp_path: Path) -> None:
    save(tmp_path / "a.tif", [np.full((8, 8), value, np.uint16) for value in (0, 257 * 100, 65535)])
    scans = load_oct_dataset(tmp_path / "a.tif")
    assert [int(scan.read().max()) for scan in scans] == [0, 100, 255]
    assert scans.images(4).shape == (3, 4, 4)


@pytest.mark.parametrize("kind", ["frame", "csv"])
def test_a_table_of_frames_comes_back(folder: Path, kind: str) -> None:
    scans = load_oct_dataset(folder)
    for part in (scans, scans[3:5], scans[[2, 0, 7]], scans.concat(scans[:1])[:8]):
        table = part.to_frame()
        if kind == "csv":
            table.to_csv(folder / "scans.csv", index=False)
        again = load_oct_dataset(folder / "scans.csv" if kind == "csv" else table)
        assert again.names.tolist() == part.names.tolist()
        assert [scan.origin for scan in again] == [scan.origin for scan in part]
        assert [scan.volume for scan in again] == [scan.volume for scan in part]


def test_a_table_may_name_a_volume_or_one_of_its_frames(folder: Path) -> None:
    path, more = str(folder / "AMD/stack.tif"), str(folder / "NORMAL/plain.TIF")
    table = pd.DataFrame({"path": [path, more], "label": ["AMD", "NORMAL"], "volume": ["left eye", None]})
    scans = load_oct_dataset(table)
    assert scans.column("volume").tolist() == ["left eye"] * 5 + [None]
    of_frames = pd.DataFrame({"path": [path, path, more], "label": ["A", "B", "A"], "frame": [3, 1, None]})
    scans = load_oct_dataset(of_frames)
    assert [int(scan.read()[0, 0]) for scan in scans] == [120, 40, 120]
    assert scans.column("label").tolist() == ["A", "B", "A"]
    for wrong in (5, -2, 1.5, "x"):
        with pytest.raises(
            TableError, match=rf"a frame that its file doesn't have in row 0, such as {wrong} of .*stack"
        ):
            load_oct_dataset(of_frames.assign(frame=pd.Series([wrong, 1, None], dtype=object)))


def test_all_wrong_frames_are_told_with_the_other_problems(folder: Path) -> None:
    Image.fromarray(PAGES[0]).save(folder / "a.png")
    rows = [
        "AMD/stack.tif,3",
        "AMD/stack.tif,9",
        "gone.png,",
        "NORMAL/plain.TIF,1",
        "AMD/stack.tif,17",
        "a.png,3",
        "a.png,4",
    ]
    (folder / "scans.csv").write_text("\n".join(["path,frame", *rows]))
    with pytest.raises(TableError) as raised:
        load_oct_dataset(folder / "scans.csv")
    assert "scans.csv has no such file in row 4" in str(raised.value)
    assert "a frame that its file doesn't have in rows 3, 5, 6, 7, 8, such as 9.0 of " in str(raised.value)
    assert "call them position" in str(raised.value)


def test_the_only_scan_of_a_file_is_its_first(folder: Path) -> None:
    rows = ["path,frame", "NORMAL/plain.TIF,0", "AMD/preview.tiff,-1", "NORMAL/damaged.tif,7", "AMD/stack.tif,4"]
    (folder / "scans.csv").write_text("\n".join(rows))
    scans = load_oct_dataset(folder / "scans.csv")
    assert scans.origins.frames.tolist() == [-1, -1, -1, 4]
    with pytest.raises(UnreadableScanError, match="damaged.tif"):  # of which nobody knows what it held
        scans[2].read()


@pytest.mark.parametrize(
    ("frames", "again"),
    [(["3", "03"], 1), (["3", "3.0"], 1), (["", "3"], 1), (["3", "", "3"], 2), (["-1", ""], 1), (["3", "4"], 0)],
)
def test_a_scan_is_one_however_its_frame_is_written(folder: Path, frames: list[str], again: int) -> None:
    table = pd.DataFrame({"path": str(folder / "AMD/stack.tif"), "frame": frames, "label": "CNV"})
    for source in (table, folder / "scans.csv"):
        table.to_csv(folder / "scans.csv", index=False)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            load_oct_dataset(source)
        assert [f"{again} times again" in str(each.message) for each in seen] == [True] * (again > 0)
    torn = table.assign(label=["CNV", *["DME"] * (len(frames) - 1)])
    if again:
        with pytest.raises(TableError, match="a file with several labels in row"):
            load_oct_dataset(torn)
    else:
        assert load_oct_dataset(torn).column("label").tolist() == ["CNV", "DME"]


def test_mixed_with_others(folder: Path) -> None:
    stack, plain = load_oct_dataset(folder / "AMD/stack.tif"), load_oct_dataset(folder / "NORMAL/plain.TIF")
    both: OctDataset = plain.concat(stack)
    assert [int(scan.read()[0, 0]) for scan in both] == [120, 0, 40, 80, 120, 160]
    assert [int(scan.read()[0, 0]) for scan in both[[5, 0, 1]]] == [160, 120, 0]


@pytest.mark.parametrize("big", [False, True])
def test_a_stack_that_is_cut_off_is_no_smaller_stack(tmp_path: Path, big: bool) -> None:
    first, *others = map(Image.fromarray, PAGES)
    first.save(tmp_path / "stack.tif", save_all=True, append_images=others, big_tiff=big)
    assert len(load_oct_dataset(tmp_path / "stack.tif")) == 5
    whole = (tmp_path / "stack.tif").read_bytes()
    for length in range(40, len(whole), 150):
        (tmp_path / "stack.tif").write_bytes(whole[:length])
        scans = load_oct_dataset(tmp_path / "stack.tif")
        with pytest.raises(UnreadableScanError, match=r"stack\.tif"):
            [scan.read() for scan in scans]
