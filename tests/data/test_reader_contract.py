"""Contract of readers: what holds for every one of them, found by introspection and built in miniature."""

from __future__ import annotations

import json
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from octlib.data import OctDataset, layouts, load_oct_dataset
from octlib.data.loading import _prepared
from octlib.data.naming import class_name
from octlib.data.reader import Reader
from octlib.data.readers import all_readers
from octlib.data.readers.octmnist import Octmnist
from octlib.data.tree import Folder
from octlib.errors import LayoutError, LayoutWarning

KERMANY = ("CNV", "DME", "DRUSEN", "NORMAL")
WORDS = ["plain", "Größe é", "Gro\u0308ße e\u0301", "עין ימין", "👁\ufe0f 眼", "two  blanks ", "a'b&c;d,e", "%20+#"]


@dataclass(frozen=True)
class Built:
    """A miniature and what must be read from it."""

    source: Any
    counts: dict[str | None, int]
    patients: set[str | None] = field(default_factory=lambda: {None})
    splits: set[str | None] = field(default_factory=lambda: {None})
    warned: set[type[Warning]] = field(default_factory=set)
    alone: bool = True  # whether layout="auto" finds out


def write(root: Path, names: Iterable[str]) -> Path:
    """Write an image under each name, no two alike."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        number = sum(name.encode()) % 200
        Image.fromarray(np.full((12, 16 + number % 7), number, dtype=np.uint8)).save(path)
    return root


def arrays(root: Path, word: str) -> Built:
    return Built((np.zeros((3, 8, 9), np.uint8), ["a", word, word], [1, 2, 2]), {"a": 1, word: 2}, {"1", "2"})


def frames(root: Path, word: str) -> Built:
    write(root, [f"{word}1.png", "2.png"])
    table = {"path": [root / f"{word}1.png", root / "2.png"], "label": ["a", word], "patient": [word, None]}
    return Built(pd.DataFrame(table), {"a": 1, word: 1}, {word.strip(), None})


def tables(root: Path, word: str) -> Built:
    write(root, [f"{word}1.png", "2.png"])
    table = {"path": [f"{word}1.png", "2.png"], "label": ["a", word], "patient": [word, None], "device": [word, None]}
    pd.DataFrame(table).to_csv(root / "scans.csv", index=False)
    return Built(root / "scans.csv", {"a": 1, word: 1}, {word.strip(), None})


def paths(root: Path, word: str) -> Built:
    names = [f"CNV-{word.strip()}.png", "CNV-12-1.png"]
    write(root, names)
    return Built([root / name for name in names], {None: 2}, {"12", None})


def phantoms(root: Path, word: str) -> Built:
    scans = load_oct_dataset("phantoms")
    return Built("phantoms", dict(Counter(scans.column("label"))), set(scans.patients))


def octmnist(root: Path, word: str) -> Built:
    root.mkdir(parents=True)
    scans, labels = np.zeros((2, 28, 28), np.uint8), np.array([[0], [3]], np.uint8)
    np.savez(root / f"{word}.npz", train_images=scans, train_labels=labels, test_images=scans, test_labels=labels)
    return Built(root / f"{word}.npz", {"CNV": 2, "NORMAL": 2}, splits={"train", "test"})


def folders(root: Path, word: str) -> Built:
    write(root, [f"{word}/{word}.png", f"{word}/2.png", "healthy/healthy-P7-1.png"])
    return Built(root, {word.strip(): 2, "healthy": 1}, {"P7", None})


def downloads(root: Path, word: str) -> Built:
    built = folders(root / word / "deeper", word)
    return Built(root, built.counts, built.patients)


def splits(root: Path, word: str) -> Built:
    write(root, [f"train/{word}/1.png", f"train/b/{word}.png", "val/b/3.png", f"Testing/{word}/4.png"])
    return Built(root, {word.strip(): 2, "b": 2}, splits={"train", "val", "test"})


def flat(root: Path, word: str) -> Built:
    return Built(write(root, [f"{word}.png", "CNV-9-1.png"]), {None: 2}, {"9", None})


def sites(root: Path, word: str) -> Built:
    write(root, [f"{word}/CNV/CNV-1-1.png", f"{word}/DME/CNV-1-2.png", "b/CNV/CNV-1-9.png"])
    return Built(root, {"CNV": 2, "DME": 1}, {f"{class_name(word)}/1", "b/1"}, alone=False)


def kermany(root: Path, word: str) -> Built:
    for number, split in enumerate(("train", "test")):
        write(root / word, [f"{split}/{name}/{name}-{number}-{scan}.jpeg" for name in KERMANY for scan in (1, 2)])
    return Built(root, dict.fromkeys(KERMANY, 4), {"0", "1"}, {"train", "test"})


def octdl(root: Path, word: str) -> Built:
    write(root / word / "OCTDL", ["AMD/amd_1_1.jpg", "AMD/amd_1_2.jpg", f"NO/{word}.jpg", "VID/vid_3_1.jpg"])
    rows = [("amd_1_1", "AMD", 1), ("amd_1_2.jpg", "AMD", 1), (word, "NO", "007"), ("vid_3_1", "VID", word)]
    table = pd.DataFrame(rows, columns=["file_name", "disease", "patient_id"])
    table.assign(subcategory=word, eye="OD", year=2019).to_csv(root / word / "OCTDL_labels.csv", index=False)
    return Built(root, {"AMD": 2, "NO": 1, "VID": 1}, {"1", "007", word.strip()})


def octid(root: Path, word: str) -> Built:
    write(root / word, [f"{name}/{name}{number}.jpeg" for name in ("AMRD", "CSR", "NORMAL") for number in (1, 2)])
    return Built(root, {"AMRD": 2, "CSR": 2, "NORMAL": 2})


def duke(root: Path, word: str) -> Built:
    subjects = {"AMD1": 2, "AMD12": 1, "DME3": 1, "NORMAL1": 2}
    for subject, n in subjects.items():
        write(root / word / subject / "TIFFs" / "8bitTIFFs", [f"{number:03}.tif" for number in range(1, n + 1)])
    return Built(root, {"AMD": 3, "DME": 1, "NORMAL": 2}, set(subjects))


def oct_c8(root: Path, word: str) -> Built:
    names = ("AMD", "CNV", "CSR", "DME", "DR", "DRUSEN", "MH", "NORMAL")
    for split in ("train", "val", "test"):
        write(root / word, [f"{split}/{name}/{name.lower()}_{split}_1001.jpg" for name in names])
    return Built(root, dict.fromkeys(names, 3), splits={"train", "val", "test"}, warned={LayoutWarning})


def neh(root: Path, word: str) -> Built:
    names = ["CNV/1/OD/001_Normal.jpg", "CNV/1/OD/002_CNV.jpg", "NORMAL/1/OS/001_Normal.jpg", "DRUSEN/2/1_drusen.tif"]
    write(root / word, names)
    return Built(root, {"CNV": 1, "DRUSEN": 1, "NORMAL": 2}, {"CNV-1", "NORMAL-1", "DRUSEN-2"})


def imagefolder(root: Path, word: str) -> Built:
    write(root / "train", [f"{word}/1.png", f"{word}.png"])
    write(root / "test", ["3.png"])
    rows = [
        {"file_name": f"{word}/1.png", "label": word, "patient": "007", "device": word},
        {"file_name": f"{word}.png", "label": "a", "patient": word, "device": None},
    ]
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    (root / "train" / "metadata.jsonl").write_text(text, encoding="utf-8")
    table = pd.DataFrame([{"file_name": "3.png", "label": word, "patient": 9}])
    table.to_csv(root / "test" / "metadata.csv", index=False)
    return Built(root, {word: 2, "a": 1}, {"007", word.strip(), "9"}, {"train", "test"})


BUILDERS: dict[str, Callable[[Path, str], Built]] = {
    "Arrays": arrays,
    "ClassFolders": folders,
    "DataFrames": frames,
    "Downloads": downloads,
    "Duke": duke,
    "Flat": flat,
    "ImageFolder": imagefolder,
    "Kermany": kermany,
    "Neh": neh,
    "OctC8": oct_c8,
    "Octdl": octdl,
    "Octid": octid,
    "Octmnist": octmnist,
    "Paths": paths,
    "PhantomScans": phantoms,
    "PublishedSplits": splits,
    "Sites": sites,
    "Tables": tables,
}
READERS = {type(reader).__name__: reader for reader in all_readers()}
IN_FOLDERS = {name for name, reader in READERS.items() if reader.takes is Folder}
# Whose scans have no files; whose classes or images are known by their place alone; that auto can't find.
IN_MEMORY, BY_PLACE, TOLD = {"Arrays", "Octmnist", "PhantomScans"}, {"ClassFolders", "Downloads", "Flat"}, {"Sites"}


def of(names: Iterable[str]) -> Any:
    """Run a test for these readers."""
    chosen = sorted(names)
    return pytest.mark.parametrize("reader", [READERS[name] for name in chosen], ids=chosen)


def of_all_in_all_words(names: Iterable[str] = set(READERS) - {"PhantomScans"}) -> Callable[[Any], Any]:
    """Run a test for these readers with every kind of text where a layout leaves the text to its user."""
    return lambda test: of(names)(pytest.mark.parametrize("word", WORDS)(test))


def build(reader: Reader, root: Path, word: str = "word") -> Built:
    return BUILDERS[type(reader).__name__](root / "set", word)


def load(source: Any, **arguments: Any) -> tuple[OctDataset, set[type[Warning]]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scans = load_oct_dataset(source, **arguments)
    return scans, {each.category for each in caught}


def asked(reader: Reader, built: Built) -> str:
    return "auto" if built.alone else str(reader.layout)


def require_same(one: OctDataset, other: OctDataset) -> None:
    assert one.class_names == other.class_names
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())


def require_same_but_for_paths(one: OctDataset, other: OctDataset) -> None:
    frames = [scans.to_frame().drop(columns="path", errors="ignore") for scans in (one, other)]
    assert one.class_names == other.class_names
    pd.testing.assert_frame_equal(*frames)


def test_every_reader_has_a_builder():
    assert set(BUILDERS) == set(READERS)


@of_all_in_all_words()
def test_scans_are_as_they_were_built(reader, tmp_path, word):
    built = build(reader, tmp_path, word)
    scans, warned = load(built.source, layout=asked(reader, built))
    counts = {label and class_name(label): n for label, n in built.counts.items()}
    assert Counter(scans.column("label")) == counts
    assert scans.class_names == (KERMANY if isinstance(reader, Octmnist) else tuple(sorted(filter(None, counts))))
    assert set(scans.column("patient")) == built.patients
    assert set(scans.column("split")) == built.splits
    assert warned == built.warned
    assert scans[-1].read().ndim == 2


@of_all_in_all_words()
def test_names_are_unique_and_relative_with_forward_slashes(reader, tmp_path, word):
    built = build(reader, tmp_path, word)
    scans, _ = load(built.source, layout=asked(reader, built))
    assert len(set(scans.names)) == len(scans)
    assert not any(name.startswith(("/", ".")) or "\\" in name for name in scans.names)
    if isinstance(built.source, Path) and built.source.is_dir():
        assert [built.source / name for name in scans.names] == [scan.path for scan in scans]


@of_all_in_all_words(set(READERS) - IN_MEMORY)
def test_a_table_of_the_scans_loads_as_the_same(reader, tmp_path, word):
    built = build(reader, tmp_path, word)
    scans, _ = load(built.source, layout=asked(reader, built))
    again, _ = load(scans.to_frame())
    require_same(again, scans)


@of(name for name in set(READERS) - TOLD if READERS[name].layout)
def test_a_layout_by_name_is_what_auto_finds(reader, tmp_path):
    built = build(reader, tmp_path)
    scans, warned = load(built.source, layout=reader.layout)
    found, also = load(built.source)
    require_same(found, scans)
    assert also == warned


@of(READERS)
def test_one_reader_claims_a_source_and_the_right_one(reader, tmp_path):
    source = _prepared(build(reader, tmp_path).source)
    certain = [each for each in READERS.values() if each.matches(source) and not each.last_resort]
    claims = type(reader).matches is not Reader.matches and not reader.last_resort
    assert certain == ([reader] if claims else [])


@of(IN_FOLDERS)
def test_junk_changes_nothing(reader, tmp_path):
    built = build(reader, tmp_path)
    before = load(built.source, layout=asked(reader, built))
    for folder in [built.source, *(path for path in built.source.rglob("*") if path.is_dir())]:
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._1.png", "._metadata.csv", "notes.txt", "README.md"):
            (folder / name).write_bytes(b"\0junk")
        write(folder, ["__MACOSX/._1.png", ".cache/1.png", "__MACOSX/CNV/1.png"])
        (folder / "EMPTY" / "deeper").mkdir(parents=True)
    after = load(built.source, layout=asked(reader, built))
    require_same(after[0], before[0])
    assert after[1] == before[1]


@of(IN_FOLDERS - TOLD - {"Flat"})
def test_wrapping_folders_change_names_alone(reader, tmp_path):
    built = build(reader, tmp_path)
    scans, warned = load(built.source)
    wrapped, also = load(built.source.parent)
    assert wrapped.names.tolist() == [f"{built.source.name}/{name}" for name in scans.names]
    pd.testing.assert_frame_equal(wrapped.to_frame().drop(columns="name"), scans.to_frame().drop(columns="name"))
    assert also == warned


@of(IN_FOLDERS - TOLD - BY_PLACE)
def test_a_second_copy_does_not_double_the_scans(reader, tmp_path):
    built = build(reader, tmp_path)
    scans, _ = load(built.source)
    build(reader, tmp_path / "copy")
    both, warned = load(tmp_path)
    assert len(both) == len(scans)
    assert {warning.__name__ for warning in warned - built.warned} == {"LeftOutWarning"}


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
@of(IN_FOLDERS)
def test_an_archive_gives_what_its_folder_gives(reader, tmp_path, kind):
    built = build(reader, tmp_path)
    folder, warned = load(built.source, layout=asked(reader, built))
    archive = Path(shutil.make_archive(str(tmp_path / "packed"), kind, built.source))
    packed, also = load(archive, layout=asked(reader, built))
    require_same_but_for_paths(packed, folder)
    assert [archive / name for name in packed.names] == [scan.path for scan in packed]
    assert [scan.fingerprint() for scan in packed] == [scan.fingerprint() for scan in folder]
    assert all(np.array_equal(one.read(), other.read()) for one, other in zip(packed, folder, strict=True))
    assert also == warned
    again, _ = load(packed.to_frame())
    require_same(again, packed)


@pytest.mark.parametrize("kind", ["zip", "gztar"])
@of({"Octmnist", "Tables"})
def test_a_file_in_an_archive_is_read_as_the_file(reader, tmp_path, kind):
    built = build(reader, tmp_path)
    plain, _ = load(built.source)
    archive = Path(shutil.make_archive(str(tmp_path / "packed"), kind, built.source.parent))
    packed, _ = load(archive / built.source.name)
    require_same_but_for_paths(packed, plain)
    assert all(np.array_equal(one.read(), other.read()) for one, other in zip(packed, plain, strict=True))


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
def test_names_in_archives_are_those_of_the_disk(tmp_path, kind, word):
    root = write(tmp_path / "set", [f"{word}/{word}.png", "b/1.png"])
    archive = shutil.make_archive(str(tmp_path / "packed"), kind, root)
    require_same_but_for_paths(load(archive)[0], load(root)[0])


@of(set(READERS) - TOLD)
def test_one_split_is_that_part_of_all(reader, tmp_path):
    built = build(reader, tmp_path)
    scans, _ = load(built.source)
    for split in built.splits - {None}:
        part, _ = load(built.source, split=split)
        assert part.names.tolist() == scans[scans.column("split") == split].names.tolist()


@pytest.mark.parametrize("layout", sorted(set(layouts()) - {"octmnist"}))
def test_emptiness_is_refused(tmp_path, layout):
    with pytest.raises(LayoutError, match="there are none in"):
        load_oct_dataset(tmp_path, layout=layout)


@pytest.mark.parametrize("layout", sorted(str(each.layout) for each in READERS.values() if hasattr(each, "form")))
def test_a_folder_of_another_layout_is_refused(tmp_path, layout):
    root = write(tmp_path, ["wet/1.png", "dry/2.png"])
    with pytest.raises(LayoutError, match=f"The layout '{layout}' must be .*, and there is nothing like it in"):
        load_oct_dataset(root, layout=layout)
