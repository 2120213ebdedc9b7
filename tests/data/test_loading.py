"""Loading: every source becomes a dataset, or an error that says what to do."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octlib.data import OctDataset, as_dataset, load_oct_dataset
from octlib.errors import LayoutWarning, LeakageWarning, LeftOutWarning, OctlibWarning
from octlib.phantoms import phantom_specs, render

SCANS = np.arange(3 * 8 * 9, dtype=np.uint8).reshape(3, 8, 9)


def test_kaggle_download_as_it_is(kermany_tree, litter, tmp_path):
    for under in ("kaggle/OCT2017 ", "kaggle/oct2017/OCT2017 "):
        kermany_tree(under, ("train", "val", "test"))
    litter("kaggle")
    with pytest.warns(OctlibWarning) as seen:
        scans = load_oct_dataset(tmp_path / "kaggle")
    copies, leak = seen
    assert (copies.category, leak.category) == (LeftOutWarning, LeakageWarning)
    assert "Second copies" in str(copies.message)
    assert "train and val share 1, train and test share 1, val and test share 1" in str(leak.message)
    assert copies.filename == leak.filename == __file__
    assert len(scans) == 3 * 4 * 3
    assert scans.class_names == ("CNV", "DME", "DRUSEN", "NORMAL")
    assert set(scans.to_frame()["split"]) == {"train", "val", "test"}
    assert set(scans.patients) == {"1", "103", "106", "113", "116", "123", "126"}
    assert len(set(scans.names)) == len(scans)


def test_file_of_one_name_in_two_splits_is_two_scans(plant):
    with pytest.warns(UserWarning, match="train and test share 1"):
        scans = load_oct_dataset(plant("train/CNV/CNV-1-1.jpeg", "test/CNV/CNV-1-1.jpeg"))
    assert scans.names.tolist() == ["train/CNV/CNV-1-1.jpeg", "test/CNV/CNV-1-1.jpeg"]


def test_splits_without_shared_patients_load_in_silence(plant):
    scans = load_oct_dataset(plant("train/CNV/CNV-1-1.jpeg", "test/CNV/CNV-2-1.jpeg"))
    assert len(scans) == 2


@pytest.mark.parametrize(("split", "n"), [("train", 2), ("val", 1), ("valid", 1), ("Validation", 1), (None, 3)])
def test_one_published_split(plant, split, n):
    root = plant("train/CNV/CNV-1-1.jpeg", "train/DME/DME-2-1.jpeg", "val/CNV/CNV-3-1.jpeg")
    scans = load_oct_dataset(root, split=split)
    assert len(scans) == n
    assert scans.class_names == ("CNV", "DME")


def test_leak_is_reported_for_one_split_too(plant):
    root = plant("train/CNV/CNV-1-1.jpeg", "test/CNV/CNV-1-2.jpeg")
    with pytest.warns(UserWarning, match="share patients"):
        assert len(load_oct_dataset(root, split="test")) == 1


def test_missing_split_lists_those_there(plant):
    root = plant("train/CNV/CNV-1-1.jpeg", "test/CNV/CNV-2-1.jpeg")
    with pytest.raises(ValueError, match="'val' isn't there: the source has only train, test"):
        load_oct_dataset(root, split="val")
    with pytest.raises(ValueError, match="no published splits at all"):
        load_oct_dataset(root / "train", split="train")
    with pytest.raises(ValueError, match="did you mean 'train'"):
        load_oct_dataset(root, split="trian")


def test_unlabelled_split_beside_labelled_ones(plant):
    root = plant("train/CNV/CNV-1-1.jpeg", "test/a.png", "test/b.png")
    with pytest.raises(ValueError, match=r"test has none. Load one of train, test with split="):
        load_oct_dataset(root)
    assert load_oct_dataset(root, split="test").labels is None
    assert load_oct_dataset(root, split="train").class_names == ("CNV",)


def test_labels_go_by_name_not_by_file_order(plant):
    root = plant("b/x.png", "a/x.png", "c/x.png")
    assert load_oct_dataset(root).class_names == ("a", "b", "c")
    scans = load_oct_dataset(root, class_names=["c", "a", "b", "d"])
    assert scans.class_names == ("c", "a", "b", "d")
    assert scans.labels.tolist() == [1, 2, 0]


def test_a_class_has_one_spelling_in_folders_archives_and_tables(plant, tmp_path):
    composed, apart = "\u00d6dem", "O\u0308dem"
    root = plant(f"train/{composed}/a.png", "train/CNV/b.png", f"test/{apart}/{apart}-P2-1.png", "test/CNV /b.png")
    for source in (root, shutil.make_archive(str(tmp_path.parent / f"{tmp_path.name} packed"), "zip", root)):
        scans = load_oct_dataset(source)
        assert scans.class_names == ("CNV", composed)
        assert scans.labels.tolist() == [0, 1, 0, 1]
        assert scans.patients.tolist() == [None, None, None, "P2"]
        assert load_oct_dataset(source, class_names=[apart, " CNV"]).labels.tolist() == [1, 0, 1, 0]
    table = root / "scans.csv"
    rows = ("path,label", "train/CNV/b.png, CNV", "test/CNV /b.png,CNV ", f"train/{composed}/a.png,{apart}")
    table.write_text("\n".join(rows), encoding="utf-8")
    assert load_oct_dataset(table).class_names == ("CNV", composed)
    assert load_oct_dataset(table, class_names=[composed, "CNV"]).labels.tolist() == [1, 1, 0]
    assert load_oct_dataset((SCANS, [" a", "a ", " "])).labels.tolist() == [0, 0, -1]


def test_classes_that_differ_by_case_alone_are_named(plant):
    root = plant("train/Normal/a.png", "train/CNV/b.png", "test/NORMAL/c.png")
    with pytest.warns(LayoutWarning, match="upper and lower case alone, .*: 'NORMAL' and 'Normal'. If they are one"):
        assert len(load_oct_dataset(root).class_names) == 3
    assert len(load_oct_dataset(root, class_names=["CNV", "NORMAL", "Normal"]).class_names) == 3  # who names both knows


def test_class_names_that_do_not_match_list_both_sides(plant):
    root = plant("CNV/x.png", "DME/x.png")
    with pytest.raises(ValueError, match="CNV, DNE were given, and it has CNV, DME.* Did you mean 'DME' by 'DNE'"):
        load_oct_dataset(root, class_names=["CNV", "DNE"])
    with pytest.raises(ValueError, match="CNV were given, and it has no labels"):
        load_oct_dataset(root / "CNV", class_names=["CNV"])
    with pytest.raises(TypeError, match="must be a list"):
        load_oct_dataset(root, class_names="CNV")
    with pytest.raises(TypeError, match="must be texts, got 0. Write '0'"):
        load_oct_dataset(root, class_names=[0, 1])


def test_flat_folder(plant):
    scans = load_oct_dataset(plant("CNV-1016042-1.JPEG", "b.tif", "a.png", "notes.txt"))
    assert scans.labels is None
    assert scans.patients.tolist() == ["1016042", None, None]
    assert scans.names.tolist() == ["CNV-1016042-1.JPEG", "a.png", "b.tif"]


def test_loading_opens_no_image(plant):
    root = plant("CNV/a.png")
    (root / "CNV" / "a.png").write_bytes(b"no image at all")
    scans = load_oct_dataset(root)
    with pytest.raises(ValueError, match=r"a\.png"):
        next(iter(scans)).read()


def test_unreadable_images_are_left_out_on_request(plant):
    root = plant("CNV/a.png", "CNV/b.png", "CNV/c.png", "DME/d.png")
    (root / "CNV" / "b.png").write_bytes(b"no image at all")
    (root / "DME" / "d.png").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"^2 of 4 scans can't be read and were left out: ") as seen:
        scans = load_oct_dataset(root, on_error="skip")
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert all(text in str(seen[0].message) for text in ("b.png (not an image)", "d.png (the file is empty)"))
    assert scans.names.tolist() == ["CNV/a.png", "CNV/c.png"]
    assert scans.class_names == ("CNV", "DME")  # the numbers of the labels don't depend on the damage
    assert len(load_oct_dataset(root, on_error="raise")) == 4


def test_skipping_in_a_sound_folder_is_silent(plant):
    root = plant("CNV/a.png", "DME/b.png")
    assert load_oct_dataset(root, on_error="skip").names.tolist() == ["CNV/a.png", "DME/b.png"]


def test_only_the_split_asked_for_is_read(plant):
    root = plant("train/CNV/CNV-1-1.jpeg", "test/CNV/CNV-2-1.jpeg")
    (root / "test" / "CNV" / "CNV-2-1.jpeg").write_bytes(b"no image at all")
    assert len(load_oct_dataset(root, split="train", on_error="skip")) == 1
    with pytest.raises(ValueError, match=r"None of the 1 scans can be read: .*CNV-2-1\.jpeg \(not an image\)"):
        load_oct_dataset(root, split="test", on_error="skip")


def test_what_to_do_on_errors_must_be_known(plant):
    with pytest.raises(ValueError, match="Unknown on_error 'skp': did you mean 'skip'"):
        load_oct_dataset(plant("a.png"), on_error="skp")


def test_arrays():
    scans = load_oct_dataset((SCANS, ["DME", "CNV", "DME"], [1, 2, None]))
    assert scans.class_names == ("CNV", "DME")
    assert scans.labels.tolist() == [1, 0, 1]
    assert scans.patients.tolist() == ["1", "2", None]
    np.testing.assert_array_equal(scans.images((8, 9)), SCANS)


def test_images_alone_and_in_a_list():
    assert load_oct_dataset(SCANS).labels is None
    np.testing.assert_array_equal(load_oct_dataset(list(SCANS)).images((8, 9)), SCANS)


def test_numbers_count_through_class_names():
    scans = load_oct_dataset((SCANS, [2, 0, 2]), class_names=("CNV", "DME", "DRUSEN"))
    assert [scan.label for scan in scans] == ["DRUSEN", "CNV", "DRUSEN"]
    assert load_oct_dataset((SCANS, [2, 0, 2])).class_names == ("0", "1", "2")


def test_paths_and_one_path(plant):
    root = plant("one/CNV-5-1.jpeg", "two/b.png")
    scans = load_oct_dataset([str(root / "two" / "b.png"), root / "one" / "CNV-5-1.jpeg"])
    assert scans.names.tolist() == ["two/b.png", "one/CNV-5-1.jpeg"]
    assert scans.patients.tolist() == [None, "5"]
    assert load_oct_dataset(root / "two" / "b.png").names.tolist() == ["b.png"]
    assert load_oct_dataset(scans.paths).names.tolist() == scans.names.tolist()
    assert load_oct_dataset(tuple(scans.paths)).names.tolist() == scans.names.tolist()


def test_octmnist(tmp_path):
    path = tmp_path / "octmnist.npz"
    labels = np.array([[2], [0], [3]], dtype=np.uint8)
    np.savez(path, train_images=SCANS, train_labels=labels, test_images=SCANS[:1], test_labels=labels[:1])
    scans = load_oct_dataset(path)
    assert scans.class_names == ("CNV", "DME", "DRUSEN", "NORMAL")
    assert scans.labels.tolist() == [2, 0, 3, 2]
    assert scans.patients is None
    assert load_oct_dataset(path, split="test").names.tolist() == ["test/0"]
    reordered = load_oct_dataset(path, class_names=["NORMAL", "DRUSEN", "DME", "CNV"])
    assert reordered.labels.tolist() == [1, 3, 0, 1]
    with pytest.raises(ValueError, match="has only train, test"):
        load_oct_dataset(path, split="val")


def test_phantoms_are_drawn_when_read():
    scans = load_oct_dataset("phantoms")
    specs = phantom_specs()
    assert scans.class_names == ("CNV", "DME", "DRUSEN", "NORMAL")
    assert scans.patients.tolist() == [spec.patient for spec in specs]
    np.testing.assert_array_equal(next(iter(scans)).read(), render(specs[0]).image)


def test_folder_named_phantoms_can_be_loaded(plant):
    assert len(load_oct_dataset(Path(plant("a.png", under="phantoms")))) == 1


def test_missing_source_names_its_neighbour(tmp_path):
    (tmp_path / "OCT2017 ").mkdir()
    with pytest.raises(FileNotFoundError, match=r"Did you mean '.*OCT2017 '"):
        load_oct_dataset(tmp_path / "OCT2017")
    with pytest.raises(FileNotFoundError, match="doesn't exist either"):
        load_oct_dataset(tmp_path / "no" / "where")


def test_empty_folder_says_what_is_understood(litter, tmp_path):
    litter("empty")
    with pytest.raises(ValueError, match="Understood are class folders"):
        load_oct_dataset(tmp_path / "empty")


def test_layouts_can_be_forced(plant):
    root = plant("train/a.png", "CNV/b.png")
    assert load_oct_dataset(root, layout="folders").class_names == ("CNV", "train")
    assert load_oct_dataset(root, layout="flat").labels is None
    with pytest.warns(UserWarning, match="outside the splits in .* were left out: 1 of 2"):
        assert load_oct_dataset(root, layout="splits").names.tolist() == ["train/a.png"]
    with pytest.raises(ValueError, match="did you mean 'kermany'"):
        load_oct_dataset(root, layout="kermani")


@pytest.mark.parametrize(
    ("source", "layout", "error", "message"),
    [
        ([], "auto", ValueError, "at least one path"),
        ("", "auto", ValueError, "must be named, got an empty text.* Write '.' for the working directory"),
        (3, "auto", TypeError, "got int"),
        (b"folder", "auto", TypeError, "got bytes"),
        ([SCANS[0], "a.png"], "auto", TypeError, "paths only or uint8 arrays only, got ndarray, str"),
        ((SCANS, None, None, None), "auto", ValueError, "got 4"),
        (SCANS, "folders", ValueError, "for folders, got ndarray"),
        (SCANS / 255, "auto", TypeError, "must be uint8"),
    ],
)
def test_other_sources_are_refused(source, layout, error, message):
    with pytest.raises(error, match=message):
        load_oct_dataset(source, layout=layout)


def test_files_that_are_no_scans_are_refused(plant):
    root = plant("scans.7z", "a.png")
    with pytest.raises(ValueError, match="Unpack archives of other kinds first"):
        load_oct_dataset(root / "scans.7z")
    with pytest.raises(ValueError, match="'kermany' is for folders, got the file"):
        load_oct_dataset(root / "a.png", layout="kermany")
    with pytest.raises(ValueError, match="'octmnist' is for files, got the folder"):
        load_oct_dataset(root, layout="octmnist")


def test_as_dataset_passes_datasets_through(table):
    scans = table(["A"])
    assert as_dataset(scans) is scans
    assert isinstance(as_dataset(SCANS), OctDataset)
    with pytest.raises(TypeError, match="got OctDataset"):
        load_oct_dataset(scans)
    for source in (scans[0], [scans[0]]):
        with pytest.raises(TypeError, match=r"must come as a dataset. Write scans\[\[3\]\] for one"):
            as_dataset(source)


def test_real_scans_load_in_silence(kermany: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scans = load_oct_dataset(kermany)
    assert len(scans) == 515
    assert len(set(scans.patients)) == 308
    first = next(iter(scans))
    with Image.open(first.path) as image:
        assert first.read().shape == image.size[::-1]
