"""Explain: ``octlib explain``."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import octlib


def explained(shell, output, *arguments):
    result = shell("explain", *arguments, "--output", output)
    assert result.exit_code == 0, result.output
    return pd.read_csv(output / "index.csv")


def test_there_is_a_picture_a_scan_at_its_own_size(shell, classifier, flat, tmp_path):
    index = explained(shell, tmp_path / "maps", classifier, flat)
    assert {path.name for path in (tmp_path / "maps").iterdir()} == {"index.csv", *index["picture"]}
    assert sorted(index["scan"]) == ["new_0.png", "new_1.png", "new_2.png"]
    for _, row in index.iterrows():
        with Image.open(tmp_path / "maps" / row["picture"]) as picture, Image.open(flat / row["scan"]) as scan:
            assert picture.size == scan.size
            assert picture.mode == "RGB"


# Different options for each, so that none can be lost; all of them give maps that show something.
@pytest.mark.parametrize(
    ("target", "method", "layer"),
    [("NORMAL", "gradcam", "layer3"), ("DME", "hirescam", "layer2"), ("CNV", "layercam", "layer1")],
)
def test_the_pictures_are_the_overlays_of_the_library(shell, classifier, flat, tmp_path, target, method, layer):
    options = ("--target", target, "--method", method, "--layer", layer)
    index = explained(shell, tmp_path / "maps", classifier, flat, *options)
    maps = octlib.explain(octlib.load_classifier(classifier), flat, target=target, method=method, layer=layer)
    assert maps.has_signal.all()
    assert set(index["target"]) == {target}
    for name, overlay in zip(index["picture"], maps.overlays(), strict=True):
        with Image.open(tmp_path / "maps" / name) as picture:
            np.testing.assert_array_equal(np.asarray(picture), overlay)


def test_the_index_tells_the_class_explained_from_the_class_predicted(shell, classifier, flat, tmp_path):
    model = octlib.load_classifier(classifier)
    for options, flips in (((), None), (("--flips", "--batch-size", "2"), True)):
        output = tmp_path / f"maps{len(options)}"
        index = explained(shell, output, classifier, flat, "--target", "NORMAL", "--layer", "layer3", *options)
        assert list(index["target"]) == ["NORMAL"] * 3
        assert list(index["predicted"]) == list(octlib.predict(model, flat, flips=flips)["predicted"])
        maps = octlib.explain(model, flat, target="NORMAL", layer="layer3", flips=flips)
        with Image.open(output / index["picture"][0]) as picture:
            np.testing.assert_array_equal(np.asarray(picture), maps.overlay(0))


def test_scans_of_one_name_in_two_folders_are_kept_apart(shell, classifier, flat, tmp_path, monkeypatch):
    # In parts of three, so that the numbers go on from one part to the next.
    monkeypatch.setattr("octlib.cli.explain.AT_A_TIME", 3)
    for folder in ("left", "right"):
        (tmp_path / "scans" / folder).mkdir(parents=True)
        for path in flat.iterdir():
            (tmp_path / "scans" / folder / path.name).write_bytes(path.read_bytes())
    index = explained(shell, tmp_path / "maps", classifier, tmp_path / "scans")
    assert index["picture"].nunique() == len(index) == 6
    assert list(index["label"]) == ["left"] * 3 + ["right"] * 3


def test_maps_that_show_nothing_are_counted_once(shell, classifier, flat, tmp_path, monkeypatch):
    make = octlib.explain

    def silent(*args, **named):
        maps = make(*args, **named)
        maps.heatmaps[:] = 0
        maps.heatmaps[1:, 0, 0] = 1
        return maps

    monkeypatch.setattr(octlib, "explain", silent)
    result = shell("explain", classifier, flat, "--output", tmp_path / "maps")
    assert "Warning: 1 maps are constant and show nothing" in result.stderr
    assert list(pd.read_csv(tmp_path / "maps" / "index.csv")["has_signal"]) == [False, True, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "gradcan"), "did you mean 'gradcam'"),
        (("--target", "cnv"), "did you mean 'CNV'"),
        (("--layer", "layer9"), "did you mean 'layer"),
    ],
)
def test_misspelt_names_are_recognised_and_leave_no_folder(mistake, classifier, flat, tmp_path, options, message):
    assert message in mistake("explain", classifier, flat, "--output", tmp_path / "maps", *options)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_image_is_named_and_leaves_no_half_of_the_pictures(mistake, classifier, flat, tmp_path, monkeypatch):
    folder = shutil.copytree(flat, tmp_path / "flat")
    (folder / "new_9.png").write_bytes(b"no image")
    monkeypatch.setattr("octlib.cli.explain.AT_A_TIME", 4)
    assert str(folder / "new_9.png") in mistake("explain", classifier, folder, "--output", tmp_path / "maps")
    assert not (tmp_path / "maps").exists()


def test_broken_images_are_left_out_on_request(shell, classifier, flat, tmp_path):
    folder = shutil.copytree(flat, tmp_path / "flat")
    (folder / "new_1.png").write_bytes(b"no image")
    result = shell("explain", classifier, folder, "--output", tmp_path / "maps", "--on-error", "skip")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Warning: 1 of 3 scans can't be read and were left out: ") == 1
    assert list(pd.read_csv(tmp_path / "maps" / "index.csv")["scan"]) == ["new_0.png", "new_2.png"]


def test_the_document_is_the_index(shell, classifier, flat, tmp_path):
    result = shell("explain", classifier, flat, "-o", tmp_path / "maps", "--target", "DME", "--json")
    document = json.loads(result.stdout)
    assert document["output"] == str(tmp_path / "maps")
    index = pd.read_csv(tmp_path / "maps" / "index.csv")
    assert [row["picture"] for row in document["pictures"]] == list(index["picture"])
    assert list(document["pictures"][0]) == list(index.columns)
    assert {row["target"] for row in document["pictures"]} == {"DME"}


def test_pictures_have_names_that_every_system_takes(shell, classifier, oddly_named, tmp_path):
    result = shell("explain", classifier, oddly_named, "--output", tmp_path / "maps", "--json")
    assert result.exit_code == 0, result.output
    pictures = sorted(path.name for path in (tmp_path / "maps").glob("*.png"))
    assert len(pictures) == 12
    assert all(len(name.encode()) <= 120 and name.isprintable() for name in pictures)
    with (tmp_path / "maps" / "index.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["picture"] for row in rows) == pictures
    assert {oddly_named / row["scan"] for row in rows} == set(oddly_named.rglob("*.png"))


def test_names_of_a_table_lead_nowhere(shell, classifier, flat, tmp_path):
    paths = sorted(map(str, flat.iterdir()))
    names = ["a\0b", "../../../evil", "c:\\evil|?"]
    with (tmp_path / "t.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "name"), *zip(paths, names, strict=True)])
    index = explained(shell, tmp_path / "maps", classifier, tmp_path / "t.csv")
    assert sorted(index["picture"]) == ["00000-a_b.png", "00001-evil.png", "00002-c__evil__.png"]
    assert {path.name for path in tmp_path.iterdir()} == {"maps", "t.csv"}


def test_the_slices_of_a_stack_are_told_apart_by_name(shell, classifier, flat, tmp_path):
    pages = [Image.open(path).resize((96, 80)) for path in sorted(flat.iterdir())]
    (tmp_path / "scans").mkdir()
    pages[0].save(tmp_path / "scans" / f"{'e' * 150}.tif", save_all=True, append_images=pages[1:])
    index = explained(shell, tmp_path / "maps", classifier, tmp_path / "scans")
    assert list(index["picture"]) == [f"{number:05d}-{'e' * 100}-{number}.png" for number in range(3)]


def test_against_smooth_and_several_layers_are_those_of_the_library(shell, classifier, flat, tmp_path):
    options = ("--target", "DME", "--against", "CNV", "--smooth", "2", "--layer", "layer1", "--layer", "layer2")
    index = explained(shell, tmp_path / "maps", classifier, flat, *options)
    told = {"target": "DME", "against": "CNV", "smooth": 2, "layer": ["layer1", "layer2"]}
    maps = octlib.explain(octlib.load_classifier(classifier), flat, **told)
    assert set(index["against"]) == {"CNV"}
    for name, overlay in zip(index["picture"], maps.overlays(), strict=True):
        with Image.open(tmp_path / "maps" / name) as picture:
            np.testing.assert_array_equal(np.asarray(picture), overlay)
