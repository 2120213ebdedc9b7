"""Audit: every planted fault is found, and nothing else."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import octlib

pytestmark = pytest.mark.filterwarnings("ignore:The published splits share patients")


@pytest.fixture(scope="module")
def pixels():
    """Give twelve phantoms of different patients."""
    phantoms = octlib.load_oct_dataset("phantoms")
    _, firsts = np.unique(phantoms.column("patient").astype(str), return_index=True)
    return phantoms[firsts[:12]].images((248, 256))


@pytest.fixture
def folder(tmp_path, pixels):
    """Give twelve sound scans in two classes, of a patient each."""
    for number, image in enumerate(pixels):
        write(tmp_path, f"{'CNV' if number < 6 else 'DME'}/{'CNV' if number < 6 else 'DME'}-{number}-1.png", image)
    return tmp_path


def write(folder: Path, name: str, image: np.ndarray, **options: object) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)


def found(folder: Path) -> dict[str, list[tuple[str, str | None]]]:
    """Audit a folder: the names of scan and other scan, without their endings, by kind."""
    audit = octlib.load_oct_dataset(folder).audit(progress=False)
    table = audit.to_frame()
    assert audit.counts == {kind: int((table["kind"] == kind).sum()) for kind in audit.counts}
    rows = zip(table["kind"], table["scan"], table["other"], strict=True)
    kinds: dict[str, list[tuple[str, str | None]]] = {}
    for kind, scan, other in rows:
        pair = Path(scan).stem, other and Path(other).stem
        kinds.setdefault(kind, []).append(pair if kind != "near duplicate" else tuple(sorted(pair)))
    return kinds


def encoded(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("L"))


def resized(image: np.ndarray, factor: float) -> np.ndarray:
    size = [round(side * factor) for side in image.shape[::-1]]
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def lit(image: np.ndarray, factor: float, offset: float) -> np.ndarray:
    return np.clip(image * factor + offset, 0, 255).astype(np.uint8)


CHANGES = {
    "encoded": lambda image: encoded(image, 60),
    "smaller": lambda image: resized(image, 0.5),
    "larger": lambda image: resized(image, 2),
    "mirrored": lambda image: image[:, ::-1],
    "brighter": lambda image: lit(image, 1.3, 20),
    "darker": lambda image: lit(image, 0.7, -5),
    "cropped": lambda image: image[2:-3, 3:-2],
    "all": lambda image: encoded(resized(lit(image, 1.2, 10)[:, ::-1], 0.7), 80),
}


def test_a_sound_dataset_has_nothing_to_tell(folder):
    assert found(folder) == {}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found_and_nothing_else(folder, pixels, change):
    for number in (1, 8):
        label = "CNV" if number < 6 else "DME"
        write(folder, f"{label}/{label}-{number}-2.png", np.ascontiguousarray(CHANGES[change](pixels[number])))
    assert found(folder) == {"near duplicate": [("CNV-1-1", "CNV-1-2"), ("DME-8-1", "DME-8-2")]}


@pytest.mark.parametrize("options", [{"format": "BMP"}, {"format": "TIFF"}, {"format": "PNG", "compress_level": 1}])
def test_a_lossless_copy_is_an_exact_duplicate_whatever_its_bytes(folder, pixels, options):
    write(folder, f"CNV/CNV-1-2.{options['format'].lower()}", pixels[1], **options)
    assert found(folder) == {"duplicate": [("CNV-1-2", "CNV-1-1")]}


def test_the_same_bytes_in_another_shape_are_another_image(tmp_path):
    stripes = np.zeros((6, 8), np.uint8)
    audit = octlib.load_oct_dataset([stripes, stripes.reshape(8, 6), stripes.copy()]).audit()
    assert audit.duplicates.tolist() == [2]


def test_unreadable_files_come_with_their_reasons_and_are_copies_of_none(folder):
    for name in ("CNV/CNV-20-1.png", "CNV/CNV-21-1.png"):
        (folder / name).write_bytes(b"no image")
    (folder / "DME" / "DME-22-1.png").write_bytes(b"")
    audit = octlib.load_oct_dataset(folder).audit()
    assert [audit.scans[int(place)].patient for place in audit.unreadable] == ["20", "21", "22"]
    assert audit.to_frame()["detail"].tolist() == ["not an image", "not an image", "the file is empty"]
    assert len(audit.findings) == 3
    assert sum(audit.sizes.values()) == 12


def test_one_picture_under_two_labels(folder, pixels):
    write(folder, "DME/DME-1-9.png", pixels[1])
    write(folder, "DME/DME-2-9.png", np.ascontiguousarray(pixels[2][:, ::-1]))
    audit = octlib.load_oct_dataset(folder).audit()
    assert found(folder) == {
        "duplicate": [("DME-1-9", "CNV-1-1")],
        "near duplicate": [("CNV-2-1", "DME-2-9")],
        "two labels": [("DME-1-9", "CNV-1-1"), ("DME-2-9", "CNV-2-1")],
    }
    assert {audit.scans[int(place)].name for place in audit.conflicts} == {
        "CNV/CNV-1-1.png", "CNV/CNV-2-1.png", "DME/DME-1-9.png", "DME/DME-2-9.png",
    }  # fmt: skip
    details = audit.to_frame().set_index("scan")["detail"]
    assert details["DME/DME-1-9.png"].tolist() == ["the same pixels", "CNV and DME: the same pixels"]
    assert details["DME/DME-2-9.png"].tolist() == ["mirrored, likeness 1.00", "CNV and DME: they look alike"]


def test_copies_and_patients_across_published_splits(tmp_path, pixels):
    for number, image in enumerate(pixels[:8]):
        split = "train" if number < 5 else "test"
        label = ("CNV", "DME")[number % 2]
        write(tmp_path, f"{split}/{label}/{label}-{number}-1.png", image)
    write(tmp_path, "test/CNV/CNV-0-2.png", pixels[8])  # of a patient in train
    write(tmp_path, "test/CNV/CNV-30-1.png", pixels[2])  # of another patient, they say
    assert found(tmp_path) == {
        "duplicate": [("CNV-30-1", "CNV-2-1")],
        "two patients": [("CNV-30-1", "CNV-2-1")],
        "two splits": [("CNV-30-1", "CNV-2-1")],
        "shared patient": [("CNV-0-2", "CNV-0-1")],
    }
    audit = octlib.load_oct_dataset(tmp_path).audit()
    assert audit.shared_patients == {("train", "test"): 1}
    assert audit.across_splits.tolist() == audit.across_patients.tolist() == audit.duplicates.tolist()
    assert "patient 0 in train and test" in audit.to_frame()["detail"].tolist()


def test_a_group_of_copies_is_compared_with_whoever_has_a_label(pixels):
    image = pixels[0]
    labels = [None, "CNV", "CNV", "DME"]
    audit = octlib.load_oct_dataset(([image] * 4, labels, ["a", "a", "a", "a"])).audit()
    assert audit.duplicates.tolist() == [1, 2, 3]
    assert audit.conflicts.tolist() == [1, 2, 3]
    assert audit.across_patients.tolist() == []


def test_every_copy_of_another_label_than_one_before_it_is_named(pixels):
    audit = octlib.load_oct_dataset((np.repeat(pixels[:1], 3, axis=0), ["CNV", "DME", "CNV"])).audit()
    rows = audit.to_frame().query("kind == 'two labels'")
    assert rows[["scan", "other"]].to_numpy().tolist() == [["1", "0"], ["2", "1"]]


@pytest.mark.parametrize("labels", [["CNV", "CNV", "DME"], ["CNV", "DME", "DME"], ["DME", "CNV", None]])
@pytest.mark.parametrize("change", ["none", "mirrored"])
def test_conflicts_are_all_labelled_copies_of_a_picture_and_no_others(pixels, labels, change):
    copies = [pixels[0], CHANGES.get(change, lambda image: image)(pixels[0]), pixels[0]]
    scans = octlib.load_oct_dataset(([*copies, pixels[1]], [*labels, "DME"]))
    audit = scans.audit()
    assert audit.conflicts.tolist() == [place for place, label in enumerate(labels) if label]
    assert scans.without(audit.conflicts).audit().counts["two labels"] == 0


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    return np.asarray(Image.fromarray(image).rotate(degrees, Image.Resampling.BICUBIC))


@pytest.mark.parametrize(
    ("labels", "pairs"),
    [
        ("AAAAB", [("4", "3", "A and B: they look alike")]),
        ("ABBBB", [("1", "0", "A and B: they look alike"), ("2", "0", "1, 2"), ("3", "0", "1, 2, 3"), ("4", "0", "")]),
        ("A?B??", [("2", "0", "A and B: each looks like the next: 0, 1, 2")]),
    ],
)
def test_along_a_chain_the_pair_is_named_where_the_label_changes(pixels, labels, pairs):
    chain = [turned(pixels[0], 0.9 * step) for step in range(5)]
    audit = octlib.load_oct_dataset((chain, [None if label == "?" else label for label in labels])).audit()
    table = audit.to_frame()
    near = table[table["kind"] == "near duplicate"]
    assert near[["scan", "other"]].to_numpy().tolist() == [[str(step), str(step - 1)] for step in range(1, 5)]
    rows = table[table["kind"] == "two labels"]
    assert rows[["scan", "other"]].to_numpy().tolist() == [[scan, other] for scan, other, _ in pairs]
    assert all(words in detail for (_, _, words), detail in zip(pairs, rows["detail"], strict=True))


def test_many_versions_of_one_scan_leave_one(pixels):
    versions = [encoded(lit(pixels[0], factor, 0), 80) for factor in np.linspace(0.7, 1.2, 40)]
    labels = ["CNV", *[None] * 38, "DME"]
    scans = octlib.load_oct_dataset(([*pixels[1:], *versions], [*["CNV"] * 11, *labels], ["a"] * 51))
    audit = scans.audit()
    assert audit.near_duplicates.tolist() == list(range(12, 51))
    assert audit.conflicts.tolist() == [11, 50]  # whichever pairs lead from one to the other
    rows = audit.to_frame()
    near = rows[rows["kind"] == "near duplicate"][["scan", "other"]]
    assert len({frozenset(pair) for pair in near.to_numpy().tolist()}) == 39
    assert scans.without(audit.near_duplicates).audit().findings == ()


def test_nothing_leaves_but_what_the_audit_names(folder, pixels):
    for number in (1, 2):
        write(folder, f"CNV/CNV-{number}-2.png", pixels[number])
    write(folder, "CNV/CNV-3-2.png", encoded(pixels[3], 70))
    scans = octlib.load_oct_dataset(folder)
    audit = scans.audit()
    kept = scans.without(audit.duplicates)
    gone = {scan.name for scan in scans} - {scan.name for scan in kept}
    assert gone == {"CNV/CNV-1-2.png", "CNV/CNV-2-2.png"} == {scan.name for scan in scans[audit.duplicates]}
    clean = scans.without(np.concatenate([audit.duplicates, audit.near_duplicates]))
    assert len(clean) == 12
    assert clean.audit().findings == ()
    assert clean.class_names == scans.class_names


def test_scans_are_left_out_by_position_or_truth_value_in_their_order(pixels):
    scans = octlib.load_oct_dataset(pixels)
    assert scans.without([0, -1, 0]).names.tolist() == scans.names[1:-1].tolist()
    assert scans.without(np.arange(12) > 2).names.tolist() == scans.names[:3].tolist()
    assert len(scans.without([])) == 12
    with pytest.raises(IndexError, match="between -12 and 11 for 12 scans, got 12"):
        scans.without([12])


def test_sizes_wedges_and_scans_per_patient(pixels):
    plain = [lit(image, 0.8, 0) for image in pixels[:5]]  # nothing is white
    wedged = plain[4].copy()
    wedged[:20] = 255
    audit = octlib.load_oct_dataset(([*plain[:3], plain[3][:100], wedged], None, ["a", "a", "b", None, "a"])).audit()
    assert audit.sizes == {(248, 256): 4, (100, 256): 1}
    assert audit.wedges == 1
    assert audit.scans_per_patient == {"a": 3, "b": 1}
    text = repr(audit)
    assert "sizes (height x width): 248 x 256 4, 100 x 256 1" in text
    assert "scans with white wedges: 1" in text
    assert "scans per patient: 1 to 3, median 2" in text


def test_scans_without_labels_patients_and_files(pixels):
    audit = octlib.load_oct_dataset(np.concatenate([pixels, pixels[:1]])).audit()
    assert (audit.duplicates.tolist(), audit.conflicts.tolist(), audit.across_patients.tolist()) == ([12], [], [])
    assert "scans per patient: unknown" in repr(audit)


def test_constant_scans_are_near_copies_of_none(table):
    assert table(["CNV"] * 20, [str(number) for number in range(20)]).audit().findings == ()


def test_phantoms_are_no_copies_of_each_other():
    assert octlib.load_oct_dataset("phantoms").sample(60).audit().findings == ()


def test_nothing_to_audit(table):
    for audit in (table([]).audit(), table(["CNV"]).subset([]).audit()):
        assert audit.findings == ()
        assert list(audit.to_frame().columns) == ["kind", "scan", "other", "detail"]
        assert (audit.sizes, audit.wedges, len(audit.duplicates)) == ({}, 0, 0)
        assert "duplicate: 0" in repr(audit)


def test_where_nothing_can_be_read(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(b"")
    audit = octlib.load_oct_dataset(tmp_path).audit()
    assert audit.unreadable.tolist() == [0, 1, 2]
    assert audit.duplicates.tolist() == []
    assert len(audit.scans.without(audit.unreadable)) == 0


def test_a_file_that_goes_meanwhile_is_one_that_cannot_be_read(folder):
    scans = octlib.load_oct_dataset(folder)
    Path(scans[0].path).unlink()
    audit = scans.audit()
    assert audit.to_frame().to_numpy().tolist() == [["unreadable", scans[0].name, None, "no such file"]]


def test_what_ails_the_machine_is_an_error(folder, monkeypatch):
    def fail(*_):
        raise OSError(24, "Too many open files")

    scans = octlib.load_oct_dataset(folder)
    monkeypatch.setattr("octlib.data.origins.read_scan", fail)
    with pytest.raises(OSError, match="Too many open files"):
        scans.audit()


def test_names_from_elsewhere_are_escaped(pixels):
    names = ["<script>alert(1)</script>", "two\nlines", os.fsdecode(b"\xff")]
    scans = octlib.load_oct_dataset((np.repeat(pixels[:1], 3, axis=0), None, ["<b>", "c", "d"]))
    scans = octlib.data.OctDataset(scans.origins, np.array(names, dtype=object), patients=scans.patients)
    audit = scans.audit()
    html, text = audit._repr_html_(), repr(audit)
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert "two\\nlines" in text
    assert "\\udcff" in text
    assert text.encode()
    assert audit.to_frame()["scan"].tolist()[:2] == names[1:]  # the table has them as they are


def test_what_is_not_listed_is_counted(pixels):
    audit = octlib.load_oct_dataset(np.repeat(pixels[:1], 14, axis=0)).audit()
    assert repr(audit).startswith("Audit: 13 findings in 14 scans\n")
    assert "duplicate: 13" in repr(audit)
    assert "  and 3 more\n" in repr(audit)
    assert "and 3 more" in audit._repr_html_()
    assert len(audit.to_frame()) == 13


def test_the_same_scans_give_the_same_audit_again(folder, pixels):
    write(folder, "CNV/CNV-3-2.png", encoded(pixels[3], 70))
    scans = octlib.load_oct_dataset(folder)
    one, two = scans.audit(), scans.audit()
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame())


def test_real_scans_hold_no_copies_under_two_names(kermany):
    audit = octlib.load_oct_dataset(kermany).audit()
    counts = audit.counts
    assert {kind for kind, count in counts.items() if count} <= {"near duplicate"}
    for place, other in ((each.place, each.other) for each in audit.findings):
        assert audit.scans[place].patient == audit.scans[other].patient
