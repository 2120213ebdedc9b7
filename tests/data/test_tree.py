"""Tree: every image once, no junk, no endless loops, no file opened."""

from __future__ import annotations

from octlib import load_oct_dataset, make_phantoms
from octlib.data.tree import read_tree
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


def test_broken_links_are_not_dropped_silently(plant):
    root = plant("a.png")
    (root / "b.png").symlink_to(root / "gone.png")
    assert names(root) == ["a.png", "b.png"]
