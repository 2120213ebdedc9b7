"""Tree: every image once, no junk, no endless loops, no file opened."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from octlib import load_oct_dataset, make_phantoms
from octlib.data.tree import MAX_DEPTH, read_tree
from octlib.errors import LayoutError
from octlib.phantoms import write_phantoms


def names(root) -> list[str]:
    found = list(read_tree(root).walk(root))
    assert all(path == str(root / name) for name, path in found)
    return [name for name, _ in found]


def test_images_only_sorted_and_at_any_depth(plant, litter):
    root = plant("b/2.PNG", "b/10.png", "a.bmp", "b/c/d/e.webp", "B/x.tiff", under="set")
    litter("set")
    assert names(root) == ["a.bmp", "B/x.tiff", "b/10.png", "b/2.PNG", "b/c/d/e.webp"]


def test_folders_without_images_vanish(plant, litter):
    root = plant("CNV/a.png", "docs/readme.txt", under="set")
    litter("set")
    assert [folder.name for folder in read_tree(root).folders] == ["CNV"]


def test_masks_of_phantoms_are_no_scans(tmp_path):
    write_phantoms(tmp_path / "phantoms", make_phantoms(4, scans_per_patient=1, size=64))
    assert (tmp_path / "phantoms" / "masks").is_dir()
    assert len(names(tmp_path / "phantoms")) == 4
    assert len(load_oct_dataset(tmp_path / "phantoms")) == 4  # without a warning


def test_masks_of_others_stay(plant):
    assert names(plant("masks/a.png", "CNV/b.png")) == ["CNV/b.png", "masks/a.png"]


def test_counts_and_names(plant):
    tree = read_tree(plant("a.png", "OCT2017 /b.png", "OCT2017 /c/d.png"))
    assert tree.count == 3
    assert [(folder.name, folder.count) for folder in tree.folders] == [("OCT2017", 2)]


def test_links_are_followed_but_not_in_circles(plant):
    root = plant("here/CNV/a.png", "there/b.png")
    (root / "here" / "CNV" / "loop").symlink_to(root / "here")
    (root / "here" / "DME").symlink_to(root / "there")
    assert names(root / "here") == ["CNV/a.png", "DME/b.png"]


def test_links_that_cross_are_followed_once(plant):
    root = plant("CNV/a.png", "NORMAL/b.png", "DME/c.png")
    folders = ("CNV", "NORMAL", "DME")
    for name in folders:
        for other in set(folders) - {name}:
            (root / name / f"to {other}").symlink_to(root / other)
    found = names(root)
    assert {"CNV/a.png", "CNV/to NORMAL/b.png", "CNV/to NORMAL/to DME/c.png"} <= set(found)
    assert len(found) == 3 * (1 + 2 + 2)
    assert not any("to CNV" in name for name in found if name.startswith("CNV"))


def test_folders_that_are_nested_too_deep_are_an_error(plant, tmp_path):
    assert len(names(plant("d/" * (MAX_DEPTH - 1) + "a.png", under="deep"))) == 1
    assert len(load_oct_dataset(tmp_path / "deep", layout="flat")) == 1
    said = rf"nested at most {MAX_DEPTH - 1} deep, and there are deeper ones in .*deep\. Load a folder further down"
    with pytest.raises(LayoutError, match=said):
        load_oct_dataset(plant("d/" * MAX_DEPTH + "a.png", under="deep"))


def test_broken_links_are_not_dropped_silently(plant):
    root = plant("a.png")
    (root / "b.png").symlink_to(root / "gone.png")
    assert names(root) == ["a.png", "b.png"]


def tarred(path: Path, *members: tarfile.TarInfo | str) -> Path:
    with tarfile.open(path, "w") as archive:
        for member in members:
            archive.addfile(tarfile.TarInfo(member) if isinstance(member, str) else member)
    return path


def of_kind(name: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "a.png"
    return member


@pytest.mark.parametrize(
    ("members", "why"),
    [
        (["../b.png"], "'../b.png': it would lie outside"),
        (["__MACOSX/../../b.txt"], "it would lie outside"),
        ([of_kind("folder", tarfile.SYMTYPE)], "'folder': it is a link"),
        ([of_kind("b.png", tarfile.LNKTYPE)], "'b.png': it is a link"),
        ([of_kind("b", tarfile.FIFOTYPE)], "'b': it is a device"),
        (["b.png", "./b.png"], "'b.png': several members have this name"),
        (["b.csv", "B.csv"], "'B.csv': another member, b.csv, differs by upper and lower case alone"),
        (["b.png", "b.png/c.png"], "'b.png': a folder has the same name"),
        (["c/" * 200 + "b.png"], "longer than that of any file"),
        (["../b.png", "../c.png"], "and 2 in .*a.tar are not"),
    ],
)
def test_an_archive_with_members_that_no_folder_has(tmp_path, members, why):
    archive = tarred(tmp_path / "a.tar", "a.png", *members)
    with pytest.raises(LayoutError, match=f"Every file of an archive must be readable in its place.*{why}"):
        read_tree(archive)


def test_what_is_no_scan_may_be_anything_in_an_archive(tmp_path):
    junk = [of_kind(".cache/link", tarfile.SYMTYPE), of_kind("__MACOSX/._b.png", tarfile.SYMTYPE)]
    archive = tarred(tmp_path / "a.tar", "a.png", "README", "readme", "x", "x", "inner.zip", *junk)
    assert names(archive) == ["a.png"]


@pytest.mark.parametrize("other", [b"a.pnf", b".apng"])
def test_an_image_whose_name_is_damaged_is_not_passed_over(tmp_path, other):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", b"1")
        archive.writestr("b.png", b"2")
    content = (tmp_path / "a.zip").read_bytes()
    last = content.rindex(b"a.png")
    (tmp_path / "a.zip").write_bytes(content[:last] + other + content[last + 5 :])
    with pytest.raises(LayoutError, match=r"1 in .*a.zip is not, such as .*: it isn't where the archive says"):
        read_tree(tmp_path / "a.zip")


def test_encrypted_images_are_refused_and_other_encrypted_files_are_not(tmp_path):
    for name in ("notes.txt", "a.png"):
        with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
            archive.writestr(name, b"1")
        content = bytearray((tmp_path / "a.zip").read_bytes())
        content[content.rindex(b"PK\1\2") + 8] |= 1
        (tmp_path / "a.zip").write_bytes(content)
        if name == "notes.txt":
            assert names(tmp_path / "a.zip") == []
    with pytest.raises(LayoutError, match=r"1 in .*a.zip is not, such as 'a.png': it is encrypted"):
        read_tree(tmp_path / "a.zip")
